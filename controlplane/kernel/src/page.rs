//! Lists come in pages, by cursor: the sort values of the last row, opaque to the caller.

use crate::Error;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Rows of a page when the caller does not say.
pub const DEFAULT_LIMIT: i64 = 50;
/// Rows of a page at most.
pub const MAX_LIMIT: i64 = 200;

/// `?cursor=&limit=` of a list.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Where the last page ended: `next_cursor` of its answer.
    pub cursor: Option<String>,
    /// Rows wanted, 1 to 200; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<i64>,
}

impl PageQuery {
    /// Rows to show.
    ///
    /// # Errors
    /// [`Error::Invalid`] out of 1..=200.
    pub fn limit(&self) -> Result<i64, Error> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            other => Err(Error::invalid(
                "?limit",
                "out_of_range",
                format!("expected 1 to {MAX_LIMIT}, got {other}"),
            )),
        }
    }
    /// The sort values after which the page starts.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor that this list did not give.
    pub fn after<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let wrong = || Error::invalid("?cursor", "unknown", "not a cursor of this list; start without one");
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| wrong())
    }
}

/// One page of a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Cursor of the next page; none on the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// From up to `limit + 1` rows: one more than shown tells that there is a next page.
    ///
    /// # Errors
    /// Sort values without a JSON form.
    pub fn of<K: Serialize>(mut rows: Vec<T>, limit: i64, key: impl Fn(&T) -> K) -> Result<Self, Error> {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = match rows.last() {
            Some(last) if more => {
                Some(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&key(last)).map_err(Error::internal)?))
            }
            _ => None,
        };
        Ok(Self { items: rows, next_cursor })
    }
    /// The same page of other rows.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next_cursor: self.next_cursor }
    }
}
