//! The web app, compiled into the program. Any path that is no file is the app itself, which finds its page.

use atalaya_kernel::secrets::random_token;
use axum::{
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../web/dist"]
struct Files;

/// What the built page carries in place of its nonce.
const NONCE: &str = "__CSP_NONCE__";

/// Shows notices that are pushed. It stands at the root, so that it is for the whole app, and is asked for anew each time.
const PUSH_WORKER: &str = "push-worker.js";

/// What that one may do beside: nothing.
const WORKER_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page of the API's reference: its styles are written by its script.
pub(super) const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
     base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

/// Scripts and styles are our files, or carry the nonce of this very answer: the component library writes its theme into
/// the page and is told it.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; \
         worker-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )
}

/// A file of the app, or the app.
pub(super) async fn serve(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return atalaya_kernel::Error::NotFound.into_response();
    }
    if let Some(file) = Files::get(path).filter(|_| path != "index.html") {
        // Names of built files carry a hash of their content.
        let forever = path.starts_with("assets/");
        let cache = if forever { "public, max-age=31536000, immutable" } else { "no-cache" };
        let mut response = answer(file, cache);
        if path == PUSH_WORKER {
            // A worker has the policy of its own answer, not that of a page.
            let policy = HeaderValue::from_static(WORKER_POLICY);
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        return response;
    }
    if path.starts_with("assets/") {
        return StatusCode::NOT_FOUND.into_response();
    }
    match Files::get("index.html") {
        Some(file) => page(&file.data),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "This program was built without the web app: run `make web` and build again.\n",
        )
            .into_response(),
    }
}

/// The app's page, with a nonce of its own.
fn page(html: &[u8]) -> Response {
    let token = random_token();
    let nonce = token.get(..32).unwrap_or_default();
    let html = String::from_utf8_lossy(html).replace(NONCE, nonce);
    let mut response =
        ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], html)
            .into_response();
    if let Ok(policy) = HeaderValue::from_str(&policy(nonce)) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn answer(file: rust_embed::EmbeddedFile, cache: &'static str) -> Response {
    let kind = HeaderValue::from_str(file.metadata.mimetype())
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    (
        [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, HeaderValue::from_static(cache))],
        file.data.into_owned(),
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_page_has_a_nonce_of_its_own_and_allows_nothing_else() {
        let mut seen = Vec::new();
        for _ in 0..2 {
            let response = page(b"<script nonce=\"__CSP_NONCE__\"></script><meta nonce=\"__CSP_NONCE__\">");
            let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
            assert!(!policy.contains("unsafe"), "{policy}");
            let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            let nonce = body.split('"').nth(1).unwrap().to_owned();
            assert!(
                nonce.len() == 32 && policy.matches(&format!("'nonce-{nonce}'")).count() == 2,
                "{policy} {body}"
            );
            assert!(!body.contains(NONCE));
            seen.push(nonce);
        }
        assert_ne!(seen[0], seen[1]);
    }
}
