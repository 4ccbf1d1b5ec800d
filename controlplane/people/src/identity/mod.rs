//! The staff, how they log in, and their sessions. What each may do: [`crate::access`].
//!
//! Invariants: an e-mail is unique within the tenant; passwords are kept as Argon2id, session tokens as SHA-256; a log-in
//! with an unknown e-mail costs the same time as one with a wrong password; disabling a user or changing a password ends
//! the user's sessions and programs, but for the session in which somebody changes their own; a session has another token after each proof
//! of who is behind it; a tenant keeps one enabled owner at least. Guessing is slowed down by where it comes from ([`guard`]),
//! so that nobody can lock anybody else out.

mod erase;
pub(crate) mod guard;
pub mod http;
mod list;
mod login;
mod model;
pub(crate) mod password;
mod service;
mod sessions;
mod store;

pub use crate::access::{Role, RoleKey, permissions_of};
pub(crate) use erase::who_may;
pub use erase::{another_may, user_erase};
pub use list::UserList;
pub use login::{LogIn, Origin, Whereabouts, log_in, second_factor};
pub(crate) use login::{Shown, at_the_door, code_right, door_of, enter, follow, password_right, waiting};
pub use model::{Entered, LoggedIn, NewUser, SessionInfo, User, UserChange};
pub(crate) use service::{
    email_checked, has_password, note_changed, owners, password_replace, user_by_email, user_id_of,
};
pub use service::{
    may_change, password_set, user_create, user_find, user_get, user_row, user_update, users_count,
    users_list,
};
pub use sessions::{
    Proof, SESSION_COOKIE, authenticate, log_out, password_change, session_revoke, sessions_list,
    sessions_revoke_others, step_up,
};
pub(crate) use sessions::{hash as token_hash, may, own_id, person};
pub(crate) use store::user_and_tenant;

use atalaya_kernel::{Permission, events::EventType};

/// See the staff.
pub const READ: Permission = Permission::new("user.read");
/// Make, change and disable users, and set their passwords.
pub const WRITE: Permission = Permission::dangerous("user.write");

pub(crate) const PERMISSIONS: &[(Permission, &str)] = &[
    (READ, "See the staff, their roles and what each role may do"),
    (WRITE, "Make, change and disable users, set passwords"),
];

const CREATED: EventType = EventType {
    name: "user.created",
    version: 1,
    public: false,
    doc: "A user was made. Payload: id, name, role, roles, disabled.",
};
const UPDATED: EventType = EventType {
    name: "user.updated",
    version: 1,
    public: false,
    doc: "A user was changed. Payload: id, name, role, roles, disabled.",
};
const SESSION_ENDED: EventType = EventType {
    name: "session.ended",
    version: 1,
    public: false,
    doc: "One or more sessions of a user ended. Payload: user_id.",
};

const PASSWORD_CHANGED: EventType = EventType {
    name: "password.changed",
    version: 1,
    public: false,
    doc: "A user's password is another one: their own doing, by a link, or by somebody who may. Payload: user_id.",
};
const BROWSER_ADDED: EventType = EventType {
    name: "browser.added",
    version: 1,
    public: false,
    doc: "Somebody logged in from a browser that was not known. Payload: user_id, address, user_agent.",
};

const GUESSING_SLOWED: EventType = EventType {
    name: "guessing.slowed",
    version: 1,
    public: false,
    doc: "Several guesses in a row at a user's password or code were wrong, and the next ones from there wait. Payload: user_id, address.",
};

pub(crate) const EVENTS: &[EventType] =
    &[CREATED, UPDATED, SESSION_ENDED, PASSWORD_CHANGED, BROWSER_ADDED, GUESSING_SLOWED];
