//! `/services/{id}/view`: what the pages show. The decision alone is money's `/services/{id}`.

use super::{ServiceView, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{Path, Problem, Versioned},
    ids::ServiceId,
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of services as a whole.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get))
}

/// A service with its plan, its state on the network and its attachments.
#[utoipa::path(get, path = "/services/{id}/view", tag = "services", params(("id" = ServiceId, Path)),
    responses((status = 200, body = ServiceView), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("service.read"))))]
async fn get(ctx: Ctx, Path(id): Path<ServiceId>) -> Result<Versioned<ServiceView>, Error> {
    let view = service::service_view(&ctx, &id).await?;
    Ok(Versioned(view.revision, view))
}
