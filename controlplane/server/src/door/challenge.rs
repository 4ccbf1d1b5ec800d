//! What an authority is answered that asks on port 80 whether a name leads here (RFC 8555, section 8.3).

use atalaya_kernel::{Error, acme, runtime::Runtime};
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

/// Longest token that is looked for: authorities send 43 characters.
const LONGEST_TOKEN: usize = 128;

/// Answers below the well-known path, on whichever host name.
pub(super) fn router(runtime: Arc<Runtime>) -> Router {
    Router::new().route("/.well-known/acme-challenge/{token}", get(answer)).with_state(runtime)
}

async fn answer(State(runtime): State<Arc<Runtime>>, Path(token): Path<String>) -> Response {
    // base64url, section 8.1: nothing else was ever laid out.
    let is_token = token.len() <= LONGEST_TOKEN
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !is_token {
        return StatusCode::NOT_FOUND.into_response();
    }
    match found(&runtime, &token).await {
        Ok(Some(answer)) => ([(header::CONTENT_TYPE, "application/octet-stream")], answer).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::warn!(%error, "an authority could not be answered");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn found(runtime: &Runtime, token: &str) -> Result<Option<String>, Error> {
    let mut tx = runtime.platform().begin_read().await?;
    let answer = acme::answer(&mut tx, token, runtime.clock.now()).await?;
    tx.rollback().await?;
    Ok(answer)
}
