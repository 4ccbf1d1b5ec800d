//! Customers: who pays.
//!
//! What they owe is money's; how they reach the network is network's. Here is who they are and how to find them.
//!
//! Whoever may not see phones, e-mails or documents is answered masks of them, everywhere, and cannot find a customer by
//! them. A mask that is sent back changes nothing; no mask is ever stored.

mod findable;
pub mod http;
mod list;
mod masking;
mod model;
mod service;
mod store;

pub use findable::{Customers, FOUND};
pub use list::{CustomerList, FIELDS};
pub use masking::{MASK, mask_state};
pub use model::{Customer, CustomerChange, NewCustomer};
pub use service::{
    customer_create, customer_erase, customer_get, customer_make, customer_update, customers_count,
    customers_list,
};
pub use store::{customer_find, customer_site_set, customers_behind, customers_by_ids};

use atalaya_kernel::{Permission, events::EventType};

/// See customers.
pub const READ: Permission = Permission::new("customer.read");
/// Make and change customers.
pub const WRITE: Permission = Permission::new("customer.write");

/// See phones and e-mails of customers; without it they are masked.
pub const SEE_CONTACT: Permission = Permission::new("customer.see_contact");
/// See identity documents of customers; without it they are masked.
pub const SEE_DOCUMENT: Permission = Permission::new("customer.see_document");

pub(crate) const PERMISSIONS: &[(Permission, &str)] = &[
    (READ, "See customers"),
    (WRITE, "Make and change customers"),
    (SEE_CONTACT, "See phones and e-mails of customers, which are masked without it"),
    (SEE_DOCUMENT, "See identity documents of customers, which are masked without it"),
];

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
