//! Which log is in use, and the way from one to the other.

use std::path::{Path, PathBuf};

use atalaya_protocol::wire;
use parking_lot::Mutex;

use super::disk::{self, DiskError, DiskLog};
use super::memory::MemoryLog;
use super::{Block, Bounds, BufferStats, EpochChanged, Health, SeriesDirectory, Stored, mint, witness};

struct Inner {
    /// `None`: blocks go to `memory`.
    disk: Option<Box<DiskLog>>,
    memory: MemoryLog,
    health: Health,
    quarantined: u64,
    /// Evicted while no database could be told.
    evicted_untold: u64,
    /// What the database last counted, to be carried into a fresh one.
    evicted_told: u64,
    newest_ms: i64,
}

/// What is answered without waiting for a disk.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    stats: BufferStats,
    epoch: [u8; 16],
    end: u64,
}

/// The buffer. Calls block on the disk: from async code use a blocking task.
pub struct Buffer {
    dir: PathBuf,
    bounds: Bounds,
    run: [u8; 16],
    inner: Mutex<Inner>,
    seen: Mutex<Seen>,
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buffer").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Buffer {
    /// Opens the buffer in `dir`, or a memory log when the disk refuses: measuring goes on either way, and
    /// [`BufferStats::health`] tells. `run` identifies this process in the blocks that it writes.
    pub fn open(dir: &Path, bounds: Bounds, run: [u8; 16]) -> Self {
        let quarantined = disk::quarantined_so_far(dir);
        let mut inner = Inner {
            disk: None,
            memory: MemoryLog::new(mint()),
            health: Health::Ok,
            quarantined,
            evicted_untold: 0,
            evicted_told: 0,
            newest_ms: 0,
        };
        match disk::open_or_quarantine(dir) {
            Ok((log, set_aside)) => {
                if set_aside {
                    inner.health = Health::Quarantined;
                    inner.quarantined += 1;
                }
                inner.newest_ms = log.newest_ms();
                witness::opened(log.epoch(), log.end());
                inner.disk = Some(Box::new(log));
            }
            Err(error) => {
                tracing::error!(%error, dir = %dir.display(), "buffer: the disk refuses; samples live in memory");
                inner.health = error.health();
            }
        }
        let mut seen = Seen::default();
        inner.show(&mut seen);
        Self { dir: dir.to_owned(), bounds, run, inner: Mutex::new(inner), seen: Mutex::new(seen) }
    }

    /// Identity of the sequence numbers: 16 random bytes.
    pub fn epoch(&self) -> [u8; 16] {
        self.seen.lock().epoch
    }

    /// Epoch, and the sequence that the next confirmed block will have at the lowest.
    pub fn end(&self) -> ([u8; 16], u64) {
        let seen = self.seen.lock();
        (seen.epoch, seen.end)
    }

    /// What it holds.
    pub fn stats(&self) -> BufferStats {
        self.seen.lock().stats
    }

    /// Hands over the series that the database registered, some at a time; none while in memory.
    pub fn each_series(&self, take: &mut dyn FnMut(Vec<wire::SeriesEntry>)) {
        self.on_disk(|log| log.each_series(take));
    }

    /// The series that the database registered, all at once: for studies, a running agent takes them piece by piece.
    pub fn persisted_series(&self) -> Vec<wire::SeriesEntry> {
        let mut all = Vec::new();
        self.each_series(&mut |entries| all.extend(entries));
        all
    }

    /// Registers series; always before the first block that uses their numbers.
    pub fn register(&self, entries: &[wire::SeriesEntry]) {
        witness::series(entries);
        // In memory there is nothing to do: every series is registered when a database takes over.
        self.on_disk(|log| log.register(entries));
    }

