-- A tenant has several keys while one is replaced; each is sealed by a platform key.
ALTER TABLE kernel_tenant_key ADD COLUMN number BIGINT NOT NULL DEFAULT 1;
ALTER TABLE kernel_tenant_key ADD COLUMN retired_at BIGINT;
ALTER TABLE kernel_tenant_key DROP CONSTRAINT kernel_tenant_key_pkey;
ALTER TABLE kernel_tenant_key ADD PRIMARY KEY (tenant_id, number);
