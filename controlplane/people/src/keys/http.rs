//! `/api-keys`.

use super::{ApiKey, ApiKeyMade, NewApiKey, service};
use crate::access::Catalog;
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem, Query},
    ids::ApiKeyId,
    page::{Page, PageQuery},
};
use axum::{Extension, http::StatusCode};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of API keys.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, revoke))
}

/// API keys, newest first, also those that were revoked. Their secrets are not kept.
#[utoipa::path(get, path = "/api-keys", tag = "api keys", params(PageQuery), responses((status = 200, body = Page<ApiKey>)),
    extensions(("x-permission" = json!("api_key.read"))))]
async fn list(ctx: Ctx, Query(page): Query<PageQuery>) -> Result<Json<Page<ApiKey>>, Error> {
    service::keys_list(&ctx, &page).await.map(Json)
}

/// Makes an API key. Its token is in this answer and nowhere else.
#[utoipa::path(post, path = "/api-keys", tag = "api keys", request_body(content = NewApiKey, example = json!({"name": "Accounting", "permissions": ["invoice.read", "payment.read"]})),
    responses((status = 201, body = ApiKeyMade), (status = 409, description = "`beyond_own_rights`: it names rights that the caller does not hold", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("api_key.write"))))]
async fn create(
    ctx: Ctx,
    Extension(catalog): Extension<Arc<Catalog>>,
    Json(new): Json<NewApiKey>,
) -> Result<(StatusCode, Json<ApiKeyMade>), Error> {
    Ok((StatusCode::CREATED, Json(service::key_create(&ctx, &catalog, new).await?)))
}

/// One API key.
#[utoipa::path(get, path = "/api-keys/{id}", tag = "api keys", params(("id" = ApiKeyId, Path)),
    responses((status = 200, body = ApiKey), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("api_key.read"))))]
async fn get(ctx: Ctx, Path(id): Path<ApiKeyId>) -> Result<Json<ApiKey>, Error> {
    service::key_get(&ctx, &id).await.map(Json)
}

/// Revokes an API key, at once and for ever.
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "api keys", params(("id" = ApiKeyId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, description = "`key_revoked`: this key was revoked before", body = Problem)),
    extensions(("x-permission" = json!("api_key.write"))))]
async fn revoke(ctx: Ctx, Path(id): Path<ApiKeyId>) -> Result<StatusCode, Error> {
    service::key_revoke(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
