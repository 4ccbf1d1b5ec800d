//! A client of the REST API, as a program that a person drives: session cookie, CSRF token, keys, versions.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use ureq::http::{Request, Response};

/// Logged in, or not yet.
pub struct Api {
    agent: ureq::Agent,
    address: SocketAddr,
    cookie: String,
    csrf: String,
    forwarded_for: Option<String>,
    key: Option<String>,
    host: Option<String>,
    transcript: Option<Arc<Mutex<Vec<Exchange>>>>,
}

/// A request and what it was answered.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// `POST /sites`.
    pub request: String,
    /// Status, headers and body.
    pub answer: String,
}

/// A success, with what stands beside its body.
pub struct Answer {
    /// Id of the request, as log lines and audit rows have it.
    pub request_id: String,
    /// The body; a text when it is not JSON.
    pub body: Value,
}

/// An answer that is not a success.
#[derive(Debug)]
pub struct ApiError {
    /// HTTP status; 0 when there was no answer.
    pub status: u16,
    /// The problem document.
    pub problem: Value,
}

impl ApiError {
    /// Stable word of the problem.
    pub fn code(&self) -> &str {
        self.problem["code"].as_str().unwrap_or_default()
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.problem)
    }
}
impl std::error::Error for ApiError {}

/// The field of a body that is no JSON: its bytes in base64. So that a call can be written down as any other.
const BYTES: &str = "$bytes";

/// A body of bytes as they are.
pub fn bytes(content: &[u8]) -> Value {
    json!({BYTES: BASE64.encode(content)})
}

/// What is sent for a body.
fn sent(body: &Value) -> Vec<u8> {
    let bytes = body[BYTES].as_str().and_then(|text| BASE64.decode(text).ok());
    bytes.unwrap_or_else(|| body.to_string().into_bytes())
}

static KEYS: AtomicU64 = AtomicU64::new(1);

fn fresh_key() -> String {
    format!("test-{}-{}", std::process::id(), KEYS.fetch_add(1, Ordering::Relaxed))
}

