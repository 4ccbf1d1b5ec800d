//! `/sites` as a list.

use super::{SiteRow, list};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Problem, Query},
    page::{Page, PageQuery},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of sites with their figures.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(sites))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Part of the name.
    q: Option<String>,
}

/// Sites by name, each with the figures of itself and of everything below it; what the caller may not see is null.
#[utoipa::path(get, path = "/sites", tag = "sites", params(Search, PageQuery),
    responses((status = 200, body = Page<SiteRow>), (status = 403, body = Problem)),
    extensions(("x-permission" = json!("site.read"))))]
async fn sites(
    ctx: Ctx,
    Query(search): Query<Search>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SiteRow>>, Error> {
    list::site_rows(&ctx, search.q.as_deref(), &page).await.map(Json)
}
