//! The query of a list as an argument of its handler.

use super::nul;
use crate::{
    Error,
    list::{List, ListQuery},
};
use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};

impl<S: Send + Sync, L: List> FromRequestParts<S> for ListQuery<L> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        nul::refuse_in_query(parts.uri.query())?;
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| Error::invalid("?", "malformed", error.body_text()))?;
        Self::of(pairs)
    }
}
