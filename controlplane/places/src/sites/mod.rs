//! Sites: POPs, nodes and towers, as a tree.
//!
//! Invariants: a name is unique within the tenant, whatever its case and accents; a site is never its own ancestor.

pub mod http;
mod model;
mod service;
mod store;

pub use model::{NewSite, Site, SiteChange};
pub use service::{site_create, site_get, site_update, sites_list};
pub use store::{site_exists, site_parents, site_subtree, sites_by_ids};

use atalaya_kernel::{Permission, events::EventType};

/// Read sites.
pub const READ: Permission = Permission::new("site.read");
/// Make and change sites.
pub const WRITE: Permission = Permission::new("site.write");

pub(crate) const PERMISSIONS: &[(Permission, &str)] =
    &[(READ, "See sites"), (WRITE, "Make and change sites")];

const CREATED: EventType =
    EventType { name: "site.created", version: 1, public: true, doc: "A site was made. Payload: the site." };
const UPDATED: EventType = EventType {
    name: "site.updated",
    version: 1,
    public: true,
    doc: "A site was changed. Payload: the site.",
};

pub(crate) const EVENTS: &[EventType] = &[CREATED, UPDATED];
