-- Who did what to the installation itself: arming a copy, raising the schema, log-ins to an ISP that does not exist.
-- What concerns one tenant is in kernel_audit.

CREATE TABLE kernel_platform_audit (
    id TEXT PRIMARY KEY,
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
    request_id TEXT NOT NULL
);
