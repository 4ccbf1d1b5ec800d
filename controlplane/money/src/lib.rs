//! What is sold, owed and paid, and what follows for the service.
//!
//! - [`catalog`]: plans. [`services`]: subscriptions and their status. [`billing`]: invoices and the ledger.
//!   [`payments`]: money received. [`collections`]: who is suspended for debt, and when.
//! - Money never knows the network: it publishes `service.suspended` and `service.reconnected`, and the network follows.
//! - Ledger entries are never changed; a balance is their sum. Amounts are minor units; there is one currency per tenant.
//! - Fail towards service: a suspension reads the debt again in its own transaction; a payment that settles the debt
//!   reconnects in its own.
//! - A transaction that reads a customer's debt and acts on it takes the customer's account first
//!   ([`billing`]'s `account_lock`), so that payments, invoices and suspensions of one customer come one after another;
//!   one that takes an invoice number takes it before any account. Rules see the whole customer whatever the scope of
//!   who asks; lists and reads show what the scope lets see.

pub mod billing;
pub mod catalog;
pub mod collections;
mod erased;
mod listed;
pub mod payments;
mod personal;
pub mod services;

pub use erased::ERASED;
pub use listed::Listed;
pub use personal::HELD;

use atalaya_kernel::{Error, Permission, events::EventType};
use utoipa_axum::router::OpenApiRouter;

/// Rights that this domain asks for.
pub const PERMISSIONS: &[&[(Permission, &str)]] = &[
    catalog::PERMISSIONS,
    services::PERMISSIONS,
    billing::PERMISSIONS,
    payments::PERMISSIONS,
    collections::PERMISSIONS,
];
/// Facts that this domain publishes.
pub const EVENTS: &[&[EventType]] =
    &[catalog::EVENTS, services::EVENTS, billing::EVENTS, payments::EVENTS, collections::EVENTS];

/// A thing that a request refers to and that does not exist, or may not be seen, is a wrong field of the request.
fn unknown(error: Error, pointer: &str) -> Error {
    match error {
        Error::NotFound => Error::invalid(pointer, "unknown", "there is no such thing"),
        error => error,
    }
}

/// All routes of the domain, below `/api/v1`.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(catalog::http::router())
        .merge(services::http::router())
        .merge(billing::http::router())
        .merge(payments::http::router())
        .merge(collections::http::router())
}
