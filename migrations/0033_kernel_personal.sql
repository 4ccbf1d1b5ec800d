-- Copies of what is held of a person: who asked for which, what became of it, and the blobs that it lies in.

CREATE TABLE kernel_data_export (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- customer, user
    person_kind TEXT NOT NULL,
    person_id TEXT NOT NULL,
    -- pending, ready, expired
    state TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ready_at BIGINT,
    -- Until when it can be fetched.
    expires_at BIGINT,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX kernel_data_export_of_person ON kernel_data_export (tenant_id, person_id, id);
CREATE INDEX kernel_data_export_ready ON kernel_data_export (tenant_id, expires_at) WHERE state = 'ready';

-- One ZIP each: what one blob cannot hold goes into the next.
CREATE TABLE kernel_data_export_part (
    tenant_id TEXT NOT NULL,
    export_id TEXT NOT NULL,
    -- From 1.
    number BIGINT NOT NULL,
    blob_id TEXT NOT NULL,
    size BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, export_id, number),
    FOREIGN KEY (tenant_id, export_id) REFERENCES kernel_data_export (tenant_id, id),
    FOREIGN KEY (tenant_id, blob_id) REFERENCES kernel_blob (tenant_id, id)
);

-- When what is personal was taken out of the row; the row stays for what names it.
ALTER TABLE people_customer ADD COLUMN erased_at BIGINT;
ALTER TABLE people_user ADD COLUMN erased_at BIGINT;
