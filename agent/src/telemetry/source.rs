//! What the uplink reads: confirmed blocks, with the clock error known by now.

use std::sync::Arc;

use async_trait::async_trait;
use atalaya_protocol::wire;
use tokio::sync::Notify;

use super::Registry;
use crate::buffer::{Buffer, Health, Stored};
use crate::clock::Clock;
use crate::uplink::ports::{BacklogStats, OutgoingBatch, PortError, Position, SampleSource};

/// The buffer as the uplink sees it.
pub struct BufferedSamples {
    buffer: Arc<Buffer>,
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
    confirmed: Arc<Notify>,
    run: [u8; 16],
}

impl BufferedSamples {
    /// Reads `buffer`; `run` is this process, whose clock error is the clock's.
    pub fn new(
        buffer: Arc<Buffer>,
        registry: Arc<Registry>,
        clock: Arc<dyn Clock>,
        confirmed: Arc<Notify>,
        run: [u8; 16],
    ) -> Self {
        Self { buffer, registry, clock, confirmed, run }
    }

    /// What has to be added to the stamps of a block. Blocks of a run that never learnt its error are taken to be as
    /// wrong as this machine is now: it is the same machine.
    fn correction_ms(&self, stored: &Stored) -> i64 {
        let known = if stored.run == self.run { None } else { self.buffer.offset_of(stored.run) };
        known.unwrap_or_else(|| self.clock.offset_ms()).saturating_sub(stored.block.applied_offset_ms)
    }
}

/// Runs disk work off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PortError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| PortError::Storage(error.to_string()))
}

#[async_trait]
impl SampleSource for BufferedSamples {
    fn end(&self) -> Position {
        let (epoch, sequence) = self.buffer.end();
        Position { epoch, sequence }
    }

    async fn next(&self, from: Position, until: Option<u64>) -> Result<Option<OutgoingBatch>, PortError> {
        let buffer = Arc::clone(&self.buffer);
        let found = blocking(move || buffer.peek(from.epoch, from.sequence, until)).await?;
        let Some(stored) = found.map_err(|_| PortError::EpochChanged)? else { return Ok(None) };
        Ok(Some(OutgoingBatch {
            position: Position { epoch: from.epoch, sequence: stored.sequence },
            correction_ms: self.correction_ms(&stored),
            sample_count: stored.block.sample_count,
            block: stored.block.bytes,
        }))
    }

    async fn confirmed(&self) {
        self.confirmed.notified().await;
    }

    async fn series(&self, epoch: [u8; 16], numbers: &[u32]) -> Result<Vec<wire::SeriesEntry>, PortError> {
        if self.buffer.epoch() != epoch {
            return Err(PortError::EpochChanged);
        }
        Ok(self.registry.entries(numbers))
    }

    async fn acknowledged(&self, epoch: [u8; 16], received: &[wire::SequenceRange]) -> Result<(), PortError> {
        let ranges: Vec<(u64, u64)> = received.iter().map(|range| (range.first, range.last)).collect();
        let buffer = Arc::clone(&self.buffer);
        blocking(move || buffer.ack(epoch, &ranges)).await
    }

    fn stats(&self) -> BacklogStats {
        let stats = self.buffer.stats();
        BacklogStats {
            batches: stats.blocks,
            bytes: stats.bytes,
            oldest_unsent_ms: stats.oldest_ms.unwrap_or(0),
            evicted_samples: stats.evicted_samples,
            quarantined_databases: stats.quarantined_databases,
            state: match stats.health {
                Health::Ok => wire::BufferState::Ok,
                Health::DiskFull => wire::BufferState::DiskFull,
                Health::ReadOnly => wire::BufferState::ReadOnly,
                Health::Quarantined => wire::BufferState::Quarantined,
            },
        }
    }
}
