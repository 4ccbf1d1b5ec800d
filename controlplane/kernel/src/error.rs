//! The one error of use cases, sorted by what the caller can do, and mapped to a problem document in one place
//! ([`crate::http`]).
//!
//! Which error where: use cases return [`Error`]; stores return [`DbError`] or turn a named constraint into
//! [`Error::conflict`]; parsers and drivers have their own enums; binaries and jobs use `anyhow`.

use crate::db::DbError;
use serde_json::{Map, Value};

/// One field of a request that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON pointer into the request body, e.g. `/amount/currency`, or `?name` for a query parameter.
    pub pointer: String,
    /// Stable word: `required`, `too_long`, `out_of_range`, `unknown`, …
    pub code: &'static str,
    /// What is wrong and the mend, in English, for programs' logs; people read the translation of `code`.
    pub detail: String,
}

/// A use case that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such thing, or not yours: always the same answer.
    #[error("not found")]
    NotFound,
    /// Nobody is logged in.
    #[error("authentication required")]
    Unauthenticated,
    /// Logged in, without the permission named.
    #[error("permission {0} is missing")]
    Forbidden(&'static str),
    /// Logged in with the right, which is dangerous, and it is too long since the person showed who they are.
    #[error("step-up required")]
    StepUpRequired,
    /// The request itself is wrong.
    #[error("invalid request")]
    Invalid(Vec<FieldError>),
    /// The request is right and the state does not allow it.
    #[error("{code}: {detail}")]
    Conflict {
        /// Stable word, the last part of the problem's type.
        code: &'static str,
        /// What and why, in English.
        detail: String,
        /// Values for the translated sentence.
        params: Map<String, Value>,
    },
    /// Somebody else changed it first; the version that is there now.
    #[error("changed meanwhile: version {current}")]
    VersionConflict {
        /// Version stored.
        current: i64,
    },
    /// An update without `If-Match`.
    #[error("If-Match is required")]
    VersionRequired,
    /// A body of more bytes than are taken.
    #[error("a body of at most {limit} bytes is taken")]
    TooLarge {
        /// Bytes at most.
        limit: usize,
    },
    /// Too often.
    #[error("rate limited")]
    RateLimited {
        /// Seconds until it may succeed.
        retry_after_s: u64,
    },
    /// Something needed is away; trying again later may help.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The database said no.
    #[error(transparent)]
    Db(DbError),
    /// A defect of ours; logged with its chain, answered blandly.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// One wrong field.
    pub fn invalid(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { pointer: pointer.into(), code, detail: detail.into() }])
    }
    /// A state that does not allow the request.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::Conflict { code, detail: detail.into(), params: Map::new() }
    }
    /// A state that does not allow the request, with values for the sentence.
    pub fn conflict_with<const N: usize>(
        code: &'static str,
        detail: impl Into<String>,
        params: [(&str, Value); N],
    ) -> Self {
        let params = params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self::Conflict { code, detail: detail.into(), params }
    }
    /// Stable word: the last part of the problem's type.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden(_) => "permission_missing",
            Self::StepUpRequired => "step_up_required",
            Self::Invalid(_) => "invalid",
            Self::Conflict { code, .. } => code,
            Self::VersionConflict { .. } => "version_conflict",
            Self::VersionRequired => "version_required",
            Self::TooLarge { .. } => "body_too_large",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable(_) | Self::Db(DbError::Unavailable(_)) => "unavailable",
            Self::Db(_) | Self::Internal(_) => "internal",
        }
    }
    /// A defect, with its cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }
    /// Whether running the transaction again may help.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Db(error) if error.is_retryable())
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Self {
        match error {
            DbError::NoRow => Self::NotFound,
            error => Self::Db(error),
        }
    }
}

/// Collects what is wrong with a request, so that a person sees all of it at once.
#[derive(Debug, Default)]
pub struct Validation(Vec<FieldError>);

impl Validation {
    /// Nothing wrong so far.
    pub fn new() -> Self {
        Self::default()
    }
    /// Notes a field when the condition does not hold.
    pub fn check(
        &mut self,
        holds: bool,
        pointer: &str,
        code: &'static str,
        detail: impl Into<String>,
    ) -> &mut Self {
        if !holds {
            self.0.push(FieldError { pointer: pointer.to_owned(), code, detail: detail.into() });
        }
        self
    }
    /// A text that must say something and stay within `max` characters; trimmed.
    pub fn text(&mut self, value: &str, pointer: &str, max: usize) -> String {
        let value = value.trim();
        self.check(!value.is_empty(), pointer, "required", "must not be empty");
        self.check(value.chars().count() <= max, pointer, "too_long", format!("at most {max} characters"));
        value.to_owned()
    }
    /// An optional text within `max` characters; trimmed, empty becomes none.
    pub fn optional_text(&mut self, value: Option<&str>, pointer: &str, max: usize) -> Option<String> {
        let value = value.map(str::trim).filter(|value| !value.is_empty())?;
        self.check(value.chars().count() <= max, pointer, "too_long", format!("at most {max} characters"));
        Some(value.to_owned())
    }
    /// Fails with all that was noted.
    ///
    /// # Errors
    /// [`Error::Invalid`] when anything was.
    pub fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}
