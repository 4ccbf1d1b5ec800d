use super::*;
use atalaya_kernel::spans::{failed, of_call, within};
use opentelemetry::{Context as OtelContext, trace::Status};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use parking_lot::Mutex;
use tracing_subscriber::{fmt, layer::SubscriberExt};

/// Keeps what it is given, and lets nothing go.
#[derive(Debug, Clone, Default)]
struct Shelf(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Shelf {
    fn on_start(&self, _: &mut Span, _: &OtelContext) {}
    fn on_end(&self, span: SpanData) {
        self.0.lock().push(span);
    }
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// What leaves of what is done, where so many may wait.
fn leaving(most: usize, work: impl FnOnce()) -> (Vec<SpanData>, Arc<Figures>) {
    let (shelf, figures) = (Shelf::default(), Arc::new(Figures::default()));
    let gate = Gate::new(shelf.clone(), figures.clone(), most);
    let provider = limited().with_span_processor(gate).build();
    // Another layer beside it that hears everything, as the log does.
    let log: LogLayer = fmt::layer().with_writer(std::io::sink).boxed();
    let subscriber = tracing_subscriber::registry().with(vec![log, layer(&provider)]);
    tracing::subscriber::with_default(subscriber, work);
    let left = shelf.0.lock().clone();
    (left, figures)
}

#[test]
fn nothing_leaves_but_what_is_listed() {
    let (left, _) = leaving(10, || {
        let span = tracing::info_span!(
            target: spans::TARGET,
            "request",
            otel.name = "GET /api/v1/customers/{id}",
            atalaya.tenant.id = "ten_1",
            customer.name = "hunter2",
        );
        span.in_scope(|| {
            tracing::error!(error = "hunter2", "hunter2");
            tracing::info_span!("of a library", secret = "hunter2").in_scope(|| {
                tracing::warn!(
                    target: "sqlx::query",
                    summary = "SELECT name FROM x",
                    db.statement = "é".repeat(3_000),
                    bound = "hunter2",
                    "slow statement"
                );
                tracing::debug!(target: "sqlx::query", summary = "hunter2", "a fast one");
            });
        });
    });
    let [span] = <[SpanData; 1]>::try_from(left).unwrap();
    assert!(!format!("{span:?}").contains("hunter2"), "{span:?}");
    assert_eq!(span.name, "GET /api/v1/customers/{id}");
    let names = |attributes: &[KeyValue]| -> Vec<String> {
        attributes.iter().map(|attribute| attribute.key.as_str().to_owned()).collect()
    };
    assert_eq!(names(&span.attributes), ["atalaya.tenant.id"]);
    assert_eq!(span.status, Status::Unset, "a line of the log does not judge a request");
    let [event] = span.events.events.as_slice() else { panic!("one slow statement: {:?}", span.events) };
    assert_eq!(names(&event.attributes), ["summary", "db.statement"]);
    assert!(event.attributes[1].value.as_str().len() < 2_010);
}

#[test]
fn a_call_belongs_to_the_work_that_wants_it_and_may_fail() {
    let (left, _) = leaving(10, || {
        let outer = tracing::info_span!(target: spans::TARGET, parent: None, "job", otel.status_code = tracing::field::Empty);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let call = async { within(of_call("mail"), async { Err::<(), _>("hunter2") }).await };
        let outcome = runtime.block_on(within(outer, call));
        assert_eq!(outcome, Err("hunter2"));
        failed(&tracing::Span::none());
    });
    let [call, job] = <[SpanData; 2]>::try_from(left).unwrap();
    assert_eq!((&*call.name, &*job.name), ("mail", "job"));
    assert_eq!(call.parent_span_id, job.span_context.span_id());
    assert_eq!(call.span_context.trace_id(), job.span_context.trace_id());
    assert!(call.status == Status::error("") && job.status == Status::error(""));
}

#[test]
fn what_is_too_much_is_dropped_and_counted() {
    let (left, figures) = leaving(3, || {
        for _ in 0..5 {
            drop(of_call("mail"));
        }
    });
    assert_eq!((left.len(), figures.waiting(), figures.lost()), (3, 3, (0, 2)));
    figures.left(2, 1);
    assert_eq!((figures.waiting(), figures.exported(), figures.lost()), (1, 1, (1, 2)));
    figures.left(1, u64::MAX);
    assert_eq!((figures.waiting(), figures.exported(), figures.lost()), (0, 1, (2, 2)));
    let text = figures.text();
    for line in ["{outcome=\"exported\"} 1\n", "{outcome=\"failed\"} 2\n", "{outcome=\"dropped\"} 2\n"] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.ends_with("atalaya_trace_spans_waiting 0\n"), "{text}");
}

#[test]
fn every_event_of_a_span_is_bounded() {
    let (left, _) = leaving(10, || {
        let span = of_call("mail");
        span.in_scope(|| {
            for _ in 0..100 {
                tracing::warn!(target: "sqlx::query", summary = "SELECT 1", "slow statement");
            }
        });
    });
    assert_eq!(left[0].events.events.len(), 16);
}
