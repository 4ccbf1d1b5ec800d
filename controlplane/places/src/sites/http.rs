//! `/sites`; the list, which counts what other domains own, is one of operations.

use super::{NewSite, Site, SiteChange, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{IfMatch, Json, Path, Problem, Versioned},
    ids::SiteId,
};
use axum::http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of sites.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(get, update))
}

/// Makes a site.
#[utoipa::path(post, path = "/sites", tag = "sites", request_body(content = NewSite, example = json!({"name": "Cerro Alto", "latitude": -12.05, "longitude": -77.04})),
    responses((status = 201, body = Site), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("site.write"))))]
async fn create(ctx: Ctx, Json(new): Json<NewSite>) -> Result<(StatusCode, Versioned<Site>), Error> {
    let site = service::site_create(&ctx, new).await?;
    Ok((StatusCode::CREATED, Versioned(site.version, site)))
}

/// One site.
#[utoipa::path(get, path = "/sites/{id}", tag = "sites", params(("id" = SiteId, Path)),
    responses((status = 200, body = Site), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("site.read"))))]
async fn get(ctx: Ctx, Path(id): Path<SiteId>) -> Result<Versioned<Site>, Error> {
    let site = service::site_get(&ctx, &id).await?;
    Ok(Versioned(site.version, site))
}

/// Changes a site.
#[utoipa::path(patch, path = "/sites/{id}", tag = "sites", params(("id" = SiteId, Path), ("If-Match" = String, Header)),
    request_body(content = SiteChange, example = json!({"name": "Cerro Alto Norte"})),
    responses((status = 200, body = Site), (status = 404, body = Problem), (status = 412, body = Problem)),
    extensions(("x-permission" = json!("site.write"))))]
async fn update(
    ctx: Ctx,
    Path(id): Path<SiteId>,
    IfMatch(version): IfMatch,
    Json(change): Json<SiteChange>,
) -> Result<Versioned<Site>, Error> {
    let site = service::site_update(&ctx, &id, version, change).await?;
    Ok(Versioned(site.version, site))
}
