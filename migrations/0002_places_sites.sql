-- Where things are. Sites form a tree.

CREATE TABLE places_site (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Lower case without accents, for search and sorting.
    name_key TEXT NOT NULL,
    parent_id TEXT,
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name_key),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES places_site (tenant_id, id)
);
