//! Waiting longer after each failure, with full jitter, so that many who failed together do not return together.

use std::time::Duration;

/// Exponential back-off with a ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    base: Duration,
    ceiling: Duration,
    failures: u32,
}

impl Backoff {
    /// Waits between nothing and `base` after the first failure, twice that after the second, … up to `ceiling`.
    pub const fn new(base: Duration, ceiling: Duration) -> Self {
        Self { base, ceiling, failures: 0 }
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// What the wait after the last failure was at most; `base` when nothing failed.
    fn bound(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(20);
        self.base.saturating_mul(1 << doublings).min(self.ceiling)
    }

    /// Counts a failure and says how long to wait. `dice` in [0, 1) is the jitter: the wait is that share of the
    /// bound reached.
    pub fn failed(&mut self, dice: f64) -> Duration {
        self.failures = self.failures.saturating_add(1);
        self.bound().mul_f64(dice.clamp(0.0, 1.0))
    }

    /// Counts a success.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_the_ceiling_and_falls_at_once() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10));
        let waits: Vec<u64> = (0..6).map(|_| backoff.failed(1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.failed(0.0), Duration::ZERO);
        backoff.succeeded();
        assert_eq!(backoff.failed(1.0), Duration::from_secs(1));
    }

    #[test]
    fn endless_failures_do_not_overflow() {
        let mut backoff = Backoff::new(Duration::from_secs(3600), Duration::MAX);
        for _ in 0..100 {
            backoff.failed(1.0);
        }
        assert_eq!(backoff.failures(), 100);
    }
}
