//! `/home`.

use super::{Home, service};
use atalaya_kernel::{Ctx, Error, http::Json};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of the home page.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get))
}

/// The day at a glance; what the caller may not see is null.
#[utoipa::path(get, path = "/home", tag = "operations", responses((status = 200, body = Home)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn get(ctx: Ctx) -> Result<Json<Home>, Error> {
    service::home_get(&ctx).await.map(Json)
}
