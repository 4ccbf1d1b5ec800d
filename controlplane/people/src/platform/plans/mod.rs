//! Plans of tenants, what they limit, and whether a tenant may change anything.
//!
//! Invariant: what is made is counted behind a lock of the tenant's row ([`room`]), which only tenants with that limit take.

pub mod http;
mod model;
mod service;
mod store;

pub use model::{Limit, NewTenantPlan, TenantPlan};
pub use service::{
    Room, plan_change, plan_create, plan_find, plan_of, plans_list, room, tenant_domain_set, tenant_plan_set,
    tenant_state_set,
};
