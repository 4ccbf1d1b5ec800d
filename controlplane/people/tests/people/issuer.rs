//! An issuer in memory, and the browser that goes to it.

use async_trait::async_trait;
use atalaya_kernel::secrets::SecretText;
use atalaya_people::openid::{Begun, Fetched, IssuerError, IssuerWeb, Returned};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use parking_lot::Mutex;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const CLIENT: (&str, &str) = ("client", "a secret of the ISP");

pub(crate) struct FakeIssuer {
    state: Mutex<State>,
}

struct State {
    /// Seed of the key that signs, which is also its name.
    key: u8,
    published: Vec<u8>,
    /// Seconds since 1970.
    now_s: i64,
    account: Value,
    codes: HashMap<String, BTreeMap<String, String>>,
    given: usize,
    /// Members of the discovery document, or of the token, that are others.
    discovery: Value,
    claims: Value,
    /// Whether it redeems a code without asking for the verifier.
    is_lax: bool,
    is_away: bool,
    asked: Vec<String>,
}

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn merge(into: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().unwrap() {
        into[name] = value.clone();
    }
}

/// Name and value of each part of a query or form.
fn parts(text: &str) -> BTreeMap<String, String> {
    let plain = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.extend(hex::decode(digits).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    text.split('&').map(|part| part.split_once('=').unwrap()).map(|(n, v)| (plain(n), plain(v))).collect()
}

impl FakeIssuer {
    pub(crate) fn new(now_s: i64) -> Self {
        let state = State {
            key: 1,
            published: vec![1],
            now_s,
            account: json!({"sub": "rosa-1", "email": "Rosa@NetAndina.example", "email_verified": true}),
            codes: HashMap::new(),
            given: 0,
            discovery: json!({}),
            claims: json!({}),
            is_lax: false,
            is_away: false,
            asked: Vec::new(),
        };
        Self { state: Mutex::new(state) }
    }

    /// Who is logged in there.
    pub(crate) fn account(&self, account: Value) {
        self.state.lock().account = account;
    }
    /// Claims of its tokens that are others than they should be.
    pub(crate) fn claims(&self, claims: Value) {
        self.state.lock().claims = claims;
    }
    pub(crate) fn discovery(&self, discovery: Value) {
        self.state.lock().discovery = discovery;
    }
    pub(crate) fn is_lax(&self, is_lax: bool) {
        self.state.lock().is_lax = is_lax;
    }
    pub(crate) fn is_away(&self, is_away: bool) {
        self.state.lock().is_away = is_away;
    }
    pub(crate) fn at(&self, now_s: i64) {
        self.state.lock().now_s = now_s;
    }
    /// Signs with another key, which it publishes or not.
    pub(crate) fn signs_with(&self, key: u8, published: &[u8]) {
        let mut state = self.state.lock();
        (state.key, state.published) = (key, published.to_vec());
    }
    /// How often an address was asked.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.state.lock().asked.iter().filter(|asked| asked.ends_with(path)).count()
    }

    /// What a browser brings back that was sent there.
    pub(crate) fn visited(&self, begun: &Begun) -> Returned {
        let (at, query) = begun.url.expose().split_once('?').unwrap();
        assert_eq!(at, "https://issuer.example/authorize");
        let query = parts(query);
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", CLIENT.0),
            ("scope", "openid email"),
            ("code_challenge_method", "S256"),
            ("redirect_uri", "https://red.netandina.example/login/return"),
        ] {
            assert_eq!(query[name], value, "{name}");
        }
        let mut state = self.state.lock();
        state.given += 1;
        let code = format!("code-{}", state.given);
        let returned = Returned {
            state: SecretText::new(query["state"].clone()),
            code: Some(SecretText::new(code.clone())),
            error: None,
            issuer: None,
        };
        state.codes.insert(code, query);
        returned
    }
}

impl State {
    fn token(&self, nonce: &str) -> String {
        let mut claims = json!({
            "iss": ISSUER, "aud": CLIENT.0, "iat": self.now_s, "exp": self.now_s + 300, "nonce": nonce,
        });
        merge(&mut claims, &self.account);
        merge(&mut claims, &self.claims);
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": self.key.to_string()});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key(self.key).sign(signed.as_bytes())))
    }

    fn redeemed(
        &mut self,
        form: &BTreeMap<String, String>,
        basic: Option<&str>,
    ) -> Result<Value, &'static str> {
        let secret = format!("{}:{}", CLIENT.0, "a%20secret%20of%20the%20ISP");
        if basic != Some(&secret) {
            return Err("invalid_client");
        }
        let query = self.codes.remove(&form["code"]).ok_or("invalid_grant")?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
        if form["redirect_uri"] != query["redirect_uri"] || form["grant_type"] != "authorization_code" {
            return Err("invalid_grant");
        }
        if challenge != query["code_challenge"] && !self.is_lax {
            return Err("invalid_grant");
        }
        Ok(json!({"token_type": "Bearer", "access_token": "x", "id_token": self.token(&query["nonce"])}))
    }
}

#[async_trait]
impl IssuerWeb for FakeIssuer {
    fn check(&self, url: &str) -> Result<(), IssuerError> {
        if url.starts_with("https://") { Ok(()) } else { Err(IssuerError::NotAllowed(url.to_owned())) }
    }

    async fn get(&self, url: &str) -> Result<Fetched, IssuerError> {
        let mut state = self.state.lock();
        state.asked.push(url.to_owned());
        if state.is_away {
            return Err(IssuerError::Away("no route".to_owned()));
        }
        let body = match url.strip_prefix(ISSUER) {
            Some("/.well-known/openid-configuration") => {
                let mut document = json!({
                    "issuer": ISSUER, "authorization_endpoint": "https://issuer.example/authorize",
                    "token_endpoint": "https://issuer.example/token", "jwks_uri": "https://issuer.example/jwks",
                });
                merge(&mut document, &state.discovery);
                document
            }
            Some("/jwks") => {
                let shown = |seed: &u8| {
                    let x = URL_SAFE_NO_PAD.encode(key(*seed).public_key().as_ref());
                    json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": seed.to_string(), "use": "sig"})
                };
                json!({"keys": state.published.iter().map(shown).collect::<Vec<_>>()})
            }
            _ => return Ok(Fetched { status: 404, body: Vec::new(), max_age_s: None }),
        };
        Ok(Fetched { status: 200, body: body.to_string().into_bytes(), max_age_s: Some(3_600) })
    }

    async fn post(
        &self,
        url: &str,
        form: SecretText,
        basic: Option<SecretText>,
    ) -> Result<Fetched, IssuerError> {
        assert_eq!(url, "https://issuer.example/token");
        let mut state = self.state.lock();
        if state.is_away {
            return Err(IssuerError::Away("no route".to_owned()));
        }
        // As a header would carry it.
        let basic = basic.map(|basic| STANDARD.encode(basic.expose()));
        let basic = basic.map(|basic| String::from_utf8(STANDARD.decode(basic).unwrap()).unwrap());
        let (status, body) = match state.redeemed(&parts(form.expose()), basic.as_deref()) {
            Ok(body) => (200, body),
            Err(error) => (400, json!({"error": error})),
        };
        Ok(Fetched { status, body: body.to_string().into_bytes(), max_age_s: None })
    }
}
