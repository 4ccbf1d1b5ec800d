//! What is asked of an issuer, and what its discovery document says (OpenID Connect Discovery 1.0, §3 and §4).

use super::keys::Algorithm;
use atalaya_kernel::{Error, secrets::SecretText};
use serde::Deserialize;

/// Where the document lies below an issuer.
const DOCUMENT: &str = "/.well-known/openid-configuration";
/// Longest address that is taken.
pub(super) const MAX_URL: usize = 400;

/// Why an issuer did not answer as it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Its address is one that this installation does not ask.
    #[error("its address may not be asked: {0}")]
    NotAllowed(String),
    /// It did not answer in time, or not as a web server does.
    #[error("it cannot be reached: {0}")]
    Away(String),
    /// It answered, and not what it should.
    #[error("its answer is wrong: {0}")]
    Wrong(String),
}

impl IssuerError {
    /// For whoever logs in: nothing of the reason.
    pub(super) fn unavailable(self, issuer: &str) -> Error {
        tracing::warn!(issuer, error = %self, "an identity provider cannot be used");
        Error::Unavailable("the identity provider cannot be asked now".to_owned())
    }
}

/// An answer of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// HTTP status.
    pub status: u16,
    /// Its body, within the bound of whoever asked.
    pub body: Vec<u8>,
    /// For how long it may be kept, s, as `Cache-Control` says.
    pub max_age_s: Option<u64>,
}

/// How issuers are reached. An issuer is set by somebody of a tenant, so whoever implements this refuses addresses that are not
/// of the public internet unless the installation's configuration names them, asks by https alone, follows no redirect, and
/// bounds size and time of the answer.
#[async_trait::async_trait]
pub trait IssuerWeb: Send + Sync {
    /// Whether an address is one that a browser may be sent to and that may be asked, as far as its text tells.
    ///
    /// # Errors
    /// [`IssuerError::NotAllowed`].
    fn check(&self, url: &str) -> Result<(), IssuerError>;

    /// Reads a document.
    ///
    /// # Errors
    /// An address that may not be asked, or no answer.
    async fn get(&self, url: &str) -> Result<Fetched, IssuerError>;

    /// Posts a form, with the credentials of `Authorization: Basic` before their encoding, where there are some.
    ///
    /// # Errors
    /// An address that may not be asked, or no answer.
    async fn post(
        &self,
        url: &str,
        form: SecretText,
        basic: Option<SecretText>,
    ) -> Result<Fetched, IssuerError>;
}

/// What of a discovery document is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Discovery {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    response_types_supported: Option<Vec<String>>,
    id_token_signing_alg_values_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    claims_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// Where the discovery document of an issuer lies.
pub(super) fn document_of(issuer: &str) -> String {
    format!("{}{DOCUMENT}", issuer.trim_end_matches('/'))
}

impl Discovery {
    /// Reads the document of an issuer.
    ///
    /// # Errors
    /// It is another issuer's, or does not do what is needed.
    pub(super) fn read(body: &[u8], issuer: &str, web: &dyn IssuerWeb) -> Result<Self, IssuerError> {
        let wrong = |what: &str| IssuerError::Wrong(format!("its discovery document {what}"));
        let document: Self =
            serde_json::from_slice(body).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        if document.issuer != issuer {
            return Err(wrong("is of another issuer"));
        }
        for url in [&document.authorization_endpoint, &document.token_endpoint, &document.jwks_uri] {
            if url.len() > MAX_URL || url.contains('#') {
                return Err(wrong("names an address that is none"));
            }
            web.check(url)?;
        }
        let lacks = |list: &Option<Vec<String>>, fits: &dyn Fn(&String) -> bool| {
            list.as_ref().is_some_and(|list| !list.iter().any(fits))
        };
        if lacks(&document.response_types_supported, &|kind| kind == "code") {
            return Err(wrong("offers no authorization code"));
        }
        if lacks(&document.id_token_signing_alg_values_supported, &|name| Algorithm::named(name).is_some()) {
            return Err(wrong("offers neither RS256 nor ES256 nor EdDSA"));
        }
        Ok(document)
    }

