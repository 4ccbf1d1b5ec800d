-- What stands on a device, as its agent listed it: whole tables, for imports and comparisons.

CREATE TABLE network_listing (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    -- receiving, complete, failed, stale
    state TEXT NOT NULL,
    -- JSON: the tables that were asked for.
    table_names TEXT NOT NULL,
    -- Parts kept so far.
    part_count BIGINT NOT NULL,
    -- Parts that there are, once the agent has said so.
    parts_expected BIGINT,
    -- Rows of a complete one.
    row_count BIGINT NOT NULL,
    -- When the device was read.
    read_at BIGINT,
    -- Why it failed, for people.
    detail TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When the last part came.
    updated_at BIGINT NOT NULL,
    finished_at BIGINT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, device_id) REFERENCES network_device (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX network_listing_of_device ON network_listing (tenant_id, device_id, state, read_at);

-- Parts that came: one that comes again is known.
CREATE TABLE network_listing_part (
    tenant_id TEXT NOT NULL,
    listing_id TEXT NOT NULL,
    part BIGINT NOT NULL,
    -- Of what it said.
    digest TEXT NOT NULL,
    PRIMARY KEY (tenant_id, listing_id, part),
    FOREIGN KEY (tenant_id, listing_id) REFERENCES network_listing (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE network_listing_row (
    tenant_id TEXT NOT NULL,
    listing_id TEXT NOT NULL,
    -- secrets, sessions, profiles, leases, queues, list_entries, pools, servers
    row_table TEXT NOT NULL,
    -- Tells it from the other rows of its table.
    row_name TEXT NOT NULL,
    -- The part that brought it.
    part BIGINT NOT NULL,
    -- JSON: what the device says of it, in our words.
    fields TEXT NOT NULL,
    -- Name, addresses and equipment in one comparable text, to be searched by everybody who may see devices.
    search_text TEXT NOT NULL,
    -- The comment, comparable: searched by those alone who may see it.
    comment_text TEXT NOT NULL,
    -- The point that it is a row of, where it is one of ours: whose it is.
    point_id TEXT,
    PRIMARY KEY (tenant_id, listing_id, row_table, row_name),
    FOREIGN KEY (tenant_id, listing_id) REFERENCES network_listing (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX network_listing_row_part ON network_listing_row (tenant_id, listing_id, part);
CREATE INDEX network_listing_row_point ON network_listing_row (tenant_id, point_id) WHERE point_id IS NOT NULL;
