-- First cuts an hour over the whole ISP, hundredths of a percent of its services; beside the brake of each site.

ALTER TABLE people_tenant ADD COLUMN cut_brake_tenant_basis_points BIGINT NOT NULL DEFAULT 200;
