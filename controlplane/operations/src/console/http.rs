//! `/platform/tenants`, and `/tenant/use`.

use super::{
    NewTenantMade, NewTenantRequest, TenantRow, TenantUse,
    service::{self, TenantPage},
};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem, Query},
    ids::TenantId,
    page::PageQuery,
};
use atalaya_people::{messaging::Outbound, platform::PlatformCtx};
use axum::{Extension, http::StatusCode};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The tenant's own figures.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(own_use))
}

/// Routes that demand an operator.
pub fn operator_router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get))
}

/// What the ISP has, and what its plan allows.
#[utoipa::path(get, path = "/tenant/use", tag = "tenant", responses((status = 200, body = TenantUse)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn own_use(ctx: Ctx) -> Result<Json<TenantUse>, Error> {
    service::tenant_use(&ctx).await.map(Json)
}

/// Tenants, oldest first, with plan, use and health.
#[utoipa::path(get, path = "/platform/tenants", tag = "platform", params(PageQuery), responses((status = 200, body = TenantPage)),
    extensions(("x-permission" = json!("platform"))))]
async fn list(ctx: PlatformCtx, Query(page): Query<PageQuery>) -> Result<Json<TenantPage>, Error> {
    service::tenants_list(&ctx, &page).await.map(Json)
}

/// One tenant.
#[utoipa::path(get, path = "/platform/tenants/{id}", tag = "platform", params(("id" = TenantId, Path)),
    responses((status = 200, body = TenantRow), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn get(ctx: PlatformCtx, Path(id): Path<TenantId>) -> Result<Json<TenantRow>, Error> {
    service::tenant_row(&ctx, &id).await.map(Json)
}

/// Makes a tenant with its first owner, who sets a password with the link of the answer; the link is sent by e-mail, too, where that is asked for.
#[utoipa::path(post, path = "/platform/tenants", tag = "platform", request_body(content = NewTenantRequest, example = json!({"tenant": {"slug": "netandina", "name": "NetAndina", "country": "PE", "currency": "PEN", "time_zone": "America/Lima", "locale": "es-419"}, "owner_email": "rosa@netandina.example", "owner_name": "Rosa Quispe"})),
    responses((status = 201, body = NewTenantMade), (status = 409, description = "`mail_off`: this installation sends no e-mail: hand the link on yourself", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn create(
    ctx: PlatformCtx,
    Extension(outbound): Extension<Arc<Outbound>>,
    Json(new): Json<NewTenantRequest>,
) -> Result<(StatusCode, Json<NewTenantMade>), Error> {
    Ok((StatusCode::CREATED, Json(service::tenant_make(&ctx, &outbound, new).await?)))
}
