//! `/tenant`.

use super::{Tenant, TenantChange, service};
use crate::identity::http::LoginOrigin;
use atalaya_kernel::{
    Ctx, Error,
    http::{IfMatch, Json, Problem, Versioned},
};
use axum::Extension;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of the tenant's settings.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(get, update))
        .routes(routes!(domain_get))
        .merge(super::logo::http::router())
}

/// The ISP of the caller and its settings.
#[utoipa::path(get, path = "/tenant", tag = "tenant", responses((status = 200, body = Tenant)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn get(ctx: Ctx) -> Result<Versioned<Tenant>, Error> {
    let tenant = service::tenant_get(&ctx).await?;
    Ok(Versioned(tenant.version, tenant))
}

/// Changes settings. Lists of addresses that would lock out whoever sends them are refused, unless `force` is true.
#[utoipa::path(patch, path = "/tenant", tag = "tenant", params(("If-Match" = String, Header)), request_body(content = TenantChange, example = json!({"grace_days": 5, "time_zone": "America/Lima"})),
    responses((status = 200, body = Tenant), (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("tenant.write"))))]
async fn update(
    ctx: Ctx,
    IfMatch(version): IfMatch,
    Extension(login): Extension<LoginOrigin>,
    Json(change): Json<TenantChange>,
) -> Result<Versioned<Tenant>, Error> {
    let tenant = service::tenant_update_from(&ctx, version, change, &login.origin).await?;
    Ok(Versioned(tenant.version, tenant))
}

/// The host name of the ISP's own.
#[derive(Debug, Serialize, ToSchema)]
struct TenantDomain {
    /// By which it is selected before log-in; null: none.
    #[schema(example = "intranet.netandina.example")]
    domain: Option<String>,
}

/// The host name of the ISP's own, which the operator of the installation gives.
#[utoipa::path(get, path = "/tenant/domain", tag = "tenant", responses((status = 200, body = TenantDomain)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn domain_get(ctx: Ctx) -> Result<Json<TenantDomain>, Error> {
    Ok(Json(TenantDomain { domain: super::domain(&mut ctx.begin_read().await?).await? }))
}
