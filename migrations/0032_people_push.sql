-- Web push (RFC 8030, 8291, 8292): browsers that people have notices shown in, and the key that the installation is known by.

-- One row: whoever pushes is known to a browser by the key that it subscribed with, for good.
CREATE TABLE people_push_key (
    id TEXT NOT NULL,
    -- Base64url of the point on P-256, uncompressed.
    public_key TEXT NOT NULL,
    sealed_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE people_push_subscription (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- What the browser says of itself, or its user.
    name TEXT NOT NULL,
    -- SHA-256 of the address: a browser is kept once in an ISP, for whoever switched it on last.
    endpoint_hash TEXT NOT NULL,
    -- Address, key and secret: whoever has them shows in that browser what they like.
    sealed_receiver BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    -- When its push service last took something.
    last_used_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, endpoint_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people_user (tenant_id, id)
);
CREATE INDEX people_push_subscription_of_user ON people_push_subscription (tenant_id, user_id);

-- Which browser a notice on the channel `push` is for; NULL on any other. Without a foreign key: a browser goes, what became of
-- its notices stays.
ALTER TABLE people_notice ADD COLUMN subscription_id TEXT;
