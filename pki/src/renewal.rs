//! Renewal: when, and by which proof.

use std::time::Duration;

use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use crate::{
    AgentIdentity, AgentKey, CertificateDer, CertificateRequest, PkiError, RENEWAL_GRACE, UnixTime, Validity,
    server::{AuthorityDirectory, verify_leaf},
    validity, x509,
};

/// Separates these signatures from any other use of the key.
const CONTEXT: &[u8] = b"atalaya-renew/1";

/// When to renew: at two thirds of the life, later by a share of a twelfth of it so that a fleet enrolled in one
/// afternoon does not come back in one afternoon. `jitter` is any random number, kept for the certificate's life.
pub fn due(validity: Validity, jitter: u32) -> UnixTime {
    let life = validity.not_after.as_secs().saturating_sub(validity.not_before.as_secs());
    let spread = (life / 12).saturating_mul(u64::from(jitter)) / u64::from(u32::MAX);
    UnixTime::since_unix_epoch(Duration::from_secs(validity.not_before.as_secs() + life / 3 * 2 + spread))
}

/// The proof that a renewal request comes from who holds the old certificate's key.
///
/// # Errors
/// As [`AgentKey::sign`].
pub fn prove(old_key: &AgentKey, request_der: &[u8]) -> Result<Vec<u8>, PkiError> {
    old_key.sign(&[CONTEXT, request_der].concat())
}

/// Checks a renewal: the old certificate is of a tenant's authority here, at most [`RENEWAL_GRACE`] past its end,
/// and its key signed this request. Whether the agent was revoked is for the caller to ask.
///
/// # Errors
/// [`PkiError::GraceOver`], [`PkiError::NotYetValid`], [`PkiError::Untrusted`], [`PkiError::Foreign`],
/// [`PkiError::BadSignature`] and those of [`CertificateRequest::parse`].
pub fn verify(
    directory: &dyn AuthorityDirectory,
    old_certificate: &CertificateDer<'_>,
    request_der: &[u8],
    proof: &[u8],
    now: UnixTime,
) -> Result<(AgentIdentity, CertificateRequest), PkiError> {
    let held = validity(old_certificate)?;
    if now.as_secs() > held.not_after.as_secs().saturating_add(RENEWAL_GRACE.as_secs()) {
        return Err(PkiError::GraceOver);
    }
    if now.as_secs() < held.not_before.as_secs() {
        return Err(PkiError::NotYetValid);
    }
    // Within the grace the chain is judged as of the certificate's last second.
    let judged = now.as_secs().min(held.not_after.as_secs());
    let identity =
        verify_leaf(directory, old_certificate, UnixTime::since_unix_epoch(Duration::from_secs(judged)))?;
    let request = CertificateRequest::parse(request_der)?;
    let message = [CONTEXT, request_der].concat();
    verify_signature(&x509::public_key(old_certificate)?, &message, proof, "renewal")?;
    Ok((identity, request))
}

/// ECDSA P-256 SHA-256, ASN.1.
pub(crate) fn verify_signature(
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
    what: &'static str,
) -> Result<(), PkiError> {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public_key)
        .verify(message, signature)
        .map_err(|_| PkiError::BadSignature(what))
}
