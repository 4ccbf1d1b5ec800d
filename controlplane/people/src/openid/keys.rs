//! Keys that an issuer publishes (JWK Set, RFC 7517, 7518 §6, 8037 §2), and what they sign.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

/// Keys that are looked at; an issuer has a handful.
const MAX_KEYS: usize = 64;

/// How a token may be signed. Nothing symmetric: the secret of a client is no key of the issuer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits or more.
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// By its name in a token's header.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// A key that can verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// How the issuer calls it.
    pub(super) id: Option<String>,
    /// What it signs by, and nothing else: a key of one kind never verifies as another.
    pub(super) algorithm: Algorithm,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// A point, uncompressed, or 32 bytes of Ed25519.
    Bytes(Vec<u8>),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// Keys of a document that can verify what we take; others are left out. `None` when it is no document of keys.
pub(super) fn read(document: &[u8]) -> Option<Vec<Key>> {
    let set: Set = serde_json::from_slice(document).ok()?;
    let keys = set.keys.into_iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    Some(keys.filter_map(Jwk::key).collect())
}

impl Jwk {
    fn key(self) -> Option<Key> {
        let bytes = |text: &Option<String>, length: Option<usize>| {
            let bytes = URL_SAFE_NO_PAD.decode(text.as_deref()?).ok()?;
            length.is_none_or(|length| bytes.len() == length).then_some(bytes)
        };
        let (algorithm, material) = match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", None) => {
                (Algorithm::Rs256, Material::Rsa { n: bytes(&self.n, None)?, e: bytes(&self.e, None)? })
            }
            ("EC", Some("P-256")) => {
                let point = [vec![4], bytes(&self.x, Some(32))?, bytes(&self.y, Some(32))?].concat();
                (Algorithm::Es256, Material::Bytes(point))
            }
            ("OKP", Some("Ed25519")) => (Algorithm::EdDsa, Material::Bytes(bytes(&self.x, Some(32))?)),
            _ => return None,
        };
        let named = self.alg.as_deref().map(Algorithm::named);
        let signs = self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"))
            && named.is_none_or(|named| named == Some(algorithm));
        signs.then_some(Key { id: self.kid, algorithm, material })
    }
}

impl Key {
    /// Whether it signed a message.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let verified = match (&self.material, self.algorithm) {
            (Material::Rsa { n, e }, Algorithm::Rs256) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            (Material::Bytes(point), Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            (Material::Bytes(key), Algorithm::EdDsa) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read_one(key: Value) -> Option<Key> {
        read(json!({"keys": [key]}).to_string().as_bytes()).unwrap().pop()
    }

    /// The token of RFC 8037, appendix A.4, and the one of RFC 7515, appendix A.3 (ES256) and A.2 (RS256).
    #[test]
    fn the_vectors_of_the_rfcs() {
        let ed25519 =
            json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let es256 = json!({
            "kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        });
        let rs256 = json!({
            "kty": "RSA", "e": "AQAB",
            "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        });
        let claims =
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let vectors = [
            (
                ed25519,
                "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            ),
            (
                es256,
                format!("eyJhbGciOiJFUzI1NiJ9.{claims}"),
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
            (
                rs256,
                format!("eyJhbGciOiJSUzI1NiJ9.{claims}"),
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            ),
        ];
        for (key, message, signature) in vectors {
            let kind = key["kty"].clone();
            let key = read_one(key).unwrap();
            let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            assert!(key.verifies(message.as_bytes(), &signature), "{kind}");
            signature[7] ^= 1;
            assert!(!key.verifies(message.as_bytes(), &signature), "{kind}: one bit");
            assert!(!key.verifies(message.as_bytes(), b""), "{kind}");
        }
    }

    #[test]
    fn keys_of_another_kind_or_for_something_else_are_left_out() {
        let x = URL_SAFE_NO_PAD.encode([7; 32]);
        let ed = |more: Value| {
            let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one"});
            key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            read_one(key)
        };
        for fits in [
            json!({}),
            json!({"use": "sig"}),
            json!({"alg": "EdDSA"}),
            json!({"key_ops": ["sign", "verify"], "extra": 1}),
        ] {
            assert_eq!(ed(fits).unwrap().id.as_deref(), Some("one"));
        }
        for strange in [
            json!({"use": "enc"}),
            json!({"alg": "RS256"}),
            json!({"alg": "HS256"}),
            json!({"key_ops": ["encrypt"]}),
            json!({"crv": "X25519"}),
            json!({"crv": "Ed448"}),
            json!({"kty": "EC"}),
            json!({"x": URL_SAFE_NO_PAD.encode([7; 31])}),
            json!({"x": "not base64url!"}),
            json!({"x": null}),
            json!({"kid": 7}),
        ] {
            assert_eq!(ed(strange.clone()), None, "{strange}");
        }
        assert_eq!(read_one(json!({"kty": "oct", "k": x})), None, "a shared secret");
        assert_eq!(read_one(json!({"kty": "EC", "crv": "P-384", "x": x, "y": x})), None);
        assert_eq!(read_one(json!("nonsense")), None);
        assert_eq!((read(b"{}"), read(b"[]"), read(b"")), (None, None, None));
        let many: Vec<_> = (0..100).map(|_| json!({"kty": "OKP", "crv": "Ed25519", "x": x})).collect();
        assert_eq!(read(json!({"keys": many}).to_string().as_bytes()).unwrap().len(), MAX_KEYS);
    }
}
