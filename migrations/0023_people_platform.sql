-- Who runs the installation: plans that limit a tenant, its standing, operators with log-in and visits, what a tenant may ask
-- of the API in a minute.

-- What a tenant may have; NULL is unlimited. A plan is changed and never removed.
CREATE TABLE people_tenant_plan (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    customers BIGINT,
    devices BIGINT,
    users BIGINT,
    -- API requests of the whole tenant in a minute.
    requests_per_minute BIGINT,
    -- Whom a tenant asks for more.
    contact TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (name)
);

-- NULL: nothing is limited.
ALTER TABLE people_tenant ADD COLUMN plan_id TEXT;
-- active, read_only
ALTER TABLE people_tenant ADD COLUMN state TEXT NOT NULL DEFAULT 'active';
ALTER TABLE people_tenant ADD COLUMN state_reason TEXT;
ALTER TABLE people_tenant ADD COLUMN state_since BIGINT;
-- Days on which nobody is cut without a person: ISO weekdays (1 is Monday) and dates, separated by commas.
ALTER TABLE people_tenant ADD COLUMN no_cut_weekdays TEXT NOT NULL DEFAULT '';
ALTER TABLE people_tenant ADD COLUMN no_cut_dates TEXT NOT NULL DEFAULT '';

-- Host name of its own that selects a tenant before log-in.
CREATE TABLE people_tenant_domain (
    tenant_id TEXT PRIMARY KEY,
    -- Lower case, without a port.
    domain TEXT NOT NULL,
    UNIQUE (domain),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id)
);

-- API requests that were handed out to the processes, by minute; whose: the tenant's (`tenant`), or one key's.
CREATE TABLE people_request_window (
    tenant_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    minute BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, subject, minute),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id)
);
ALTER TABLE people_api_key ADD COLUMN requests_per_minute BIGINT;

-- A person who runs the installation.
CREATE TABLE people_operator (
    id TEXT PRIMARY KEY,
    -- Lower case.
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    -- PHC string of Argon2id.
    password_hash TEXT NOT NULL,
    disabled BOOLEAN NOT NULL,
    -- The authenticator app (RFC 6238), sealed with the installation key; NULL: none.
    totp_sealed BYTEA,
    totp_confirmed_at BIGINT,
    totp_last_step BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (email)
);

-- A log-in of an operator. The cookie's token is kept as its SHA-256 only.
CREATE TABLE people_operator_session (
    token_hash TEXT PRIMARY KEY,
    operator_id TEXT NOT NULL,
    csrf_token TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    proved_at BIGINT NOT NULL,
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL,
    FOREIGN KEY (operator_id) REFERENCES people_operator (id)
);
CREATE INDEX people_operator_session_of_operator ON people_operator_session (operator_id);

-- Failed proofs in a row, by what was guessed at and where from.
CREATE TABLE people_operator_guess (
    subject TEXT NOT NULL,
    source TEXT NOT NULL,
    failures BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (subject, source)
);

-- An operator in a tenant, with a reason and for a limited time. The cookie's token is kept as its SHA-256 only.
CREATE TABLE people_operator_visit (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    operator_id TEXT NOT NULL,
    -- Name at the time: a tenant does not see the operators.
    operator_name TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- JSON array of names of rights.
    permissions TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    csrf_token TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    ended_at BIGINT,
    -- Who ended it before its time.
    ended_by TEXT,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (token_hash),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id)
);
