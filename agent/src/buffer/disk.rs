//! The log on disk: one sled database.

mod open;
mod series;
mod shrink;

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use atalaya_protocol::wire;
use bytes::Bytes;

pub(super) use open::{close, open_or_quarantine, quarantine, quarantined_so_far};

use super::record::{Block, Head, Stored};
use super::{Bounds, BufferStats, Health, sync};

const EPOCH: &[u8] = b"epoch";
const EVICTED: &[u8] = b"evicted";
const NEXT: &[u8] = b"n";
/// Series in one value. One value each would cost sled a hundred times their size in memory.
const SERIES_PER_VALUE: usize = 256;

/// What goes wrong with a database.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiskError {
    /// The file system refuses.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The database contradicts itself, or sled panicked in it.
    #[error("the database is corrupt: {0}")]
    Corrupt(String),
}

impl DiskError {
    pub(super) fn health(&self) -> Health {
        match self {
            Self::Corrupt(_) => Health::Quarantined,
            Self::Io(error) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                    Health::DiskFull
                }
                _ => Health::ReadOnly,
            },
        }
    }
}

impl From<sled::Error> for DiskError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(io)
                if matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                Self::Corrupt(io.to_string())
            }
            sled::Error::Io(io) => Self::Io(io),
            other => Self::Corrupt(other.to_string()),
        }
    }
}

/// Runs sled and turns its panics, which some damaged files cause, into errors.
fn guarded<T>(work: impl FnOnce() -> Result<T, DiskError>) -> Result<T, DiskError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "sled panicked".to_owned());
        Err(DiskError::Corrupt(words))
    })
}

pub(super) struct DiskLog {
    path: PathBuf,
    db: sled::Db,
    log: sled::Tree,
    series: sled::Tree,
    meta: sled::Tree,
    epoch: [u8; 16],
    heads: BTreeMap<u64, Head>,
    bytes: u64,
    next: u64,
    /// Blocks below are confirmed.
    confirmed: u64,
    evicted: u64,
    runs: BTreeMap<[u8; 16], i64>,
}

/// Makes a database durable without holding the buffer's lock.
pub(super) struct Syncer {
    db: sled::Db,
    path: PathBuf,
    epoch: [u8; 16],
}

impl Syncer {
    pub(super) fn epoch(&self) -> [u8; 16] {
        self.epoch
    }

    pub(super) fn sync(&self) -> Result<(), DiskError> {
        guarded(|| {
            self.db.flush()?;
            Ok(sync::database(&self.path)?)
        })
    }
}

fn head_key(sequence: u64) -> [u8; 9] {
    key(b'h', sequence)
}

fn block_key(sequence: u64) -> [u8; 9] {
    key(b'b', sequence)
}

fn key(kind: u8, sequence: u64) -> [u8; 9] {
    let mut key = [kind; 9];
    key[1..].copy_from_slice(&sequence.to_be_bytes());
    key
}

impl DiskLog {
    pub(super) fn epoch(&self) -> [u8; 16] {
        self.epoch
    }

    /// Sequence after the last confirmed block.
    pub(super) fn end(&self) -> u64 {
        self.confirmed
    }

    /// Sequence after the last appended block.
    pub(super) fn appended(&self) -> u64 {
        self.next
    }

    pub(super) fn newest_ms(&self) -> i64 {
        self.heads.last_key_value().map_or(0, |(_, head)| head.last_ms)
    }

