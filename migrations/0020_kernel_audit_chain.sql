-- Audit rows are sealed into a chain of hashes after their change has committed: a row that was changed, is missing or
-- was cut off at the end is found. Personal values stand beside a salted hash, so that erasing them keeps the chain.

ALTER TABLE kernel_audit ADD COLUMN position BIGINT;
ALTER TABLE kernel_audit ADD COLUMN actor_salt BYTEA;
ALTER TABLE kernel_audit ADD COLUMN actor_hash BYTEA;
ALTER TABLE kernel_audit ADD COLUMN content_salt BYTEA;
ALTER TABLE kernel_audit ADD COLUMN content_hash BYTEA;
ALTER TABLE kernel_audit ADD COLUMN chain BYTEA;
CREATE UNIQUE INDEX kernel_audit_position ON kernel_audit (tenant_id, position);
CREATE INDEX kernel_audit_unsealed ON kernel_audit (tenant_id, id) WHERE position IS NULL;
CREATE INDEX kernel_audit_by_actor ON kernel_audit (tenant_id, actor_id, id);

ALTER TABLE kernel_platform_audit ADD COLUMN position BIGINT;
ALTER TABLE kernel_platform_audit ADD COLUMN actor_salt BYTEA;
ALTER TABLE kernel_platform_audit ADD COLUMN actor_hash BYTEA;
ALTER TABLE kernel_platform_audit ADD COLUMN content_salt BYTEA;
ALTER TABLE kernel_platform_audit ADD COLUMN content_hash BYTEA;
ALTER TABLE kernel_platform_audit ADD COLUMN chain BYTEA;
CREATE UNIQUE INDEX kernel_platform_audit_position ON kernel_platform_audit (position);
CREATE INDEX kernel_platform_audit_unsealed ON kernel_platform_audit (id) WHERE position IS NULL;

-- End of a tenant's chain. Its row is the lock under which rows are sealed.
CREATE TABLE kernel_audit_head (
    tenant_id TEXT PRIMARY KEY,
    position BIGINT NOT NULL,
    chain BYTEA NOT NULL,
    sealed_at BIGINT NOT NULL
);

-- The same for the installation's own trail; one row.
CREATE TABLE kernel_platform_audit_head (
    id TEXT PRIMARY KEY,
    position BIGINT NOT NULL,
    chain BYTEA NOT NULL,
    sealed_at BIGINT NOT NULL
);
