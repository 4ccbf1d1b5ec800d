//! Who asks: a session cookie or a program's key becomes a context. A change with a cookie needs the session's CSRF token too,
//! because browsers send cookies by themselves; nobody sends a key by accident.

use super::request::RequestId;
use atalaya_kernel::{Ctx, Error, runtime::Runtime, secrets::SecretText};
use atalaya_people::{
    identity::{self, http::cookie_token},
    keys,
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// Who was behind a request, left on its answer for the log.
#[derive(Debug, Clone)]
pub(super) struct Acting {
    /// Id of the tenant.
    pub(super) tenant: String,
    /// Id of the user.
    pub(super) who: String,
}

/// Puts the context of whoever asks into the request, or answers 401.
pub(super) async fn authenticate(
    State(runtime): State<Arc<Runtime>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Err(error) = identify(&runtime, &mut request).await {
        return error.into_response();
    }
    let acting = request
        .extensions()
        .get::<Ctx>()
        .map(|ctx| Acting { tenant: ctx.tenant().to_string(), who: ctx.principal().parts().1 });
    let mut response = next.run(request).await;
    if let Some(acting) = acting {
        response.extensions_mut().insert(acting);
    }
    response
}

async fn identify(runtime: &Arc<Runtime>, request: &mut Request) -> Result<(), Error> {
    let request_id =
        request.extensions().get::<RequestId>().map_or_else(|| "unknown".into(), |id| id.0.clone());
    if let Some(token) = bearer(request.headers())? {
        let ctx = keys::authenticate(runtime, &token, &request_id).await?.ok_or(Error::Unauthenticated)?;
        request.extensions_mut().insert(ctx);
        return Ok(());
    }
    let token = cookie_token(request.headers()).ok_or(Error::Unauthenticated)?;
    let (ctx, logged_in) =
        identity::authenticate(runtime, token, &request_id).await?.ok_or(Error::Unauthenticated)?;
    if !request.method().is_safe() {
        let given = request.headers().get("x-csrf-token").map(|value| value.as_bytes()).unwrap_or_default();
        if !constant_time_equal(given, logged_in.csrf_token.as_bytes()) {
            return Err(Error::Forbidden("csrf"));
        }
    }
    request.extensions_mut().insert(ctx);
    request.extensions_mut().insert(logged_in);
    Ok(())
}

/// What a program sends as `Authorization: Bearer …`; whoever sends another kind is nobody.
fn bearer(headers: &HeaderMap) -> Result<Option<SecretText>, Error> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
    text.map(|token| Some(SecretText::new(token.trim().to_owned()))).ok_or(Error::Unauthenticated)
}

fn constant_time_equal(given: &[u8], wanted: &[u8]) -> bool {
    use subtle::ConstantTimeEq;
    given.ct_eq(wanted).into()
}
