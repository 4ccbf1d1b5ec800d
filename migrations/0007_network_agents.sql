-- Who serves the sites: authorities, agents, their tokens, certificates, sessions and jobs; and the devices they talk to.

-- The installation's root. One row; its key is sealed by the installation key.
CREATE TABLE network_root (
    id TEXT PRIMARY KEY,
    certificate BYTEA NOT NULL,
    sealed_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

-- Issuing authority of a tenant; two while one is replaced.
CREATE TABLE network_authority (
    tenant_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    certificate BYTEA NOT NULL,
    sealed_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, number)
);

-- What orders the desired states of a tenant. Its row is the lock under which they are written.
CREATE TABLE network_timeline (
    tenant_id TEXT PRIMARY KEY,
    -- Raised when an agent holds what this database never gave out: a backup was restored.
    timeline BIGINT NOT NULL,
    -- Last generation given out, over all points of the tenant.
    generation BIGINT NOT NULL,
    raised_at BIGINT NOT NULL
);

CREATE TABLE network_agent (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    enrolled_at BIGINT,
    certificate_fingerprint TEXT,
    certificate_expires_at BIGINT,
    revoked_at BIGINT,
    revoked_reason TEXT,
    -- Version of the configuration it should hold, and the digest of what that version says.
    config_version BIGINT NOT NULL,
    config_digest TEXT NOT NULL,
    -- Grow with each change that its session should look at.
    config_signal BIGINT NOT NULL,
    job_signal BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name_key)
);

CREATE TABLE network_agent_site (
    tenant_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    site_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, site_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES network_agent (tenant_id, id),
    FOREIGN KEY (tenant_id, site_id) REFERENCES places_site (tenant_id, id)
);

-- What an agent last said of itself.
CREATE TABLE network_agent_status (
    tenant_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    connected BOOLEAN NOT NULL,
    last_seen_at BIGINT,
    agent_version TEXT NOT NULL,
    backlog_batches BIGINT NOT NULL,
    backlog_bytes BIGINT NOT NULL,
    oldest_unsent_at BIGINT,
    buffer_state TEXT NOT NULL,
    evicted_samples BIGINT NOT NULL,
    clock_offset_ms BIGINT NOT NULL,
    -- In force at the agent, and why a newer one was refused.
    config_applied BIGINT NOT NULL,
    config_error TEXT NOT NULL,
    cuts_held_reason TEXT NOT NULL,
    duplicate_identity_at BIGINT,
    PRIMARY KEY (tenant_id, agent_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES network_agent (tenant_id, id)
);

-- Who holds an agent's connection. The higher epoch lives.
CREATE TABLE network_agent_session (
    tenant_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    -- Process of the control plane.
    instance TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    connected_at BIGINT NOT NULL,
    -- Start of the agent's process that speaks, and the one it took over from: two in turns are two machines.
    run_id TEXT NOT NULL,
    previous_run_id TEXT NOT NULL,
    -- X25519 key to which this agent's credentials are sealed.
    sealing_key BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, agent_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES network_agent (tenant_id, id)
);
CREATE INDEX network_agent_session_lease ON network_agent_session (lease_until);

CREATE TABLE network_agent_token (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    site_id TEXT NOT NULL,
    -- SHA-256 of the token, hexadecimal; the token itself is shown once and not kept.
    token_hash TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    withdrawn_at BIGINT,
    -- The one key that redeemed it, and the certificate it got: asking again is answered alike.
    public_key_hash TEXT,
    certificate BYTEA,
    used_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (token_hash),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES network_agent (tenant_id, id)
);

CREATE TABLE network_device (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    site_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    -- routeros, snmp, icmp
    kind TEXT NOT NULL,
    host TEXT NOT NULL,
    -- NULL = default of the kind
    port BIGINT,
    tls BOOLEAN NOT NULL,
    -- SHA-256, hexadecimal; NULL = any certificate, shown as such
    tls_fingerprint TEXT,
    sealed_credentials BYTEA,
    -- observe, enforce
    mode TEXT NOT NULL,
    measure_interval_s BIGINT NOT NULL,
    cut_profile TEXT NOT NULL,
    cut_address_list TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name_key),
    FOREIGN KEY (tenant_id, site_id) REFERENCES places_site (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES network_agent (tenant_id, id)
);
CREATE INDEX network_device_of_agent ON network_device (tenant_id, agent_id);
CREATE INDEX network_device_of_site ON network_device (tenant_id, site_id);

-- What an agent last learnt of a device.
CREATE TABLE network_device_status (
    tenant_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    -- answers, silent, refuses, unknown
    state TEXT NOT NULL,
    state_detail TEXT NOT NULL,
    state_since BIGINT NOT NULL,
    last_answer_at BIGINT,
    model TEXT NOT NULL,
    firmware TEXT NOT NULL,
    serial TEXT NOT NULL,
    identity TEXT NOT NULL,
    uptime_ms BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, device_id),
    FOREIGN KEY (tenant_id, device_id) REFERENCES network_device (tenant_id, id) ON DELETE CASCADE
);

-- One-off orders to an agent and what came of them.
CREATE TABLE network_agent_job (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    -- test_connection, plan_device, sweep_device
    kind TEXT NOT NULL,
    device_id TEXT,
    -- The order as JSON; sealed, because a connection test holds credentials. Dropped when it is done.
    sealed_order BYTEA,
    -- waiting, done, failed, timed_out
    status TEXT NOT NULL,
    deadline_at BIGINT NOT NULL,
    detail TEXT NOT NULL,
    -- JSON; none until it is done
    result TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES network_agent (tenant_id, id)
);
CREATE INDEX network_agent_job_waiting ON network_agent_job (tenant_id, agent_id) WHERE status = 'waiting';
CREATE INDEX network_agent_job_of_device ON network_agent_job (tenant_id, device_id, id);
