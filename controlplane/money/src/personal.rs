//! What this domain holds of persons, and what of it they are shown.

use atalaya_kernel::personal::{
    Held, PersonKind,
    Shown::{Flag, Number, Text, Time},
};

const TECHNICAL: &str = "says how it is kept, and nothing about the person";
const OWN: &str = "it is the person's own";

/// Rows of a customer by `customer_id`.
const OF_CUSTOMER: Held = Held {
    table: "",
    of: PersonKind::Customer,
    by: "customer_id",
    document: "",
    key: Some("id"),
    shown: &[],
    left_out: &[],
    things: &[],
};

/// Tables with rows about persons.
pub const HELD: &[Held] = &[
    Held {
        table: "money_service",
        document: "services",
        shown: &[
            ("id", Text),
            ("plan_id", Text),
            ("site_id", Text),
            ("address", Text),
            ("starts_on", Text),
            ("status", Text),
            ("status_reason", Text),
            ("status_changed_at", Time),
            ("suspended_because", Text),
            ("spared_on", Text),
            ("created_at", Time),
            ("updated_at", Time),
        ],
        left_out: &[("customer_id", OWN), ("version", TECHNICAL)],
        things: &[("id", "svc_")],
        ..OF_CUSTOMER
    },
    Held {
        table: "money_account",
        key: None,
        left_out: &[("*", "one customer's entries are written one after another by it")],
        ..OF_CUSTOMER
    },
    Held {
        table: "money_invoice",
        document: "invoices",
        shown: &[
            ("id", Text),
            ("number", Number),
            ("service_id", Text),
            ("issued_on", Text),
            ("due_on", Text),
            ("period_from", Text),
            ("period_to", Text),
            ("currency", Text),
            ("total", Number),
            ("fees", Number),
            ("paid", Number),
            ("voided", Flag),
            ("created_at", Time),
            ("updated_at", Time),
        ],
        left_out: &[("customer_id", OWN), ("overdue_told", TECHNICAL), ("version", TECHNICAL)],
        things: &[("id", "inv_")],
        ..OF_CUSTOMER
    },
    Held {
        table: "money_invoice_line",
        by: "invoice_id",
        document: "invoice_lines",
        key: None,
        shown: &[
            ("invoice_id", Text),
            ("position", Number),
            ("description", Text),
            ("amount", Number),
            ("is_fee", Flag),
        ],
        ..OF_CUSTOMER
    },
    Held {
        table: "money_payment",
        document: "payments",
        shown: &[
            ("id", Text),
            ("received_at", Time),
            ("method", Text),
            ("operation_number", Text),
            ("currency", Text),
            ("amount", Number),
            ("allocated", Number),
            ("note", Text),
            ("created_at", Time),
        ],
        left_out: &[
            ("customer_id", OWN),
            ("answer", "what is shown, as it was answered"),
            ("idempotency_key", TECHNICAL),
            ("request_digest", TECHNICAL),
        ],
        things: &[("id", "pay_")],
        ..OF_CUSTOMER
    },
    Held {
        table: "money_allocation",
        by: "payment_id",
        document: "allocations",
        key: None,
        shown: &[("payment_id", Text), ("invoice_id", Text), ("amount", Number)],
        ..OF_CUSTOMER
    },
    Held {
        table: "money_ledger_entry",
        document: "ledger",
        shown: &[
            ("id", Text),
            ("occurred_at", Time),
            ("kind", Text),
            ("currency", Text),
            ("amount", Number),
            ("invoice_id", Text),
            ("payment_id", Text),
        ],
        left_out: &[("customer_id", OWN)],
        ..OF_CUSTOMER
    },
    Held {
        table: "money_cut_run_item",
        document: "cut_runs",
        key: None,
        shown: &[
            ("run_id", Text),
            ("service_id", Text),
            ("site_id", Text),
            ("owed", Number),
            ("days_overdue", Number),
            ("last_payment_at", Time),
            ("included", Flag),
            ("exclusion_reason", Text),
            ("result", Text),
            ("spared_on", Text),
            ("why", Text),
        ],
        left_out: &[("customer_id", OWN), ("failure", TECHNICAL), ("failure_code", TECHNICAL)],
        ..OF_CUSTOMER
    },
    Held {
        table: "money_cut_run",
        of: PersonKind::User,
        by: "created_by_id",
        key: None,
        left_out: &[("*", "a run is the ISP's; who asked for it stands in the trail, which is shown")],
        ..OF_CUSTOMER
    },
];
