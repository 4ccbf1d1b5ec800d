//! `/.well-known/jwks.json`: the public keys that sign tokens of programs (RFC 7517), for whoever verifies one elsewhere.

use atalaya_kernel::{Error, http::Json, runtime::Runtime};
use atalaya_people::tokens;
use axum::{
    Extension, Router,
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use std::sync::Arc;

/// Whoever meets a `kid` that it does not know asks again; this bounds how long a key counts elsewhere after it does not here.
const KEEP: &str = "public, max-age=60";

pub(super) fn router() -> Router {
    Router::new().route("/.well-known/jwks.json", get(serve))
}

async fn serve(Extension(runtime): Extension<Arc<Runtime>>) -> Result<Response, Error> {
    let keys = tokens::keys_public(&runtime).await?;
    Ok(([(header::CACHE_CONTROL, KEEP)], Json(keys)).into_response())
}
