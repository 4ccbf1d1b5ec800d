-- For the figures of sites, which are counted over all services.

CREATE INDEX money_service_of_site ON money_service (tenant_id, site_id, status);
