-- How services reach the network, what must be true there, and what was read back.

CREATE TABLE network_attachment (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- A service of the money domain; known there, checked through its facade.
    service_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    -- pppoe, static
    kind TEXT NOT NULL,
    -- PPP user
    access_user TEXT,
    sealed_password BYTEA,
    -- PPP profile at full service; NULL = named after the plan's speed
    profile TEXT,
    address TEXT,
    -- Taken away by a person; its points are terminated and then forgotten.
    removed_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX network_attachment_of_service ON network_attachment (tenant_id, service_id);

-- One (device, method) at which an attachment is enforced, and the desired state there.
CREATE TABLE network_point (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    attachment_id TEXT NOT NULL,
    service_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    -- What is taken on the device: pppoe/USER or static/ADDRESS. NULL once the point is forgotten.
    access_key TEXT,
    -- active, suspended, terminated: what the agent is told
    status TEXT NOT NULL,
    timeline BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    -- Bits per second; 0 = not managed
    download_bps BIGINT NOT NULL,
    upload_bps BIGINT NOT NULL,
    profile TEXT NOT NULL,
    -- Digest of access and profile: a changed password or address is a change of desired state.
    access_digest TEXT NOT NULL,
    -- Why, for people.
    reason TEXT NOT NULL,
    -- brake, timeline: a cut is decided and waits for a person; NULL otherwise
    hold_reason TEXT,
    held_since BIGINT,
    -- A person released this very cut.
    released BOOLEAN NOT NULL,
    hold_open_until BIGINT,
    not_after BIGINT,
    -- When a cut from collections was let through here; what the brake counts.
    counted_cut_at BIGINT,
    -- Removed at the device after termination: no longer told to the agent.
    forgotten_at BIGINT,
    -- Before-image of fields that we do not manage, JSON, from the agent's reports.
    before_image TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, device_id, access_key),
    FOREIGN KEY (tenant_id, attachment_id) REFERENCES network_attachment (tenant_id, id),
    FOREIGN KEY (tenant_id, device_id) REFERENCES network_device (tenant_id, id)
);
CREATE INDEX network_point_of_service ON network_point (tenant_id, service_id);
CREATE INDEX network_point_of_attachment ON network_point (tenant_id, attachment_id);
CREATE INDEX network_point_of_device ON network_point (tenant_id, device_id, generation);
CREATE INDEX network_point_held ON network_point (tenant_id) WHERE hold_reason IS NOT NULL;
CREATE INDEX network_point_counted ON network_point (tenant_id, counted_cut_at) WHERE counted_cut_at IS NOT NULL;

-- What an agent last read back at a point.
CREATE TABLE network_observed (
    tenant_id TEXT NOT NULL,
    point_id TEXT NOT NULL,
    -- active, suspended, absent, unknown
    status TEXT NOT NULL,
    outcome TEXT NOT NULL,
    -- The desired state that this answers.
    timeline BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    detail TEXT NOT NULL,
    drift BOOLEAN NOT NULL,
    read_at BIGINT NOT NULL,
    -- When a change of ours last took effect.
    applied_at BIGINT,
    session_present BOOLEAN NOT NULL,
    session_since BIGINT,
    session_address TEXT NOT NULL,
    session_caller_id TEXT NOT NULL,
    -- The two truths after a payment, and the cut before it.
    cut_at BIGINT,
    unblocked_at BIGINT,
    session_seen_at BIGINT,
    PRIMARY KEY (tenant_id, point_id),
    FOREIGN KEY (tenant_id, point_id) REFERENCES network_point (tenant_id, id) ON DELETE CASCADE
);

-- Reports taken in; one that comes again is acknowledged and not applied again.
CREATE TABLE network_report (
    tenant_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    report_id BIGINT NOT NULL,
    -- SHA-256 of the report: an agent that lost its disk counts from one again.
    digest TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, report_id, digest),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES network_agent (tenant_id, id)
);
CREATE INDEX network_report_age ON network_report (tenant_id, received_at);
