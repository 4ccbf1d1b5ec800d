-- What is sold, and who subscribes to it. Amounts are minor units of the tenant's currency.

CREATE TABLE money_plan (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    -- Bits per second, seen from the subscriber.
    download_bps BIGINT NOT NULL,
    upload_bps BIGINT NOT NULL,
    price BIGINT NOT NULL,
    currency TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name_key),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id)
);

CREATE TABLE money_service (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    site_id TEXT NOT NULL,
    address TEXT,
    starts_on TEXT NOT NULL,
    -- active, suspended, terminated
    status TEXT NOT NULL,
    -- overdue, manual; set while suspended
    suspended_because TEXT,
    status_reason TEXT,
    status_changed_at BIGINT NOT NULL,
    -- Day on which a person left it connected in spite of its debt; automatic cuts count only debt past grace later.
    spared_on TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES people_customer (tenant_id, id),
    FOREIGN KEY (tenant_id, plan_id) REFERENCES money_plan (tenant_id, id),
    FOREIGN KEY (tenant_id, site_id) REFERENCES places_site (tenant_id, id)
);
CREATE INDEX money_service_of_customer ON money_service (tenant_id, customer_id, id);
CREATE INDEX money_service_by_status ON money_service (tenant_id, status, id);
