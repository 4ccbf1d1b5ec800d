//! A double of an issuer of OpenID Connect: discovery document, keys, authorization and token endpoint, as the specifications
//! say them. Whoever comes to its authorization endpoint is logged in already; with a browser they are asked whether to go on. A client that others wrote is let loose on it
//! too, so that it does not agree with ours alone.

use super::double::{Asked, Double, Told, decoded, encoded, pairs, serve};
use anyhow::{Context, bail};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use parking_lot::Mutex;
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    process::Command,
    sync::Arc,
};

/// Client id and secret of whoever asks it.
pub const CLIENT: (&str, &str) = ("atalaya-test", "un secreto: del ISP/+");

/// What it gives beside the ID token.
pub const ACCESS_TOKEN: &str = "nothing/to+be had by it-6e20c1b7";

/// How an issuer signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignsWith {
    /// RSA, 2048 bits.
    Rs256,
    /// ECDSA with P-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// A running double.
pub struct Issuer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    url: String,
    key: Key,
    account: Value,
    /// Codes that were not redeemed yet, with what was asked for.
    codes: HashMap<String, BTreeMap<String, String>>,
    given: usize,
    /// The ID token that it gave last.
    last_token: Option<String>,
}

impl Issuer {
    /// Starts it with a key of its own.
    ///
    /// # Errors
    /// No free port, or no `openssl` where a key of RSA is wanted.
    pub fn start(signs_with: SignsWith) -> anyhow::Result<Self> {
        let state = State {
            url: String::new(),
            key: Key::new(signs_with)?,
            account: json!({}),
            codes: HashMap::new(),
            given: 0,
            last_token: None,
        };
        let state = Arc::new(Mutex::new(state));
        let address = serve(state.clone())?;
        state.lock().url = format!("http://{address}");
        Ok(Self { address, state })
    }

    /// How it names itself.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Logs an account in there.
    pub fn account(&self, subject: &str, email: &str) {
        self.state.lock().account = json!({"sub": subject, "email": email, "email_verified": true});
    }

    /// The ID token that it gave last.
    pub fn last_token(&self) -> Option<String> {
        self.state.lock().last_token.clone()
    }

    /// What a browser that goes to an address is sent back with: `state`, `code`, `iss`.
    ///
    /// # Errors
    /// It refuses what was asked for.
    pub fn visit(&self, url: &str) -> anyhow::Result<Value> {
        let agent =
            ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false).build().new_agent();
        let mut answer = agent.get(url).call()?;
        let back = answer.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let Some(back) = back else { bail!("it refuses: {}", answer.body_mut().read_to_string()?) };
        let (_, query) = back.split_once('?').context("it sends something back")?;
        Ok(json!(parts(query)))
    }
}

