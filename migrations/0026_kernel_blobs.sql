-- Files and pictures of tenants. The bytes lie outside the database, under TENANT/BLOB, sealed with a key of their own.

CREATE TABLE kernel_blob (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- What it is for: logo, document, …
    kind TEXT NOT NULL,
    -- Of the content as it was given, hexadecimal: what is read is compared with it.
    content_sha256 TEXT NOT NULL,
    content_bytes BIGINT NOT NULL,
    -- The key that seals the bytes, under the tenant's.
    sealed_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    -- Gone for everybody who asks; the row and the bytes go a day later.
    removed_at BIGINT,
    -- Since when the sweep does not find the bytes.
    missing_since BIGINT,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX kernel_blob_removed ON kernel_blob (tenant_id, removed_at) WHERE removed_at IS NOT NULL;
