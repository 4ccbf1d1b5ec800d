-- Guesses that are slowed down, browsers that are known, second factors, links that set a password, keys and tokens of
-- programs.

-- Failed proofs in a row, by whom they were about and where they came from.
CREATE TABLE people_guess (
    tenant_id TEXT NOT NULL,
    -- SHA-256 of what was guessed at: an e-mail that may not exist, or a user's second factor.
    subject TEXT NOT NULL,
    -- A known browser, an address, or anybody who is not known.
    source TEXT NOT NULL,
    failures BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, subject, source),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id)
);

-- A browser from which a user has logged in completely. The cookie's token is kept as its SHA-256 only.
CREATE TABLE people_browser (
    tenant_id TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    user_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, token_hash, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people_user (tenant_id, id)
);

-- The authenticator app of a user (RFC 6238).
CREATE TABLE people_totp (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sealed_secret BYTEA NOT NULL,
    -- NULL until a first code was right: until then nothing asks for one.
    confirmed_at BIGINT,
    -- The last step whose code was taken: it is not taken again.
    last_step BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people_user (tenant_id, id)
);

-- For whoever lost the app: each is taken once.
CREATE TABLE people_recovery_code (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (tenant_id, user_id, code_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people_user (tenant_id, id)
);

-- Words of roles, separated by commas, whose users need a second factor.
ALTER TABLE people_tenant ADD COLUMN second_factor_roles TEXT NOT NULL DEFAULT '';

-- A link that lets set a password once. Its token is kept as its SHA-256 only.
CREATE TABLE people_link (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- invitation, reset
    kind TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (token_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people_user (tenant_id, id)
);

-- A key of a program. Its secret is kept as its SHA-256 only.
CREATE TABLE people_api_key (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    -- JSON array of names of rights.
    permissions TEXT NOT NULL,
    -- JSON; NULL: everything that its maker sees.
    scope TEXT,
    -- Whose rights and scope bound it, for as long as they have them.
    made_by TEXT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (id),
    FOREIGN KEY (tenant_id, made_by) REFERENCES people_user (tenant_id, id)
);
