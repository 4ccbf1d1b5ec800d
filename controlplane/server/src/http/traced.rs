//! The span of a request: its method, route, status, tenant and id. Never its path, query, headers or body.

use atalaya_kernel::spans::{self, TARGET};
use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, Method, StatusCode},
};
use opentelemetry::{
    Context,
    propagation::TextMapPropagator,
    trace::{SpanContext, TraceContextExt, TraceState},
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Begins a request's span, in the trace of whoever sent it if that is to be continued.
pub(super) fn begun(request: &Request, id: &str, sender: Option<Context>) -> Span {
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let span = tracing::info_span!(
        target: TARGET,
        parent: None,
        "request",
        otel.name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}")),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        atalaya.request.id = id,
        atalaya.tenant.id = Empty,
    );
    if let Some(sender) = sender
        && let Err(error) = span.set_parent(sender)
    {
        tracing::debug!(%error, "the trace of a proxy is not continued");
    }
    span
}

/// Says how it ended, and for whom it was.
pub(super) fn ended(span: &Span, status: StatusCode, tenant: Option<&str>) {
    span.record("http.response.status_code", i64::from(status.as_u16()));
    span.record("atalaya.tenant.id", tenant);
    if status.is_server_error() {
        spans::failed(span);
    }
}

/// The trace that a span is exported with; none where it is not.
pub(super) fn trace_id(span: &Span) -> Option<String> {
    if span.is_none() {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let known = span.span_context();
    (known.is_valid() && known.is_sampled()).then(|| known.trace_id().to_string())
}

/// The trace that a sender says it is part of (W3C `traceparent`). Its `tracestate` is left behind: others wrote it, and it would
/// go on to the collector.
pub(super) fn sender(headers: &HeaderMap) -> Option<Context> {
    if headers.get_all("traceparent").iter().count() != 1 {
        return None;
    }
    let read = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
    let span = read.span();
    let said = span.span_context();
    said.is_valid().then(|| {
        let bare =
            SpanContext::new(said.trace_id(), said.span_id(), said.trace_flags(), true, TraceState::NONE);
        Context::new().with_remote_span_context(bare)
    })
}

/// A method by its name; one that nobody knows may be any word, and is none.
pub(super) fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn read(values: &[&str], state: Option<&str>) -> Option<Context> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("traceparent", value.parse().unwrap());
        }
        if let Some(state) = state {
            headers.insert("tracestate", state.parse().unwrap());
        }
        sender(&headers)
    }

    #[test]
    fn a_sender_names_its_trace_and_nothing_else() {
        let sampled = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let found = read(&[&sampled], Some("vendor=hunter2")).unwrap();
        let span = found.span();
        let said = span.span_context();
        assert_eq!(said.trace_id().to_string(), TRACE);
        assert!(said.is_sampled() && said.is_remote());
        assert_eq!(said.trace_state().header(), "");
        let not = read(&[&format!("00-{TRACE}-00f067aa0ba902b7-00")], None).unwrap();
        assert!(!not.span().span_context().is_sampled());
        for wrong in [
            vec![],
            vec!["hunter2"],
            vec!["00-00000000000000000000000000000000-00f067aa0ba902b7-01"],
            // Two of them: nobody can tell which is the proxy's.
            vec![sampled.as_str(), sampled.as_str()],
        ] {
            assert!(read(&wrong, None).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn a_method_is_one_that_everybody_knows() {
        assert_eq!(method(&Method::PATCH), "PATCH");
        assert_eq!(method(&Method::from_bytes(b"HUNTER2").unwrap()), "_OTHER");
    }

    #[test]
    fn where_nobody_listens_there_is_no_trace() {
        let span = begun(&Request::new(axum::body::Body::empty()), "request-1", None);
        ended(&span, StatusCode::OK, Some("ten_1"));
        assert!(span.is_disabled() && trace_id(&span).is_none());
    }
}
