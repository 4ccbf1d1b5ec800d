//! What of a span leaves the installation: what is listed here, and nothing else. Whoever adds an attribute adds it here too, and asks
//! whether a person can have given its value.

use opentelemetry::{
    KeyValue, Value,
    trace::{Event, Status},
};
use opentelemetry_sdk::trace::SpanData;

/// Attributes of spans: ids, kinds, numbers, templates.
const OF_SPANS: [&str; 11] = [
    "atalaya.attempt",
    "atalaya.event.id",
    "atalaya.job.id",
    "atalaya.job.kind",
    "atalaya.request.id",
    "atalaya.service",
    "atalaya.subscriber",
    "atalaya.tenant.id",
    "http.request.method",
    "http.response.status_code",
    "http.route",
];
/// Attributes of slow statements: the text, which holds no values, and numbers.
const OF_STATEMENTS: [&str; 5] =
    ["summary", "db.statement", "rows_affected", "rows_returned", "elapsed_secs"];
/// What every event is called: there is one kind.
const SLOW: &str = "slow statement";
/// Longest text that leaves, bytes.
const LONGEST: usize = 2_000;

/// A span without everything else.
pub(super) fn kept(mut span: SpanData) -> SpanData {
    only(&mut span.attributes, &OF_SPANS);
    for event in &mut span.events.events {
        let Event { name, attributes, .. } = event;
        *name = SLOW.into();
        only(attributes, &OF_STATEMENTS);
    }
    span.links.links.clear();
    if let Status::Error { .. } = span.status {
        span.status = Status::error("");
    }
    span
}

fn only(attributes: &mut Vec<KeyValue>, listed: &[&str]) {
    attributes.retain(|attribute| listed.contains(&attribute.key.as_str()));
    for attribute in attributes {
        let Value::String(text) = &attribute.value else { continue };
        let text = text.as_str();
        if text.len() > LONGEST {
            let short = format!("{}…", &text[..text.floor_char_boundary(LONGEST)]);
            attribute.value = short.into();
        }
    }
}
