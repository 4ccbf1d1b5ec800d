//! What this domain asks of whoever can send something. The server implements it.

use crate::push::PushOffer;
use atalaya_kernel::{ids::NoticeId, secrets::SecretText, time::Timestamp};
use std::sync::Arc;

/// Name by which the HTML of a message shows its logo: `cid:` and this (RFC 2392).
pub const LOGO_CID: &str = "logo@notice";

/// The ISP's logo in a message: it travels with it, so that nothing is fetched when the message is read.
#[derive(Debug, Clone)]
pub struct MailLogo {
    /// Media type.
    pub media_type: &'static str,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Its bytes.
    pub content: Arc<[u8]>,
}

/// A message, ready to be sent. Not printable: it may hold a link.
#[derive(Clone)]
pub struct Mail {
    /// Of which notice: the message's own id is made of it, so that one that is sent twice can be recognised.
    pub id: NoticeId,
    /// When it was asked for.
    pub date: Timestamp,
    /// Name that it comes from: the ISP's.
    pub from_name: String,
    /// Whom it is to.
    pub to_name: String,
    /// Their address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Language of the text, as of RFC 5646.
    pub language: &'static str,
    /// Plain text.
    pub text: SecretText,
    /// The same as HTML.
    pub html: SecretText,
    /// What the HTML shows as [`LOGO_CID`].
    pub logo: Option<MailLogo>,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The server will never take this message; its words.
    #[error("{0}")]
    Refused(String),
    /// It may be taken later: the server is away, busy, or does not let us in. What happened.
    #[error("{0}")]
    Later(String),
}

/// Hands messages to a mail server.
#[async_trait::async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Returns when the server has taken the message; within 12 s, which is less than the lease of a job.
    ///
    /// # Errors
    /// Why it did not.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// Where the web app is, for links in messages. It comes from the configuration: the host name that a request asks for is
/// whatever its sender writes, and a link to their own host would bring them the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAddress {
    scheme: String,
    host: String,
    /// With its colon; empty for the usual one.
    port: String,
    base_domain: Option<String>,
}

/// An address that no browser would open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an address such as https://isp.example, without a path, got {0:?}")]
pub struct NotAnAddress(String);

impl WebAddress {
    /// `https://isp.example:8443`, and the domain below which each ISP has a host of its own.
    ///
    /// # Errors
    /// Not such an address.
    pub fn new(text: &str, base_domain: Option<&str>) -> Result<Self, NotAnAddress> {
        let wrong = || NotAnAddress(text.chars().take(80).collect());
        let (scheme, rest) = text.trim_end_matches('/').split_once("://").ok_or_else(wrong)?;
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => (host, format!(":{port}")),
            _ => (rest, String::new()),
        };
        let fits = |letter: char| letter.is_ascii_alphanumeric() || ".-[]:".contains(letter);
        if !matches!(scheme, "https" | "http") || host.is_empty() || !host.chars().all(fits) {
            return Err(wrong());
        }
        let base_domain = base_domain.map(str::to_owned);
        Ok(Self { scheme: scheme.to_owned(), host: host.to_owned(), port, base_domain })
    }

    /// The web app as an ISP's people open it: by the ISP's own domain, below the base domain, or where everybody does.
    pub fn of_tenant(&self, slug: &str, domain: Option<&str>) -> String {
        let host = match (domain, &self.base_domain) {
            (Some(domain), _) => domain.to_owned(),
            (None, Some(base)) => format!("{slug}.{base}"),
            (None, None) => self.host.clone(),
        };
        format!("{}://{host}{}", self.scheme, self.port)
    }
}

/// What can leave this process.
#[derive(Clone, Default)]
pub struct Outbound {
    /// Nothing leaves: the installation is a copy that nobody armed.
    pub safe_mode: bool,
    /// The mail server, and where links in messages lead; none where `[mail]` is not configured.
    pub mail: Option<(Arc<dyn Mailer>, WebAddress)>,
    /// Web push; none where the configuration has it off.
    pub push: Option<PushOffer>,
}

impl Outbound {
    /// Whether a link can be sent to somebody.
    pub fn sends_mail(&self) -> bool {
        self.mail.is_some() && !self.safe_mode
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_isps_own_host() {
        let plain = WebAddress::new("https://atalaya.example/", None).unwrap();
        assert_eq!(plain.of_tenant("netandina", None), "https://atalaya.example");
        let below = WebAddress::new("https://atalaya.example:8443", Some("isp.example")).unwrap();
        assert_eq!(below.of_tenant("netandina", None), "https://netandina.isp.example:8443");
        let own = below.of_tenant("netandina", Some("intranet.netandina.example"));
        assert_eq!(own, "https://intranet.netandina.example:8443");
        assert_eq!(
            WebAddress::new("http://[::1]:8080", None).unwrap().of_tenant("x", None),
            "http://[::1]:8080"
        );
        for wrong in
            ["isp.example", "ftp://isp.example", "https://", "https://isp.example/app", "https://a b"]
        {
            assert!(WebAddress::new(wrong, None).is_err(), "{wrong}");
        }
    }
}
