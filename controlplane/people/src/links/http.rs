//! `/users/{id}/link`, `/password-links`.

use super::{Link, LinkInfo, ask::link_ask, service};
use crate::{identity::http::LoginOrigin, messaging::Outbound};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, OptionalJson, Path, Problem},
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
    OpenApiRouter::new().routes(routes!(look)).routes(routes!(set)).routes(routes!(ask))
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct NewLink {
    /// Whether it is sent to the user's e-mail, too; not when absent.
    send: bool,
}

/// Makes a link with which a user sets a password once: an invitation while there was none, a reset afterwards. Its token
/// is in this answer, and in the message that is sent when asked for; a link that was made before is worthless.
#[utoipa::path(post, path = "/users/{id}/link", tag = "users", params(("id" = UserId, Path)), request_body(content = Option<NewLink>, example = json!({"send": true})),
    responses((status = 201, body = Link), (status = 404, body = Problem), (status = 409, description = "`mail_off`: this installation sends no e-mail: hand the link on yourself", body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn create(
    ctx: Ctx,
    Path(id): Path<UserId>,
    Extension(outbound): Extension<Arc<Outbound>>,
    OptionalJson(new): OptionalJson<NewLink>,
) -> Result<(StatusCode, Json<Link>), Error> {
    let link = if new.send {
        service::link_send(&ctx, &outbound, &id).await?
    } else {
        service::link_create(&ctx, &id).await?
    };
    Ok((StatusCode::CREATED, Json(link)))
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

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkWanted {
    /// Slug of the ISP, where the host name does not select it.
    tenant: Option<String>,
    /// The e-mail that one logs in with.
    #[schema(example = "rosa@netandina.example")]
    email: String,
}

/// Has a link sent to somebody who forgot the password. The answer is the same for every e-mail, known or not, and says
/// nothing of whether a message follows: at most one does in a quarter of an hour, and none for who may not log in.
#[utoipa::path(post, path = "/password-links/ask", tag = "session", request_body(content = LinkWanted, example = json!({"tenant": "netandina", "email": "rosa@netandina.example"})),
    responses((status = 202), (status = 422, body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn ask(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Extension(outbound): Extension<Arc<Outbound>>,
    Json(body): Json<LinkWanted>,
) -> Result<StatusCode, Error> {
    let slug = login.slug_or(&runtime, body.tenant).await?;
    link_ask(&runtime, &outbound, &slug, &body.email, &login.origin).await?;
    Ok(StatusCode::ACCEPTED)
}
