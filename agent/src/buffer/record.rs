//! What is written for one block.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Packed samples on their way into the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The bytes that travel.
    pub bytes: Bytes,
    /// Samples in it.
    pub sample_count: u32,
    /// Stamp of its first sample, Unix ms.
    pub first_ms: i64,
    /// Stamp of its last sample, Unix ms.
    pub last_ms: i64,
    /// Clock offset that was already in the stamps when they were made, ms.
    pub applied_offset_ms: i64,
}

/// A confirmed block, as read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number within the epoch.
    pub sequence: u64,
    /// The block.
    pub block: Block,
    /// The process that wrote it.
    pub run: [u8; 16],
}

/// What is known of a stored block without reading it; kept in memory for all, so it is small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// Bytes of the block.
    pub(super) len: u32,
    pub(super) samples: u32,
    pub(super) first_ms: i64,
    pub(super) last_ms: i64,
    pub(super) run: [u8; 16],
    pub(super) applied_offset_ms: i64,
}

impl Head {
    pub(super) fn of(block: &Block, run: [u8; 16]) -> Self {
        Self {
            len: u32::try_from(block.bytes.len()).unwrap_or(u32::MAX),
            samples: block.sample_count,
            first_ms: block.first_ms,
            last_ms: block.last_ms,
            run,
            applied_offset_ms: block.applied_offset_ms,
        }
    }

    pub(super) fn with(self, bytes: Bytes) -> Block {
        Block {
            bytes,
            sample_count: self.samples,
            first_ms: self.first_ms,
            last_ms: self.last_ms,
            applied_offset_ms: self.applied_offset_ms,
        }
    }
}
