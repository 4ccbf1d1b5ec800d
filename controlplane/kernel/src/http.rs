//! Conventions of the API, in one place: who asks ([`Ctx`] as an extractor), bodies, versions, and the mapping of
//! [`Error`] to problem documents (RFC 9457).

mod listing;
mod nul;

use crate::{Ctx, Error, db::DbError, error::FieldError, outbox::chain};
use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Largest JSON body taken, bytes.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// Largest file taken, bytes.
pub const MAX_UPLOAD_BYTES: usize = 10_000_000;

/// Bytes of a body that is too large that are read all the same.
const MAX_THROWN_AWAY: usize = 10_000_000;

/// RFC 9457 problem document.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Stable address of the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "https://atalaya.dev/problems/not_found")]
    pub kind: String,
    /// Last part of the type: what programs and translations go by.
    pub code: String,
    /// Short English sentence.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What exactly, and the mend.
    pub detail: String,
    /// Values for the translated sentence.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// Id to quote when asking for help.
    pub request_id: Option<String>,
    /// The fields that are wrong.
    pub errors: Vec<FieldError>,
}

impl Problem {
    fn new(status: StatusCode, code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("https://atalaya.dev/problems/{code}"),
            code: code.to_owned(),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            params: Map::new(),
            request_id: None,
            errors: Vec::new(),
        }
    }
    /// The one answer to every log-in that is not right.
    pub fn wrong_login() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "wrong_login",
            "Wrong log-in",
            "E-mail and password do not match.",
        )
    }
    /// The answer to whoever comes from an address that is not let in.
    pub fn address_not_allowed(address: std::net::IpAddr) -> Self {
        let detail = format!("This installation lets in only some addresses, and {address} is none of them.");
        Self::new(StatusCode::FORBIDDEN, "address_not_allowed", "Not from this address", detail)
            .param("address", address.to_string())
    }
    /// The answer to a method that a path does not know.
    pub fn wrong_method() -> Self {
        let detail = "This path knows other methods: the header Allow says which.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Wrong method", detail)
    }
    fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        use StatusCode as S;
        let code = error.code();
        match error {
            Error::NotFound => Self::new(S::NOT_FOUND, code, "Not found", "There is no such thing here."),
            Error::Unauthenticated => {
                Self::new(S::UNAUTHORIZED, code, "Log in first", "Log in and try again.")
            }
            Error::Forbidden(permission) => {
                Self::new(S::FORBIDDEN, code, "Permission missing", format!("You need {permission}."))
                    .param("permission", permission)
            }
            Error::StepUpRequired => Self::new(
                S::FORBIDDEN,
                code,
                "Show again who you are",
                "Send your password or a code to /session/step-up and try again.",
            ),
            Error::Invalid(errors) => {
                let detail = errors
                    .iter()
                    .map(|e| format!("{}: {}", e.pointer, e.detail))
                    .collect::<Vec<_>>()
                    .join("; ");
                Self { errors, ..Self::new(S::UNPROCESSABLE_ENTITY, code, "Some fields are wrong", detail) }
            }
            // The request itself is wrong, whatever the state.
            Error::Conflict { code: "idempotency_mismatch", detail, params } => {
                Self { params, ..Self::new(S::UNPROCESSABLE_ENTITY, code, "The key was used before", detail) }
            }
            Error::Conflict { detail, params, .. } => {
                Self { params, ..Self::new(S::CONFLICT, code, "The state does not allow it", detail) }
            }
            Error::VersionConflict { current } => Self::new(
                S::PRECONDITION_FAILED,
                code,
                "Changed meanwhile",
                "Somebody else changed it; read it again and compare.",
            )
            .param("current", current),
            Error::VersionRequired => Self::new(
                S::PRECONDITION_REQUIRED,
                code,
                "If-Match is required",
                "Send the ETag you read as If-Match.",
            ),
            Error::TooLarge { limit } => {
                let detail = format!("At most {limit} bytes are taken.");
                Self::new(S::PAYLOAD_TOO_LARGE, code, "The body is too large", detail).param("limit", limit)
            }
            Error::RateLimited { retry_after_s } => {
                Self::new(S::TOO_MANY_REQUESTS, code, "Too often", format!("Try again in {retry_after_s} s."))
                    .param("retry_after_s", retry_after_s)
            }
            Error::Unavailable(what) => Self::new(S::SERVICE_UNAVAILABLE, code, "Try again later", what),
            // No defect: it is away, or so many read that a place was not free in time.
            ref away @ Error::Db(DbError::Unavailable(_)) => {
                tracing::error!(error = chain(away), "the database could not be asked");
                Self::new(
                    S::SERVICE_UNAVAILABLE,
                    code,
                    "Try again later",
                    "The database cannot be reached or is too busy.",
                )
            }
            ref defect @ (Error::Db(_) | Error::Internal(_)) => {
                tracing::error!(error = chain(defect), "request failed");
                Self::new(
                    S::INTERNAL_SERVER_ERROR,
                    code,
                    "Something failed here",
                    "It was logged; quote the request id.",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.params.get("retry_after_s").and_then(Value::as_u64);
        let mut response = (status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // Left for the layer that knows the request's id, which writes it in.
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// Handlers name `Ctx` to demand a principal; the server's middleware put it there.
impl<S: Send + Sync> FromRequestParts<S> for Ctx {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or(Error::Unauthenticated)
    }
}

/// A JSON body; errors name the field.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;
    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        read(&whole(request.into_body(), MAX_BODY_BYTES).await?).map(Self)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    nul::refuse_in_json(body)?;
    serde_json::from_slice(body)
        .map_err(|error| Error::invalid("", "malformed", without_values(&error.to_string(), body)))
}

/// A JSON body that may be left out: nothing, or `null`, is the default of its type.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = Error;
    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        let body = whole(request.into_body(), MAX_BODY_BYTES).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        read::<Option<T>>(&body).map(|given| Self(given.unwrap_or_default()))
    }
}

