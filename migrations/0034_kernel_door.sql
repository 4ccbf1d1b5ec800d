-- Who is let in by the door of the web, and what it shows: certificates of a public authority (ACME, RFC 8555), shared by all
-- processes, and the lists of addresses of each ISP.

-- The installation's account with an authority: one for each directory.
CREATE TABLE kernel_acme_account (
    directory TEXT PRIMARY KEY,
    -- Its address and its key, as JSON, sealed with the platform's key.
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

-- A certificate that the installation wants, and the one that it has.
CREATE TABLE kernel_acme_certificate (
    directory TEXT NOT NULL,
    -- Host names in lower case, sorted, separated by spaces.
    names TEXT NOT NULL,
    -- When a process last wanted it.
    wanted_at BIGINT NOT NULL,
    -- How often it was issued: a process that shows an older one looks again.
    issue BIGINT NOT NULL,
    -- Chain and key (PEM), sealed with the platform's key; NULL until it is issued.
    sealed BYTEA,
    not_after BIGINT,
    issued_at BIGINT,
    -- Not ordered before.
    next_at BIGINT NOT NULL,
    -- Orders that failed since it was issued, and why the last one did.
    failures BIGINT NOT NULL,
    error TEXT,
    failed_at BIGINT,
    -- Who orders it now: the number grows with each claim, and a holder with an older one cannot keep what it got.
    fence BIGINT NOT NULL,
    lease_until BIGINT,
    PRIMARY KEY (directory, names)
);

-- What an authority is answered that asks for a proof (RFC 8555, section 8.3); whichever process it reaches answers.
CREATE TABLE kernel_acme_answer (
    token TEXT PRIMARY KEY,
    answer TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Who may use an ISP's pages and API: networks, and countries (ISO 3166), separated by commas. Both empty: everybody.
ALTER TABLE people_tenant ADD COLUMN allowed_networks TEXT NOT NULL DEFAULT '';
ALTER TABLE people_tenant ADD COLUMN allowed_countries TEXT NOT NULL DEFAULT '';
