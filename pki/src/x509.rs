//! Reading certificates.

use std::time::Duration;

use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::{CertificateDer, PkiError, UnixTime};

/// When a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First second.
    pub not_before: UnixTime,
    /// Last second.
    pub not_after: UnixTime,
}

/// When a certificate is valid.
///
/// # Errors
/// [`PkiError::Unreadable`].
pub fn validity(certificate: &CertificateDer<'_>) -> Result<Validity, PkiError> {
    let parsed = parse(certificate)?;
    let time =
        |timestamp: i64| UnixTime::since_unix_epoch(Duration::from_secs(timestamp.max(0).unsigned_abs()));
    Ok(Validity {
        not_before: time(parsed.validity().not_before.timestamp()),
        not_after: time(parsed.validity().not_after.timestamp()),
    })
}

/// SHA-256 of a certificate's DER: how a root is named in a join string.
pub fn fingerprint(certificate: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(certificate.as_ref()).into()
}

pub(crate) fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, PkiError> {
    match X509Certificate::from_der(certificate.as_ref()) {
        Ok(([], parsed)) => Ok(parsed),
        _ => Err(PkiError::Unreadable("certificate")),
    }
}

/// The raw public key (uncompressed P-256 point) of a certificate.
pub(crate) fn public_key(certificate: &CertificateDer<'_>) -> Result<Vec<u8>, PkiError> {
    Ok(parse(certificate)?.public_key().subject_public_key.data.to_vec())
}
