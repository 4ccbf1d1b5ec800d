//! Certificate requests (PKCS#10), of which only the key is believed.

use rcgen::SubjectPublicKeyInfo;
use sha2::{Digest, Sha256};
use x509_parser::{certification_request::X509CertificationRequest, oid_registry, prelude::FromDer};

use crate::PkiError;

/// Larger requests are not of an agent of ours.
const MAX_BYTES: usize = 4_096;

/// A request whose signature holds: the sender has the private key.
#[derive(Debug)]
pub struct CertificateRequest {
    public_key: SubjectPublicKeyInfo,
    public_key_hash: [u8; 32],
}

impl CertificateRequest {
    /// Checks a PKCS#10 request, DER. Names and extensions it asks for are ignored.
    ///
    /// # Errors
    /// [`PkiError::Unreadable`], [`PkiError::KeyKind`], [`PkiError::BadSignature`].
    pub fn parse(der: &[u8]) -> Result<Self, PkiError> {
        const UNREADABLE: PkiError = PkiError::Unreadable("certificate request");
        if der.len() > MAX_BYTES {
            return Err(UNREADABLE);
        }
        let Ok(([], request)) = X509CertificationRequest::from_der(der) else { return Err(UNREADABLE) };
        if request.signature_algorithm.algorithm != oid_registry::OID_SIG_ECDSA_WITH_SHA256 {
            return Err(PkiError::KeyKind);
        }
        let info = &request.certification_request_info.subject_pki;
        let public_key = SubjectPublicKeyInfo::from_der(info.raw).map_err(|_| PkiError::KeyKind)?;
        // P-256 by its length and by ring, which refuses any other point.
        crate::renewal::verify_signature(
            &info.subject_public_key.data,
            request.certification_request_info.raw,
            &request.signature_value.data,
            "certificate request",
        )?;
        Ok(Self { public_key, public_key_hash: Sha256::digest(info.raw).into() })
    }

    /// SHA-256 over the subject public key info: the same (token, key) again is answered alike, another key is not.
    pub fn public_key_hash(&self) -> [u8; 32] {
        self.public_key_hash
    }

    /// The same hash of the key that a certificate is on.
    ///
    /// # Errors
    /// [`PkiError::Unreadable`].
    pub fn key_hash_of(certificate: &crate::CertificateDer<'_>) -> Result<[u8; 32], PkiError> {
        Ok(Sha256::digest(crate::x509::parse(certificate)?.public_key().raw).into())
    }

    pub(crate) fn public_key(&self) -> &SubjectPublicKeyInfo {
        &self.public_key
    }
}
