//! What became of the spans, for `/metrics`.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Counts since the process began.
#[derive(Debug, Default)]
pub struct Figures {
    exported: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    waiting: AtomicUsize,
}

impl Figures {
    /// Lets one more wait, if no more than so many do; else it is dropped, and counted.
    pub(super) fn let_in(&self, most: usize) -> bool {
        if self.waiting.fetch_add(1, Relaxed) < most {
            return true;
        }
        self.waiting.fetch_sub(1, Relaxed);
        self.dropped.fetch_add(1, Relaxed);
        false
    }

    /// So many wait no more, of which some were not taken.
    pub(super) fn left(&self, spans: usize, failed: u64) {
        let all = u64::try_from(spans).unwrap_or(u64::MAX);
        let failed = failed.min(all);
        self.exported.fetch_add(all - failed, Relaxed);
        self.failed.fetch_add(failed, Relaxed);
        self.waiting.fetch_sub(spans, Relaxed);
    }

    /// Spans that the collector did not take, and those that were dropped because too many waited.
    pub fn lost(&self) -> (u64, u64) {
        (self.failed.load(Relaxed), self.dropped.load(Relaxed))
    }

    /// Spans that the collector took.
    pub fn exported(&self) -> u64 {
        self.exported.load(Relaxed)
    }

    /// Spans that wait, those on their way included.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// In the Prometheus text format.
    pub fn text(&self) -> String {
        let (failed, dropped) = self.lost();
        let (exported, waiting) = (self.exported(), self.waiting());
        format!(
            "# HELP atalaya_trace_spans_total Spans that the collector took (exported), that it did not take (failed), and that were \
             dropped because too many waited for it (dropped).\n\
             # TYPE atalaya_trace_spans_total counter\n\
             atalaya_trace_spans_total{{outcome=\"exported\"}} {exported}\n\
             atalaya_trace_spans_total{{outcome=\"failed\"}} {failed}\n\
             atalaya_trace_spans_total{{outcome=\"dropped\"}} {dropped}\n\
             # HELP atalaya_trace_spans_waiting Spans on their way to the collector.\n\
             # TYPE atalaya_trace_spans_waiting gauge\natalaya_trace_spans_waiting {waiting}\n"
        )
    }
}
