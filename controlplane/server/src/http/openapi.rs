//! `/api/openapi.json`, generated from the routes themselves.

use axum::{Json, response::IntoResponse};
use std::sync::LazyLock;
use utoipa::openapi::{
    Components, Info, OpenApi, SecurityRequirement, Server,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

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
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A key of a program: *Settings, Keys*, or `POST /api-keys`."))
        .build();
    let csrf = ApiKeyValue::with_description(
        "x-csrf-token",
        "Beside the cookie of `POST /session`, whose answer says it.",
    );
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("key", SecurityScheme::Http(key));
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Header(csrf)));
    document.security =
        Some(["key", "session"].map(|name| SecurityRequirement::new(name, Vec::<String>::new())).into());
    document.servers = Some(vec![Server::new("/api/v1")]);
    document
}

pub(super) async fn serve() -> impl IntoResponse {
    Json(&*DOCUMENT)
}