    /// Whether it says that it verifies e-mails, where it says what it says at all.
    pub(super) fn says_email_verified(&self) -> Option<bool> {
        self.claims_supported.as_ref().map(|claims| claims.iter().any(|claim| claim == "email_verified"))
    }

    /// Whether the client's secret is sent in the form; else, and by default, in the header.
    pub(super) fn wants_secret_in_form(&self) -> bool {
        self.token_endpoint_auth_methods_supported.as_ref().is_some_and(|methods| {
            let has = |wanted: &str| methods.iter().any(|method| method == wanted);
            has("client_secret_post") && !has("client_secret_basic")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Takes https alone.
    struct Https;

    #[async_trait::async_trait]
    impl IssuerWeb for Https {
        fn check(&self, url: &str) -> Result<(), IssuerError> {
            if url.starts_with("https://") { Ok(()) } else { Err(IssuerError::NotAllowed(url.to_owned())) }
        }
        async fn get(&self, url: &str) -> Result<Fetched, IssuerError> {
            Err(IssuerError::Away(url.to_owned()))
        }
        async fn post(
            &self,
            url: &str,
            _: SecretText,
            _: Option<SecretText>,
        ) -> Result<Fetched, IssuerError> {
            Err(IssuerError::Away(url.to_owned()))
        }
    }

    fn read(changes: &Value) -> Result<Discovery, IssuerError> {
        let mut document = json!({
            "issuer": "https://issuer.example", "authorization_endpoint": "https://issuer.example/authorize?a=b",
            "token_endpoint": "https://issuer.example/token", "jwks_uri": "https://keys.example/jwks",
            "response_types_supported": ["code", "id_token"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["HS256", "RS256"],
        });
        let members = document.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            members.insert(name.clone(), value.clone());
        }
        Discovery::read(document.to_string().as_bytes(), "https://issuer.example", &Https)
    }

    #[test]
    fn a_document_is_of_its_issuer_and_offers_what_is_needed() {
        let document = read(&json!({})).unwrap();
        assert!(!document.wants_secret_in_form());
        assert!(!document.authorization_response_iss_parameter_supported);
        for (methods, in_form) in [
            (json!(["client_secret_post"]), true),
            (json!(["client_secret_post", "client_secret_basic"]), false),
            (json!(["private_key_jwt"]), false),
        ] {
            let document = read(&json!({"token_endpoint_auth_methods_supported": methods})).unwrap();
            assert_eq!(document.wants_secret_in_form(), in_form, "{methods}");
        }
        for (claims, says) in [
            (Value::Null, None),
            (json!(["sub", "email", "email_verified"]), Some(true)),
            (json!(["sub", "email"]), Some(false)),
        ] {
            let document = read(&json!({"claims_supported": claims})).unwrap();
            assert_eq!(document.says_email_verified(), says, "{claims}");
        }
        for wrong in [
            json!({"issuer": "https://issuer.example/"}),
            json!({"issuer": "https://evil.example"}),
            json!({"token_endpoint": null}),
            json!({"jwks_uri": format!("https://x.example/{}", "x".repeat(400))}),
            json!({"authorization_endpoint": "https://issuer.example/authorize#here"}),
            json!({"response_types_supported": ["id_token"]}),
            json!({"id_token_signing_alg_values_supported": ["HS256", "none"]}),
        ] {
            assert!(matches!(read(&wrong), Err(IssuerError::Wrong(_))), "{wrong}");
        }
        for place in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            let inside = read(&json!({place: "http://192.0.2.1/"}));
            assert!(matches!(inside, Err(IssuerError::NotAllowed(_))), "{place}");
        }
        assert!(Discovery::read(b"[]", "https://issuer.example", &Https).is_err());
        assert_eq!(
            document_of("https://issuer.example/realms/isp/"),
            "https://issuer.example/realms/isp/.well-known/openid-configuration"
        );
    }
}
