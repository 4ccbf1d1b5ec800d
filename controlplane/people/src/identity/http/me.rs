//! `/me`: what belongs to whoever is logged in.

use super::session::{LoginOrigin, with_cookie};
use crate::identity::{LoggedIn, SessionInfo, sessions};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem},
    ids::SessionId,
    page::Page,
    secrets::SecretText,
};
use axum::{
    Extension,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(sessions_list, sessions_revoke_others))
        .routes(routes!(session_revoke))
        .routes(routes!(password))
}

/// The caller's sessions, the last used first.
#[utoipa::path(get, path = "/me/sessions", tag = "me", responses((status = 200, body = Page<SessionInfo>)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn sessions_list(ctx: Ctx, logged_in: LoggedIn) -> Result<Json<Page<SessionInfo>>, Error> {
    sessions::sessions_list(&ctx, &logged_in.session_id).await.map(Json)
}

/// Ends every session of the caller but the one that asks.
#[utoipa::path(delete, path = "/me/sessions", tag = "me", responses((status = 204)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn sessions_revoke_others(ctx: Ctx, logged_in: LoggedIn) -> Result<StatusCode, Error> {
    sessions::sessions_revoke_others(&ctx, &logged_in.session_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one of the caller's sessions.
#[utoipa::path(delete, path = "/me/sessions/{id}", tag = "me", params(("id" = SessionId, Path)),
    responses((status = 204), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn session_revoke(ctx: Ctx, Path(id): Path<SessionId>) -> Result<StatusCode, Error> {
    sessions::session_revoke(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    /// The password until now.
    current: SecretText,
    /// The password from now on, 10 to 128 characters.
    password: SecretText,
}

/// Changes the caller's own password; every other session of theirs ends, and this one has another cookie.
#[utoipa::path(post, path = "/me/password", tag = "me", request_body(content = PasswordChange, example = json!({"current": "una-clave-larga-2026", "password": "otra-clave-larga-2026"})),
    responses((status = 204), (status = 401, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn password(
    ctx: Ctx,
    logged_in: LoggedIn,
    Extension(login): Extension<LoginOrigin>,
    Json(body): Json<PasswordChange>,
) -> Result<Response, Error> {
    match sessions::password_change(&ctx, &logged_in, &body.current, &body.password).await? {
        Some(token) => with_cookie(StatusCode::NO_CONTENT, &token, login.https),
        None => Ok(Problem::wrong_login().into_response()),
    }
}