impl Key {
    fn new(signs_with: SignsWith) -> anyhow::Result<Self> {
        let random = SystemRandom::new();
        let failed = |error: &dyn std::fmt::Display| anyhow::anyhow!("no key: {error}");
        Ok(match signs_with {
            SignsWith::Rs256 => {
                let made = Command::new("openssl")
                    .args([
                        "genpkey",
                        "-algorithm",
                        "RSA",
                        "-pkeyopt",
                        "rsa_keygen_bits:2048",
                        "-outform",
                        "DER",
                    ])
                    .output()
                    .context("openssl makes keys of RSA")?;
                // PKCS #1, or PKCS #8 where `openssl` is an older one.
                let key = RsaKeyPair::from_der(&made.stdout);
                let key = key.or_else(|_| RsaKeyPair::from_pkcs8(&made.stdout));
                Self::Rsa(Box::new(key.map_err(|error| failed(&error))?))
            }
            SignsWith::Es256 => {
                let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pkcs8 =
                    EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|error| failed(&error))?;
                let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random);
                Self::Ec(key.map_err(|error| failed(&error))?)
            }
            SignsWith::EdDsa => {
                let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).map_err(|error| failed(&error))?;
                Self::Ed(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|error| failed(&error))?)
            }
        })
    }

    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    /// As it is published (RFC 7517).
    fn public(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut key = match self {
            Self::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"kty": "RSA", "n": text(&public.n), "e": text(&public.e)})
            }
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..])})
            }
            Self::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())})
            }
        };
        key["kid"] = json!("the-one");
        key["use"] = json!("sig");
        key["alg"] = json!(self.algorithm());
        key
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::Ec(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            Self::Ed(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

/// A text of a form, where a blank is `+`.
fn plain(text: &str) -> String {
    decoded(&text.replace('+', " ")).unwrap_or_default()
}

/// Name and value of each part of a query or form.
fn parts(text: &str) -> BTreeMap<String, String> {
    pairs(&text.replace('+', " ")).into_iter().collect()
}

fn denied(status: u16, error: &str) -> Told {
    Told::json(status, &json!({"error": error}))
}

impl Double for Arc<Mutex<State>> {
    fn decided(&self, asked: &Asked) -> Told {
        self.lock().decided(asked)
    }
}

impl State {
    fn decided(&mut self, asked: &Asked) -> Told {
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/.well-known/openid-configuration") => Told::json(200, &self.discovery()),
            ("GET", "/jwks") => Told::json(200, &json!({"keys": [self.key.public()]})),
            ("GET", "/authorize")
                if asked.header("accept").is_some_and(|types| types.contains("text/html")) =>
            {
                self.page(&asked.query)
            }
            ("GET", "/authorize") => self.authorize(parts(&asked.query), true),
            ("POST", "/authorize") => self.authorize(parts(&asked.query), asked.body == b"answer=continue"),
            ("POST", "/token") => self.token(asked),
            _ => denied(404, "not_found"),
        }
    }

    fn discovery(&self) -> Value {
        let url = &self.url;
        json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "jwks_uri": format!("{url}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.key.algorithm()],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    /// What a person is asked who comes with a browser.
    fn page(&self, query: &str) -> Told {
        let email = self.account["email"].as_str().unwrap_or_default();
        let query = query.replace('&', "&amp;").replace('"', "&quot;");
        let page = format!(
            "<!doctype html><html lang=\"en\"><title>Issuer</title><h1>Go on as {email}?</h1>\
             <form method=\"post\" action=\"/authorize?{query}\">\
             <button name=\"answer\" value=\"continue\">Continue</button>\
             <button name=\"answer\" value=\"cancel\">Cancel</button></form></html>"
        );
        Told::text(200, "text/html; charset=utf-8", page)
    }

    /// RFC 6749, §4.1.1 and §4.1.2; RFC 7636, §4.3; RFC 9207.
    fn authorize(&mut self, query: BTreeMap<String, String>, agrees: bool) -> Told {
        let wanted = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let right = wanted("client_id") == CLIENT.0
            && wanted("response_type") == "code"
            && wanted("code_challenge_method") == "S256"
            && wanted("code_challenge").len() == 43
            && wanted("scope").split(' ').any(|scope| scope == "openid");
        let redirect_uri = wanted("redirect_uri").to_owned();
        if !right || redirect_uri.is_empty() {
            return denied(400, "invalid_request");
        }
        self.given += 1;
        let code = format!("code {}/+ 91c4e7b0", self.given);
        let said = if agrees { format!("code={}", encoded(&code)) } else { "error=access_denied".to_owned() };
        let back =
            format!("{redirect_uri}?{said}&state={}&iss={}", encoded(wanted("state")), encoded(&self.url));
        if agrees {
            self.codes.insert(code, query);
        }
        Told::Answer { status: 302, headers: vec![("location", back)], body: Vec::new() }
    }

    /// RFC 6749, §4.1.3, §2.3.1 and §5.2; RFC 7636, §4.6; OpenID Connect Core 1.0, §3.1.3.3.
    fn token(&mut self, asked: &Asked) -> Told {
        let form = parts(&String::from_utf8_lossy(&asked.body));
        let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let basic = asked.header("authorization").and_then(|value| value.strip_prefix("Basic "));
        let basic = basic.and_then(|basic| STANDARD.decode(basic).ok());
        let client = match basic.map(|basic| String::from_utf8_lossy(&basic).into_owned()) {
            Some(basic) => basic.split_once(':').map(|(id, secret)| (plain(id), plain(secret))),
            None => Some((given("client_id").to_owned(), given("client_secret").to_owned())),
        };
        if client != Some((CLIENT.0.to_owned(), CLIENT.1.to_owned())) {
            return denied(401, "invalid_client");
        }
        if given("grant_type") != "authorization_code" {
            return denied(400, "unsupported_grant_type");
        }
        let Some(query) = self.codes.remove(given("code")) else { return denied(400, "invalid_grant") };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(given("code_verifier")));
        if given("redirect_uri") != query["redirect_uri"] || challenge != query["code_challenge"] {
            return denied(400, "invalid_grant");
        }
        match self.id_token(query.get("nonce")) {
            Some(token) => {
                self.last_token = Some(token.clone());
                let tokens = json!({
                    "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3600, "id_token": token,
                });
                Told::json(200, &tokens)
            }
            None => denied(500, "server_error"),
        }
    }

    fn id_token(&self, nonce: Option<&String>) -> Option<String> {
        let now = now_s();
        let mut claims = self.account.clone();
        for (name, value) in [
            ("iss", json!(self.url)),
            ("aud", json!(CLIENT.0)),
            ("azp", json!(CLIENT.0)),
            ("iat", json!(now)),
            ("exp", json!(now + 3_600)),
        ] {
            claims[name] = value;
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        let header = json!({"alg": self.key.algorithm(), "typ": "JWT", "kid": "the-one"});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(signed.as_bytes())?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Seconds since 1970 by the clock of this machine, which is everybody's here.
#[allow(clippy::disallowed_methods, reason = "a double lives in the same time as the processes that ask it")]
fn now_s() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
