//! `/backups` and `/platform/backups`.

use super::{BackupRow, BackupSeen, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Query},
    page::{Page, PageQuery},
};
use atalaya_people::platform::PlatformCtx;
use axum::http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What an ISP sees.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list))
}

/// Routes that demand an operator.
pub fn operator_router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list_all, ask))
}

/// Copies of the installation that were tried, newest first.
#[utoipa::path(get, path = "/backups", tag = "backups", params(PageQuery),
    responses((status = 200, body = Page<BackupSeen>)), extensions(("x-permission" = json!("backup.read"))))]
async fn list(ctx: Ctx, Query(page): Query<PageQuery>) -> Result<Json<Page<BackupSeen>>, Error> {
    service::list(&ctx, &page).await.map(Json)
}

/// Copies that were tried, newest first, with where they lie and why one failed.
#[utoipa::path(get, path = "/platform/backups", tag = "platform", params(PageQuery),
    responses((status = 200, body = Page<BackupRow>)), extensions(("x-permission" = json!("platform"))))]
async fn list_all(ctx: PlatformCtx, Query(page): Query<PageQuery>) -> Result<Json<Page<BackupRow>>, Error> {
    service::list_for_operator(&ctx, &page).await.map(Json)
}

/// Has a copy made now. It stands in the list once it is begun; asking again before that changes nothing.
#[utoipa::path(post, path = "/platform/backups", tag = "platform", responses((status = 202)),
    extensions(("x-permission" = json!("platform"))))]
async fn ask(ctx: PlatformCtx) -> Result<StatusCode, Error> {
    service::ask(&ctx).await?;
    Ok(StatusCode::ACCEPTED)
}
