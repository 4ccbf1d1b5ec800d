//! Who may do what: rights, roles, scope.
//!
//! - A *right* is a permission that some domain declares; the [`Catalog`] lists them all. A *role* is a set of rights that it
//!   allows and a set that it denies. Whoever has several roles may do what one of them allows and none denies: deny wins.
//! - The built-in roles are code: they can be copied and not changed. A tenant makes its own beside them.
//! - A *scope* says of which part of the tenant somebody sees anything at all; it is on the person or key, not on the role.
//! - Nobody gives rights that they do not hold, and nobody changes a person or key that holds more than they do: else a
//!   password reset would be a promotion. An owner is the only one who makes another.
//! - Roles are read with every request, so that a change holds at once. A role that somebody has cannot be deleted.

mod builtin;
mod catalog;
pub mod http;
mod model;
mod rules;
mod scope;
mod service;
mod store;

pub use catalog::{Catalog, PermissionInfo};
pub use model::{NewRole, Role, RoleChange, RoleKey, RoleList, StaffRole, UnknownRole};
pub(crate) use rules::common;
pub use rules::{beyond, effective, permissions_of};
pub use scope::AccessScope;
pub(crate) use service::{rights_of, roles_checked};
pub use service::{role_create, role_delete, role_get, role_update, roles_list};
pub(crate) use store::further_roles_put;

use atalaya_kernel::{Permission, events::EventType};

/// Make, change and delete roles.
pub const WRITE: Permission = Permission::dangerous("role.write");
/// What an owner has and nobody else: giving and taking the role of owner.
pub const MAKE_OWNER: Permission = Permission::new("user.make_owner");

pub(crate) const PERMISSIONS: &[(Permission, &str)] = &[
    (WRITE, "Make, change and delete roles"),
    (MAKE_OWNER, "Give and take the role of owner; only owners have it"),
];

const CREATED: EventType = EventType {
    name: "role.created",
    version: 1,
    public: false,
    doc: "A role was made. Payload: id and name.",
};
const UPDATED: EventType = EventType {
    name: "role.updated",
    version: 1,
    public: false,
    doc: "A role was changed; whoever has it has its new rights at once. Payload: id and name.",
};
const DELETED: EventType = EventType {
    name: "role.deleted",
    version: 1,
    public: false,
    doc: "A role was deleted. Payload: id and name.",
};

pub(crate) const EVENTS: &[EventType] = &[CREATED, UPDATED, DELETED];
