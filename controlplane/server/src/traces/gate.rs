//! The way of a span that ended to the thread that exports. It never waits: what is too much is dropped, and counted.

use super::{figures::Figures, kept::kept};
use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use std::{sync::Arc, time::Duration};

/// Lets so many in; `next` has room for them all.
#[derive(Debug)]
pub(super) struct Gate<P> {
    next: P,
    figures: Arc<Figures>,
    most: usize,
}

impl<P> Gate<P> {
    pub(super) fn new(next: P, figures: Arc<Figures>, most: usize) -> Self {
        Self { next, figures, most }
    }
}

impl<P: SpanProcessor> SpanProcessor for Gate<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.figures.let_in(self.most) {
            self.next.on_end(kept(span));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}
