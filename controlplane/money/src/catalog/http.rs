//! `/plans`.

use super::{NewPlan, Plan, PlanChange, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{IfMatch, Json, Path, Problem, Query, Versioned},
    ids::PlanId,
    page::{Page, PageQuery},
};
use axum::http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of plans.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update))
}

/// Plans by name.
#[utoipa::path(get, path = "/plans", tag = "plans", params(PageQuery), responses((status = 200, body = Page<Plan>)),
    extensions(("x-permission" = json!("plan.read"))))]
async fn list(ctx: Ctx, Query(page): Query<PageQuery>) -> Result<Json<Page<Plan>>, Error> {
    service::plans_list(&ctx, &page).await.map(Json)
}

/// Makes a plan.
#[utoipa::path(post, path = "/plans", tag = "plans", request_body(content = NewPlan, example = json!({"name": "Fibra 100", "download_bps": 100_000_000, "upload_bps": 50_000_000, "price": {"amount": 8_900, "currency": "PEN"}})),
    responses((status = 201, body = Plan), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("plan.write"))))]
async fn create(ctx: Ctx, Json(new): Json<NewPlan>) -> Result<(StatusCode, Versioned<Plan>), Error> {
    let plan = service::plan_create(&ctx, new).await?;
    Ok((StatusCode::CREATED, Versioned(plan.version, plan)))
}

/// One plan.
#[utoipa::path(get, path = "/plans/{id}", tag = "plans", params(("id" = PlanId, Path)),
    responses((status = 200, body = Plan), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("plan.read"))))]
async fn get(ctx: Ctx, Path(id): Path<PlanId>) -> Result<Versioned<Plan>, Error> {
    let plan = service::plan_get(&ctx, &id).await?;
    Ok(Versioned(plan.version, plan))
}

/// Changes a plan.
#[utoipa::path(patch, path = "/plans/{id}", tag = "plans", params(("id" = PlanId, Path), ("If-Match" = String, Header)),
    request_body(content = PlanChange, example = json!({"price": {"amount": 9_900, "currency": "PEN"}})),
    responses((status = 200, body = Plan), (status = 404, body = Problem), (status = 412, body = Problem)),
    extensions(("x-permission" = json!("plan.write"))))]
async fn update(
    ctx: Ctx,
    Path(id): Path<PlanId>,
    IfMatch(version): IfMatch,
    Json(change): Json<PlanChange>,
) -> Result<Versioned<Plan>, Error> {
    let plan = service::plan_update(&ctx, &id, version, change).await?;
    Ok(Versioned(plan.version, plan))
}