    /// Samples given up since the database was made.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    pub(super) fn unconfirmed_samples(&self) -> u64 {
        self.heads.range(self.confirmed..).map(|(_, head)| u64::from(head.samples)).sum()
    }

    pub(super) fn syncer(&self) -> Syncer {
        Syncer { db: self.db.clone(), path: self.path.clone(), epoch: self.epoch }
    }

    /// Everything appended before `appended` was synced.
    pub(super) fn confirmed(&mut self, appended: u64) {
        self.confirmed = self.confirmed.max(appended);
    }

    /// Hands over the registered series, those of one value at a time: all at once would be some hundred bytes each.
    pub(super) fn each_series(&self, take: &mut dyn FnMut(Vec<wire::SeriesEntry>)) -> Result<(), DiskError> {
        guarded(|| {
            for value in self.series.iter().values() {
                take(series::unpack(&value?)?);
            }
            Ok(())
        })
    }

    pub(super) fn register(&mut self, entries: &[wire::SeriesEntry]) -> Result<(), DiskError> {
        if entries.is_empty() {
            // An empty batch would be a record in sled's log nevertheless.
            return Ok(());
        }
        let mut batch = sled::Batch::default();
        for chunk in entries.chunks(SERIES_PER_VALUE) {
            let first = chunk.first().map_or(0, |entry| entry.number);
            batch.insert(&first.to_be_bytes(), series::pack(chunk)?);
        }
        guarded(|| Ok(self.series.apply_batch(batch)?))
    }

    pub(super) fn append(&mut self, block: &Block, run: [u8; 16]) -> Result<u64, DiskError> {
        let sequence = self.next;
        let head = Head::of(block, run);
        let encoded = postcard::to_stdvec(&head).map_err(|error| DiskError::Corrupt(error.to_string()))?;
        let mut batch = sled::Batch::default();
        batch.insert(&head_key(sequence), encoded);
        batch.insert(&block_key(sequence), block.bytes.as_ref());
        batch.insert(NEXT, &(sequence + 1).to_be_bytes());
        guarded(|| Ok(self.log.apply_batch(batch)?))?;
        self.next = sequence + 1;
        self.bytes += u64::from(head.len);
        self.heads.insert(sequence, head);
        Ok(sequence)
    }

    pub(super) fn peek(&self, from: u64, until: Option<u64>) -> Result<Option<Stored>, DiskError> {
        let end = until.unwrap_or(u64::MAX).min(self.confirmed);
        if from >= end {
            return Ok(None);
        }
        let Some((&sequence, &head)) = self.heads.range(from..end).next() else { return Ok(None) };
        let bytes = guarded(|| Ok(self.log.get(block_key(sequence))?))?
            .ok_or_else(|| DiskError::Corrupt(format!("block {sequence} has a head and no body")))?;
        Ok(Some(Stored { sequence, block: head.with(Bytes::copy_from_slice(&bytes)), run: head.run }))
    }

    pub(super) fn ack(&mut self, ranges: &[(u64, u64)]) -> Result<(), DiskError> {
        let mut gone = Vec::new();
        for &(first, last) in ranges.iter().filter(|(first, last)| first <= last) {
            gone.extend(self.heads.range(first..=last).map(|(&sequence, _)| sequence));
        }
        self.remove(&gone)
    }

    fn remove(&mut self, sequences: &[u64]) -> Result<(), DiskError> {
        if sequences.is_empty() {
            return Ok(());
        }
        let mut batch = sled::Batch::default();
        for &sequence in sequences {
            batch.remove(&head_key(sequence));
            batch.remove(&block_key(sequence));
        }
        guarded(|| Ok(self.log.apply_batch(batch)?))?;
        for sequence in sequences {
            if let Some(head) = self.heads.remove(sequence) {
                self.bytes -= u64::from(head.len);
            }
        }
        Ok(())
    }

    /// Evicts, oldest first, until `block` fits into the bounds. True when the disk's free space asked for it.
    pub(super) fn make_room(
        &mut self,
        bounds: &Bounds,
        block: &Block,
        now_ms: i64,
    ) -> Result<bool, DiskError> {
        let incoming = u64::try_from(block.bytes.len()).unwrap_or(u64::MAX);
        let nearly_full = sync::free_bytes(&self.path)? < bounds.min_free_bytes;
        let mut target = bounds.max_bytes.saturating_sub(incoming);
        if nearly_full {
            // Twice what comes in: the file stops growing once what goes out exceeds it.
            target = target.min(self.bytes.saturating_sub(incoming.saturating_mul(2)));
        }
        let oldest_allowed = now_ms.saturating_sub(crate::clock::millis(bounds.max_age));
        let mut kept = self.bytes;
        let mut gone = Vec::new();
        let mut samples = 0;
        for (&sequence, head) in &self.heads {
            let corrected = self.correct(head, head.last_ms);
            if kept <= target && corrected >= oldest_allowed {
                break;
            }
            kept -= u64::from(head.len);
            samples += u64::from(head.samples);
            gone.push(sequence);
        }
        self.remove(&gone)?;
        self.count_evicted(samples);
        Ok(nearly_full)
    }

    /// A stamp as it is believed today: with what its run learnt of its clock after it was made.
    fn correct(&self, head: &Head, stamp_ms: i64) -> i64 {
        let learnt = self.runs.get(&head.run).copied().unwrap_or(head.applied_offset_ms);
        stamp_ms.saturating_add(learnt).saturating_sub(head.applied_offset_ms)
    }

    /// Adds to the count of samples given up; a count that cannot be written is kept in memory.
    pub(super) fn count_evicted(&mut self, samples: u64) {
        if samples == 0 {
            return;
        }
        self.evicted += samples;
        let total = self.evicted.to_be_bytes();
        if let Err(error) = guarded(|| Ok(self.meta.insert(EVICTED, &total)?)) {
            tracing::warn!(%error, "buffer: the count of evicted samples could not be written");
        }
    }

    pub(super) fn learn_offset(&mut self, run: [u8; 16], offset_ms: i64) -> Result<(), DiskError> {
        self.runs.insert(run, offset_ms);
        let stale: Vec<[u8; 16]> = self
            .runs
            .keys()
            .filter(|known| **known != run && !self.heads.values().any(|head| head.run == **known))
            .copied()
            .collect();
        let mut batch = sled::Batch::default();
        for old in stale {
            self.runs.remove(&old);
            batch.remove(&run_key(old));
        }
        batch.insert(&run_key(run), &offset_ms.to_be_bytes());
        guarded(|| Ok(self.meta.apply_batch(batch)?))
    }

    pub(super) fn offset_of(&self, run: [u8; 16]) -> Option<i64> {
        self.runs.get(&run).copied()
    }

    pub(super) fn stats(&self, stats: &mut BufferStats) {
        stats.blocks = u64::try_from(self.heads.len()).unwrap_or(u64::MAX);
        stats.bytes = self.bytes;
        stats.oldest_ms = self.heads.first_key_value().map(|(_, head)| self.correct(head, head.first_ms));
        stats.evicted_samples = self.evicted;
        stats.disk_bytes = file_bytes(&self.path);
    }
}

fn run_key(run: [u8; 16]) -> [u8; 17] {
    let mut key = [b'r'; 17];
    key[1..].copy_from_slice(&run);
    key
}

fn file_bytes(database: &Path) -> u64 {
    std::fs::metadata(database.join("db")).map_or(0, |metadata| metadata.len())
}
