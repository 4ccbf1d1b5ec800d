//! What has to be remembered between two measurements to tell a wrap from a restart.

use std::collections::HashMap;
use std::time::Duration;

/// One wrap of sysUpTime, in hundredths of a second.
const WRAP_TICKS: u64 = 1 << 32;
const WRAP_COUNT: u64 = 1 << 32;
/// How far the device's clock and ours may drift apart between two measurements, in hundredths of a second, beside
/// one percent of the time between them.
const DRIFT_TICKS: u64 = 6_000;

/// Counters of one device.
#[derive(Debug, Default)]
pub(super) struct CounterState {
    uptime: Option<Uptime>,
    wide: HashMap<Box<str>, [Option<Wide>; 5]>,
}

#[derive(Debug, Clone, Copy)]
struct Uptime {
    ticks: u32,
    wraps: u64,
    at: Duration,
}

/// A 32-bit counter carried on to 64 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wide {
    last: u32,
    wraps: u64,
}

impl Wide {
    /// Carries on a counter of which nothing is known but that it counts. Where no line bounds its speed, a fall is a
    /// wrap when it leads from the top quarter of the range to the bottom quarter; otherwise it started anew.
    pub(super) fn carry(before: Option<Self>, count: u32) -> (Self, u64) {
        const QUARTER: u32 = 1 << 30;
        let wraps = match before {
            Some(before) if count >= before.last => before.wraps,
            Some(before) if before.last >= 3 * QUARTER && count < QUARTER => before.wraps + 1,
            Some(_) | None => 0,
        };
        (Self { last: count, wraps }, wraps * WRAP_COUNT + u64::from(count))
    }
}

/// Which 32-bit counter of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    InOctets = 0,
    OutOctets = 1,
    InErrors = 2,
    OutErrors = 3,
    InDiscards = 4,
}

/// Time since the last measurement, as far as counters care.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Since {
    /// There was none, or the device restarted: 32-bit counters start anew.
    Start,
    /// So much time of the device passed without a restart.
    Elapsed(Duration),
}

impl CounterState {
    /// Takes sysUpTime (and the engine's seconds, where the device has them) read at `now`; gives the uptime unwrapped,
    /// in hundredths of a second, and what it means for counters.
    pub(super) fn uptime(&mut self, ticks: u32, engine_seconds: Option<u32>, now: Duration) -> (u64, Since) {
        let (wraps, since) = match self.uptime {
            None => (wraps_by_engine(ticks, engine_seconds), Since::Start),
            Some(last) => {
                let elapsed = u64::try_from(now.saturating_sub(last.at).as_millis() / 10).unwrap_or(u64::MAX);
                let passed = u64::from(ticks.wrapping_sub(last.ticks));
                if ticks >= last.ticks {
                    (last.wraps, Since::Elapsed(Duration::from_millis(passed * 10)))
                } else if passed.abs_diff(elapsed) <= DRIFT_TICKS + elapsed / 100 {
                    (last.wraps + 1, Since::Elapsed(Duration::from_millis(passed * 10)))
                } else {
                    self.wide.clear();
                    (0, Since::Start)
                }
            }
        };
        self.uptime = Some(Uptime { ticks, wraps, at: now });
        (wraps * WRAP_TICKS + u64::from(ticks), since)
    }

    /// Carries a 32-bit counter on to 64 bits. A fall is a wrap when it is possible at the interface's speed (bits per
    /// second; unknown = possible) in the time that passed; otherwise the counter started anew and so does ours.
    pub(super) fn widen(
        &mut self,
        interface: &str,
        which: Which,
        count: u32,
        since: Since,
        most_per_second: Option<u64>,
    ) -> u64 {
        let slots = match self.wide.get_mut(interface) {
            Some(slots) => slots,
            None => self.wide.entry(interface.into()).or_default(),
        };
        let slot = &mut slots[which as usize];
        let wraps = match (*slot, since) {
            (Some(last), Since::Elapsed(_)) if count >= last.last => last.wraps,
            (Some(last), Since::Elapsed(time)) => {
                let passed = u128::from(count.wrapping_sub(last.last));
                // A fifth above the nominal speed: speeds are rounded and clocks drift.
                let most = most_per_second.map(|rate| u128::from(rate) * time.as_millis() * 12 / 10_000);
                if most.is_none_or(|most| passed <= most) { last.wraps + 1 } else { 0 }
            }
            (Some(_), Since::Start) | (None, _) => 0,
        };
        *slot = Some(Wide { last: count, wraps });
        wraps * WRAP_COUNT + u64::from(count)
    }

