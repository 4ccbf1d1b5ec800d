//! Payments: money received, what it pays, and the reconnection that follows in the same transaction.
//!
//! Invariants: a request sent twice with one `Idempotency-Key` is one payment; an operation number of a method is
//! registered once; allocations of a payment never exceed it, nor those of an invoice its total; services are paid
//! before fees, the oldest due first, so that a fee never holds a reconnection back; what is left is credit and pays the
//! next invoice.

pub mod http;
mod list;
mod model;
mod rules;
mod service;
mod store;

pub use list::PaymentList;
pub use model::{Allocation, Method, NewPayment, Payment, PaymentDetail, Registered};
pub(crate) use service::{credit_use, reconnect_if_settled};
pub use service::{payment_get, payment_register, payments_list};
pub use store::received_since;
pub(crate) use store::{allocations_release, last_payments};

use atalaya_kernel::{Permission, events::EventType};

/// See payments.
pub const READ: Permission = Permission::new("payment.read");
/// Register payments.
pub const REGISTER: Permission = Permission::new("payment.register");

pub(crate) const PERMISSIONS: &[(Permission, &str)] =
    &[(READ, "See payments"), (REGISTER, "Register payments")];

const RECEIVED: EventType = EventType {
    name: "payment.received",
    version: 1,
    public: true,
    doc: "Money was received. Payload: the payment.",
};

pub(crate) const EVENTS: &[EventType] = &[RECEIVED];
