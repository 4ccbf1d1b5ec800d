//! What every request passes through: an id, its origin, security headers, one log line, and the limit on log-ins.

use super::{
    answered::Answered, auth::Acting, client, countries::Countries, crowded::KnownBrowsers, headers, traced,
};
use crate::{config, limits::AddressLimit};
use atalaya_kernel::{
    Error,
    figures::Stopwatch,
    http::Problem,
    runtime::Runtime,
    secrets::{SecretText, random_token},
    time::Clock,
};
use atalaya_people::identity::{
    Origin, Whereabouts,
    http::{LoginOrigin, browser_token},
};
use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use parking_lot::Mutex;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tracing::Instrument;

const REQUEST_ID: &str = "x-request-id";
/// Log-ins an address may try at once, and how long until one more, ms.
const LOG_INS: (i64, i64) = (20, 3_000);
/// The same for programs that refresh their tokens: there is nothing to guess, and the people behind their address still log in.
const REFRESHES: (i64, i64) = (120, 500);
/// Paths of the second kind.
const OF_PROGRAMS: [&str; 2] = ["/tokens/refresh", "/tokens/revoke"];

/// Id of a request; in every answer, log line and audit row.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) Arc<str>);

/// Where a request really comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client(pub(super) IpAddr);

/// Shared by the layers of this file.
pub(super) struct Requests {
    config: config::Http,
    clock: Arc<dyn Clock>,
    countries: Option<Arc<Countries>>,
    /// Whether traces that trusted proxies began are continued.
    continues_traces: bool,
    log_ins: Mutex<AddressLimit>,
    refreshes: Mutex<AddressLimit>,
    known: KnownBrowsers,
    /// What became of requests.
    pub(super) answered: Arc<Answered>,
}

impl Requests {
    pub(super) fn new(
        config: config::Http,
        clock: Arc<dyn Clock>,
        countries: Option<Arc<Countries>>,
        continues_traces: bool,
    ) -> Self {
        let limit = |(at_once, each_ms)| Mutex::new(AddressLimit::new(at_once, each_ms));
        let (log_ins, refreshes) = (limit(LOG_INS), limit(REFRESHES));
        let (known, answered) = (KnownBrowsers::default(), Arc::default());
        Self { config, clock, countries, continues_traces, log_ins, refreshes, known, answered }
    }

    /// The trace that a request belongs to, if somebody who is believed says so.
    fn sender(&self, request: &Request) -> Option<opentelemetry::Context> {
        let is_believed =
            self.continues_traces && client::is_trusted(peer(request), &self.config.trusted_proxies);
        is_believed.then(|| traced::sender(request.headers())).flatten()
    }

    /// The slug that a host name selects: its first label below the base domain.
    fn slug(&self, host: Option<&str>) -> Option<String> {
        let base = self.config.base_domain.as_deref()?;
        let host = host_name(host?);
        let label = host.strip_suffix(base)?.strip_suffix('.')?;
        (!label.is_empty() && !label.contains('.')).then(|| label.to_owned())
    }
}

/// A host without its port, in lower case.
fn host_name(host: &str) -> String {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// The origin of pages that were asked for by a host, as browsers write it.
fn web_origin(config: &config::Http, host: &str) -> String {
    let (scheme, port) = if config.is_https() { ("https", ":443") } else { ("http", ":80") };
    let host = host.to_ascii_lowercase();
    format!("{scheme}://{}", host.strip_suffix(port).unwrap_or(&host))
}

fn peer(request: &Request) -> IpAddr {
    request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip())
}

fn text(request: &Request, name: impl header::AsHeaderName) -> Option<&str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

/// Gives the request its id and origin, and the answer its headers.
pub(super) async fn describe(
    State(requests): State<Arc<Requests>>,
    mut request: Request,
    next: Next,
) -> Response {
    let sane = |id: &&str| {
        (8..=64).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let client = client::address(peer(&request), request.headers(), &requests.config.trusted_proxies);
    let id: Arc<str> =
        text(&request, REQUEST_ID).filter(sane).map_or_else(|| random_token()[..24].into(), Into::into);
    let origin = LoginOrigin {
        origin: Origin {
            user_agent: text(&request, header::USER_AGENT).unwrap_or_default().chars().take(200).collect(),
            address: client.to_string(),
            request_id: id.to_string(),
            browser: browser_token(request.headers()).map(|token| SecretText::new(token.to_owned())),
            whereabouts: requests
                .countries
                .as_ref()
                .map_or(Whereabouts::NotLookedFor, |countries| countries.whereabouts(client)),
        },
        https: requests.config.is_https(),
        slug: requests.slug(text(&request, header::HOST)),
        host: text(&request, header::HOST).map(host_name),
        web_origin: text(&request, header::HOST).map(|host| web_origin(&requests.config, host)),
    };
    let https_only = headers::bind_to_https(&requests.config, origin.host.as_deref());
    // Query strings stay out of the log: they hold phones and documents.
    let action = format!(
        "{} {}",
        request.method(),
        request.extensions().get::<MatchedPath>().map_or_else(|| request.uri().path(), MatchedPath::as_str)
    );
    let span = traced::begun(&request, &id, requests.sender(&request));
    let (method, route) =
        (traced::method(request.method()), request.extensions().get::<MatchedPath>().cloned());
    let (started, stopwatch) = (requests.clock.now(), Stopwatch::start());
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(Client(client));
    request.extensions_mut().insert(origin);
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = with_id(response, problem, &id);
    }
    let took = requests.clock.now().as_millis() - started.as_millis();
    let route = route.as_ref().map(MatchedPath::as_str);
    requests.answered.note(method, route, response.status(), stopwatch.elapsed());
    let tenant = response.extensions().get::<Acting>().map(|acting| &*acting.tenant);
    traced::ended(&span, response.status(), tenant);
    log(&action, &response, took, client, &id, traced::trace_id(&span));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    headers::add(response.headers_mut(), https_only);
    response
}

