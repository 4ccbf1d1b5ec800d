-- Short tokens of programs that act for a person.

-- Keys of the installation that sign them. The newest signs; an older one verifies until its last token has ended.
CREATE TABLE people_token_key (
    -- Its thumbprint (RFC 7638): `kid` of the tokens that it signs.
    id TEXT PRIMARY KEY,
    -- Ed25519, base64url: `x` of its JWK.
    public_key TEXT NOT NULL,
    -- PKCS #8, sealed by the platform's key.
    sealed_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

-- What one program was given with one proof of who its user is: all tokens that follow from it end together.
CREATE TABLE people_token_family (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- What the program is called.
    name TEXT NOT NULL,
    -- JSON array of names of rights; NULL: everything that its user may.
    permissions TEXT,
    -- Where it was last heard of.
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people_user (tenant_id, id)
);
CREATE INDEX people_token_family_of_user ON people_token_family (tenant_id, user_id);

-- A refresh token, kept as its SHA-256 only.
CREATE TABLE people_refresh_token (
    tenant_id TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    family_id TEXT NOT NULL,
    -- The one whose use gave this one; NULL for a family's first.
    follows TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    spent_at BIGINT,
    -- From where it was used, as SHA-256; empty for one that was replaced unused.
    spent_from TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, token_hash),
    UNIQUE (token_hash),
    FOREIGN KEY (tenant_id, family_id) REFERENCES people_token_family (tenant_id, id)
);
CREATE INDEX people_refresh_token_of_family ON people_refresh_token (tenant_id, family_id);
CREATE INDEX people_refresh_token_after ON people_refresh_token (tenant_id, follows);
