//! Public keys of credentials (COSE, RFC 9052 and 9053; RFC 8230 for RSA) and what they sign.

use super::cbor::Value;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

/// Algorithms that are asked for, the most wanted first: EdDSA, ES256, RS256.
pub(super) const ALGORITHMS: [i64; 3] = [-8, -7, -257];

/// A key that can verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// A point of P-256, uncompressed.
    Es256(Vec<u8>),
    /// 32 bytes.
    Ed25519(Vec<u8>),
    /// Modulus and exponent, big-endian.
    Rs256 { n: Vec<u8>, e: Vec<u8> },
}

impl PublicKey {
    /// From a COSE key; `None` for one of another kind.
    pub(super) fn of(key: &Value) -> Option<Self> {
        const KIND: i64 = 1;
        const ALGORITHM: i64 = 3;
        let number = |at| match key.at(at) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        };
        let bytes = |at, length: usize| key.at(at)?.as_bytes().filter(|bytes| bytes.len() == length);
        match (number(KIND)?, number(ALGORITHM)?) {
            // EC2, ES256, P-256.
            (2, -7) if number(-1)? == 1 => Some(Self::Es256([&[4], bytes(-2, 32)?, bytes(-3, 32)?].concat())),
            // OKP, EdDSA, Ed25519.
            (1, -8) if number(-1)? == 6 => Some(Self::Ed25519(bytes(-2, 32)?.to_vec())),
            // RSA, RS256.
            (3, -257) => {
                Some(Self::Rs256 { n: key.at(-1)?.as_bytes()?.to_vec(), e: key.at(-2)?.as_bytes()?.to_vec() })
            }
            _ => None,
        }
    }

    /// Whether it signed a message.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature).is_ok()
            }
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok(),
            Self::Rs256 { n, e } => RsaPublicKeyComponents { n, e }
                .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
        }
    }
}