/// Writes the request's id into a problem; what stands beside it (limits, `Allow`) stays.
fn with_id(response: Response, problem: Problem, id: &str) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let (_, body) = Problem { request_id: Some(id.to_owned()), ..problem }.into_response().into_parts();
    Response::from_parts(parts, body)
}

/// One line a request of the API; what the machine itself and the pages' files ask for is told on demand only.
fn log(
    action: &str,
    response: &Response,
    duration_ms: i64,
    ip: IpAddr,
    request_id: &str,
    trace_id: Option<String>,
) {
    let acting = response.extensions().get::<Acting>();
    let (tenant, user) = (acting.map(|acting| &*acting.tenant), acting.map(|acting| &*acting.who));
    let status = response.status().as_u16();
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(target: "atalaya::access", action, status, duration_ms, %ip, tenant, user, request_id, trace_id, "request")
        };
    }
    if action.contains(" /api/") { line!(info) } else { line!(debug) }
}

/// Lets an address log in only so often. It slows guessing down from one place and locks nobody out: a browser that is known is
/// let through besides.
pub(super) async fn limit_log_in(
    State(requests): State<Arc<Requests>>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() == Method::POST
        && let Some(runtime) = request.extensions().get::<Arc<Runtime>>().cloned()
        && let Some(Client(client)) = request.extensions().get::<Client>().copied()
    {
        let now = runtime.clock.now().as_millis();
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
        let of_program = OF_PROGRAMS.iter().any(|of_program| path.ends_with(of_program));
        let limit = if of_program { &requests.refreshes } else { &requests.log_ins };
        let asked = limit.lock().ask(client, now);
        if let Err(wait_ms) = asked {
            if !of_program && let Some(request) = requests.known.let_through(&runtime, client, request).await
            {
                return next.run(request).await;
            }
            return Error::RateLimited { retry_after_s: u64::from(wait_ms).div_ceil(1000) }.into_response();
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::time::SystemClock;

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for (host, https, origin) in [
            ("Red.NetAndina.example", true, "https://red.netandina.example"),
            ("red.netandina.example:443", true, "https://red.netandina.example"),
            ("red.netandina.example:8443", true, "https://red.netandina.example:8443"),
            ("localhost:80", false, "http://localhost"),
            ("localhost:8080", false, "http://localhost:8080"),
            ("localhost:443", false, "http://localhost:443"),
        ] {
            let config = config::Http { https, ..config::Http::default() };
            assert_eq!(web_origin(&config, host), origin, "{host}");
        }
        let tls = config::Tls::SelfMade { names: vec!["isp.example".to_owned()] };
        let config = config::Http { tls: Some(tls), ..config::Http::default() };
        assert_eq!(web_origin(&config, "isp.example:443"), "https://isp.example", "without a proxy");
    }

    #[test]
    fn a_trace_is_continued_for_a_proxy_that_is_believed() {
        let proxies = vec!["10.0.0.0/8".parse().unwrap()];
        let config = config::Http { trusted_proxies: proxies, ..config::Http::default() };
        let is_continued = |continues: bool, peer: [u8; 4]| {
            let requests = Requests::new(config.clone(), Arc::new(SystemClock), None, continues);
            let mut request = Request::new(axum::body::Body::empty());
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from((peer, 4_711))));
            let sent = HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
            request.headers_mut().insert("traceparent", sent);
            requests.sender(&request).is_some()
        };
        assert!(is_continued(true, [10, 0, 0, 7]));
        assert!(!is_continued(true, [192, 0, 2, 1]), "a stranger");
        assert!(!is_continued(false, [10, 0, 0, 7]), "nobody said so");
    }

    #[test]
    fn a_host_below_the_base_domain_selects_the_tenant() {
        let config = config::Http { base_domain: Some("isp.example".to_owned()), ..config::Http::default() };
        let requests = Requests::new(config, Arc::new(SystemClock), None, false);
        assert_eq!(host_name("Intranet.NetAndina.example.:8443"), "intranet.netandina.example");
        assert_eq!(host_name("[::1]:8080"), "::1");
        for (host, slug) in [
            (Some("netandina.isp.example"), Some("netandina")),
            (Some("netandina.isp.example:8080"), Some("netandina")),
            (Some("isp.example"), None),
            (Some("a.b.isp.example"), None),
            (Some("netandinaisp.example"), None),
            (Some("localhost"), None),
            (None, None),
        ] {
            assert_eq!(requests.slug(host).as_deref(), slug, "{host:?}");
        }
    }
}
