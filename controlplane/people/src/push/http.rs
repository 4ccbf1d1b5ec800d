//! `/me/push-key`, `/me/push-subscriptions`.

use super::{NewPushSubscription, PushKey, PushSubscription, service};
use crate::messaging::Outbound;
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem},
    ids::PushSubscriptionId,
    page::Page,
};
use axum::{Extension, http::StatusCode};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of whoever is logged in.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(key)).routes(routes!(list, create)).routes(routes!(delete))
}

/// The public key that a browser subscribes with (`applicationServerKey`). It stays the same.
#[utoipa::path(get, path = "/me/push-key", tag = "me",
    responses((status = 200, body = PushKey), (status = 409, description = "`push_off`: this installation pushes nothing: [push] of its configuration", body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn key(ctx: Ctx, Extension(outbound): Extension<Arc<Outbound>>) -> Result<Json<PushKey>, Error> {
    service::public_key(&ctx, outbound.push.as_ref()).await.map(Json)
}

/// The caller's browsers that notices are pushed to, oldest first.
#[utoipa::path(get, path = "/me/push-subscriptions", tag = "me", responses((status = 200, body = Page<PushSubscription>)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn list(ctx: Ctx) -> Result<Json<Page<PushSubscription>>, Error> {
    service::subscriptions_list(&ctx).await.map(Json)
}

/// Switches a browser on: from now on the caller's notices are pushed to it. Its address and its secret are sealed and not given
/// out again; a browser that is known keeps its id.
#[utoipa::path(post, path = "/me/push-subscriptions", tag = "me",
    request_body(content = NewPushSubscription, example = json!({"name": "Firefox · Windows", "endpoint": "https://push.example/send/what-only-this-browser-has", "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "auth": "BTBZMqHH6r4Tts7J_aSIgg"})),
    responses((status = 201, body = PushSubscription), (status = 409, description = "`push_off`: this installation pushes nothing: [push] of its configuration", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn create(
    ctx: Ctx,
    Extension(outbound): Extension<Arc<Outbound>>,
    Json(new): Json<NewPushSubscription>,
) -> Result<(StatusCode, Json<PushSubscription>), Error> {
    let made = service::subscription_create(&ctx, outbound.push.as_ref(), &new).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Switches one of the caller's browsers off.
#[utoipa::path(delete, path = "/me/push-subscriptions/{id}", tag = "me", params(("id" = PushSubscriptionId, Path)),
    responses((status = 204), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn delete(ctx: Ctx, Path(id): Path<PushSubscriptionId>) -> Result<StatusCode, Error> {
    service::subscription_delete(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