    /// Appends a block and gives its sequence. Never fails: when the disk does, the block goes to memory. Evicts what
    /// the bounds ask for.
    pub fn append(&self, block: &Block, now_ms: i64) -> u64 {
        let mut inner = self.inner.lock();
        inner.newest_ms = inner.newest_ms.max(block.last_ms);
        let bounds = self.bounds;
        let run = self.run;
        witness::block(block);
        let appended = inner.try_disk(&self.dir, |log| {
            let nearly_full = log.make_room(&bounds, block, now_ms)?;
            Ok((log.append(block, run)?, nearly_full))
        });
        let sequence = match appended {
            Some((sequence, nearly_full)) => {
                match (nearly_full, inner.health) {
                    (true, _) => inner.health = Health::DiskFull,
                    (false, Health::DiskFull) => inner.health = Health::Ok,
                    (false, _) => {}
                }
                sequence
            }
            None => {
                let (sequence, evicted) = inner.memory.append(block.clone(), run, bounds.memory_bytes);
                inner.evicted_untold += evicted;
                sequence
            }
        };
        witness::appended(inner.epoch(), sequence);
        crate::fault::point("buffer.after_append");
        self.publish(&mut inner);
        sequence
    }

    /// Makes everything appended so far durable; only then is it shown to [`Buffer::peek`]. In memory there is no
    /// durability to wait for: blocks are shown at once.
    pub fn confirm(&self) {
        // The disk works without our lock, so that readers do not wait for it.
        let pending = self.inner.lock().disk.as_ref().map(|log| (log.syncer(), log.appended()));
        let synced = pending.map(|(syncer, appended)| (syncer.epoch(), appended, syncer.sync()));
        if let Some((epoch, appended, Ok(()))) = &synced {
            witness::confirmed(*epoch, *appended);
        }
        crate::fault::point("buffer.after_confirm");
        let mut inner = self.inner.lock();
        if let Some((epoch, appended, outcome)) = synced {
            inner.try_disk(&self.dir, |log| {
                if log.epoch() == epoch {
                    outcome?;
                    log.confirmed(appended);
                }
                Ok(())
            });
        }
        inner.memory.confirm();
        self.publish(&mut inner);
    }

    /// The first confirmed block at or after `from` and before `until`; `None` when there is none at present.
    ///
    /// # Errors
    /// [`EpochChanged`] when `epoch` is not the buffer's (any more).
    pub fn peek(
        &self,
        epoch: [u8; 16],
        from: u64,
        until: Option<u64>,
    ) -> Result<Option<Stored>, EpochChanged> {
        let mut inner = self.inner.lock();
        if inner.epoch() != epoch {
            return Err(EpochChanged);
        }
        if inner.disk.is_none() {
            return Ok(inner.memory.peek(from, until));
        }
        let read = inner.try_disk(&self.dir, |log| log.peek(from, until));
        if read.is_none() {
            self.publish(&mut inner);
        }
        read.ok_or(EpochChanged)
    }

    /// Removes blocks that the receiver has on its disk. Ranges are inclusive; of another epoch they are ignored.
    pub fn ack(&self, epoch: [u8; 16], ranges: &[(u64, u64)]) {
        let mut inner = self.inner.lock();
        if inner.epoch() != epoch {
            return;
        }
        if inner.disk.is_none() {
            inner.memory.ack(ranges);
        } else {
            let above = self.bounds.shrink_above_bytes;
            inner.try_disk(&self.dir, |log| {
                log.ack(ranges)?;
                log.shrink(&self.dir, above)
            });
        }
        self.publish(&mut inner);
    }

    /// Remembers by how much the clock of this run is wrong, for blocks that a later run will send.
    pub fn learn_offset(&self, offset_ms: i64) {
        let run = self.run;
        self.on_disk(|log| log.learn_offset(run, offset_ms));
    }

    /// The offset that a run learnt, if it did.
    pub fn offset_of(&self, run: [u8; 16]) -> Option<i64> {
        self.inner.lock().disk.as_ref().and_then(|log| log.offset_of(run))
    }

    /// Whether blocks go to memory for now, so that [`Buffer::recover`] is worth a try.
    pub fn in_memory(&self) -> bool {
        self.inner.lock().disk.is_none()
    }

