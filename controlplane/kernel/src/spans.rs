//! Spans: what a piece of work was, how long it took and whether it failed, for a collector of traces.
//!
//! They begin where work begins: a request, a job, a delivery, a call to a service outside. Nothing is made unless somebody
//! listens. What stands in one leaves the installation: ids, kinds and numbers, never a value that a person gave. Why work failed
//! stands in the log and not here, because the words of an error may hold such a value.

use crate::{ids::TenantId, jobs::Job};
use std::fmt::Display;
use tracing::{
    Instrument, Span,
    field::{self, Empty},
};

/// Target of every span: it tells them from those of libraries, and keeps them out of the log.
pub const TARGET: &str = "atalaya::span";

/// A job that is run.
pub(crate) fn of_job(job: &Job) -> Span {
    tracing::info_span!(
        target: TARGET,
        parent: None,
        "job",
        otel.name = format!("job {}", job.kind),
        otel.kind = "consumer",
        otel.status_code = Empty,
        atalaya.tenant.id = job.tenant_id.as_ref().map(field::display),
        atalaya.job.id = %job.id,
        atalaya.job.kind = job.kind,
        atalaya.attempt = job.attempts,
    )
}

/// An event that is handed to a subscriber.
pub(crate) fn of_delivery(tenant: &TenantId, event: &impl Display, subscriber: &str, attempt: i64) -> Span {
    tracing::info_span!(
        target: TARGET,
        parent: None,
        "delivery",
        otel.name = format!("delivery {subscriber}"),
        otel.kind = "consumer",
        otel.status_code = Empty,
        atalaya.tenant.id = %tenant,
        atalaya.event.id = %event,
        atalaya.subscriber = subscriber,
        atalaya.attempt = attempt,
    )
}

/// A call to a service outside, within whatever wants it. Which kind of service is said, and not which one: its address is
/// somebody's setting.
pub fn of_call(service: &'static str) -> Span {
    tracing::info_span!(
        target: TARGET,
        "call",
        otel.name = service,
        otel.kind = "client",
        otel.status_code = Empty,
        atalaya.service = service,
    )
}

/// Does work within a span, and marks the span where the work fails.
///
/// # Errors
/// The work's own.
pub async fn within<T, E>(span: Span, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let outcome = work.instrument(span.clone()).await;
    if outcome.is_err() {
        failed(&span);
    }
    outcome
}

/// Marks a span's work as failed.
pub fn failed(span: &Span) {
    span.record("otel.status_code", "ERROR");
}
