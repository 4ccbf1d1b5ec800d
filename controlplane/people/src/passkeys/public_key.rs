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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(pairs: &[(i64, Value)]) -> Option<PublicKey> {
        PublicKey::of(&Value::Map(
            pairs.iter().map(|(key, value)| (Value::Number(*key), value.clone())).collect(),
        ))
    }

    #[test]
    fn only_the_keys_that_were_asked_for_are_taken() {
        let number = Value::Number;
        let bytes = |length: usize| Value::Bytes(vec![7; length]);
        let ec = |kind, algorithm, curve, x: usize, y: usize| {
            key(&[
                (1, number(kind)),
                (3, number(algorithm)),
                (-1, number(curve)),
                (-2, bytes(x)),
                (-3, bytes(y)),
            ])
        };
        assert!(matches!(ec(2, -7, 1, 32, 32), Some(PublicKey::Es256(_))));
        for (kind, algorithm, curve, x, y) in [
            (2, -35, 2, 48, 48),
            (2, -7, 2, 32, 32),
            (2, -7, 8, 32, 32),
            (2, -47, 8, 32, 32),
            (2, -8, 1, 32, 32),
            (2, -257, 1, 32, 32),
            (1, -7, 1, 32, 32),
            (1, -8, 1, 32, 32),
            (1, -8, 4, 32, 32),
            (2, -7, 1, 31, 32),
            (2, -7, 1, 32, 33),
            (2, -7, 1, 0, 0),
        ] {
            assert_eq!(ec(kind, algorithm, curve, x, y), None, "{kind} {algorithm} {curve} {x} {y}");
        }
        assert_eq!(key(&[(1, number(2)), (3, number(-7)), (-1, number(1)), (-2, bytes(32))]), None, "no y");
        let compressed =
            [(1, number(2)), (3, number(-7)), (-1, number(1)), (-2, bytes(32)), (-3, Value::Simple(21))];
        assert_eq!(key(&compressed), None, "a compressed point");
        let rsa =
            |algorithm| key(&[(1, number(3)), (3, number(algorithm)), (-1, bytes(256)), (-2, bytes(3))]);
        assert!(matches!(rsa(-257), Some(PublicKey::Rs256 { .. })));
        for algorithm in [-65_535, -258, -259, -37, -7] {
            assert_eq!(rsa(algorithm), None, "{algorithm}");
        }
        assert_eq!(PublicKey::of(&Value::Number(1)), None);
    }

    #[test]
    fn an_rsa_key_that_is_short_signs_nothing() {
        let short = PublicKey::Rs256 { n: vec![0xc1; 128], e: vec![1, 0, 1] };
        assert!(!short.verifies(b"message", &[0; 128]));
        let empty = PublicKey::Rs256 { n: Vec::new(), e: Vec::new() };
        assert!(!empty.verifies(b"message", &[]));
    }
}
