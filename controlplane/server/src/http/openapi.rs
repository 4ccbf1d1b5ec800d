//! `/api/openapi.json`, generated from the routes themselves.

use axum::{Json, response::IntoResponse};
use std::sync::LazyLock;
use utoipa::openapi::{Info, OpenApi, Server};

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(document);

/// The document of all routes.
pub fn document() -> OpenApi {
    let mut document = super::api(crate::app::extra_routes())
        .merge(super::operator_api())
        .merge(atalaya_people::public_router())
        .into_openapi();
    document.info = Info::builder()
        .title("Atalaya")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("An ISP from the tower to the ledger. Money is in minor units, speeds in bits per second, instants in RFC 3339 UTC."))
        .build();
    document.servers = Some(vec![Server::new("/api/v1")]);
    document
}

pub(super) async fn serve() -> impl IntoResponse {
    Json(&*DOCUMENT)
}
