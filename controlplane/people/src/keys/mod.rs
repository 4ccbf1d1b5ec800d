//! API keys: how programs of a tenant or of its partners ask.
//!
//! - `atk_<id>_<secret>`: the id finds the row, the secret's SHA-256 is compared in constant time. It is shown once.
//! - A key has named rights and a scope, never more than whoever made it has *now*: when its maker loses a right the key does,
//!   and it is worthless while its maker is disabled.
//! - A key is no person: it has no session, approves nothing, and is not asked to show again who it is. Dangerous rights are
//!   asked for when it is made.
//! - It expires when told to, and is revoked at once. When it was last used is known to the minute.

pub mod http;
mod model;
mod service;
mod store;
mod token;

pub use model::{ApiKey, ApiKeyMade, NewApiKey};
pub(crate) use service::requests_per_minute;
pub use service::{authenticate, key_create, key_get, key_revoke, keys_list};
pub use token::is_key;

use atalaya_kernel::{Permission, events::EventType};

/// See API keys.
pub const READ: Permission = Permission::new("api_key.read");
/// Make and revoke API keys.
pub const WRITE: Permission = Permission::dangerous("api_key.write");

pub(crate) const PERMISSIONS: &[(Permission, &str)] =
    &[(READ, "See API keys"), (WRITE, "Make and revoke API keys")];

const CREATED: EventType = EventType {
    name: "api_key.created",
    version: 1,
    public: false,
    doc: "An API key was made. Payload: id, name, permissions.",
};
const REVOKED: EventType = EventType {
    name: "api_key.revoked",
    version: 1,
    public: false,
    doc: "An API key was revoked. Payload: id, name, permissions.",
};

pub(crate) const EVENTS: &[EventType] = &[CREATED, REVOKED];
