-- Tenants, their settings, and the people who work for them.

CREATE TABLE people_tenant (
    id TEXT PRIMARY KEY,
    -- Names the tenant before log-in, in host names and on the chooser.
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    country TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    locale TEXT NOT NULL,
    brand_color TEXT,
    -- Days after the due date before a cut.
    grace_days BIGINT NOT NULL,
    -- Overdue debt, in minor units, that is not worth a cut and does not hold back a reconnection.
    debt_tolerance BIGINT NOT NULL,
    -- off_until_preview, on, off
    automatic_cuts TEXT NOT NULL,
    -- Safety brake: at most max(floor, basis points of the site's services) first cuts an hour.
    cut_brake_floor BIGINT NOT NULL,
    cut_brake_basis_points BIGINT NOT NULL,
    -- hold, apply: scheduled cuts while headquarters is away
    offline_cuts TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (slug)
);

CREATE TABLE people_user (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- Lower case.
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    -- PHC string of Argon2id.
    password_hash TEXT NOT NULL,
    disabled BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id)
);

-- A log-in of a person. The cookie's token is kept as its SHA-256 only.
CREATE TABLE people_session (
    token_hash TEXT PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    csrf_token TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES people_user (tenant_id, id)
);
CREATE INDEX people_session_of_user ON people_session (tenant_id, user_id);