    /// Forgets interfaces that are gone.
    pub(super) fn keep(&mut self, present: impl Fn(&str) -> bool) {
        self.wide.retain(|name, _| present(name));
    }
}

/// Wraps that happened before we first looked, told by the engine's own seconds where they agree with the ticks to
/// five minutes. Some devices report nonsense there: then none.
fn wraps_by_engine(ticks: u32, engine_seconds: Option<u32>) -> u64 {
    let Some(seconds) = engine_seconds else { return 0 };
    let engine_ticks = u64::from(seconds) * 100;
    let wraps = (engine_ticks + WRAP_TICKS / 2).saturating_sub(u64::from(ticks)) / WRAP_TICKS;
    let told = wraps * WRAP_TICKS + u64::from(ticks);
    if told.abs_diff(engine_ticks) <= 30_000 { wraps } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const GIGABIT: Option<u64> = Some(125_000_000);

    #[test]
    fn the_wrap_of_sysuptime_is_no_restart() {
        let mut state = CounterState::default();
        let near_the_top = u32::MAX - 2_999;
        assert_eq!(state.uptime(near_the_top, None, MINUTE), (u64::from(near_the_top), Since::Start));
        let (uptime, since) = state.uptime(3_000, None, 2 * MINUTE);
        assert_eq!(uptime, WRAP_TICKS + 3_000);
        assert_eq!(since, Since::Elapsed(MINUTE));
        assert_eq!(state.uptime(9_000, None, 3 * MINUTE).0, WRAP_TICKS + 9_000);
    }

    #[test]
    fn a_fall_of_sysuptime_elsewhere_is_a_restart() {
        let mut state = CounterState::default();
        state.uptime(1_000_000, None, MINUTE);
        assert_eq!(state.uptime(3_000, None, 2 * MINUTE), (3_000, Since::Start));
        // Also close to the top, when the time that passed does not fit.
        state.uptime(u32::MAX - 100, None, 3 * MINUTE);
        assert_eq!(state.uptime(60_000, None, 4 * MINUTE).1, Since::Start);
    }

    #[test]
    fn earlier_wraps_are_told_by_the_engine_when_it_agrees() {
        let days_600 = 600 * 86_400;
        let ticks = u32::try_from((u64::from(days_600) * 100) % WRAP_TICKS).unwrap();
        let mut state = CounterState::default();
        assert_eq!(state.uptime(ticks, Some(days_600 + 20), MINUTE).0, u64::from(days_600) * 100);
        let mut state = CounterState::default();
        assert_eq!(state.uptime(ticks, Some(77), MINUTE).0, u64::from(ticks));
    }

    #[test]
    fn a_32_bit_wrap_goes_on_and_a_restart_starts_anew() {
        let mut state = CounterState::default();
        let elapsed = Since::Elapsed(MINUTE);
        assert_eq!(state.widen("a", Which::InOctets, 4_294_000_000, Since::Start, GIGABIT), 4_294_000_000);
        assert_eq!(state.widen("a", Which::InOctets, 1_000, elapsed, GIGABIT), WRAP_COUNT + 1_000);
        assert_eq!(state.widen("a", Which::InOctets, 500, elapsed, GIGABIT), 2 * WRAP_COUNT + 500);
        assert_eq!(state.widen("a", Which::InOctets, 400, Since::Start, GIGABIT), 400);
    }

    #[test]
    fn a_counter_without_a_known_speed_wraps_only_from_top_to_bottom() {
        let (top, _) = Wide::carry(None, u32::MAX - 5);
        let (wrapped, count) = Wide::carry(Some(top), 10);
        assert_eq!(count, WRAP_COUNT + 10);
        assert_eq!(Wide::carry(Some(wrapped), 400).1, WRAP_COUNT + 400);
        let (middle, _) = Wide::carry(None, 2_000_000_000);
        assert_eq!(Wide::carry(Some(middle), 10).1, 10);
    }

    #[test]
    fn a_fall_too_steep_for_the_line_is_no_wrap() {
        let mut state = CounterState::default();
        let ten_megabit = Some(1_250_000);
        state.widen("a", Which::InOctets, 2_000_000_000, Since::Start, ten_megabit);
        assert_eq!(state.widen("a", Which::InOctets, 5, Since::Elapsed(MINUTE), ten_megabit), 5);
    }
}
