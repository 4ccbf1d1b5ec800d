//! `/platform/session`, `/platform/me/app`, `/platform/audit`.

use super::{Operator, OperatorLogIn, OperatorSession, factor, log_in};
use crate::{
    factors::Enrolment,
    identity::http::{LoginOrigin, cookie},
    platform::PlatformCtx,
};
use atalaya_kernel::{
    Error, STEP_UP_MS,
    audit::{self, AuditFilter, AuditRow},
    http::{Json, Problem, Query},
    ids::AuditId,
    page::{Page, PageQuery},
    runtime::Runtime,
    secrets::SecretText,
    time::Timestamp,
};
use axum::{
    Extension,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Name of the cookie of an operator's session.
pub const OPERATOR_COOKIE: &str = "atalaya_operator";
/// The only paths that it is sent to.
const COOKIE_PATH: &str = "/api/v1/platform";

/// Handlers name `PlatformCtx` to demand an operator; the server's middleware put it there.
impl<S: Send + Sync> FromRequestParts<S> for PlatformCtx {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or(Error::Unauthenticated)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OperatorSession {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or(Error::Unauthenticated)
    }
}

pub(in crate::platform) fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(session_get, session_delete))
        .routes(routes!(app_enrol, app_remove))
        .routes(routes!(app_confirm))
        .routes(routes!(audit_list))
}

pub(in crate::platform) fn public_router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(session_create))
}

/// Token of the operator's cookie.
pub fn operator_token(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, OPERATOR_COOKIE)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OperatorCredentials {
    #[schema(example = "noc@hosting.example")]
    email: String,
    password: SecretText,
    /// Six digits of the app, where one is enrolled.
    code: Option<SecretText>,
}

/// An operator who is logged in.
#[derive(Debug, Serialize, ToSchema)]
struct OperatorSessionInfo {
    operator: Operator,
    /// To be sent as `X-CSRF-Token` with every change.
    #[schema(example = "sent-as-x-csrf-token")]
    csrf_token: String,
    /// Until when entering a tenant and changing the app do not ask for another log-in.
    proved_until: Timestamp,
}

impl From<OperatorSession> for OperatorSessionInfo {
    fn from(session: OperatorSession) -> Self {
        Self {
            operator: session.operator,
            csrf_token: session.csrf_token,
            proved_until: session.proved_at.plus_millis(STEP_UP_MS),
        }
    }
}

/// Logs an operator in and sets the operator's cookie. `code_wanted` asks for the same again with a code of the app.
#[utoipa::path(post, path = "/platform/session", tag = "platform", request_body(content = OperatorCredentials, example = json!({"email": "noc@hosting.example", "password": "una-clave-larga-2026"})),
    responses((status = 200, body = OperatorSessionInfo), (status = 401, body = Problem), (status = 409, description = "`code_wanted`: send the same again with a code of your app", body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn session_create(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Json(body): Json<OperatorCredentials>,
) -> Result<Response, Error> {
    let done = log_in::log_in(&runtime, &body.email, &body.password, body.code.as_ref(), &login.origin);
    match done.await? {
        OperatorLogIn::Refused => Ok(Problem::wrong_login().into_response()),
        OperatorLogIn::CodeWanted => {
            Err(Error::conflict("code_wanted", "send the same again with a code of your app"))
        }
        OperatorLogIn::In { token, session } => {
            let secure = if login.https { "; Secure" } else { "" };
            let set = format!(
                "{OPERATOR_COOKIE}={}; Path={COOKIE_PATH}; HttpOnly; SameSite=Strict{secure}",
                token.expose()
            );
            with_cookie(Json(OperatorSessionInfo::from(*session)), &set)
        }
    }
}

fn with_cookie(answer: impl IntoResponse, cookie: &str) -> Result<Response, Error> {
    let mut response = answer.into_response();
    let value = HeaderValue::from_str(cookie).map_err(Error::internal)?;
    response.headers_mut().insert(header::SET_COOKIE, value);
    Ok(response)
}

/// Which operator is logged in.
#[utoipa::path(get, path = "/platform/session", tag = "platform", responses((status = 200, body = OperatorSessionInfo), (status = 401, body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn session_get(session: OperatorSession) -> Json<OperatorSessionInfo> {
    Json(session.into())
}

/// Logs out.
#[utoipa::path(delete, path = "/platform/session", tag = "platform", responses((status = 204)),
    extensions(("x-permission" = json!("platform"))))]
async fn session_delete(ctx: PlatformCtx, session: OperatorSession) -> Result<Response, Error> {
    log_in::log_out(&ctx, &session).await?;
    let gone = format!("{OPERATOR_COOKIE}=; Path={COOKIE_PATH}; HttpOnly; SameSite=Strict; Max-Age=0");
    with_cookie(StatusCode::NO_CONTENT, &gone)
}

/// Starts the enrolment of an authenticator app. Asks for a log-in of the last ten minutes.
#[utoipa::path(post, path = "/platform/me/app", tag = "platform",
    responses((status = 201, body = Enrolment), (status = 403, body = Problem), (status = 409, description = "`factor_enrolled`: an app is enrolled: remove it first", body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn app_enrol(
    ctx: PlatformCtx,
    session: OperatorSession,
) -> Result<(StatusCode, Json<Enrolment>), Error> {
    Ok((StatusCode::CREATED, Json(factor::app_enrol(&ctx, &session).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OperatorAppCode {
    /// Six digits that the app shows.
    #[schema(example = "492039")]
    code: SecretText,
}

/// Ends the enrolment with a first code; from now on a log-in asks for one.
#[utoipa::path(post, path = "/platform/me/app/confirm", tag = "platform", request_body(content = OperatorAppCode, example = json!({"code": "123456"})),
    responses((status = 204), (status = 403, body = Problem), (status = 409, description = "`factor_missing`: start the enrolment of an app first", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn app_confirm(
    ctx: PlatformCtx,
    session: OperatorSession,
    Json(body): Json<OperatorAppCode>,
) -> Result<StatusCode, Error> {
    factor::app_confirm(&ctx, &session, &body.code).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the caller's app.
#[utoipa::path(delete, path = "/platform/me/app", tag = "platform", responses((status = 204), (status = 403, body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn app_remove(ctx: PlatformCtx, session: OperatorSession) -> Result<StatusCode, Error> {
    factor::app_remove(&ctx, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who did what to the installation, newest first: operators, the command line, first starts, copies that were armed.
#[utoipa::path(get, path = "/platform/audit", tag = "platform", params(PageQuery), responses((status = 200, body = Page<AuditRow>)),
    extensions(("x-permission" = json!("platform"))))]
async fn audit_list(ctx: PlatformCtx, Query(page): Query<PageQuery>) -> Result<Json<Page<AuditRow>>, Error> {
    let limit = page.limit()?;
    let filter = AuditFilter { before: page.after::<AuditId>()?, limit: limit + 1, ..AuditFilter::default() };
    let rows = audit::list_platform(&mut ctx.runtime().platform().begin_read().await?, &filter).await?;
    Page::of(rows, limit, |row| row.id.clone()).map(Json)
}
