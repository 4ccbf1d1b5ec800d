//! How an agent becomes one: key, certificate, renewal.
//!
//! The key pair is made here and is on disk, synced, before its request leaves; so a power cut at any moment of the
//! enrolment is mended by saying the same join string again: the same key asks, and gets the same certificate.
//! Everything else that enrolment brings is one file, replaced as a whole.
//!
//! What this module must never do: send the key, take a certificate that is not on its own key, or give a state
//! directory that belongs to one agent to another.

mod exchange;
mod renewal;
mod store;

pub use exchange::{EnrolError, enroll, renew};
pub use renewal::Renewal;
pub use store::{Enrolled, IdentityStore, StoreError};

use std::{sync::Arc, time::Duration};

use atalaya_pki::UnixTime;
use rustls::time_provider::TimeProvider;

use crate::uplink::ports::ClockControl;

/// The floor that judges certificates, as rustls wants it (see `atalaya_pki::client`).
pub struct CertificateTime(pub Arc<dyn ClockControl>);

impl std::fmt::Debug for CertificateTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CertificateTime({} ms)", self.0.certificate_time_ms())
    }
}

impl TimeProvider for CertificateTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(self.0.certificate_time_ms()))
    }
}

/// Unix milliseconds as certificates count; before 1970 is 1970.
pub(crate) fn unix_time(ms: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}
