-- What people write about a thing of any sort and leave with it, known by its id; and what happened to it.

CREATE TABLE kernel_note (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- Id of the thing.
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    pinned BOOLEAN NOT NULL,
    author_id TEXT NOT NULL,
    -- At the time.
    author_name TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX kernel_note_subject ON kernel_note (tenant_id, subject, pinned, id);

CREATE TABLE kernel_file (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    -- As its first bytes say.
    media_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    author_id TEXT NOT NULL,
    author_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    blob_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, blob_id) REFERENCES kernel_blob (tenant_id, id)
);
CREATE INDEX kernel_file_subject ON kernel_file (tenant_id, subject, id);

-- Which events are about a thing or name it: its timeline is one range of the key. The event itself stands where it was written, and
-- stays as long as it is on a timeline.
CREATE TABLE kernel_timeline (
    tenant_id TEXT NOT NULL,
    -- Id of the thing.
    subject TEXT NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, subject, event_id),
    FOREIGN KEY (tenant_id, event_id) REFERENCES kernel_event (tenant_id, id)
);

-- The event that an order to a device came of: its effect, read back, has the same cause. None when nobody told, and the reconcile
-- saw it.
ALTER TABLE network_point ADD COLUMN cause_id TEXT;

-- Events by what they are about are asked of the timeline from here on.
DROP INDEX kernel_event_by_entity;
INSERT INTO kernel_timeline (tenant_id, subject, event_id) SELECT tenant_id, entity_id, id FROM kernel_event;
