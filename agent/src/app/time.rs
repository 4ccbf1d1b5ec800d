//! Time as headquarters corrects it, and the floor by which certificates are judged.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use atalaya_pki::UnixTime;
use rustls::time_provider::TimeProvider;

use crate::buffer::Buffer;
use crate::clock::{AgentClock, Clock};
use crate::enrol::unix_time;
use crate::uplink::ports::ClockControl;

/// This program was not built before then (2026-11-01), whatever the machine's clock says.
const BUILD_FLOOR_MS: i64 = 1_793_491_200_000;
const FILE: &str = "time-floor";
/// The floor is written again when it has moved by this much.
const WRITE_EVERY_MS: i64 = 3_600_000;

/// A time that has certainly passed when nothing else is known yet: before enrolment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BuildTime;

impl TimeProvider for BuildTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(BUILD_FLOOR_MS))
    }
}

/// When this program was certainly not yet built, Unix ms.
pub(crate) fn build_time_ms() -> i64 {
    BUILD_FLOOR_MS
}

/// The agent's time.
pub(super) struct AgentTime {
    clock: Arc<AgentClock>,
    buffer: Arc<Buffer>,
    path: PathBuf,
    floor_ms: AtomicI64,
    written_ms: AtomicI64,
    learnt: AtomicBool,
}

impl AgentTime {
    /// Reads the floor kept in `state_dir`; `confirmed_ms` is a time that headquarters told at enrolment.
    pub(super) fn open(
        state_dir: &Path,
        clock: Arc<AgentClock>,
        buffer: Arc<Buffer>,
        confirmed_ms: i64,
    ) -> Self {
        let path = state_dir.join(FILE);
        let kept =
            fs::read_to_string(&path).ok().and_then(|text| text.trim().parse::<i64>().ok()).unwrap_or(0);
        let floor = BUILD_FLOOR_MS.max(kept).max(confirmed_ms);
        Self {
            clock,
            buffer,
            path,
            floor_ms: AtomicI64::new(floor),
            written_ms: AtomicI64::new(kept),
            learnt: AtomicBool::new(false),
        }
    }

    /// Keeps the floor for the next start, when it has moved far enough.
    pub(super) fn keep_floor(&self) {
        let floor = self.certificate_time_ms();
        if floor - self.written_ms.load(Ordering::Relaxed) < WRITE_EVERY_MS {
            return;
        }
        let unfinished = self.path.with_extension("new");
        let written =
            fs::write(&unfinished, floor.to_string()).and_then(|()| fs::rename(&unfinished, &self.path));
        match written {
            Ok(()) => self.written_ms.store(floor, Ordering::Relaxed),
            Err(error) => tracing::debug!(%error, "the time floor could not be kept"),
        }
    }
}

impl ClockControl for AgentTime {
    fn local_ms(&self) -> i64 {
        self.clock.local_ms()
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn offset_ms(&self) -> i64 {
        self.clock.offset_ms()
    }

    fn learn_offset(&self, offset_ms: i64, round_trip_ms: i64) {
        // Half a round trip is how exact a measurement is: within it, the old offset is as good as the new one.
        let differs = (offset_ms - self.clock.offset_ms()).abs() > round_trip_ms / 2 + 1;
        let first = !self.learnt.swap(true, Ordering::Relaxed);
        if differs || first {
            self.clock.set_offset_ms(offset_ms);
            self.buffer.learn_offset(offset_ms);
        }
        self.keep_floor();
    }

    fn certificate_time_ms(&self) -> i64 {
        // Only what headquarters confirmed: the machine's own clock, and samples stamped by it, may be years ahead.
        if self.learnt.load(Ordering::Relaxed) {
            self.floor_ms.fetch_max(self.clock.now_ms(), Ordering::Relaxed);
        }
        self.floor_ms.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::Bounds;

    #[test]
    fn the_floor_moves_only_by_confirmed_time_and_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let buffer = Arc::new(Buffer::open(&dir.path().join("buffer"), Bounds::default(), [1; 16]));
        let clock = Arc::new(AgentClock::start());
        let time = AgentTime::open(dir.path(), Arc::clone(&clock), Arc::clone(&buffer), 0);
        assert_eq!(time.certificate_time_ms(), BUILD_FLOOR_MS);
        let year = 365 * 86_400_000;
        let true_time = BUILD_FLOOR_MS + year;
        time.learn_offset(true_time - clock.local_ms(), 40);
        assert!(time.certificate_time_ms() >= true_time);
        assert_eq!(buffer.offset_of([1; 16]), Some(clock.offset_ms()));
        let again = AgentTime::open(dir.path(), Arc::new(AgentClock::start()), buffer, 0);
        assert!(again.certificate_time_ms() >= true_time);
    }

    #[test]
    fn jitter_within_the_round_trip_does_not_move_time() {
        let dir = tempfile::tempdir().unwrap();
        let buffer = Arc::new(Buffer::open(&dir.path().join("buffer"), Bounds::default(), [1; 16]));
        let time = AgentTime::open(dir.path(), Arc::new(AgentClock::start()), buffer, 0);
        time.learn_offset(1_000, 40);
        time.learn_offset(1_015, 40);
        assert_eq!(time.offset_ms(), 1_000);
        time.learn_offset(1_100, 40);
        assert_eq!(time.offset_ms(), 1_100);
    }
}
