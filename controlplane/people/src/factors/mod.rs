//! Second factors: an authenticator app, beside passkeys ([`crate::passkeys`]), and recovery codes for whoever lost them.
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
pub(crate) use service::{
    check, codes_keep, demand_another, fresh_codes, has_factor, is_demanded, secret_context, tell,
};

use atalaya_kernel::events::EventType;

const CHANGED: EventType = EventType {
    name: "factor.changed",
    version: 1,
    public: false,
    doc: "A user's second factors are others than before, or one of them is in doubt. Payload: user_id, change (app_added, app_removed, passkey_added, passkey_removed, passkey_copied: its counter went back, recovery_renewed, recovery_used, reset: by somebody else).",
};

pub(crate) const EVENTS: &[EventType] = &[CHANGED];
