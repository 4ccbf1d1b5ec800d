//! What this domain asks of whoever reaches push services. The server implements it.

use atalaya_kernel::secrets::SecretText;
use std::{sync::Arc, time::Duration};

/// How soon a device is woken for a message (RFC 8030 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Also while it saves its battery.
    High,
    /// As usual.
    Normal,
}

impl Urgency {
    /// As the header says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
        }
    }
}

/// A message for a push service (RFC 8030 §5). Not printable: the address is a secret.
#[derive(Clone)]
pub struct PushRequest {
    /// Where to.
    pub endpoint: SecretText,
    /// Value of `Authorization` (RFC 8292 §3).
    pub authorization: SecretText,
    /// For how long it is kept for a device that is off.
    pub ttl: Duration,
    /// How soon.
    pub urgency: Urgency,
    /// A later one of the same topic takes its place while it waits; at most 32 characters of base64url.
    pub topic: String,
    /// Encrypted, `aes128gcm`.
    pub body: Vec<u8>,
}

/// What a push service answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushAnswer {
    /// HTTP status.
    pub status: u16,
    /// `Retry-After`, s; absent too where it says something else than a number or a date.
    pub retry_after_s: Option<u64>,
    /// How the body begins.
    pub words: String,
}

/// Why there is no answer. Neither tells the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushWebError {
    /// The address is one that this installation does not ask: why.
    #[error("its address may not be asked: {0}")]
    NotAllowed(String),
    /// Nobody answered in time, or not as a web server does.
    #[error("it cannot be reached: {0}")]
    Away(String),
}

/// How push services are reached. Addresses come from browsers, so whoever implements this refuses those that are not of the
/// public internet unless the installation's configuration names them, asks by https alone, follows no redirect, and bounds
/// size and time of the answer.
#[async_trait::async_trait]
pub trait PushWeb: Send + Sync + 'static {
    /// Whether an address is one that may be asked, as far as its text tells.
    ///
    /// # Errors
    /// [`PushWebError::NotAllowed`].
    fn check(&self, endpoint: &str) -> Result<(), PushWebError>;

    /// Posts a message; within 12 s, which is less than the lease of a job.
    ///
    /// # Errors
    /// An address that may not be asked, or no answer.
    async fn post(&self, request: PushRequest) -> Result<PushAnswer, PushWebError>;
}

/// Whom a push service may write to about what this installation does (RFC 8292 §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact(String);

/// A contact that push services do not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected mailto:ADDRESS or https://…, got {0:?}")]
pub struct NotAContact(String);

impl Contact {
    /// `mailto:red@isp.example`, `https://isp.example`.
    ///
    /// # Errors
    /// Something else.
    pub fn new(text: &str) -> Result<Self, NotAContact> {
        let rest = text.strip_prefix("mailto:").filter(|rest| rest.contains('@'));
        let rest = rest.or_else(|| text.strip_prefix("https://"));
        let fits = rest.is_some_and(|rest| {
            !rest.is_empty() && text.len() <= 200 && rest.bytes().all(|byte| byte.is_ascii_graphic())
        });
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAContact(text.chars().take(80).collect())) }
    }
    /// As the token says it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Web push, where the installation offers it.
#[derive(Clone)]
pub struct PushOffer {
    /// How push services are reached.
    pub web: Arc<dyn PushWeb>,
    /// Whom they may write to; some take nothing of who names nobody.
    pub contact: Option<Contact>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_an_address_or_a_page() {
        for right in ["mailto:red@isp.example", "https://isp.example/red"] {
            assert_eq!(Contact::new(right).unwrap().as_str(), right);
        }
        for wrong in
            ["", "red@isp.example", "mailto:", "mailto:red", "http://isp.example", "https://", "https://a b"]
        {
            assert!(Contact::new(wrong).is_err(), "{wrong}");
        }
    }
}
