-- Copies of the whole installation: the last ones tried, for the dashboard and for whoever looks for a good one.

CREATE TABLE kernel_backup (
    id TEXT PRIMARY KEY,
    started_at BIGINT NOT NULL,
    -- Null while it runs, or when the process died meanwhile.
    finished_at BIGINT,
    -- When a restore of it was rehearsed and held what was copied.
    verified_at BIGINT,
    -- Where it lies, on the machine that made it.
    path TEXT NOT NULL,
    bytes BIGINT,
    total_rows BIGINT,
    error TEXT
);
CREATE INDEX kernel_backup_newest ON kernel_backup (started_at);
