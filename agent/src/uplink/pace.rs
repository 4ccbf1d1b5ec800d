//! Bounds the rate of the backlog, so that draining days of samples leaves the link usable. Pure.

use std::time::Duration;

/// A bucket of one second's bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    bytes_per_second: u64,
    /// When the bytes taken so far are paid for, ms on the caller's clock.
    paid_until_ms: i64,
}

impl Pace {
    /// At most `bytes_per_second`, counted from the first call of [`Self::take`].
    pub(super) fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), paid_until_ms: i64::MIN }
    }

    /// Takes `bytes` at `now_ms` (a clock that does not jump) and says how long to wait before sending them.
    pub(super) fn take(&mut self, bytes: usize, now_ms: i64) -> Duration {
        let start = self.paid_until_ms.max(now_ms);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let cost_ms = bytes.saturating_mul(1_000) / self.bytes_per_second;
        self.paid_until_ms = start.saturating_add(i64::try_from(cost_ms).unwrap_or(i64::MAX));
        Duration::from_millis(u64::try_from(start.saturating_sub(now_ms)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_over_time_and_idle_time_is_not_saved_up() {
        let mut pace = Pace::new(1_000);
        assert_eq!(pace.take(500, 0), Duration::ZERO);
        assert_eq!(pace.take(500, 0), Duration::from_millis(500));
        assert_eq!(pace.take(100, 1_000), Duration::ZERO);
        assert_eq!(pace.take(100, 60_000), Duration::ZERO);
        assert_eq!(pace.take(100, 60_000), Duration::from_millis(100));
    }

    #[test]
    fn a_block_larger_than_a_second_leaves_and_is_paid_for_later() {
        let mut pace = Pace::new(10);
        assert_eq!(pace.take(1_000, 0), Duration::ZERO);
        assert_eq!(pace.take(1, 0), Duration::from_secs(100));
    }
}
