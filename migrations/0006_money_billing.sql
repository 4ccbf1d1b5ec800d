-- What is owed and paid. Ledger entries are never changed; a balance is their sum.

CREATE TABLE money_counter (
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    next_value BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- One row per customer with any money moved. A transaction that reads a debt and acts on it changes this row first, so
-- that payments, invoices and suspensions of one customer come one after another on both databases.
CREATE TABLE money_account (
    tenant_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, customer_id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES people_customer (tenant_id, id)
);

CREATE TABLE money_invoice (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- Without gaps within the tenant.
    number BIGINT NOT NULL,
    customer_id TEXT NOT NULL,
    service_id TEXT,
    period_from TEXT,
    period_to TEXT,
    issued_on TEXT NOT NULL,
    due_on TEXT NOT NULL,
    currency TEXT NOT NULL,
    total BIGINT NOT NULL,
    -- Part of the total that is fees: it never holds a reconnection back.
    fees BIGINT NOT NULL,
    -- Sum of the allocations, kept in the same transaction.
    paid BIGINT NOT NULL,
    voided BOOLEAN NOT NULL,
    -- Whether invoice.overdue was published.
    overdue_told BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, number),
    -- One monthly invoice per service: a billing run can be killed and run again.
    UNIQUE (tenant_id, service_id, period_from),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES people_customer (tenant_id, id),
    FOREIGN KEY (tenant_id, service_id) REFERENCES money_service (tenant_id, id)
);
CREATE INDEX money_invoice_of_customer ON money_invoice (tenant_id, customer_id, due_on);
CREATE INDEX money_invoice_unpaid ON money_invoice (tenant_id, due_on) WHERE voided = false AND paid < total;

CREATE TABLE money_invoice_line (
    tenant_id TEXT NOT NULL,
    invoice_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    description TEXT NOT NULL,
    amount BIGINT NOT NULL,
    is_fee BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, invoice_id, position),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES money_invoice (tenant_id, id)
);

CREATE TABLE money_payment (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    amount BIGINT NOT NULL,
    -- Sum of the allocations; the rest is credit.
    allocated BIGINT NOT NULL,
    currency TEXT NOT NULL,
    -- cash, transfer, wallet, card
    method TEXT NOT NULL,
    operation_number TEXT,
    received_at BIGINT NOT NULL,
    note TEXT,
    idempotency_key TEXT,
    -- SHA-256 of the request that the key stands for.
    request_digest TEXT,
    -- JSON of the answer that the request got, to be given again.
    answer TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, idempotency_key),
    UNIQUE (tenant_id, method, operation_number),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES people_customer (tenant_id, id)
);
CREATE INDEX money_payment_of_customer ON money_payment (tenant_id, customer_id, id);

CREATE TABLE money_allocation (
    tenant_id TEXT NOT NULL,
    payment_id TEXT NOT NULL,
    invoice_id TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, payment_id, invoice_id),
    FOREIGN KEY (tenant_id, payment_id) REFERENCES money_payment (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES money_invoice (tenant_id, id)
);
CREATE INDEX money_allocation_of_invoice ON money_allocation (tenant_id, invoice_id);

CREATE TABLE money_ledger_entry (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    -- invoice, void, payment
    kind TEXT NOT NULL,
    -- Positive: the customer owes more.
    amount BIGINT NOT NULL,
    currency TEXT NOT NULL,
    invoice_id TEXT,
    payment_id TEXT,
    occurred_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES people_customer (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES money_invoice (tenant_id, id),
    FOREIGN KEY (tenant_id, payment_id) REFERENCES money_payment (tenant_id, id)
);
CREATE INDEX money_ledger_of_customer ON money_ledger_entry (tenant_id, customer_id, id);

CREATE TABLE money_cut_run (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    -- preview, executing, done, expired
    state TEXT NOT NULL,
    created_by TEXT NOT NULL,
    grace_days BIGINT NOT NULL,
    tolerance BIGINT NOT NULL,
    currency TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES people_tenant (id)
);

CREATE TABLE money_cut_run_item (
    tenant_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    service_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    site_id TEXT NOT NULL,
    owed BIGINT NOT NULL,
    days_overdue BIGINT NOT NULL,
    last_payment_at BIGINT,
    why TEXT NOT NULL,
    included BOOLEAN NOT NULL,
    exclusion_reason TEXT,
    -- suspended, already_paid, failed
    result TEXT,
    PRIMARY KEY (tenant_id, run_id, service_id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES money_cut_run (tenant_id, id),
    FOREIGN KEY (tenant_id, service_id) REFERENCES money_service (tenant_id, id)
);
