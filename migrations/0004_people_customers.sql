-- Who pays.

CREATE TABLE people_customer (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Lower case without accents, for sorting.
    name_key TEXT NOT NULL,
    -- name, document, phone, e-mail and address in one comparable text.
    search_text TEXT NOT NULL,
    document TEXT,
    phone TEXT,
    email TEXT,
    address TEXT,
    notes TEXT,
    -- Site of the customer's services, kept by the service's domain through the facade; for scope and filters.
    site_id TEXT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id),
    FOREIGN KEY (tenant_id, site_id) REFERENCES places_site (tenant_id, id)
);
CREATE INDEX people_customer_by_name ON people_customer (tenant_id, name_key, id);
