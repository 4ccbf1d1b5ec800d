-- Passkeys of users (W3C Web Authentication), and the challenges that they answer.

-- The public key of a credential that an authenticator made for one host name.
CREATE TABLE people_passkey (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    host TEXT NOT NULL,
    -- Both base64url; the key is COSE.
    credential_id TEXT NOT NULL,
    public_key TEXT NOT NULL,
    -- Of its signatures; 0 for an authenticator that counts none.
    counter BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, credential_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people_user (tenant_id, id)
);
CREATE INDEX people_passkey_of_user ON people_passkey (tenant_id, user_id);

-- A challenge that was not answered yet, kept as its SHA-256 only.
CREATE TABLE people_passkey_challenge (
    tenant_id TEXT NOT NULL,
    challenge_hash TEXT NOT NULL,
    -- registration, entry, second_factor, step_up
    purpose TEXT NOT NULL,
    -- Whose; NULL for whoever enters.
    user_id TEXT,
    host TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, challenge_hash),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id)
);