/// Name and value of the cookie that an answer sets.
fn cookie_of(response: &Response<ureq::Body>) -> String {
    let set = response.headers().get("set-cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
    set.split(';').next().unwrap_or_default().to_owned()
}

impl Api {
    /// A client that is not logged in.
    pub fn anonymous(address: SocketAddr) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .new_agent();
        Self {
            agent,
            address,
            cookie: String::new(),
            csrf: String::new(),
            forwarded_for: None,
            key: None,
            host: None,
            transcript: None,
        }
    }

    /// A client that is not logged in and says, as a proxy does, whom it speaks for.
    pub fn forwarding(address: SocketAddr, client: &str) -> Self {
        Self { forwarded_for: Some(client.to_owned()), ..Self::anonymous(address) }
    }

    /// A program with a key of its own.
    pub fn with_key(address: SocketAddr, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::anonymous(address) }
    }

    /// The same, asking by a host name.
    #[must_use]
    pub fn asking(self, host: &str) -> Self {
        Self { host: Some(host.to_owned()), ..self }
    }

    /// The same, and everything that is answered is written down.
    #[must_use]
    pub fn written_down(self, transcript: &Arc<Mutex<Vec<Exchange>>>) -> Self {
        Self { transcript: Some(transcript.clone()), ..self }
    }

    /// The cookie of the session, `name=value`; empty for whoever is not logged in.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// The token that goes with the cookie in `X-CSRF-Token`.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    /// A client with the same cookie and another token beside it, or none where it is empty: a page of somebody else's.
    #[must_use]
    pub fn forged(&self, csrf: &str) -> Self {
        Self {
            cookie: self.cookie.clone(),
            csrf: csrf.to_owned(),
            forwarded_for: self.forwarded_for.clone(),
            ..Self::anonymous(self.address)
        }
    }

    /// Sends a body that may be no JSON, as it is.
    ///
    /// # Errors
    /// Anything but a success.
    pub fn post_text(&self, path: &str, text: &str) -> Result<Value, ApiError> {
        self.send_bytes("POST", path, &[("idempotency-key", &fresh_key())], text.into()).map(|(_, body)| body)
    }

    /// Logs in.
    ///
    /// # Errors
    /// A wrong pair, or no answer.
    pub fn log_in(address: SocketAddr, tenant: &str, email: &str, password: &str) -> Result<Self, ApiError> {
        Self::anonymous(address).logged_in(tenant, email, password)
    }

    /// Logs this client in.
    ///
    /// # Errors
    /// A wrong pair, or no answer.
    pub fn logged_in(self, tenant: &str, email: &str, password: &str) -> Result<Self, ApiError> {
        self.entered("/session", &json!({"tenant": tenant, "email": email, "password": password}))
    }

    /// Logs an operator of the installation in, from an address of their own where the control plane trusts this machine as a
    /// proxy: log-ins of one address are limited.
    ///
    /// # Errors
    /// A wrong pair, or no answer.
    pub fn operator(address: SocketAddr, email: &str, password: &str) -> Result<Self, ApiError> {
        Self::forwarding(address, "198.51.100.31")
            .entered("/platform/session", &json!({"email": email, "password": password}))
    }

    /// The client that a log-in, or an operator's entering a tenant, makes: with the cookie of the answer.
    fn entered(self, path: &str, body: &Value) -> Result<Self, ApiError> {
        self.keeping(path, body).map(|(client, _)| client)
    }

    /// Posts, and goes on with the cookie of the answer, as a browser does; what was answered.
    ///
    /// # Errors
    /// Anything but a success.
    pub fn keeping(mut self, path: &str, body: &Value) -> Result<(Self, Value), ApiError> {
        let (response, answer) = self.send("POST", path, &[], Some(body))?;
        self.cookie = cookie_of(&response);
        self.csrf = answer["csrf_token"].as_str().unwrap_or_default().to_owned();
        Ok((self, answer))
    }

    /// Enters a tenant as an operator who is logged in; a client of the visit.
    ///
    /// # Errors
    /// Anything but a success.
    pub fn visit(&self, tenant: &str, body: &Value) -> Result<Self, ApiError> {
        let (response, _) =
            self.send("POST", &format!("/platform/tenants/{tenant}/visits"), &[], Some(body))?;
        let mut visit = Self::anonymous(self.address);
        visit.cookie = cookie_of(&response);
        visit.csrf = visit.get("/session")?["csrf_token"].as_str().unwrap_or_default().to_owned();
        Ok(visit)
    }

    /// Reads.
    ///
    /// # Errors
    /// Anything but a success.
    pub fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.send("GET", path, &[], None).map(|(_, body)| body)
    }

    /// Makes or does; each call has an idempotency key of its own.
    ///
    /// # Errors
    /// Anything but a success.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.post_with_key(path, body, &fresh_key())
    }

    /// Makes or does, with a key that may be used again.
    ///
    /// # Errors
    /// Anything but a success.
    pub fn post_with_key(&self, path: &str, body: &Value, key: &str) -> Result<Value, ApiError> {
        self.send("POST", path, &[("idempotency-key", key)], Some(body)).map(|(_, body)| body)
    }

    /// Changes what is at a version.
    ///
    /// # Errors
    /// Anything but a success.
    pub fn patch(&self, path: &str, version: i64, body: &Value) -> Result<Value, ApiError> {
        self.send("PATCH", path, &[("if-match", &format!("\"{version}\""))], Some(body)).map(|(_, body)| body)
    }

    /// Any call, with an idempotency key of its own and the version that is demanded, if one is.
    ///
    /// # Errors
    /// Anything but a success.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        version: Option<i64>,
        body: Option<&Value>,
    ) -> Result<Answer, ApiError> {
        let key = fresh_key();
        let version = version.map(|version| format!("\"{version}\""));
        let mut headers = vec![("idempotency-key", key.as_str())];
        headers.extend(version.as_deref().map(|version| ("if-match", version)));
        let (response, body) = self.send(method, path, &headers, body)?;
        let request_id = response.headers().get("x-request-id").and_then(|value| value.to_str().ok());
        Ok(Answer { request_id: request_id.unwrap_or_default().to_owned(), body })
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<(Response<ureq::Body>, Value), ApiError> {
        self.send_bytes(method, path, headers, body.map(sent).unwrap_or_default())
    }

    fn send_bytes(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        content: Vec<u8>,
    ) -> Result<(Response<ureq::Body>, Value), ApiError> {
        let away = |error: &dyn std::fmt::Display| ApiError {
            status: 0,
            problem: json!({"code": "no_answer", "detail": error.to_string()}),
        };
        let mut request =
            Request::builder().method(method).uri(format!("http://{}/api/v1{path}", self.address));
        if !self.cookie.is_empty() {
            request = request.header("cookie", &self.cookie);
        }
        if !self.csrf.is_empty() {
            request = request.header("x-csrf-token", &self.csrf);
        }
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if let Some(host) = &self.host {
            request = request.header("host", host);
        }
        if let Some(client) = &self.forwarded_for {
            request = request.header("x-forwarded-for", client);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request =
            request.header("content-type", "application/json").body(content).map_err(|error| away(&error))?;
        let mut response = self.agent.run(request).map_err(|error| away(&error))?;
        let content = response.body_mut().read_to_vec().map_err(|error| away(&error))?;
        let text = String::from_utf8_lossy(&content).into_owned();
        if let Some(transcript) = &self.transcript {
            let answer = format!("{} {:?}\n{text}", response.status(), response.headers());
            transcript.lock().push(Exchange { request: format!("{method} {path}"), answer });
        }
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if response.status().is_success() {
            Ok((response, value))
        } else {
            Err(ApiError { status: response.status().as_u16(), problem: value })
        }
    }
}
