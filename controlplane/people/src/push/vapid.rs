//! Who pushes, as push services are told it: a token signed with the installation's key (RFC 8292).

use super::{Contact, encryption::encoded};
use atalaya_kernel::{
    Error,
    secrets::{SecretBytes, SecretText},
    time::Timestamp,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::json;

/// How long a token is good, s; a push service takes none for longer than a day.
const GOOD_S: i64 = 12 * 3_600;

/// The installation's key pair.
pub(super) struct Identity(EcdsaKeyPair);

impl Identity {
    /// A new one, as PKCS #8.
    pub(super) fn fresh() -> Result<SecretBytes, Error> {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let made = made.map_err(|error| Error::internal(error.to_string()))?;
        Ok(SecretBytes::new(made.as_ref().to_vec()))
    }

    /// From what was kept.
    pub(super) fn read(pkcs8: &SecretBytes) -> Result<Self, Error> {
        let random = SystemRandom::new();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.expose(), &random)
            .map(Self)
            .map_err(|error| Error::internal(error.to_string()))
    }

    /// The public key, base64url.
    pub(super) fn public_key(&self) -> String {
        encoded(self.0.public_key().as_ref())
    }

    /// Value of `Authorization` for a push service.
    pub(super) fn authorization(
        &self,
        endpoint: &str,
        contact: Option<&Contact>,
        now: Timestamp,
    ) -> Result<SecretText, Error> {
        let audience = origin(endpoint).ok_or_else(|| Error::internal("a kept address has an origin"))?;
        let mut claims = json!({"aud": audience, "exp": now.as_millis().div_euclid(1_000) + GOOD_S});
        if let Some(contact) = contact {
            claims["sub"] = json!(contact.as_str());
        }
        let header = json!({"typ": "JWT", "alg": "ES256"});
        let signed =
            format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.to_string().as_bytes()));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = signature.map_err(|_| Error::internal("nothing can be signed"))?;
        let token = format!("{signed}.{}", encoded(signature.as_ref()));
        Ok(SecretText::new(format!("vapid t={token}, k={}", self.public_key())))
    }
}

/// Scheme, host and port of an address (RFC 6454 §6.1).
fn origin(endpoint: &str) -> Option<String> {
    let (scheme, rest) = endpoint.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())?;
    let usual = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(usual).unwrap_or(authority);
    Some(format!("{scheme}://{}", authority.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    #[test]
    fn a_token_is_for_one_push_service_and_half_a_day() {
        let identity = Identity::read(&Identity::fresh().unwrap()).unwrap();
        let contact = Contact::new("mailto:red@isp.example").unwrap();
        let now = Timestamp::from_millis(1_793_891_229_000);
        let value = identity.authorization("https://Push.example:443/send/a?b", Some(&contact), now).unwrap();
        let (token, key) =
            value.expose().strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k=")).unwrap();
        assert_eq!(key, identity.public_key());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let decoded = |text: &str| super::super::encryption::decoded(text).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, decoded(key))
            .verify(signed.as_bytes(), &decoded(signature))
            .unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let part = |text: &str| serde_json::from_slice::<serde_json::Value>(&decoded(text)).unwrap();
        assert_eq!(part(header), json!({"typ": "JWT", "alg": "ES256"}));
        let until = 1_793_891_229 + 12 * 3_600;
        let wanted = json!({"aud": "https://push.example", "exp": until, "sub": "mailto:red@isp.example"});
        assert_eq!(part(claims), wanted);
        assert!(!identity.authorization("https://a.example/", None, now).unwrap().expose().is_empty());
    }

    #[test]
    fn an_origin_is_the_beginning_of_an_address() {
        for (address, wanted) in [
            ("https://a.example/x/y", Some("https://a.example")),
            ("https://a.example", Some("https://a.example")),
            ("https://a.example:8443?x", Some("https://a.example:8443")),
            ("http://127.0.0.1:80/x", Some("http://127.0.0.1")),
            ("https:///x", None),
            ("a.example", None),
        ] {
            assert_eq!(origin(address).as_deref(), wanted, "{address}");
        }
    }
}
