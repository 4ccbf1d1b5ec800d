-- Orders that say something while they run and can be stopped; and how a device is spoken to.

-- The order as JSON for people, where it holds no secret; the sealed one is dropped when it is done.
ALTER TABLE network_agent_job ADD COLUMN asked TEXT;
-- Not started after; NULL = deadline_at. A job whose run may be long is answered by deadline_at, and started much earlier.
ALTER TABLE network_agent_job ADD COLUMN start_by BIGINT;
-- Longest run; NULL = the agent's own limit.
ALTER TABLE network_agent_job ADD COLUMN limit_ms BIGINT;
-- A person asked to stop it; what came of that is its status.
ALTER TABLE network_agent_job ADD COLUMN cancelled_at BIGINT;
ALTER TABLE network_agent_job ADD COLUMN has_output BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX network_agent_job_with_output ON network_agent_job (finished_at) WHERE has_output;

-- What an order said, in the order in which it was said.
CREATE TABLE network_agent_job_part (
    tenant_id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    -- From 1; the same number is the same part.
    sequence BIGINT NOT NULL,
    -- JSON
    content TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, job_id, sequence),
    FOREIGN KEY (tenant_id, job_id) REFERENCES network_agent_job (tenant_id, id) ON DELETE CASCADE
);

-- Log in by challenge, as RouterOS before 6.43 wants it.
ALTER TABLE network_device ADD COLUMN legacy_login BOOLEAN NOT NULL DEFAULT false;
-- Most commands in flight at once; NULL = default of the kind.
ALTER TABLE network_device ADD COLUMN max_in_flight BIGINT;
