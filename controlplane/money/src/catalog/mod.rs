//! Plans: what is sold. A plan's price is in the tenant's currency; its speeds are bits per second, seen from the
//! subscriber. A plan that is not active is sold no more and goes on for those who have it.

pub mod http;
mod model;
mod service;
mod store;

pub use model::{NewPlan, Plan, PlanChange};
pub use service::{plan_create, plan_get, plan_update, plans_list};
pub use store::{plan_find, plans_by_ids};

use atalaya_kernel::{Permission, events::EventType};

/// See plans.
pub const READ: Permission = Permission::new("plan.read");
/// Make and change plans.
pub const WRITE: Permission = Permission::new("plan.write");

pub(crate) const PERMISSIONS: &[(Permission, &str)] =
    &[(READ, "See plans"), (WRITE, "Make and change plans")];

const CREATED: EventType =
    EventType { name: "plan.created", version: 1, public: true, doc: "A plan was made. Payload: the plan." };
const UPDATED: EventType = EventType {
    name: "plan.updated",
    version: 1,
    public: true,
    doc: "A plan was changed; services follow a changed speed. Payload: the plan.",
};

pub(crate) const EVENTS: &[EventType] = &[CREATED, UPDATED];