    /// Tries to return from memory to disk: opens the database (or a fresh one in place of one that cannot be
    /// opened), registers every series in it and moves the memory log into it. True when the disk is in use.
    pub fn recover(&self, directory: &dyn SeriesDirectory) -> bool {
        let mut inner = self.inner.lock();
        if inner.disk.is_some() {
            return true;
        }
        match self.reopen(&inner.memory, directory) {
            Ok((log, set_aside)) => {
                inner.quarantined += set_aside;
                let quarantined = set_aside > 0 || inner.health == Health::Quarantined;
                inner.health = if quarantined { Health::Quarantined } else { Health::Ok };
                inner.disk = Some(Box::new(log));
                inner.memory = MemoryLog::new(mint());
                tracing::info!("buffer: the disk takes writes again");
            }
            Err(error) => {
                tracing::debug!(%error, "buffer: the disk still refuses");
                inner.health = error.health();
            }
        }
        self.publish(&mut inner);
        inner.disk.is_some()
    }

    fn reopen(
        &self,
        memory: &MemoryLog,
        directory: &dyn SeriesDirectory,
    ) -> Result<(DiskLog, u64), DiskError> {
        let (mut log, set_aside) = disk::open_or_quarantine(&self.dir)?;
        let mut quarantined = u64::from(set_aside);
        let mut agrees = true;
        log.each_series(&mut |entries| agrees &= directory.adopt(entries))?;
        if !agrees {
            // Two meanings of one number cannot live in one epoch.
            disk::close(Box::new(log));
            disk::quarantine(&self.dir)?;
            log = disk::open_or_quarantine(&self.dir)?.0;
            quarantined += 1;
        }
        log.register(&directory.all())?;
        for (block, run) in memory.blocks() {
            log.append(block, run)?;
        }
        let appended = log.appended();
        log.syncer().sync()?;
        log.confirmed(appended);
        Ok((log, quarantined))
    }

    /// Works on the database where there is one, and leaves it for memory when that fails.
    fn on_disk<T>(&self, work: impl FnOnce(&mut DiskLog) -> Result<T, DiskError>) -> Option<T> {
        let mut inner = self.inner.lock();
        let done = inner.try_disk(&self.dir, work);
        if done.is_none() {
            self.publish(&mut inner);
        }
        done
    }

    fn publish(&self, inner: &mut Inner) {
        inner.show(&mut self.seen.lock());
    }
}

impl Inner {
    fn epoch(&self) -> [u8; 16] {
        self.disk.as_ref().map_or_else(|| self.memory.epoch(), |log| log.epoch())
    }

    /// `None` when there is no database, or no longer: then blocks go to memory from here on.
    fn try_disk<T>(
        &mut self,
        dir: &Path,
        work: impl FnOnce(&mut DiskLog) -> Result<T, DiskError>,
    ) -> Option<T> {
        let error = match work(self.disk.as_mut()?) {
            Ok(done) => return Some(done),
            Err(error) => error,
        };
        tracing::error!(%error, dir = %dir.display(), "buffer: the disk failed; samples live in memory");
        self.health = error.health();
        if let Some(log) = self.disk.take() {
            // Whether these reached the disk is not known; counted as lost rather than forgotten.
            self.evicted_untold += log.unconfirmed_samples();
            disk::close(log);
        }
        if matches!(error, DiskError::Corrupt(_)) {
            match disk::quarantine(dir) {
                Ok(()) => self.quarantined += 1,
                Err(error) => tracing::error!(%error, "buffer: the corrupt database could not be set aside"),
            }
        }
        None
    }

    fn show(&mut self, seen: &mut Seen) {
        let mut stats = BufferStats {
            quarantined_databases: self.quarantined,
            health: self.health,
            newest_ms: self.newest_ms,
            ..BufferStats::default()
        };
        if let Some(log) = &mut self.disk {
            let untold = std::mem::take(&mut self.evicted_untold);
            log.count_evicted(untold + self.evicted_told.saturating_sub(log.evicted()));
            self.evicted_told = log.evicted();
            log.stats(&mut stats);
            (seen.epoch, seen.end) = (log.epoch(), log.end());
        } else {
            stats.evicted_samples = self.evicted_told + self.evicted_untold;
            self.memory.stats(&mut stats);
            (seen.epoch, seen.end) = (self.memory.epoch(), self.memory.end());
        }
        seen.stats = stats;
    }
}
