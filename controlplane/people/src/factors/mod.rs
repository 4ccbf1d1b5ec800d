//! Second factors: an authenticator app, and recovery codes for whoever lost it.
//!
//! - An app is enrolled in two steps: nothing asks for it before a first code was right. Its secret is sealed; a code is
//!   taken once, and a step early or late.
//! - Recovery codes have 80 bits, are shown once, kept as SHA-256 and taken once. New ones make the old ones worthless.
//! - A tenant may demand a factor of everybody who has some role. Whoever has none yet may do nothing but enrol one.
//! - Wrong codes are counted by [`crate::identity`]'s guard.

pub mod http;
mod recovery;
mod service;
mod store;
pub(crate) mod totp;

pub use service::{
    Enrolment, Security, app_confirm, app_enrol, app_remove, app_reset, recovery_renew, security_get,
};
pub(crate) use service::{check, has_factor, is_demanded, secret_context};
