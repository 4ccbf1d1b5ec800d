//! Services: one subscription of a customer to a plan, at an address, served by a site.
//!
//! A service is `active`, `suspended` (because overdue, or by a person's hand) or `terminated`. This is the decision;
//! what the routers do about it is the network's, which follows `service.*`. A service suspended by hand is not brought
//! back by a payment; one suspended for debt is. One that a person left connected in spite of its debt is not cut for that
//! debt again without a person.

pub mod http;
mod list;
mod model;
mod rules;
mod service;
mod store;

pub use list::ServiceList;
pub use model::{NewService, Service, Status, SuspendedBecause};
pub(crate) use service::{reconnect_settled, suspend_for_debt};
pub use service::{
    service_create, service_cut, service_end, service_get, service_make, service_plan_change,
    service_reconnect, service_suspend, service_terminate, services_list,
};
pub use store::{
    SiteCustomers, customers_by_site, customers_served, service_find, services_by_ids, services_by_plan,
    services_by_site, services_by_status, services_count, services_of_customers,
};
pub(crate) use store::{customers_suspended_for_debt, services_spare};

use atalaya_kernel::{Permission, events::EventType};

/// See services.
pub const READ: Permission = Permission::new("service.read");
/// Make services, change their plan, end them.
pub const WRITE: Permission = Permission::new("service.write");
/// Cut by hand.
pub const SUSPEND: Permission = Permission::new("service.suspend");
/// Reconnect by hand.
pub const RECONNECT: Permission = Permission::new("service.reconnect");

pub(crate) const PERMISSIONS: &[(Permission, &str)] = &[
    (READ, "See services"),
    (WRITE, "Make services, change their plan, end them"),
    (SUSPEND, "Cut a service by hand"),
    (RECONNECT, "Reconnect a service by hand"),
];

const CREATED: EventType = EventType {
    name: "service.created",
    version: 1,
    public: true,
    doc: "A service was made. Payload: the service.",
};
const SUSPENDED: EventType = EventType {
    name: "service.suspended",
    version: 1,
    public: true,
    doc: "Decision to cut. Payload: the service; its status_reason says why. The effect is attachment.cut.",
};
const RECONNECTED: EventType = EventType {
    name: "service.reconnected",
    version: 1,
    public: true,
    doc: "Decision to reconnect. Payload: the service. The effect is attachment.reconnected.",
};
const PLAN_CHANGED: EventType = EventType {
    name: "service.plan_changed",
    version: 1,
    public: true,
    doc: "Another plan from now on. Payload: the service.",
};
const TERMINATED: EventType = EventType {
    name: "service.terminated",
    version: 1,
    public: true,
    doc: "The subscription ended. Payload: the service.",
};

pub(crate) const EVENTS: &[EventType] = &[CREATED, SUSPENDED, RECONNECTED, PLAN_CHANGED, TERMINATED];
