//! `/collections/runs`.

use super::{Run, run_create, run_execute, run_get, run_items_set, runs_list};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem, Query},
    ids::{RunId, ServiceId},
    page::{Page, PageQuery},
};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of cut runs.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
        .routes(routes!(items_set))
        .routes(routes!(execute))
}

/// Cut runs, newest first, without their services.
#[utoipa::path(get, path = "/collections/runs", tag = "collections", params(PageQuery), responses((status = 200, body = Page<Run>)),
    extensions(("x-permission" = json!("collections.read"))))]
async fn list(ctx: Ctx, Query(page): Query<PageQuery>) -> Result<Json<Page<Run>>, Error> {
    runs_list(&ctx, &page).await.map(Json)
}

/// Previews a cut run. Nothing is done.
#[utoipa::path(post, path = "/collections/runs", tag = "collections", responses((status = 201, body = Run)),
    extensions(("x-permission" = json!("collections.run"))))]
async fn create(ctx: Ctx) -> Result<(StatusCode, Json<Run>), Error> {
    Ok((StatusCode::CREATED, Json(run_create(&ctx).await?)))
}

/// One cut run with its services.
#[utoipa::path(get, path = "/collections/runs/{id}", tag = "collections", params(("id" = RunId, Path)),
    responses((status = 200, body = Run), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("collections.read"))))]
async fn get(ctx: Ctx, Path(id): Path<RunId>) -> Result<Json<Run>, Error> {
    run_get(&ctx, &id).await.map(Json)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ItemsChange {
    /// Which services of the run.
    service_ids: Vec<ServiceId>,
    /// In or out.
    included: bool,
    /// Why out.
    reason: Option<String>,
}

/// Takes services out of a preview, or back in.
#[utoipa::path(patch, path = "/collections/runs/{id}/items", tag = "collections", params(("id" = RunId, Path)), request_body(content = ItemsChange, example = json!({"service_ids": ["svc_01jd3k5m7nf8v9q0r1s2t3w4x5"], "included": false, "reason": "Promised to pay on Friday"})),
    responses((status = 200, body = Run), (status = 404, body = Problem), (status = 409, description = "`run_closed`: this run was executed already", body = Problem)),
    extensions(("x-permission" = json!("collections.run"))))]
async fn items_set(
    ctx: Ctx,
    Path(id): Path<RunId>,
    Json(change): Json<ItemsChange>,
) -> Result<Json<Run>, Error> {
    run_items_set(&ctx, &id, &change.service_ids, change.included, change.reason.as_deref()).await.map(Json)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Execution {
    /// Number of services that the person saw; another number now is refused.
    expected_services: i64,
    /// Turns automatic cuts on from now on.
    #[serde(default)]
    enable_automatic: bool,
}

/// Decides to execute a preview; the run is then carried out by itself, and read for its progress. Where the ISP wants a
/// second person for a run of this size, it stays a preview with `approval_id`.
#[utoipa::path(post, path = "/collections/runs/{id}/execute", tag = "collections", params(("id" = RunId, Path)), request_body(content = Execution, example = json!({"expected_services": 12, "enable_automatic": false})),
    responses((status = 202, body = Run), (status = 404, body = Problem), (status = 409, description = "`numbers_changed`: the figures are others than were expected: look again", body = Problem)),
    extensions(("x-permission" = json!("collections.run"))))]
async fn execute(
    ctx: Ctx,
    Path(id): Path<RunId>,
    Json(body): Json<Execution>,
) -> Result<(StatusCode, Json<Run>), Error> {
    let run = run_execute(&ctx, &id, body.expected_services, body.enable_automatic).await?;
    Ok((StatusCode::ACCEPTED, Json(run)))
}
