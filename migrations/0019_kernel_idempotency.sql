-- Requests that were sent with an Idempotency-Key: committed with their effect, so that a second one changes nothing.

CREATE TABLE kernel_idempotency (
    tenant_id TEXT NOT NULL,
    -- Who asked: keys of two people never meet.
    asked_by TEXT NOT NULL,
    request_key TEXT NOT NULL,
    -- SHA-256 of method, path and body: the same key for something else is a mistake.
    fingerprint TEXT NOT NULL,
    -- The one request that had the effect.
    holder TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- The answer, once it is known; the body sealed, since it may show a secret once.
    status BIGINT,
    content_type TEXT,
    etag TEXT,
    body BYTEA,
    PRIMARY KEY (tenant_id, asked_by, request_key)
);
CREATE INDEX kernel_idempotency_by_age ON kernel_idempotency (tenant_id, created_at);
