//! A small request is taken in whole before anything answers it.
//!
//! An answer that is given while the body is still on its way (nobody is logged in, no such path) ends the connection: what
//! arrives afterwards is refused by a reset, and a reset may overtake the answer, so that the client sees a lost connection
//! and not the reason (RFC 9112, section 9.6).
//!
//! A file is larger than that: its bytes are taken from those alone who are logged in, and of a few at a time.

use atalaya_kernel::{
    Error,
    http::{MAX_BODY_BYTES, MAX_UPLOAD_BYTES},
};
use axum::{
    body::{self, Body},
    extract::{Request, State},
    http::{Method, Uri, header::CONTENT_LENGTH},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Bytes that anybody may have us hold; a larger body is read by the handler that wants it.
pub(super) const SMALL: usize = 64 << 10;
/// How long it may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Paths below `/api/v1` that take a file.
const UPLOADS: [&str; 1] = ["/files"];
/// Files that are held in memory at the same time; who comes with another waits.
pub(super) const UPLOADS_AT_ONCE: usize = 12;

/// Bytes that a request's body may have.
pub(super) fn most_bytes(uri: &Uri) -> usize {
    if UPLOADS.contains(&uri.path()) { MAX_UPLOAD_BYTES } else { MAX_BODY_BYTES }
}

/// Lets a few files in at a time: each is held whole until it is stored.
pub(super) async fn one_of_few(State(room): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !UPLOADS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    match room.acquire().await {
        Ok(_held) => next.run(request).await,
        Err(closed) => Error::internal(closed).into_response(),
    }
}

pub(super) async fn take_in(request: Request, next: Next) -> Response {
    let declared =
        request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if !declared.is_some_and(|length: usize| (1..=SMALL).contains(&length)) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    match tokio::time::timeout(PATIENCE, body::to_bytes(body, SMALL)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(_)) | Err(_) => {
            let text = "the body did not arrive whole within 30 s: send the request again";
            Error::invalid("", "malformed", text).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, http::StatusCode, middleware, routing::post};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    const HEAD: &[u8] = b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\n";

    async fn answer(client: &mut TcpStream) -> String {
        let mut buffer = [0; 1024];
        let length = client.read(&mut buffer).await.unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[tokio::test]
    async fn a_refusal_waits_for_the_body_and_the_connection_stays() {
        let refuses = post(|| async { StatusCode::UNAUTHORIZED });
        let router = Router::new().route("/", refuses).layer(middleware::from_fn(take_in));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = tokio::task::JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await });

        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(HEAD).await.unwrap();
        let early = tokio::time::timeout(Duration::from_millis(200), client.readable()).await;
        assert!(early.is_err(), "nothing is said before the body is there");
        for _ in 0..2 {
            client.write_all(b"body").await.unwrap();
            assert!(answer(&mut client).await.starts_with("HTTP/1.1 401"));
            client.write_all(HEAD).await.unwrap();
        }
    }
}
