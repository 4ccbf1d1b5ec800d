//! Short tokens of programs that act for a person.
//!
//! - An **access token** is a JWT signed with Ed25519 (RFC 9068), good for ten minutes. It says who and which family; what it may
//!   is decided anew with each request, from the family's named rights and what its user has now. A family that was revoked, a
//!   user who was disabled and a role that changed count at once: the signature alone opens nothing.
//! - A **refresh token** is 256 random bits, kept as SHA-256, spent by its first use, which gives the next one. One that comes
//!   again after its successor was used is in two hands: its whole **family** ends, and its user is told. One that comes again
//!   within [`RETRY_MS`] from where it was used, while its successor was not, is a program whose answer was lost: the
//!   successor is made worthless and another takes its place. So a family has one good refresh token at any moment, and a
//!   thief is found out by whoever of the two comes second.
//! - **Signing keys** are the installation's, sealed. The newest signs; one that signs no more still verifies until the last token
//!   that it signed has ended.
//! - A token is no person: it has no session, changes nothing of its user's own log-in, makes no key that would outlive it and
//!   approves nothing. Dangerous rights want a fresh proof, which is the one that the family began with.

pub mod http;
mod jwt;
mod keyring;
mod model;
mod refresh;
mod service;
mod store;

pub(crate) use keyring::secret_context;
pub use keyring::{PublicKey, PublicKeys, key_rotate, keys_public};
pub use model::{TokenFamily, TokenPair, TokenRequest};
pub use refresh::{refresh, revoke};
pub(crate) use service::families_end;
pub use service::{Granted, authenticate, families_list, family_revoke, grant};

use atalaya_kernel::events::EventType;

/// How long an access token is good, ms.
const TOKEN_MS: i64 = 10 * 60_000;
/// How long a refresh token is good unused, ms.
const REFRESH_MS: i64 = 30 * 86_400_000;
/// How long a family goes on at most, ms: then the person shows again who they are.
const FAMILY_MS: i64 = 180 * 86_400_000;
/// How long after its use a refresh token may come again from the same place, ms.
const RETRY_MS: i64 = 30_000;

const GRANTED: EventType = EventType {
    name: "token.granted",
    version: 1,
    public: false,
    doc: "A program got the first tokens of a user. Payload: user_id, family_id, name, address.",
};
const REUSED: EventType = EventType {
    name: "token.reused",
    version: 1,
    public: false,
    doc: "A refresh token came a second time, so that two have it: its family was revoked. Payload: user_id, family_id, name, address.",
};
const REVOKED: EventType = EventType {
    name: "token.revoked",
    version: 1,
    public: false,
    doc: "A family of tokens was revoked, by its user or its program. Payload: user_id, family_id, name, address.",
};

/// Facts that are published.
pub(crate) const EVENTS: &[EventType] = &[GRANTED, REUSED, REVOKED];
