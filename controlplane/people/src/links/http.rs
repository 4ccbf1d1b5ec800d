//! `/users/{id}/link`, `/password-links`.

use super::{Link, LinkInfo, service};
use crate::identity::http::LoginOrigin;
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem},
    ids::UserId,
    runtime::Runtime,
    secrets::SecretText,
};
use axum::{Extension, http::StatusCode};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of whoever makes links.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(create))
}

/// Routes of whoever has one.
pub fn public_router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(look)).routes(routes!(set))
}

/// Makes a link with which a user sets a password once: an invitation while there was none, a reset afterwards. Its token
/// is in this answer and nowhere else; a link that was made before is worthless.
#[utoipa::path(post, path = "/users/{id}/link", tag = "users", params(("id" = UserId, Path)),
    responses((status = 201, body = Link), (status = 404, body = Problem), (status = 409, body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn create(ctx: Ctx, Path(id): Path<UserId>) -> Result<(StatusCode, Json<Link>), Error> {
    Ok((StatusCode::CREATED, Json(service::link_create(&ctx, &id).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkToken {
    /// What the link carries behind its `#`.
    token: SecretText,
}

/// Whose password a link lets set.
#[utoipa::path(post, path = "/password-links/look", tag = "session", request_body(content = LinkToken, example = json!({"token": "what the link carries"})),
    responses((status = 200, body = LinkInfo), (status = 404, body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn look(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Json(body): Json<LinkToken>,
) -> Result<Json<LinkInfo>, Error> {
    service::link_look(&runtime, &body.token, &login.origin.request_id).await.map(Json)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkPassword {
    /// What the link carries behind its `#`.
    token: SecretText,
    /// 10 to 128 characters.
    password: SecretText,
}

/// Sets a password with a link, once; the user's sessions end. Log in with it afterwards.
#[utoipa::path(post, path = "/password-links/use", tag = "session", request_body(content = LinkPassword, example = json!({"token": "what the link carries", "password": "una-clave-larga-2026"})),
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn set(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Json(body): Json<LinkPassword>,
) -> Result<StatusCode, Error> {
    service::link_use(&runtime, &body.token, &body.password, &login.origin.request_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
