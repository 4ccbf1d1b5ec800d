//! Time of the simulators.
//!
//! A simulated device lives in *device time*: a duration since the simulator was built. It runs with the
//! wall clock, a multiple of it (so that a redial interval of 5 s passes in 50 ms), or only when a test
//! turns it ([`Pace::Manual`]). Timestamps that are compared with other processes are wall-clock time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// How device time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Device time is wall time multiplied by this factor; 1 is real time, 0 is read as 1.
    Times(u32),
    /// Device time stands still until [`SimClock::advance`].
    Manual,
}

impl Default for Pace {
    fn default() -> Self {
        Self::Times(1)
    }
}

/// The clock of one simulator.
#[derive(Debug)]
pub struct SimClock {
    pace: Pace,
    started: Instant,
    started_unix_ms: u64,
    turned: Mutex<Duration>,
}

impl SimClock {
    /// A clock that starts now.
    #[allow(clippy::disallowed_methods)] // the one real clock of this crate
    pub fn new(pace: Pace) -> Self {
        let started_unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            pace,
            started: Instant::now(),
            started_unix_ms: u64::try_from(started_unix.as_millis()).unwrap_or(u64::MAX),
            turned: Mutex::new(Duration::ZERO),
        }
    }

    /// Device time since the simulator was built.
    pub fn now(&self) -> Duration {
        let turned = *self.turned.lock();
        match self.pace {
            Pace::Times(factor) => {
                self.started.elapsed().saturating_mul(factor.max(1)).saturating_add(turned)
            }
            Pace::Manual => turned,
        }
    }

    /// Wall-clock time in milliseconds since 1970, for logs that are compared with other processes.
    pub fn wall_unix_ms(&self) -> u64 {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.started_unix_ms.saturating_add(elapsed)
    }

    /// Device time in milliseconds since 1970: the wall clock at the start plus the device time passed.
    pub fn device_unix_ms(&self) -> u64 {
        let passed = u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX);
        self.started_unix_ms.saturating_add(passed)
    }

    /// Turns the device's time forward, in any pace.
    pub fn advance(&self, by: Duration) {
        let mut turned = self.turned.lock();
        *turned = turned.saturating_add(by);
    }
}
