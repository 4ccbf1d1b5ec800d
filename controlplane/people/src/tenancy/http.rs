//! `/tenant`.

use super::{Tenant, TenantChange, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{IfMatch, Json, Problem, Versioned},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of the tenant's settings.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get, update))
}

/// The ISP of the caller and its settings.
#[utoipa::path(get, path = "/tenant", tag = "tenant", responses((status = 200, body = Tenant)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn get(ctx: Ctx) -> Result<Versioned<Tenant>, Error> {
    let tenant = service::tenant_get(&ctx).await?;
    Ok(Versioned(tenant.version, tenant))
}

/// Changes settings.
#[utoipa::path(patch, path = "/tenant", tag = "tenant", params(("If-Match" = String, Header)), request_body = TenantChange,
    responses((status = 200, body = Tenant), (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("tenant.write"))))]
async fn update(
    ctx: Ctx,
    IfMatch(version): IfMatch,
    Json(change): Json<TenantChange>,
) -> Result<Versioned<Tenant>, Error> {
    let tenant = service::tenant_update(&ctx, version, change).await?;
    Ok(Versioned(tenant.version, tenant))
}
