//! Tenants: one ISP each, with its own money, clock, language and policy of cuts.
//!
//! Invariants: the slug is unique in the installation; a new tenant's automatic cuts are off until its first previewed
//! run. What must never happen: a statement here that touches two tenants, but for the look-ups named `find_*`.

mod cuts;
mod days;
mod door;
mod hours;
pub mod http;
mod languages;
mod logo;
mod model;
mod service;
mod store;

pub use days::{Dates, Weekdays};
pub use door::{Countries, Networks};
pub use hours::{DayHours, NoDayHours};
pub(crate) use languages::LOCALES;
pub use languages::{Languages, NoLanguages};
pub use logo::{Logo, LogoBytes, LogoTheme, MAX_LOGO_BYTES, logo_answer, logo_get, logo_remove, logo_set};
pub use model::{AutomaticCuts, NewTenant, OfflineCuts, Tenant, TenantChange, TenantState};
pub(crate) use service::row_write as tenant_row_write;
pub use service::{
    automatic_cuts_set, door_open, read_only, read_only_since, tenant_create, tenant_create_by, tenant_get,
    tenant_update, tenant_update_from,
};
pub(crate) use store::{COLUMNS, domain_write};
pub use store::{domain, domains, find_by_host, find_tenant, settings, tenant_ids, tenants_list};

use atalaya_kernel::{Permission, events::EventType};

/// Change the tenant's settings.
pub const WRITE: Permission = Permission::dangerous("tenant.write");

pub(crate) const PERMISSIONS: &[(Permission, &str)] = &[(WRITE, "Change the settings of the ISP")];

const CREATED: EventType = EventType {
    name: "tenant.created",
    version: 1,
    public: false,
    doc: "A tenant was made. Payload: the tenant.",
};
pub(crate) const UPDATED: EventType = EventType {
    name: "tenant.updated",
    version: 1,
    public: false,
    doc: "Settings were changed. Payload: the tenant.",
};

pub(crate) const EVENTS: &[EventType] = &[CREATED, UPDATED];
