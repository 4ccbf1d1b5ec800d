//! How a store is opened.

use std::io;
use std::path::PathBuf;

use super::resolution::{DAY, HOUR, MINUTE, Resolution};

/// Bounds of the embedded engine. The defaults suit 20,000 subscribers on one small machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How long raw samples are kept, ms (30 days). Older samples are refused, since roll-ups could not be recomputed.
    pub raw_retention_ms: i64,
    /// How long 5-minute roll-ups are kept, ms (180 days).
    pub five_minute_retention_ms: i64,
    /// How long hourly roll-ups are kept, ms (5 years).
    pub hour_retention_ms: i64,
    /// How far ahead of our clock a sample may be, ms (10 minutes).
    pub future_tolerance_ms: i64,
    /// Samples in memory at which they are sealed (3,000,000, 16 bytes each); at twice as many, appenders wait.
    pub head_samples: u64,
    /// Samples are sealed at this age even if they are few, ms (2 hours): the log stays short.
    pub head_age_ms: i64,
    /// Series that one tenant may have (1,000,000).
    pub series_per_tenant: u32,
    /// Points that one answer may have (5,000,000).
    pub points_per_answer: u64,
    /// Segments of one level that are merged into one (8).
    pub merge_width: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            raw_retention_ms: 30 * DAY,
            five_minute_retention_ms: 180 * DAY,
            hour_retention_ms: 5 * 365 * DAY,
            future_tolerance_ms: 10 * MINUTE,
            head_samples: 3_000_000,
            head_age_ms: 2 * HOUR,
            series_per_tenant: 1_000_000,
            points_per_answer: 5_000_000,
            merge_width: 8,
        }
    }
}

impl Options {
    /// How long data of a resolution answers queries, ms.
    pub(crate) fn retention(&self, resolution: Resolution) -> i64 {
        match resolution {
            Resolution::Raw => self.raw_retention_ms,
            Resolution::FiveMinutes => self.five_minute_retention_ms,
            Resolution::Hour => self.hour_retention_ms,
        }
    }

    /// Data before this is removed. Two hours of grace let a sample that is just in time be rolled up from whole hours.
    pub(crate) fn horizon(&self, resolution: Resolution, now_ms: i64) -> i64 {
        now_ms.saturating_sub(self.retention(resolution)).saturating_sub(2 * HOUR)
    }
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another instance in this one, has it open.
    #[error("the metrics store in {0} is in use by another process")]
    Locked(PathBuf),
    /// The manifest is damaged or of a later version. Nothing was changed.
    #[error("the metrics store in {path} cannot be read: {reason}")]
    Unreadable {
        /// Directory of the store.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file system refused.
    #[error("the metrics store in {path} cannot be opened")]
    Io {
        /// Directory of the store.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}
