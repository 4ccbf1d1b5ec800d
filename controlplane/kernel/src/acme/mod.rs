//! Certificates that a public authority issues to the installation (ACME, RFC 8555), as all processes share them: the account
//! with the authority, each certificate and its key, who is ordering it now, and what the authority is answered when it asks
//! for a proof. How an authority is spoken with is not known here.
//!
//! An order is made under a lease with a fence, as a job's is ([`crate::jobs`]). It is no job, because it has to be tried for
//! as long as the certificate is wanted: authorities count failures, so the pauses grow to hours, and it never is given up.
//!
//! What is kept is sealed with the platform's key. A certificate that could not be renewed stays what it was.

mod account;
mod orders;

pub use account::{account, account_forget, account_keep, answer, answer_put};
pub use orders::{claim, failed, find, issued, keep, list, release, retry, want};

use crate::{secrets::SecretBytes, time::Timestamp};
use std::time::Duration;

/// How long a claim holds: an order and its proofs take less.
pub const LEASE: Duration = Duration::from_secs(6 * 60);
/// First pause after an order that failed. Let's Encrypt takes five failures of a name in an hour.
const FIRST_PAUSE: Duration = Duration::from_secs(2 * 60);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 60 * 60);

/// Which certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    directory: String,
    names: String,
}

impl Wanted {
    /// A certificate of an authority's directory (its URL) for host names, whose order and case mean nothing.
    pub fn new(directory: &str, names: &[String]) -> Self {
        let mut names: Vec<_> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        names.sort();
        names.dedup();
        Self { directory: directory.to_owned(), names: names.join(" ") }
    }

    /// URL of the directory.
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// Host names, sorted.
    pub fn names(&self) -> Vec<String> {
        self.names.split(' ').map(str::to_owned).collect()
    }

    /// As people and audit rows name it.
    pub fn shown(&self) -> String {
        self.names.replace(' ', ", ")
    }
}

/// How a certificate stands.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct Standing {
    /// URL of the authority's directory.
    pub directory: String,
    /// Host names, sorted, separated by spaces.
    pub names: String,
    /// How often it was issued; 0: never.
    pub issue: i64,
    /// Its last second; none before it is issued.
    pub not_after: Option<Timestamp>,
    /// When it was issued.
    pub issued_at: Option<Timestamp>,
    /// It is not ordered before.
    pub next_at: Timestamp,
    /// Orders that failed since.
    pub failures: i64,
    /// Why the last one did.
    pub error: Option<String>,
    /// When that was.
    pub failed_at: Option<Timestamp>,
    /// Until when somebody orders it.
    pub lease_until: Option<Timestamp>,
}

impl Standing {
    /// Whether it is to be ordered now, and nobody is at it.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_at <= now && self.lease_until.is_none_or(|until| until < now)
    }
}

/// What an authority issued.
pub struct Issued {
    /// Chain and key, PEM.
    pub bundle: SecretBytes,
    /// Last second.
    pub not_after: Timestamp,
    /// When to order the next.
    pub next_at: Timestamp,
}

/// How long until the next order after this many failures in a row.
fn pause(failures: i64, jitter: u32) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1).clamp(0, 16)).unwrap_or(16);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    pause + pause / 4 * (jitter % 1_024) / 1_024
}

/// The context that an account is sealed in.
pub(crate) fn account_context(directory: &str) -> String {
    format!("kernel_acme_account/{directory}")
}

/// The context that a certificate is sealed in.
pub(crate) fn certificate_context(directory: &str, names: &str) -> String {
    format!("kernel_acme_certificate/{directory} {names}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_hours_and_are_spread() {
        let minutes = |failures, jitter| pause(failures, jitter).as_secs() / 60;
        assert_eq!([1, 2, 3, 4].map(|failures| minutes(failures, 0)), [2, 4, 8, 16]);
        assert_eq!(minutes(100, 0), 360);
        assert_eq!(minutes(i64::MAX, 0), 360);
        assert!(pause(100, u32::MAX) > pause(100, 0) && minutes(100, u32::MAX) < 450);
    }

    #[test]
    fn names_are_the_same_in_any_order_and_case() {
        let names = |names: &[&str]| {
            Wanted::new("https://a.example", &names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(names(&["B.example", "a.example"]), names(&["a.example", "b.example", "A.EXAMPLE"]));
        assert_eq!(names(&["b.example", "a.example"]).shown(), "a.example, b.example");
        assert_ne!(names(&["a.example"]), names(&["b.example"]));
    }
}
