-- What every domain stands on: events and their deliveries, jobs, audit, tenant keys, the installation itself.

CREATE TABLE kernel_installation (
    id TEXT PRIMARY KEY,
    environment TEXT NOT NULL,
    -- Fingerprint of the machine that armed it; another one starts in safe mode.
    host TEXT NOT NULL,
    armed BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE kernel_tenant_key (
    tenant_id TEXT PRIMARY KEY,
    -- Wrapped by the installation key.
    wrapped BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE kernel_event (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    version BIGINT NOT NULL,
    occurred_at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    entity_kind TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    causation_id TEXT,
    -- JSON objects, never filtered in SQL.
    related TEXT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
-- For the live stream, which looks at the last seconds of all tenants.
CREATE INDEX kernel_event_by_time ON kernel_event (occurred_at);
CREATE INDEX kernel_event_by_entity ON kernel_event (tenant_id, entity_id, id);

CREATE TABLE kernel_delivery (
    tenant_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    subscriber TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    -- pending, leased, done, dead
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    lease_token TEXT,
    lease_until BIGINT,
    error TEXT,
    PRIMARY KEY (tenant_id, event_id, subscriber),
    FOREIGN KEY (tenant_id, event_id) REFERENCES kernel_event (tenant_id, id)
);
CREATE INDEX kernel_delivery_due ON kernel_delivery (next_at) WHERE state = 'pending';
CREATE INDEX kernel_delivery_leased ON kernel_delivery (lease_until) WHERE state = 'leased';
CREATE INDEX kernel_delivery_order ON kernel_delivery (tenant_id, subscriber, entity_id, event_id) WHERE state <> 'done';

CREATE TABLE kernel_job (
    id TEXT PRIMARY KEY,
    tenant_id TEXT,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    -- One job per key: asking twice is asking once.
    dedupe_key TEXT NOT NULL,
    -- pending, leased, done, dead
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    run_at BIGINT NOT NULL,
    -- Grows with each claim; a holder with an older number cannot commit.
    fence BIGINT NOT NULL,
    lease_until BIGINT,
    error TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (kind, dedupe_key)
);
CREATE INDEX kernel_job_due ON kernel_job (run_at) WHERE state IN ('pending', 'leased');

CREATE TABLE kernel_audit (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    action TEXT NOT NULL,
    entity_kind TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    before_state TEXT,
    after_state TEXT,
    reason TEXT,
    request_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX kernel_audit_by_entity ON kernel_audit (tenant_id, entity_id, id);
