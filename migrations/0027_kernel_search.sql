-- What is looked for: things by the words of their fields. Made from the owners' rows, by the owners' transactions, and made
-- anew from them at any time.

CREATE TABLE kernel_search_entry (
    tenant_id TEXT NOT NULL,
    -- Id of the thing.
    subject TEXT NOT NULL,
    -- Sort of thing: customer, service, device, invoice, …
    kind TEXT NOT NULL,
    -- Subject at whose sites this one is seen: itself, or the customer of an invoice.
    seen_with TEXT NOT NULL,
    -- Customer whom it is about, when it is about one.
    customer_id TEXT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, subject)
);
CREATE INDEX kernel_search_entry_kind ON kernel_search_entry (tenant_id, kind, subject);

CREATE TABLE kernel_search_word (
    tenant_id TEXT NOT NULL,
    -- Comparable, see kernel/src/search/words.rs; one that begins with `<` is written from its end.
    word TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- Where it stands: name, phone, …
    field TEXT NOT NULL,
    PRIMARY KEY (tenant_id, word, subject, field)
);
CREATE INDEX kernel_search_word_subject ON kernel_search_word (tenant_id, subject, word);

-- Sites at which a subject is seen by whoever sees those.
CREATE TABLE kernel_search_place (
    tenant_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    site_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, subject, site_id)
);

-- Each different word of letters once, by its three-letter pieces: what a mistyped word is like.
CREATE TABLE kernel_search_gram (
    tenant_id TEXT NOT NULL,
    -- Empty: the word itself is known.
    gram TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (tenant_id, gram, word)
);
