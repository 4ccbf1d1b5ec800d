//! A request is answered in time, or told that it was not. Live streams begin their answer at once and are not bound by it.

use atalaya_kernel::Error;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::Duration;

/// How long an answer may take to begin. What a handler began in its transaction is rolled back.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(60);

pub(super) async fn answer_in_time(State(within): State<Duration>, request: Request, next: Next) -> Response {
    let late = || {
        let text =
            format!("not answered within {} s; read what became of it before trying again", within.as_secs());
        Error::Unavailable(text).into_response()
    };
    tokio::time::timeout(within, next.run(request)).await.unwrap_or_else(|_| late())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::Body, http::StatusCode, middleware, routing::get};
    use tower::ServiceExt;

    #[tokio::test]
    async fn what_takes_too_long_is_given_up() {
        let site = Router::new()
            .route("/quick", get(|| async { "ok" }))
            .route("/never", get(std::future::pending::<&str>))
            .layer(middleware::from_fn_with_state(Duration::from_millis(100), answer_in_time));
        let ask = |path: &str| site.clone().oneshot(Request::get(path).body(Body::empty()).unwrap());
        assert_eq!(ask("/quick").await.unwrap().status(), StatusCode::OK);
        assert_eq!(ask("/never").await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
