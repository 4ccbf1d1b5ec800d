//! The agent's key pair. It is made on the agent's machine and never leaves it.

use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use ring::{
    hkdf,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use zeroize::Zeroizing;

use crate::{PkiError, PrivateKeyDer};

/// An ECDSA P-256 key pair.
pub struct AgentKey(KeyPair);

impl std::fmt::Debug for AgentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AgentKey(secret)")
    }
}

impl AgentKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`PkiError::Signing`] when the system gives no random numbers.
    pub fn generate() -> Result<Self, PkiError> {
        Ok(Self(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?))
    }

    /// Reads what [`Self::to_pem`] wrote.
    ///
    /// # Errors
    /// [`PkiError::Unreadable`], [`PkiError::KeyKind`].
    pub fn from_pem(pem: &str) -> Result<Self, PkiError> {
        let key = KeyPair::from_pem(pem).map_err(|_| PkiError::Unreadable("private key"))?;
        if key.algorithm() == &PKCS_ECDSA_P256_SHA256 { Ok(Self(key)) } else { Err(PkiError::KeyKind) }
    }

    /// PKCS#8 in PEM, for a file that only its owner reads.
    pub fn to_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.serialize_pem())
    }

    /// For rustls.
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.0.serialize_der().into())
    }

    /// A PKCS#10 request for a certificate on this key, DER. It asks for no name: the issuer chooses.
    ///
    /// # Errors
    /// [`PkiError::Signing`].
    pub fn request(&self) -> Result<Vec<u8>, PkiError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        Ok(params.serialize_request(&self.0)?.der().to_vec())
    }

    /// ECDSA P-256 SHA-256 signature, ASN.1.
    ///
    /// # Errors
    /// [`PkiError::Random`], [`PkiError::Unreadable`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, PkiError> {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, self.0.serialized_der(), &random)
            .map_err(|_| PkiError::Unreadable("private key"))?;
        Ok(key.sign(&random, message).map_err(|_| PkiError::Random)?.as_ref().to_vec())
    }

    /// A secret for one purpose, the same for the life of the key (HKDF-SHA256): the X25519 key to which
    /// credentials are sealed, the key that seals the last configuration on disk.
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut secret = Zeroizing::new([0; 32]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"atalaya-agent-key/1")
            .extract(self.0.serialized_der())
            .expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|derived| derived.fill(secret.as_mut()))
            .expect("32 bytes is the length of one HKDF-SHA256 block");
        secret
    }

    /// SHA-256 over the subject public key info, as [`crate::CertificateRequest::public_key_hash`] gives it.
    pub fn public_key_hash(&self) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(self.0.subject_public_key_info()).into()
    }
}
