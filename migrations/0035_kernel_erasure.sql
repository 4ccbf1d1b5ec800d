-- Persons whose data was, or is being, taken out: who asked for it, why, and when it was done.

CREATE TABLE kernel_data_erasure (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- customer, user
    person_kind TEXT NOT NULL,
    -- Once at most.
    person_id TEXT NOT NULL,
    -- pending, done
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    done_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, person_id)
);

-- A run keeps the name of who asked for it; by this id the name is found when it has to go.
ALTER TABLE money_cut_run ADD COLUMN created_by_id TEXT;
UPDATE money_cut_run SET created_by_id =
    (SELECT CASE WHEN COUNT(*) = 1 THEN MIN(u.id) END FROM people_user u
     WHERE u.tenant_id = money_cut_run.tenant_id AND u.name = money_cut_run.created_by);
