//! What the engine counts about itself.

use std::sync::atomic::{AtomicU64, Ordering};

/// Live counters, shared by all parts.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) stored: AtomicU64,
    pub(crate) quarantined: AtomicU64,
    pub(crate) duplicate_batches: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) damaged_records: AtomicU64,
    pub(crate) damaged_blocks: AtomicU64,
    pub(crate) damaged_segments: AtomicU64,
    pub(crate) torn_bytes: AtomicU64,
}

/// Figures of an opened store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Samples taken since opening.
    pub stored: u64,
    /// Samples refused since opening for their time or value.
    pub quarantined: u64,
    /// Batches that had been received before.
    pub duplicate_batches: u64,
    /// Group commits (`fdatasync` calls) of the log.
    pub commits: u64,
    /// Damaged log records found at opening and moved to `quarantine/`.
    pub damaged_records: u64,
    /// Reads that met a damaged block of a segment.
    pub damaged_blocks: u64,
    /// Segments with a damaged index or block, moved to `quarantine/`.
    pub damaged_segments: u64,
    /// Bytes of a torn record cut off the end of the log at opening.
    pub torn_bytes: u64,
    /// Samples in memory, not sealed yet.
    pub head_samples: u64,
    /// Raw samples in segments.
    pub raw_samples: u64,
    /// Bytes of raw segments.
    pub raw_bytes: u64,
    /// Bytes of roll-up segments.
    pub rollup_bytes: u64,
    /// Segments of all kinds.
    pub segments: u64,
}

impl Counters {
    /// The counters; what is not counted here is 0.
    pub(crate) fn snapshot(&self) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            stored: get(&self.stored),
            quarantined: get(&self.quarantined),
            duplicate_batches: get(&self.duplicate_batches),
            commits: get(&self.commits),
            damaged_records: get(&self.damaged_records),
            damaged_blocks: get(&self.damaged_blocks),
            damaged_segments: get(&self.damaged_segments),
            torn_bytes: get(&self.torn_bytes),
            ..Stats::default()
        }
    }
}
