-- Log-in by identity providers (OpenID Connect): which an ISP trusts, whose accounts there open whose log-in, and log-ins that
-- are under way.

CREATE TABLE people_identity_provider (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- What the button says.
    name TEXT NOT NULL,
    -- Never another one: accounts are of an issuer.
    issuer TEXT NOT NULL,
    client_id TEXT NOT NULL,
    sealed_secret BYTEA NOT NULL,
    -- JSON list of domains of e-mails; empty: any.
    allowed_domains TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, issuer),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id)
);

-- An account at a provider that opens a user's log-in, or that may be linked with it once.
CREATE TABLE people_identity (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    -- Of the user when it was allowed; the account that is linked has verified it.
    email TEXT NOT NULL,
    -- The issuer's name of the account; NULL while it is only allowed.
    subject TEXT,
    allowed_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    linked_at BIGINT,
    last_used_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, provider_id, subject),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people_user (tenant_id, id),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES people_identity_provider (tenant_id, id)
);
CREATE INDEX people_identity_of_user ON people_identity (tenant_id, user_id);

-- A log-in that went to a provider and did not come back yet. State and browser are kept as their SHA-256 only.
CREATE TABLE people_identity_attempt (
    tenant_id TEXT NOT NULL,
    state_hash TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    browser_hash TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, state_hash),
    FOREIGN KEY (tenant_id, provider_id) REFERENCES people_identity_provider (tenant_id, id)
);