/// A body of bytes as they are: a file of at most [`MAX_UPLOAD_BYTES`].
#[derive(Debug)]
pub struct Upload(pub Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Error;
    async fn from_request(request: Request, _: &S) -> Result<Self, Error> {
        whole(request.into_body(), MAX_UPLOAD_BYTES).await.map(|bytes| Self(bytes.into()))
    }
}

/// A body of at most so many bytes, whole. What comes beyond them is thrown away, up to [`MAX_THROWN_AWAY`]: an answer that is
/// given while more is on its way may never arrive.
///
/// # Errors
/// [`Error::TooLarge`] for a longer one, and [`Error::Invalid`] for one that breaks off.
pub async fn whole(body: Body, limit: usize) -> Result<Bytes, Error> {
    let (mut taken, mut thrown_away) = (Vec::new(), 0);
    let mut arriving = body.into_data_stream();
    while let Some(part) = arriving.next().await {
        let part = part.map_err(|error| Error::invalid("", "unreadable", error.to_string()))?;
        if thrown_away == 0 && taken.len() + part.len() <= limit {
            taken.extend_from_slice(&part);
            continue;
        }
        taken = Vec::new();
        thrown_away += part.len();
        if thrown_away > MAX_THROWN_AWAY {
            break;
        }
    }
    if thrown_away > 0 { Err(Error::TooLarge { limit }) } else { Ok(taken.into()) }
}

/// What is wrong with a body, without what was in it: a parser quotes the value that it did not expect, and that may be a
/// password in the wrong place.
fn without_values(message: &str, body: &[u8]) -> String {
    fn strings<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::String(text) if !text.is_empty() => found.push(text),
            Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
            Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
            _ => {}
        }
    }
    // A body that is no JSON at all is not quoted: only where it breaks is told.
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return message.to_owned() };
    let mut found = Vec::new();
    strings(&body, &mut found);
    // The longest first: one may be part of another.
    found.sort_by_key(|text| std::cmp::Reverse(text.len()));
    let mut message = message.to_owned();
    for text in found {
        let quoted = format!("{text:?}");
        for (open, close, inner) in [("\"", "\"", &quoted[1..quoted.len() - 1]), ("`", "`", text)] {
            message = message.replace(&format!("{open}{inner}{close}"), &format!("{open}…{close}"));
        }
        // Some parsers of ours quote in other ways; a short text might be a word of the message itself.
        if text.len() >= 8 {
            message = message.replace(text, "…");
        }
    }
    message
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Query parameters; errors name what is wrong.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        nul::refuse_in_query(parts.uri.query())?;
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|error| Error::invalid("?", "malformed", error.body_text()))
    }
}

/// A path parameter; one that is not even an id of the kind is simply not found.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| Error::NotFound)
    }
}

/// `If-Match: "<version>"` of an update.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(pub i64);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let value = parts.headers.get(header::IF_MATCH).ok_or(Error::VersionRequired)?;
        let text = value.to_str().unwrap_or_default().trim_matches('"');
        text.parse().map(Self).map_err(|_| Error::VersionRequired)
    }
}

/// An answer with its `ETag`.
#[derive(Debug)]
pub struct Versioned<T>(pub i64, pub T);

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.1).into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.0)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// `Idempotency-Key` of a request with an effect.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        match value.to_str() {
            Ok(key) if (1..=200).contains(&key.len()) => Ok(Self(Some(key.to_owned()))),
            _ => {
                Err(Error::invalid("Idempotency-Key", "out_of_range", "expected 1 to 200 visible characters"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
