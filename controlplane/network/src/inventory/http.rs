//! `/devices/{id}/listings` and `/devices/{id}/rows`.

use super::{DeviceRow, Listing, RowTable, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem, Query},
    ids::DeviceId,
    page::{Page, PageQuery},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of listings.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(listings)).routes(routes!(rows))
}

/// Readings of a device, newest first.
#[utoipa::path(get, path = "/devices/{id}/listings", tag = "devices", params(("id" = DeviceId, Path), PageQuery),
    responses((status = 200, body = Page<Listing>), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("device.read"))))]
async fn listings(
    ctx: Ctx,
    Path(id): Path<DeviceId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Listing>>, Error> {
    service::listings_list(&ctx, &id, &page).await.map(Json)
}

/// Which rows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RowsQuery {
    /// Of this table only.
    table: Option<RowTable>,
    /// With this in their name, address or equipment; in their comment too for whoever may see phones.
    #[param(example = "rquispe")]
    q: Option<String>,
}

/// What stood on a device when it was read last; nothing where it never was.
#[utoipa::path(get, path = "/devices/{id}/rows", tag = "devices", params(("id" = DeviceId, Path), RowsQuery, PageQuery),
    responses((status = 200, body = Page<DeviceRow>), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("device.read"))))]
async fn rows(
    ctx: Ctx,
    Path(id): Path<DeviceId>,
    Query(of): Query<RowsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DeviceRow>>, Error> {
    service::device_rows_list(&ctx, &id, of.table, of.q.as_deref(), &page).await.map(Json)
}
