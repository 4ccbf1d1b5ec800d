-- Notices to people: what was sent to whom on which channel, what of it they do not want, and when an ISP is quiet.

-- One row for each recipient and channel.
CREATE TABLE people_notice (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- security, access, approval
    kind TEXT NOT NULL,
    template TEXT NOT NULL,
    -- mail
    channel TEXT NOT NULL,
    -- Asking twice with the same key is asking once.
    dedupe_key TEXT NOT NULL,
    -- waiting, sent, held, failed
    state TEXT NOT NULL,
    -- Why it is held or failed: a word, and what the other end said.
    reason TEXT,
    detail TEXT,
    -- What the template is filled with; NULL once it is sent or given up: it may hold a link.
    sealed_values BYTEA,
    -- Where it went.
    address TEXT,
    attempts BIGINT NOT NULL,
    -- Not before.
    send_at BIGINT NOT NULL,
    -- Worthless from then on; NULL: never.
    expires_at BIGINT,
    sent_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, dedupe_key, user_id, channel),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people_user (tenant_id, id)
);
CREATE INDEX people_notice_of_user ON people_notice (tenant_id, user_id, id);

-- What a user wants of them. No row: everything, in the language of the ISP.
CREATE TABLE people_notice_preference (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- es-419, en, pt-BR; NULL: that of the ISP.
    locale TEXT,
    -- `kind/channel` separated by commas.
    refused TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people_user (tenant_id, id)
);

-- `21:00-08:00` in the time zone of the ISP; empty: never.
ALTER TABLE people_tenant ADD COLUMN quiet_hours TEXT NOT NULL DEFAULT '';
