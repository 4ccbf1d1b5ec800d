//! One connection: TLS, then HTTP.

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Request, Response, StatusCode, header},
};
use hyper::{body::Incoming, server::conn::http1, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustix::net::sockopt::set_tcp_user_timeout;
use std::{convert::Infallible, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How long a peer is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// A handshake.
    pub(super) handshake: Duration,
    /// The head of a request, and the next request on the same connection.
    pub(super) head: Duration,
    /// The same for a proxy, which must not find closed what it wants to use again.
    pub(super) head_of_proxy: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { handshake: seconds(10), head: seconds(30), head_of_proxy: seconds(120) }
    }
}

/// How long what was sent may stay without acknowledgement: whoever reads no further has gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);
/// HTTP/2: asks a silent peer whether it is there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// HTTP/2: requests of one connection at a time.
const STREAMS: u32 = 100;
/// First byte of a TLS record that begins a handshake (RFC 8446, section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) trusted: bool,
    pub(super) patience: Patience,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) site: Router,
    pub(super) stop: CancellationToken,
}

/// Serves a connection until it ends or the door closes.
macro_rules! drive {
    ($connection:expr, $stop:expr, $peer:expr) => {{
        let mut connection = std::pin::pin!($connection);
        let outcome = tokio::select! {
            outcome = connection.as_mut() => outcome,
            () = $stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(peer = %$peer, %error, "the connection broke");
        }
    }};
}

impl Connection {
    pub(super) async fn serve(self, stream: TcpStream) {
        // A socket that refuses these still serves.
        let millis = u32::try_from(UNACKNOWLEDGED.as_millis()).unwrap_or(u32::MAX);
        if stream.set_nodelay(true).is_err() || set_tcp_user_timeout(&stream, millis).is_err() {
            tracing::debug!(peer = %self.peer, "the socket takes no options");
        }
        let Some(tls) = &self.tls else { return self.http1(stream).await };
        match timeout(self.patience.handshake, speaks_plainly(&stream)).await {
            Ok(true) => return self.sent_on(stream).await,
            Ok(false) => {}
            Err(_) => return tracing::debug!(peer = %self.peer, "nothing was said"),
        }
        match timeout(self.patience.handshake, tls.accept(stream)).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => self.http2(stream).await,
            Ok(Ok(stream)) => self.http1(stream).await,
            Ok(Err(error)) => tracing::debug!(peer = %self.peer, %error, "no TLS"),
            Err(_) => tracing::debug!(peer = %self.peer, "the handshake took too long"),
        }
    }

    fn head_within(&self) -> Duration {
        if self.trusted { self.patience.head_of_proxy } else { self.patience.head }
    }

    async fn http1(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_within())
            .serve_connection(TokioIo::new(stream), service_fn(|request| self.answer(request)));
        drive!(connection, self.stop, self.peer);
    }

    async fn http2(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let (site, peer) = (self.site.clone(), self.peer);
        let service = service_fn(move |request| ask(site.clone(), peer, request));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_EVERY)
            .max_concurrent_streams(STREAMS)
            .serve_connection(TokioIo::new(stream), service);
        drive!(connection, self.stop, self.peer);
    }

    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + use<> {
        ask(self.site.clone(), self.peer, request)
    }

    /// Plain HTTP on the port of HTTPS: the same address with the right scheme.
    async fn sent_on(&self, stream: TcpStream) {
        let service =
            service_fn(|request: Request<Incoming>| async move { Ok::<_, Infallible>(sent_on(&request)) });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.patience.head)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        drive!(connection, self.stop, self.peer);
    }
}

/// Whether what comes first is no TLS handshake.
async fn speaks_plainly(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first).await, Ok(1) if first[0] != HANDSHAKE_RECORD)
}

async fn ask(
    site: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    // HTTP/2 names the host in the address of the request (RFC 9113, section 8.3.1), HTTP/1.1 in a field.
    if let Some(host) = request.uri().authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        request.headers_mut().insert(header::HOST, host);
    }
    site.oneshot(request).await
}

/// The address of a request with HTTPS, where it names a host.
fn sent_on<B>(request: &Request<B>) -> Response<Body> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    to_https(request, host)
}

/// A request's path at a host with HTTPS.
pub(super) fn to_https<B>(request: &Request<B>, host: Option<&str>) -> Response<Body> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let to = host.and_then(|host| HeaderValue::from_str(&format!("https://{host}{path}")).ok());
    let mut response = Response::new(Body::empty());
    match to {
        Some(to) => {
            *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
            response.headers_mut().insert(header::LOCATION, to);
        }
        None => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response
}
