//! `/search`.

use super::{SearchQuery, SearchResult, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Problem, Query},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The route of the search.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get))
}

/// Finds customers, services, devices and invoices that the caller may see, by words of theirs.
///
/// Each word of `q` is in a field of what is found, or begins a word there; a number is found by its end as well. Accents do not
/// matter. When little is found so, mistyped words are forgiven. Kinds that the caller has no right to see are left out, and
/// nothing is found by a field that the caller sees masked.
#[utoipa::path(get, path = "/search", tag = "operations", params(SearchQuery),
    responses((status = 200, body = SearchResult), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn get(ctx: Ctx, Query(query): Query<SearchQuery>) -> Result<Json<SearchResult>, Error> {
    service::search(&ctx, &query).await.map(Json)
}
