//! The export of a batch: counted, and told of in the log where it fails.

use super::figures::Figures;
use crate::adapters::{Collector, Said};
use atalaya_kernel::time::Clock;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};
use parking_lot::Mutex;
use std::{fmt, sync::Arc, time::Duration};

/// How often the log says that spans do not arrive, ms.
const TELL_EACH_MS: i64 = 60_000;

/// Exports by another one, and counts.
pub(super) struct Counted<E> {
    next: E,
    collector: Collector,
    figures: Arc<Figures>,
    clock: Arc<dyn Clock>,
    told: Mutex<Told>,
}

/// What the log was told.
#[derive(Debug, Default)]
struct Told {
    at_ms: Option<i64>,
    failed: u64,
    dropped: u64,
}

impl Told {
    /// What of these counts the log does not know, when it is time to say it.
    fn news(&mut self, (failed, dropped): (u64, u64), now_ms: i64) -> Option<(u64, u64)> {
        let news = (failed - self.failed.min(failed), dropped - self.dropped.min(dropped));
        let is_early = self.at_ms.is_some_and(|told| now_ms.saturating_sub(told) < TELL_EACH_MS);
        if news == (0, 0) || is_early {
            return None;
        }
        *self = Self { at_ms: Some(now_ms), failed, dropped };
        Some(news)
    }
}

impl<E> Counted<E> {
    pub(super) fn new(next: E, collector: Collector, figures: Arc<Figures>, clock: Arc<dyn Clock>) -> Self {
        Self { next, collector, figures, clock, told: Mutex::default() }
    }

    fn tell(&self, said: Said) {
        let now_ms = self.clock.now().as_millis();
        let Some((failed, dropped)) = self.told.lock().news(self.figures.lost(), now_ms) else { return };
        let why = said.wrong.unwrap_or_else(|| "too many wait for it, or it refuses some".to_owned());
        let collector = self.collector.endpoint();
        tracing::warn!(collector, failed, dropped, "spans do not reach the collector of traces: {why}");
    }
}

impl<E> fmt::Debug for Counted<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("collector", &self.collector).finish_non_exhaustive()
    }
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let outcome = self.next.export(batch).await;
        let said = self.collector.said();
        self.figures.left(spans, if outcome.is_ok() { said.rejected } else { u64::MAX });
        self.tell(said);
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_told_once_a_minute_and_of_everything() {
        let mut told = Told::default();
        assert_eq!(told.news((0, 0), 0), None);
        assert_eq!(told.news((256, 0), 1_000), Some((256, 0)), "the first time at once");
        assert_eq!(told.news((512, 3), 2_000), None);
        assert_eq!(told.news((512, 9), 60_999), None);
        assert_eq!(told.news((512, 9), 61_000), Some((256, 9)));
        assert_eq!(told.news((512, 9), 200_000), None, "nothing new");
    }
}
