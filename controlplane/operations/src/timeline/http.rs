//! `/timeline`.

use super::{TimelineEntry, TimelineQuery, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Problem, Query},
    page::{Page, PageQuery},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The route of timelines.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get))
}

/// What happened to a customer, service, device, invoice or site, newest first, each with what caused it.
///
/// What the caller may not see is left out.
#[utoipa::path(get, path = "/timeline", tag = "events", params(TimelineQuery, PageQuery),
    responses((status = 200, body = Page<TimelineEntry>), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("event.read"))))]
async fn get(
    ctx: Ctx,
    Query(query): Query<TimelineQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<TimelineEntry>>, Error> {
    service::timeline(&ctx, &query, &page).await.map(Json)
}
