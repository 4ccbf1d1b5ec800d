-- What is true on routers, compared with what should be.

CREATE TABLE network_comparison (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    -- When the router was read; none where nothing is known.
    read_at BIGINT,
    -- Points that are as they should be.
    in_order BIGINT NOT NULL,
    -- JSON: how many findings of each class.
    counts TEXT NOT NULL,
    -- JSON: of how many points nothing is known, by reason.
    not_known TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, device_id) REFERENCES network_device (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX network_comparison_of_device ON network_comparison (tenant_id, device_id, id);

CREATE TABLE network_comparison_finding (
    tenant_id TEXT NOT NULL,
    comparison_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    -- paid_but_cut, cut_but_online, unknown_to_us, not_in_router, differs
    class TEXT NOT NULL,
    -- Whom it is about; none for a row that is nobody's.
    point_id TEXT,
    service_id TEXT,
    customer_id TEXT,
    -- Table and name of the row; empty where there is none.
    row_name TEXT NOT NULL,
    -- JSON: what of the row says so.
    facts TEXT NOT NULL,
    PRIMARY KEY (tenant_id, comparison_id, number),
    FOREIGN KEY (tenant_id, comparison_id) REFERENCES network_comparison (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX network_comparison_finding_of_customer ON network_comparison_finding (tenant_id, customer_id) WHERE customer_id IS NOT NULL;
