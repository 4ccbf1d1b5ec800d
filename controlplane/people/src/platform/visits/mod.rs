//! An operator of the installation in a tenant: with a reason, for a limited time, with the rights that were named.
//!
//! Invariants: a visit begins with an operator's fresh log-in; it ends by itself at its time, with its operator's log-in being
//! taken away, or at once when the tenant or the operator ends it; every row that it leaves names the operator; its begin and
//! end are in the tenant's trail and in the installation's.

pub mod http;
mod model;
mod service;
mod store;

pub use model::{NewVisit, Visit, Visiting};
pub use service::{
    authenticate, visit_begin, visit_end, visit_end_as_operator, visit_end_own, visits_list, visits_of_tenant,
};

use atalaya_kernel::{Permission, events::EventType};

/// See which operators were or are in the tenant.
pub const READ: Permission = Permission::new("operator_visit.read");
/// End a visit.
pub const END: Permission = Permission::new("operator_visit.end");

/// Rights that are asked for.
pub const PERMISSIONS: &[(Permission, &str)] = &[
    (READ, "See when an operator of the installation was in the ISP, and why"),
    (END, "End the visit of an operator of the installation"),
];

const BEGUN: EventType = EventType {
    name: "operator_visit.begun",
    version: 1,
    public: false,
    doc: "An operator of the installation entered the tenant. Payload: the visit.",
};
const ENDED: EventType = EventType {
    name: "operator_visit.ended",
    version: 1,
    public: false,
    doc: "A visit was ended before its time. Payload: the visit.",
};

/// Facts that are published.
pub const EVENTS: &[EventType] = &[BEGUN, ENDED];
