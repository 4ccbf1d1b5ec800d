-- Operations that wait for a second person, and from which size a cut run does.

CREATE TABLE people_approval (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- Which operation runs when it is approved, and the JSON that it runs with.
    operation TEXT NOT NULL,
    payload TEXT NOT NULL,
    entity_kind TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    summary TEXT NOT NULL,
    -- pending, approved, rejected
    state TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_by_name TEXT NOT NULL,
    decided_by TEXT,
    decided_by_name TEXT,
    decided_at BIGINT,
    reason TEXT,
    expires_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id)
);
CREATE INDEX people_approval_of_entity ON people_approval (tenant_id, entity_id, state);

-- 0: none does.
ALTER TABLE people_tenant ADD COLUMN two_person_cuts_from BIGINT NOT NULL DEFAULT 0;
