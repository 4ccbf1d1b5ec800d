-- Keys that are replaced while everything runs. A sealed value says by its first bytes under which number of its owner's
-- key it lies; the number that has not been retired is the one to seal with.

-- Keys of the installation itself: they seal the tenants' keys and the platform's own secrets. Number 0 is the
-- installation key itself, which did that before there were numbers.
CREATE TABLE kernel_platform_key (
    number BIGINT PRIMARY KEY,
    -- NULL while it is announced: every process learns it before the first value lies under it.
    active_at BIGINT,
    retired_at BIGINT,
    created_at BIGINT NOT NULL
);

-- The same keys, wrapped by a key outside the database; twice while that one is replaced.
CREATE TABLE kernel_platform_key_wrap (
    number BIGINT NOT NULL,
    -- Which key and which version of it: local/FINGERPRINT, transit/MOUNT/NAME/vVERSION.
    wrapped_by TEXT NOT NULL,
    -- Empty: it is that key itself (number 0).
    wrapped BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (number, wrapped_by),
    FOREIGN KEY (number) REFERENCES kernel_platform_key (number)
);

-- Since when a delivery or a job is given up and waits for a person.
ALTER TABLE kernel_delivery ADD COLUMN dead_at BIGINT;
ALTER TABLE kernel_job ADD COLUMN dead_at BIGINT;
CREATE INDEX kernel_delivery_dead ON kernel_delivery (tenant_id, dead_at) WHERE state = 'dead';
CREATE INDEX kernel_job_dead ON kernel_job (tenant_id, dead_at) WHERE state = 'dead';
