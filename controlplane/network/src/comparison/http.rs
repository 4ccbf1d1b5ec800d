//! `/comparisons`, `/devices/{id}/comparisons` and `/devices/{id}/sweep`.

use super::{Comparison, ComparisonFinding, rules::Class, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem, Query},
    ids::{ComparisonId, DeviceId, JobId},
    page::{Page, PageQuery},
};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of comparisons.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(make))
        .routes(routes!(findings))
        .routes(routes!(sweep))
}

/// The newest comparison of each router: what is wrong there, and of what nothing is known.
#[utoipa::path(get, path = "/comparisons", tag = "comparisons", params(PageQuery),
    responses((status = 200, body = Page<Comparison>), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("device.read"))))]
async fn list(ctx: Ctx, Query(page): Query<PageQuery>) -> Result<Json<Page<Comparison>>, Error> {
    service::comparisons_list(&ctx, &page).await.map(Json)
}

/// Compares a router now, with its newest reading.
#[utoipa::path(post, path = "/devices/{id}/comparisons", tag = "comparisons", params(("id" = DeviceId, Path)),
    responses((status = 201, body = Comparison), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("device.read"))))]
async fn make(ctx: Ctx, Path(id): Path<DeviceId>) -> Result<(StatusCode, Json<Comparison>), Error> {
    Ok((StatusCode::CREATED, Json(service::comparison_make(&ctx, &id).await?)))
}

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FindingsQuery {
    /// Of this class.
    class: Option<Class>,
}

/// What a comparison found.
#[utoipa::path(get, path = "/comparisons/{id}/findings", tag = "comparisons",
    params(("id" = ComparisonId, Path), FindingsQuery, PageQuery),
    responses((status = 200, body = Page<ComparisonFinding>), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("device.read"))))]
async fn findings(
    ctx: Ctx,
    Path(id): Path<ComparisonId>,
    Query(of): Query<FindingsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ComparisonFinding>>, Error> {
    service::findings_list(&ctx, &id, of.class, &page).await.map(Json)
}

/// An order that its agent carries out.
#[derive(Debug, Serialize, ToSchema)]
struct Swept {
    /// Which.
    id: JobId,
}

/// Has the agent compare a device now; where the device enforces, what differs heals.
#[utoipa::path(post, path = "/devices/{id}/sweep", tag = "comparisons", params(("id" = DeviceId, Path)),
    responses((status = 202, body = Swept), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("device.enforce"))))]
async fn sweep(ctx: Ctx, Path(id): Path<DeviceId>) -> Result<(StatusCode, Json<Swept>), Error> {
    Ok((StatusCode::ACCEPTED, Json(Swept { id: service::device_sweep(&ctx, &id).await? })))
}
