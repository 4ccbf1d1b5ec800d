//! JWTs in compact form, signed with Ed25519 (RFC 7519, 8037, 9068). One algorithm, and what a token says of itself is not
//! believed: `alg` and `typ` must be ours, and the key is looked up among ours.

use atalaya_kernel::{
    Error,
    ids::{InstallationId, TenantId, TokenFamilyId, UserId},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(super) const ALGORITHM: &str = "EdDSA";
const TYPE: &str = "at+jwt";
/// For whom tokens are.
pub(super) const AUDIENCE: &str = "atalaya-api";
/// Longest token that is looked at, bytes.
const MAX_BYTES: usize = 4_096;

/// Nothing else may stand there: a token that brings its own key, or says that more must be understood, is none of ours.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// What a token says (RFC 9068 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    /// The installation that signed it.
    pub(super) iss: InstallationId,
    pub(super) aud: String,
    /// The user.
    pub(super) sub: UserId,
    pub(super) tenant: TenantId,
    /// The program: its family of tokens.
    pub(super) client_id: TokenFamilyId,
    /// Seconds since 1970.
    pub(super) iat: i64,
    pub(super) exp: i64,
    pub(super) jti: String,
}

fn encoded<T: Serialize>(part: &T) -> Result<String, Error> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).map_err(Error::internal)?))
}

fn decoded<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The token of some claims.
///
/// # Errors
/// [`Error::Internal`] only.
pub(super) fn sign(key: &Ed25519KeyPair, kid: &str, claims: &Claims) -> Result<String, Error> {
    let header = Header { alg: ALGORITHM.to_owned(), typ: TYPE.to_owned(), kid: kid.to_owned() };
    let signed = format!("{}.{}", encoded(&header)?, encoded(claims)?);
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    Ok(format!("{signed}.{signature}"))
}

/// What a token says, if one of our keys signed it for us and it has not ended; nothing else is told of one that is wrong.
pub(super) fn verify(
    token: &str,
    public_key: impl FnOnce(&str) -> Option<Vec<u8>>,
    issuer: &InstallationId,
    now_s: i64,
) -> Option<Claims> {
    if token.len() > MAX_BYTES {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: Header = decoded(header)?;
    if header.alg != ALGORITHM || header.typ != TYPE {
        return None;
    }
    let key = UnparsedPublicKey::new(&ED25519, public_key(&header.kid)?);
    key.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
    let claims: Claims = decoded(claims)?;
    let is_ours = claims.iss == *issuer && claims.aud == AUDIENCE;
    (is_ours && claims.iat <= now_s && now_s < claims.exp).then_some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::time::Timestamp;
    use ring::{rand::SystemRandom, signature::KeyPair};

    /// A key, and what it signs: from second 1000 to 1600.
    fn signed_by() -> (Ed25519KeyPair, Claims) {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let now = Timestamp::from_millis(1_793_891_229_000);
        let claims = Claims {
            iss: InstallationId::new(now),
            aud: AUDIENCE.to_owned(),
            sub: UserId::new(now),
            tenant: TenantId::new(now),
            client_id: TokenFamilyId::new(now),
            iat: 1_000,
            exp: 1_600,
            jti: "one".to_owned(),
        };
        (key, claims)
    }

    #[test]
    fn only_our_own_token_of_now_is_believed() {
        let (key, claims) = signed_by();
        let now = Timestamp::from_millis(1_793_891_229_000);
        let public = |kid: &str| (kid == "k1").then(|| key.public_key().as_ref().to_vec());
        let token = sign(&key, "k1", &claims).unwrap();
        let read = |token: &str, now_s: i64| verify(token, public, &claims.iss, now_s);
        assert_eq!(read(&token, 1_000), Some(claims.clone()));
        assert_eq!(read(&token, 1_600), None, "ended");
        assert_eq!(read(&token, 999), None, "not begun");
        assert_eq!(verify(&token, public, &InstallationId::new(now), 1_000), None, "another installation's");
        assert_eq!(read(&sign(&key, "k2", &claims).unwrap(), 1_000), None, "a key that is not known");
        let elsewhere = Claims { aud: "elsewhere".to_owned(), ..claims.clone() };
        assert_eq!(read(&sign(&key, "k1", &elsewhere).unwrap(), 1_000), None, "for somebody else");

        // Another algorithm, and none, over the same claims; and claims that were changed under a right signature.
        let parts: Vec<&str> = token.split('.').collect();
        for alg in ["none", "HS256", "EdDSA2"] {
            let header = Header { alg: alg.to_owned(), typ: TYPE.to_owned(), kid: "k1".to_owned() };
            let forged = format!("{}.{}.", encoded(&header).unwrap(), parts[1]);
            assert_eq!(read(&forged, 1_000), None, "{alg}");
            assert_eq!(read(&format!("{forged}{}", parts[2]), 1_000), None, "{alg} with our signature");
        }
        let longer = encoded(&Claims { exp: 9_999, ..claims.clone() }).unwrap();
        assert_eq!(read(&format!("{}.{longer}.{}", parts[0], parts[2]), 1_000), None);
        let with_key = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"k1","jwk":{}}"#);
        let signed = format!("{with_key}.{}", parts[1]);
        let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
        assert_eq!(read(&format!("{signed}.{signature}"), 1_000), None, "a header of more than we write");
        for nonsense in ["", ".", "..", "a.b.c", &token[1..], &"x".repeat(5_000)] {
            assert_eq!(read(nonsense, 1_000), None);
        }
    }

    #[test]
    fn no_changed_letter_is_believed_and_none_panics() {
        let (key, claims) = signed_by();
        let token = sign(&key, "k1", &claims).unwrap();
        let public = || key.public_key().as_ref().to_vec();
        for at in 0..token.len() {
            for other in ["A", "-", ".", "é", ""] {
                let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
                if changed != token {
                    assert_eq!(
                        verify(&changed, |_| Some(public()), &claims.iss, 1_000),
                        None,
                        "{at} {other:?}"
                    );
                }
            }
            assert_eq!(verify(&token[..at], |_| Some(public()), &claims.iss, 1_000), None, "cut at {at}");
        }
    }
}
