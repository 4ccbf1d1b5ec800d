//! `/operator-visits`, and `/platform/tenants/{id}/visits`.

use super::{NewVisit, Visit, Visiting, service};
use crate::{
    access::Catalog,
    identity::http::{LoginOrigin, with_cookie},
    platform::PlatformCtx,
};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem, Query},
    ids::{TenantId, VisitId},
    page::{Page, PageQuery},
};
use axum::{Extension, http::StatusCode, response::Response};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of the tenant that is visited.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(end))
}

pub(in crate::platform) fn operator_router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(of_tenant, begin)).routes(routes!(end_as_operator))
}

/// Visits of operators of the installation, newest first.
#[utoipa::path(get, path = "/operator-visits", tag = "tenant", params(PageQuery), responses((status = 200, body = Page<Visit>)),
    extensions(("x-permission" = json!("operator_visit.read"))))]
async fn list(ctx: Ctx, Query(page): Query<PageQuery>) -> Result<Json<Page<Visit>>, Error> {
    service::visits_list(&ctx, &page).await.map(Json)
}

/// Ends a visit at once.
#[utoipa::path(delete, path = "/operator-visits/{id}", tag = "tenant", params(("id" = VisitId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, description = "`visit_over`: this visit is over", body = Problem)),
    extensions(("x-permission" = json!("operator_visit.end"))))]
async fn end(ctx: Ctx, Path(id): Path<VisitId>) -> Result<StatusCode, Error> {
    service::visit_end(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Visits of a tenant, newest first.
#[utoipa::path(get, path = "/platform/tenants/{id}/visits", tag = "platform", params(("id" = TenantId, Path), PageQuery),
    responses((status = 200, body = Page<Visit>), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn of_tenant(
    ctx: PlatformCtx,
    Path(id): Path<TenantId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Visit>>, Error> {
    service::visits_of_tenant(&ctx, &id, &page).await.map(Json)
}

/// Enters a tenant: sets the session cookie of the web app, with which the tenant's pages are seen until the visit ends. Asks
/// for a log-in of the last ten minutes; rights that are dangerous end ten minutes after it.
#[utoipa::path(post, path = "/platform/tenants/{id}/visits", tag = "platform", params(("id" = TenantId, Path)), request_body(content = NewVisit, example = json!({"reason": "Ticket 4711: the cut run does not start", "minutes": 30, "permissions": ["device.read"]})),
    responses((status = 201, body = Visit), (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn begin(
    ctx: PlatformCtx,
    Path(id): Path<TenantId>,
    Extension(catalog): Extension<Arc<Catalog>>,
    Extension(login): Extension<LoginOrigin>,
    Json(new): Json<NewVisit>,
) -> Result<Response, Error> {
    let (token, visit) = service::visit_begin(&ctx, &catalog, &id, &new).await?;
    with_cookie((StatusCode::CREATED, Json(visit)), &token, login.https)
}

/// Ends a visit.
#[utoipa::path(delete, path = "/platform/tenants/{id}/visits/{visit}", tag = "platform",
    params(("id" = TenantId, Path), ("visit" = VisitId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, description = "`visit_over`: this visit is over", body = Problem)),
    extensions(("x-permission" = json!("platform"))))]
async fn end_as_operator(
    ctx: PlatformCtx,
    Path((id, visit)): Path<(TenantId, VisitId)>,
) -> Result<StatusCode, Error> {
    service::visit_end_as_operator(&ctx, &id, &visit).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Visiting {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or(Error::Unauthenticated)
    }
}
