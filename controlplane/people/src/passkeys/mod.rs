//! Passkeys (W3C Web Authentication Level 2): keys that an authenticator made for one host name, as a second factor beside the
//! app, to enter without a password, and to show again who is there.
//!
//! - A passkey is of a *host name*, the one that was asked when it was made: a browser offers it nowhere else, and an assertion
//!   for another host or origin is refused. An ISP whose host name changes registers new ones.
//! - A *challenge* has 256 bits, is kept as SHA-256, is good for five minutes, for one purpose and one answer, right or wrong.
//! - As the second factor it is enough that somebody is there; whoever enters by a passkey alone was verified by it.
//! - A counter that goes back means that there may be a copy: it is refused, audited and told.
//! - No attestation is asked for: which make an authenticator is of does not matter here.

mod cbor;
mod ceremony;
mod enter;
pub mod http;
mod model;
mod public_key;
mod service;
mod store;

pub use ceremony::Site;
pub(crate) use enter::proved;
pub use enter::{enter, enter_options, second_factor, second_factor_options, step_up_options};
pub use model::{
    AssertionOptions, Credential, Descriptor, NewPasskey, Passkey, PasskeyAnswer, PasskeyMade,
    RegistrationOptions,
};
pub use service::{passkey_create, passkey_delete, passkeys_list, registration_options};
pub(crate) use store::{count, delete_all};
