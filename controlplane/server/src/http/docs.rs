//! `/api/docs`: the API's reference as a page, everything served from here.

use super::spa;
use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::Config;

static CONFIG: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::from("/api/openapi.json").deep_linking(true).validator_url("none")));

pub(super) fn router() -> Router {
    Router::new()
        .route("/api/docs", get(|| async { Redirect::permanent("/api/docs/") }))
        .route("/api/docs/", get(|| file("index.html".to_owned())))
        .route("/api/docs/{*path}", get(|Path(path): Path<String>| file(path)))
}

async fn file(path: String) -> Response {
    match utoipa_swagger_ui::serve(&path, CONFIG.clone()) {
        Ok(Some(file)) => {
            let headers = [
                (header::CONTENT_TYPE, file.content_type),
                (header::CONTENT_SECURITY_POLICY, spa::DOCS_POLICY.to_owned()),
            ];
            (headers, file.bytes.into_owned()).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => atalaya_kernel::Error::internal(error.to_string()).into_response(),
    }
}
