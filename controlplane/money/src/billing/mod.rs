//! Invoices and the ledger.
//!
//! An invoice is numbered without gaps within its tenant, in the transaction that makes it; a monthly invoice is unique
//! per service and month, so a billing run can be killed and run again. A ledger entry is never changed: an invoice
//! debits, a payment and a void credit, and a customer's balance is the sum. A voided month stays billed: a later run does
//! not undo what a person decided. What of an invoice is paid is the sum of
//! its allocations, kept beside it in the same transaction.

mod findable;
pub mod http;
mod ledger;
mod list;
mod model;
mod rules;
mod run;
mod service;
mod store;

pub use findable::{FOUND, Invoices};
pub use ledger::{Balance, balances, overdue_by_customer, overdue_sum, owes};
pub(crate) use ledger::{EntryKind, NewEntry, account_lock, entry_record};
pub use list::InvoiceList;
pub(crate) use model::InvoiceRow;
pub use model::{
    BillingRun, Invoice, InvoiceDetail, InvoiceLine, InvoiceStatus, ListedStatus, NewInvoice, Period,
};
pub use rules::Debt;
pub(crate) use rules::debt;
pub use run::billing_run;
pub use service::{invoice_create, invoice_get, invoice_void, invoices_by_ids, invoices_list, overdue_pass};
pub(crate) use store::{customers_owing, invoices_unpaid, paid_add};

use atalaya_kernel::{Permission, events::EventType};

/// See invoices.
pub const READ: Permission = Permission::new("invoice.read");
/// Issue invoices and run the month's billing.
pub const ISSUE: Permission = Permission::new("invoice.issue");
/// Void an invoice.
pub const VOID: Permission = Permission::new("invoice.void");

pub(crate) const PERMISSIONS: &[(Permission, &str)] = &[
    (READ, "See invoices"),
    (ISSUE, "Issue invoices and run the month's billing"),
    (VOID, "Void an invoice"),
];

const CREATED: EventType = EventType {
    name: "invoice.created",
    version: 1,
    public: true,
    doc: "An invoice was issued. Payload: the invoice.",
};
const OVERDUE: EventType = EventType {
    name: "invoice.overdue",
    version: 1,
    public: true,
    doc: "The due date passed with debt left; told once. Payload: the invoice.",
};
const VOIDED: EventType = EventType {
    name: "invoice.voided",
    version: 1,
    public: true,
    doc: "An invoice was voided. Payload: the invoice.",
};

pub(crate) const EVENTS: &[EventType] = &[CREATED, OVERDUE, VOIDED];
