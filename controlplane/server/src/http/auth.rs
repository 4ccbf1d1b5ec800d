//! Who asks: a session cookie, a program's key or its token becomes a context. A change with a cookie needs the session's CSRF token too,
//! because browsers send cookies by themselves; nobody sends a key or token by accident.

use super::request::RequestId;
use atalaya_kernel::{Ctx, Error, runtime::Runtime, secrets::SecretText};
use atalaya_people::{
    identity::{
        self,
        http::{LoginOrigin, cookie_token},
    },
    keys,
    platform::{operators, operators::http::operator_token, visits},
    tenancy, tokens,
};
use axum::{
    extract::{MatchedPath, Request, State},
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

/// What somebody of a read-only tenant may change all the same: their own log-in, and who of the installation is in their ISP.
const OWN_LOG_IN: [(&str, &str); 18] = [
    ("DELETE", "/operator-visits/{id}"),
    ("DELETE", "/session"),
    ("POST", "/session/step-up"),
    ("POST", "/session/step-up/options"),
    ("DELETE", "/me/sessions"),
    ("DELETE", "/me/sessions/{id}"),
    ("DELETE", "/me/tokens/{id}"),
    ("PATCH", "/me/notices"),
    ("POST", "/me/password"),
    ("POST", "/me/app"),
    ("POST", "/me/app/confirm"),
    ("DELETE", "/me/app"),
    ("POST", "/me/recovery-codes"),
    ("POST", "/me/passkeys"),
    ("POST", "/me/passkeys/options"),
    ("DELETE", "/me/passkeys/{id}"),
    ("POST", "/me/identities"),
    ("DELETE", "/me/identities/{id}"),
];

/// Whether an operation, by its path below `/api/v1`, is about the caller's own log-in alone.
pub(super) fn is_own_log_in(method: &str, path: &str) -> bool {
    OWN_LOG_IN.iter().any(|(own, own_path)| method.eq_ignore_ascii_case(own) && path == *own_path)
}

/// Whether a request changes something beyond the caller's own log-in.
fn changes_the_tenant(request: &Request) -> bool {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    !request.method().is_safe() && !is_own_log_in(request.method().as_str(), path)
}

/// Refuses what somebody of a read-only tenant would change.
async fn demand_active(ctx: &Ctx, changes: bool) -> Result<(), Error> {
    if !(changes && ctx.is_read_only()) {
        return Ok(());
    }
    Err(tenancy::read_only(&tenancy::tenant_get(ctx).await?))
}

/// Puts the context of the operator who asks into the request, or answers 401.
pub(super) async fn authenticate_operator(
    State(runtime): State<Arc<Runtime>>,
    mut request: Request,
    next: Next,
) -> Response {
    match identify_operator(&runtime, &mut request).await {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

async fn identify_operator(runtime: &Arc<Runtime>, request: &mut Request) -> Result<(), Error> {
    let request_id = request_id(request);
    let token = operator_token(request.headers()).ok_or(Error::Unauthenticated)?;
    let (ctx, session) =
        operators::authenticate(runtime, token, &request_id).await?.ok_or(Error::Unauthenticated)?;
    demand_csrf(request, &session.csrf_token)?;
    request.extensions_mut().insert(ctx);
    request.extensions_mut().insert(session);
    Ok(())
}

fn request_id(request: &Request) -> Arc<str> {
    request.extensions().get::<RequestId>().map_or_else(|| "unknown".into(), |id| id.0.clone())
}

/// Demands of a change that it was sent by our own pages.
fn demand_csrf(request: &Request, wanted: &str) -> Result<(), Error> {
    let given = request.headers().get("x-csrf-token").map(|value| value.as_bytes()).unwrap_or_default();
    if request.method().is_safe() || constant_time_equal(given, wanted.as_bytes()) {
        Ok(())
    } else {
        Err(Error::Forbidden("csrf"))
    }
}

async fn identify(runtime: &Arc<Runtime>, request: &mut Request) -> Result<(), Error> {
    let changes = changes_the_tenant(request);
    let login = request.extensions().get::<LoginOrigin>().cloned().ok_or(Error::Unauthenticated)?;
    if let Some(token) = bearer(request.headers())? {
        let ctx = program(runtime, &token, &login).await?.ok_or(Error::Unauthenticated)?;
        demand_active(&ctx, changes).await?;
        request.extensions_mut().insert(ctx);
        return Ok(());
    }
    let token = cookie_token(request.headers()).ok_or(Error::Unauthenticated)?;
    if let Some((ctx, logged_in)) = identity::authenticate(runtime, token, &login.origin).await? {
        demand_csrf(request, &logged_in.csrf_token)?;
        demand_active(&ctx, changes).await?;
        request.extensions_mut().insert(ctx);
        request.extensions_mut().insert(logged_in);
        return Ok(());
    }
    // Operators of the installation are not of the ISP: its lists do not speak of them.
    let (ctx, visiting) = visits::authenticate(runtime, token, &login.origin.request_id)
        .await?
        .ok_or(Error::Unauthenticated)?;
    demand_csrf(request, &visiting.csrf_token)?;
    request.extensions_mut().insert(ctx);
    request.extensions_mut().insert(visiting);
    Ok(())
}

/// The context of a program: by a key of its own, or by a token of a person for whom it acts.
async fn program(
    runtime: &Arc<Runtime>,
    token: &SecretText,
    login: &LoginOrigin,
) -> Result<Option<Ctx>, Error> {
    if keys::is_key(token.expose()) {
        return keys::authenticate(runtime, token, &login.origin).await;
    }
    let here = login.tenant_id(runtime).await?;
    tokens::authenticate(runtime, token, here.as_ref(), &login.origin).await
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
