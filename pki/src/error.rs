/// What can be wrong with keys, certificates and requests.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// The bytes are not what they should be.
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
    /// A request's or proof's signature is not by the key it names.
    #[error("the signature of the {0} does not match its key")]
    BadSignature(&'static str),
    /// Only ECDSA P-256 with SHA-256 is used.
    #[error("the request's key is not ECDSA P-256")]
    KeyKind,
    /// The identity in a certificate is absent, doubled or misshapen.
    #[error("the certificate carries no single Atalaya identity")]
    NoIdentity,
    /// An id has characters that do not belong in the identity's URI.
    #[error("`{0}` cannot stand in an identity")]
    BadId(String),
    /// The certificate is not signed by the authority it should be signed by, or not for this use.
    #[error("the certificate is not valid: {0}")]
    Untrusted(#[source] rustls::Error),
    /// The signer's tenant or installation is not the certificate's.
    #[error("the certificate belongs to another tenant or installation")]
    Foreign,
    /// The certificate is not valid yet.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// Too long after the certificate's end: the agent must be enrolled anew.
    #[error("the certificate ended more than {} days ago: enrol the agent again", crate::RENEWAL_GRACE.as_secs() / 86_400)]
    GraceOver,
    /// The system gave no random numbers.
    #[error("the system's random numbers are not available")]
    Random,
    /// Signing failed.
    #[error("a certificate could not be made")]
    Signing(#[source] rcgen::Error),
    /// rustls refused a configuration.
    #[error("TLS cannot be configured")]
    Tls(#[source] rustls::Error),
}

impl From<rcgen::Error> for PkiError {
    fn from(error: rcgen::Error) -> Self {
        Self::Signing(error)
    }
}
