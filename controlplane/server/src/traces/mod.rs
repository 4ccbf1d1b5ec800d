//! Traces: what each request, job and delivery took, exported to a collector by OTLP over HTTP.
//!
//! - Spans are those of [`spans`], made by whoever does the work; libraries' own are not listened to, nor are log lines. Of the
//!   database one event is: a slow statement, its text without its values.
//! - `kept` is the last look before anything leaves: only attributes that are listed there do.
//! - `gate` counts what waits, and drops and counts what is too much: a collector that is away costs a bounded amount of memory, and
//!   no request ever waits for it.
//! - `export` counts what left and what did not, and says so in the log at most once a minute.
//! - Where no collector is named there is none of this, and spans are not even made.

mod export;
mod figures;
mod gate;
mod kept;

pub use figures::Figures;

use crate::{adapters::Collector, config};
use anyhow::Context;
use atalaya_kernel::{installation::Environment, secrets::random_token, spans, time::Clock};
use export::Counted;
use gate::Gate;
use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, TracerProviderBuilder},
};
use std::{sync::Arc, time::Duration};
use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_subscriber::{Layer, Registry, filter::filter_fn};

/// Spans that wait at most, those on their way included.
const MOST_WAITING: usize = 2_048;
/// Spans of one call.
const BATCH: usize = 256;
/// How long a span waits for others to go with.
const GATHER: Duration = Duration::from_secs(2);
/// How long a batch may be tried again for; what is under way then ends by itself.
const TRIED_FOR: Duration = Duration::from_secs(4);
/// How long what waits gets to leave when the process stops.
const FLUSH_WITHIN: Duration = Duration::from_secs(4);
/// Slow statements that one span tells of at most.
const MOST_EVENTS: u32 = 16;
/// Whose events are listened to: the driver's of statements, slow ones being warnings.
const STATEMENTS: &str = "sqlx::query";

/// A running export.
pub struct Traces {
    provider: SdkTracerProvider,
    figures: Arc<Figures>,
    from_proxies: bool,
}

/// A layer of the log.
pub type LogLayer = Box<dyn Layer<Registry> + Send + Sync>;

impl Traces {
    /// Starts it, with a thread of its own; asks nobody yet.
    ///
    /// # Errors
    /// A setting that cannot be, named.
    pub fn start(
        settings: &config::Traces,
        environment: Environment,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let collector = Collector::new(settings)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(collector.clone())
            .with_endpoint(collector.endpoint())
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(TRIED_FOR)
            .with_retry_policy(RetryPolicy::recommended())
            .build()
            .context("[traces]")?;
        let figures = Arc::new(Figures::default());
        let counted = Counted::new(exporter, collector, figures.clone(), clock);
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(MOST_WAITING)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(GATHER)
            .build();
        let batches = BatchSpanProcessor::builder(counted).with_batch_config(batches).build();
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", "atalaya"),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                // This process, among several on one database and among its own restarts.
                KeyValue::new("service.instance.id", random_token()),
                KeyValue::new("deployment.environment.name", environment.to_string()),
            ])
            .build();
        let provider = limited()
            .with_span_processor(Gate::new(batches, figures.clone(), MOST_WAITING))
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.ratio))))
            .with_resource(resource)
            .build();
        Ok(Self { provider, figures, from_proxies: settings.from_proxies })
    }

    /// What makes spans out of what is done in the process.
    pub fn layer(&self) -> LogLayer {
        layer(&self.provider)
    }

    /// What became of the spans.
    pub fn figures(&self) -> Arc<Figures> {
        self.figures.clone()
    }

    /// Whether traces that trusted proxies began are continued.
    pub fn continues_from_proxies(&self) -> bool {
        self.from_proxies
    }

    /// Lets what waits leave, for a bounded time, and makes no more.
    pub async fn stop(&self) {
        let provider = self.provider.clone();
        let stopped = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_WITHIN));
        let waiting = |why: &dyn std::fmt::Display| {
            tracing::warn!(spans = self.figures.waiting(), "spans were left behind at the stop: {why}");
        };
        match stopped.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => waiting(&error),
            Err(error) => waiting(&error),
        }
    }
}

/// Spans with a bound on what each may hold.
fn limited() -> TracerProviderBuilder {
    SdkTracerProvider::builder().with_max_events_per_span(MOST_EVENTS)
}

fn layer(provider: &SdkTracerProvider) -> LogLayer {
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("atalaya"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_error_events_to_status(false)
        .with_error_events_to_exceptions(false)
        .with_error_records_to_exceptions(false)
        .with_filter(filter_fn(is_heard).with_max_level_hint(LevelFilter::INFO))
        .boxed()
}

fn is_heard(what: &Metadata<'_>) -> bool {
    if what.is_span() {
        return what.target() == spans::TARGET;
    }
    what.target() == STATEMENTS && *what.level() <= Level::WARN
}

#[cfg(test)]
mod tests;
