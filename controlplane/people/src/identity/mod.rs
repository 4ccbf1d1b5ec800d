//! The staff, how they log in, and what each role may do.
//!
//! Invariants: an e-mail is unique within the tenant; passwords are kept as Argon2id, session tokens as SHA-256; a log-in
//! with an unknown e-mail costs the same time as one with a wrong password; disabling a user or changing a password ends
//! the user's sessions; a tenant keeps one enabled owner at least.

pub mod http;
mod model;
mod password;
mod roles;
mod service;
mod sessions;
mod store;

pub use model::{LoggedIn, NewUser, Role, User, UserChange};
pub use roles::permissions_of;
pub use service::{password_set, user_create, user_find, user_get, user_update, users_list};
pub use sessions::{Origin, SESSION_COOKIE, authenticate, log_in, log_out};

use atalaya_kernel::{Permission, events::EventType};

/// See the staff.
pub const READ: Permission = Permission("user.read");
/// Make, change and disable users, and set their passwords.
pub const WRITE: Permission = Permission("user.write");

pub(crate) const PERMISSIONS: &[(Permission, &str)] =
    &[(READ, "See the staff"), (WRITE, "Make, change and disable users, set passwords")];

const CREATED: EventType = EventType {
    name: "user.created",
    version: 1,
    public: false,
    doc: "A user was made. Payload: id, name, role.",
};
const UPDATED: EventType = EventType {
    name: "user.updated",
    version: 1,
    public: false,
    doc: "A user was changed. Payload: id, name, role, disabled.",
};

pub(crate) const EVENTS: &[EventType] = &[CREATED, UPDATED];
