-- A tenant has several keys while one is replaced.
CREATE TABLE kernel_tenant_key_new (
    tenant_id TEXT NOT NULL,
    number BIGINT NOT NULL DEFAULT 1,
    -- Sealed by a platform key.
    wrapped BYTEA NOT NULL,
    retired_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, number)
);
INSERT INTO kernel_tenant_key_new (tenant_id, number, wrapped, created_at)
    SELECT tenant_id, 1, wrapped, created_at FROM kernel_tenant_key;
DROP TABLE kernel_tenant_key;
ALTER TABLE kernel_tenant_key_new RENAME TO kernel_tenant_key;
