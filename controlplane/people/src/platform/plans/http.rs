//! `/platform/plans`, and what a tenant is given.

use super::{NewTenantPlan, TenantPlan, service};
use crate::{
    platform::PlatformCtx,
    tenancy::{Tenant, TenantState},
};
use atalaya_kernel::{
    Error,
    http::{IfMatch, Json, Path, Problem, Versioned},
    ids::{TenantId, TenantPlanId},
    page::Page,
};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(in crate::platform) fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(change))
        .routes(routes!(plan_set))
        .routes(routes!(state_set))
        .routes(routes!(domain_set))
}

/// Plans of tenants, by name.
#[utoipa::path(get, path = "/platform/plans", tag = "platform", responses((status = 200, body = Page<TenantPlan>)),
    extensions(("x-permission" = json!("platform"))))]
async fn list(ctx: PlatformCtx) -> Result<Json<Page<TenantPlan>>, Error> {
    Ok(Json(Page { items: service::plans_list(&ctx).await?, next_cursor: None }))
}

/// Makes a plan.
#[utoipa::path(post, path = "/platform/plans", tag = "platform", request_body(content = NewTenantPlan, example = json!({"name": "Starter", "customers": 500, "devices": 100, "users": 10, "requests_per_minute": 600, "contact": "sales@hosting.example"})),
    responses((status = 201, body = TenantPlan), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn create(
    ctx: PlatformCtx,
    Json(new): Json<NewTenantPlan>,
) -> Result<(StatusCode, Versioned<TenantPlan>), Error> {
    let plan = service::plan_create(&ctx, &new).await?;
    Ok((StatusCode::CREATED, Versioned(plan.version, plan)))
}

/// Replaces what a plan says. A limit below what is used stops only what is new.
#[utoipa::path(put, path = "/platform/plans/{id}", tag = "platform",
    params(("id" = TenantPlanId, Path), ("If-Match" = String, Header)), request_body(content = NewTenantPlan, example = json!({"name": "Starter", "customers": 1_000, "devices": 200, "users": 10, "requests_per_minute": 600, "contact": "sales@hosting.example"})),
    responses((status = 200, body = TenantPlan), (status = 404, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn change(
    ctx: PlatformCtx,
    Path(id): Path<TenantPlanId>,
    IfMatch(version): IfMatch,
    Json(new): Json<NewTenantPlan>,
) -> Result<Versioned<TenantPlan>, Error> {
    let plan = service::plan_change(&ctx, &id, version, &new).await?;
    Ok(Versioned(plan.version, plan))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GivenPlan {
    /// Which; null: nothing is limited.
    plan_id: Option<TenantPlanId>,
}

/// Gives a tenant a plan.
#[utoipa::path(put, path = "/platform/tenants/{id}/plan", tag = "platform", params(("id" = TenantId, Path)), request_body(content = GivenPlan, example = json!({"plan_id": null})),
    responses((status = 200, body = Tenant), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn plan_set(
    ctx: PlatformCtx,
    Path(id): Path<TenantId>,
    Json(body): Json<GivenPlan>,
) -> Result<Json<Tenant>, Error> {
    service::tenant_plan_set(&ctx, &id, body.plan_id.as_ref()).await.map(Json)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GivenState {
    /// From now on.
    state: TenantState,
    /// Why; the tenant's people see it.
    #[schema(example = "The invoice of September is not paid")]
    reason: String,
}

/// Makes a tenant active or read-only. Nothing of its network changes, and nobody is cut while it is read-only.
#[utoipa::path(put, path = "/platform/tenants/{id}/state", tag = "platform", params(("id" = TenantId, Path)), request_body(content = GivenState, example = json!({"state": "read_only", "reason": "The invoice of September is not paid"})),
    responses((status = 200, body = Tenant), (status = 404, body = Problem), (status = 409, description = "`state_unchanged`: the ISP is in that state already", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn state_set(
    ctx: PlatformCtx,
    Path(id): Path<TenantId>,
    Json(body): Json<GivenState>,
) -> Result<Json<Tenant>, Error> {
    service::tenant_state_set(&ctx, &id, body.state, &body.reason).await.map(Json)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GivenDomain {
    /// Host name of its own, by which it is selected before log-in; null: none.
    #[schema(example = "intranet.netandina.example")]
    domain: Option<String>,
}

/// Gives a tenant a host name of its own, or takes it away. The name has to lead to this installation.
#[utoipa::path(put, path = "/platform/tenants/{id}/domain", tag = "platform", params(("id" = TenantId, Path)), request_body(content = GivenDomain, example = json!({"domain": "intranet.netandina.example"})),
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn domain_set(
    ctx: PlatformCtx,
    Path(id): Path<TenantId>,
    Json(body): Json<GivenDomain>,
) -> Result<StatusCode, Error> {
    service::tenant_domain_set(&ctx, &id, body.domain.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}
