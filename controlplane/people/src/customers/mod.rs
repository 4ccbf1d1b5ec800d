//! Customers: who pays.
//!
//! What they owe is money's; how they reach the network is network's. Here is who they are and how to find them.

pub mod http;
mod model;
mod service;
mod store;

pub use model::{Customer, CustomerChange, CustomerFilter, NewCustomer};
pub use service::{customer_create, customer_get, customer_update, customers_list};
pub use store::{customer_find, customer_site_set, customers_by_ids};

use atalaya_kernel::{Permission, events::EventType};

/// See customers.
pub const READ: Permission = Permission("customer.read");
/// Make and change customers.
pub const WRITE: Permission = Permission("customer.write");

pub(crate) const PERMISSIONS: &[(Permission, &str)] =
    &[(READ, "See customers"), (WRITE, "Make and change customers")];

const CREATED: EventType = EventType {
    name: "customer.created",
    version: 1,
    public: true,
    doc: "A customer was made. Payload: id and name.",
};
const UPDATED: EventType = EventType {
    name: "customer.updated",
    version: 1,
    public: true,
    doc: "A customer was changed. Payload: id and name.",
};

pub(crate) const EVENTS: &[EventType] = &[CREATED, UPDATED];
