//! Who may speak: authority, enrolment, renewal, revocation, rustls configurations. Used by both ends.
//!
//! Words: the *root* is one per installation; it signs one *issuing authority* per tenant and the gateway's
//! certificate. An issuing authority signs the *leaf* of each agent of its tenant. A leaf's identity is one URI,
//! `atalaya://INSTALLATION/TENANT/AGENT`.
//!
//! Invariants:
//! - Subject, names and uses of a certificate are chosen by the issuer. Of a request only the public key is taken,
//!   after its signature proved that the sender holds the private one.
//! - A leaf counts only if the authority that signed it is its own tenant's: the tenant's authorities are the only
//!   trust anchors that its verification sees, and their own names are compared too.
//! - An agent judges the gateway by a fingerprint (enrolment) or by the roots it got then, never by public CAs, and
//!   judges time by a floor, because towers have bad clocks (see [`client`]).
//! - No I/O here: keys, certificates and tokens come and go as bytes; who keeps them seals them.

pub mod authority;
pub mod client;
mod error;
pub mod identity;
pub mod join;
pub mod key;
pub mod renewal;
pub mod request;
pub mod server;
pub mod token;
pub mod web;
mod x509;

#[cfg(test)]
mod tests;

pub use authority::{IssuingAuthority, Root, ServerCertificate};
pub use error::PkiError;
pub use identity::AgentIdentity;
pub use join::{JoinError, JoinString};
pub use key::AgentKey;
pub use request::CertificateRequest;
pub use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
pub use token::{Token, TokenHash};
pub use x509::{Validity, fingerprint, validity};

/// The name in the gateway's certificate. Agents reach it under many addresses; they check this name instead.
pub const GATEWAY_NAME: &str = "gateway.atalaya.internal";

/// Life of an agent's certificate.
pub const LEAF_LIFE: std::time::Duration = days(90);
/// How long after its end a certificate still may be renewed by proof of its key.
pub const RENEWAL_GRACE: std::time::Duration = days(180);

const fn days(days: u64) -> std::time::Duration {
    std::time::Duration::from_secs(days * 86_400)
}
