-- What stood on a router before us, and what becomes of it.

-- An attachment that was taken over leaves speeds as they are on the device until a person says otherwise.
ALTER TABLE network_attachment ADD COLUMN speed_managed BOOLEAN NOT NULL DEFAULT true;

-- A point that was forgotten as it stood, without its end: its agent has to forget it too, and leaves the device as it is.
ALTER TABLE network_point ADD COLUMN let_go BOOLEAN NOT NULL DEFAULT false;

CREATE TABLE network_import (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    -- preparing, open, running, undoing, closed
    state TEXT NOT NULL,
    -- The device while the import is not closed: one at a time.
    under_way TEXT,
    -- When the device was read.
    read_at BIGINT NOT NULL,
    -- Site of services that are made.
    site_id TEXT NOT NULL,
    -- JSON: what rows mean that do not pass, by group.
    answers TEXT NOT NULL,
    -- JSON: plans of services that are made, by the profile of the row; the empty one for all others.
    plans TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, under_way),
    FOREIGN KEY (tenant_id, device_id) REFERENCES network_device (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX network_import_of_device ON network_import (tenant_id, device_id, id);

CREATE TABLE network_import_row (
    tenant_id TEXT NOT NULL,
    import_id TEXT NOT NULL,
    -- Table and name of the row.
    row_name TEXT NOT NULL,
    -- JSON: the row as it was read.
    found TEXT NOT NULL,
    -- User, address, equipment and comment in one comparable text.
    search_text TEXT NOT NULL,
    -- exact, suggested, leftover, companion
    bin TEXT NOT NULL,
    -- JSON: whose it may be.
    candidates TEXT NOT NULL,
    -- JSON: why a person should look twice.
    doubts TEXT NOT NULL,
    companion_of TEXT,
    -- JSON: what a pattern read out of the comment.
    said TEXT,
    -- Rows that do not pass and are alike; none for a row that passes.
    group_name TEXT,
    -- accept, create, skip; none while nobody decided
    decision TEXT,
    -- made, failed; none while nothing was done
    result TEXT,
    failure TEXT,
    failure_code TEXT,
    -- Whom the decision is for; then whom it was made for.
    customer_id TEXT,
    service_id TEXT,
    attachment_id TEXT,
    -- Whether the import made them.
    made_customer BOOLEAN NOT NULL,
    made_service BOOLEAN NOT NULL,
    -- Version of the service when the row was done: whether somebody changed it since.
    service_version BIGINT,
    PRIMARY KEY (tenant_id, import_id, row_name),
    FOREIGN KEY (tenant_id, import_id) REFERENCES network_import (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX network_import_row_of_customer ON network_import_row (tenant_id, customer_id) WHERE customer_id IS NOT NULL;

CREATE TABLE network_import_pattern (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- As people write it.
    pattern TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, pattern)
);
