//! The agent's idea of time.
//!
//! Towers have bad clocks: a machine may start in 1970 and be corrected by years while it runs. So time here is the
//! wall clock *as it was at the start of the process* plus monotonic time elapsed, plus an *offset* learnt from
//! headquarters. A jump of the system's clock changes nothing; a new offset moves what is measured from then on. What
//! was measured before keeps the offset that was applied to it (see `buffer`), and is corrected when it is sent.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where everything in the agent takes its time from; tests own it.
pub trait Clock: Send + Sync {
    /// Now in Unix milliseconds, corrected by the offset known at this moment.
    fn now_ms(&self) -> i64;
    /// Now by this machine alone, Unix milliseconds: the wall clock at the start of the process plus what elapsed.
    fn local_ms(&self) -> i64;
    /// Monotonic time since the clock was made: for intervals, timeouts, back-off. Never corrected.
    fn elapsed(&self) -> Duration;
    /// The system's wall clock at this moment, since 1970. It jumps when it is set: only for comparison with what the
    /// system stamped a moment ago.
    fn wall(&self) -> Duration;
    /// The offset in force, milliseconds: what [`Clock::now_ms`] adds to this machine's own idea of time.
    fn offset_ms(&self) -> i64;
}

/// The real clock of a running agent.
#[derive(Debug)]
pub struct AgentClock {
    started: Instant,
    started_wall_ms: i64,
    offset_ms: AtomicI64,
}

impl AgentClock {
    /// Reads the system's clocks: what they say now is where the clock starts from.
    #[allow(clippy::disallowed_methods)] // This and the next are where this crate reads the system's clocks.
    pub fn start() -> Self {
        let (started, wall) = (Instant::now(), system_wall());
        Self { started, started_wall_ms: millis(wall), offset_ms: AtomicI64::new(0) }
    }

    /// Takes a new offset (true time minus this machine's time, milliseconds) for everything measured from now on.
    pub fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }
}

/// A clock before 1970 counts as 1970: it is wrong either way, and headquarters corrects it.
#[allow(clippy::disallowed_methods)]
fn system_wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl Clock for AgentClock {
    fn now_ms(&self) -> i64 {
        self.local_ms().saturating_add(self.offset_ms())
    }

    fn local_ms(&self) -> i64 {
        self.started_wall_ms.saturating_add(millis(self.elapsed()))
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn wall(&self) -> Duration {
        system_wall()
    }

    fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }
}

/// Whole milliseconds of a duration, saturating (292 million years).
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A clock that stands still until a test moves it.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct ManualClock {
    now_ms: AtomicI64,
}

#[cfg(test)]
#[allow(dead_code)]
impl ManualClock {
    pub(crate) fn at(now_ms: i64) -> Self {
        Self { now_ms: AtomicI64::new(now_ms) }
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.now_ms.fetch_add(millis(by), Ordering::Relaxed);
    }
}

#[cfg(test)]
impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn local_ms(&self) -> i64 {
        self.now_ms()
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now_ms()).unwrap_or(0))
    }

    fn wall(&self) -> Duration {
        self.elapsed()
    }

    fn offset_ms(&self) -> i64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_moves_now_and_leaves_elapsed_alone() {
        let clock = AgentClock::start();
        let before = clock.now_ms();
        let year = 365 * 86_400_000;
        clock.set_offset_ms(year);
        let moved = clock.now_ms() - before;
        assert!((year..year + 10_000).contains(&moved), "moved by {moved} ms");
        assert!(clock.elapsed() < Duration::from_secs(10));
        assert!((clock.local_ms() - before).abs() < 10_000);
    }
}
