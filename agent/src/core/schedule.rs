//! When each device is measured.
//!
//! Devices are spread over their interval by a hash of their id: a thousand devices at 60 s are 17 a second, not a
//! thousand at once. They are spread over [`PLACES`] places of the interval, so that those of one place are measured
//! side by side and share the wake-ups of the process; each place holds one device in 120. A device that fails three times in a row *trips its breaker*: it is left alone for a while that
//! doubles up to ten minutes, then tried once (half open); one success closes the breaker. A measurement that outlasts
//! its interval costs the slots it covers; they are counted, and never made up by measuring twice in a hurry.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::backoff::Backoff;

/// Failures in a row that trip the breaker.
const TRIP_AFTER: u32 = 3;
/// Places in an interval at which devices are due: at 60 s, one each half second.
const PLACES: u64 = 120;
/// Longest time a tripped device is left alone.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// Where a device's breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// Measured at every slot.
    Closed,
    /// Left alone until its next try.
    Open,
    /// Its one try is under way.
    HalfOpen,
}

#[derive(Debug)]
struct Entry {
    interval: Duration,
    phase: Duration,
    backoff: Backoff,
    failures: u32,
    breaker: Breaker,
    skipped: u64,
}

/// The schedule of a set of devices, known by their index in it.
#[derive(Debug, Default)]
pub struct Schedule {
    entries: Vec<Entry>,
    due: BinaryHeap<Reverse<(Duration, usize)>>,
}

impl Schedule {
    /// Adds a device and gives its index. An interval of zero counts as one second.
    pub fn add(&mut self, device_id: &str, interval: Duration, now: Duration) -> usize {
        let interval = interval.max(Duration::from_secs(1));
        let index = self.entries.len();
        let phase = phase_of(device_id, interval);
        self.entries.push(Entry {
            interval,
            phase,
            backoff: Backoff::new(interval.min(LONGEST_REST), LONGEST_REST),
            failures: 0,
            breaker: Breaker::Closed,
            skipped: 0,
        });
        self.due.push(Reverse((slot_after(now, interval, phase), index)));
        index
    }

    /// When the next device is due; `None` when all are under way or there are none.
    pub fn next_due(&self) -> Option<Duration> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one device that is due. It is not due again before [`Schedule::finished`].
    pub fn take_due(&mut self, now: Duration) -> Option<usize> {
        let Reverse((at, index)) = *self.due.peek()?;
        if at > now {
            return None;
        }
        self.due.pop();
        let entry = &mut self.entries[index];
        if entry.breaker == Breaker::Open {
            entry.breaker = Breaker::HalfOpen;
        }
        Some(index)
    }

    /// A measurement that was due ended; gives the slots that passed meanwhile. `dice` in [0, 1) is the jitter of a rest.
    pub fn finished(
        &mut self,
        index: usize,
        now: Duration,
        started: Duration,
        success: bool,
        dice: f64,
    ) -> u64 {
        let Some(entry) = self.entries.get_mut(index) else { return 0 };
        let next = slot_after(now, entry.interval, entry.phase);
        let expected = slot_after(started, entry.interval, entry.phase);
        let late = next.saturating_sub(expected).as_millis() / entry.interval.as_millis().max(1);
        let late = u64::try_from(late).unwrap_or(u64::MAX);
        entry.skipped = entry.skipped.saturating_add(late);
        let rest = if success {
            entry.failures = 0;
            entry.backoff.succeeded();
            entry.breaker = Breaker::Closed;
            Duration::ZERO
        } else {
            entry.failures = entry.failures.saturating_add(1);
            if entry.failures >= TRIP_AFTER {
                entry.breaker = Breaker::Open;
                // Between half and the whole of the bound: a rest of nearly nothing would be none.
                entry.backoff.failed(0.5 + dice.clamp(0.0, 1.0) / 2.0)
            } else {
                Duration::ZERO
            }
        };
        // A rest may end between two slots: a device that is back is found soon after its rest, not a slot later.
        let at = if rest > Duration::ZERO { next.max(now + rest) } else { next };
        self.due.push(Reverse((at, index)));
        late
    }

    /// Where the breaker of a device stands.
    pub fn breaker(&self, index: usize) -> Option<Breaker> {
        self.entries.get(index).map(|entry| entry.breaker)
    }

    /// Slots that passed while a measurement was still under way, over all devices.
    pub fn skipped(&self) -> u64 {
        self.entries.iter().map(|entry| entry.skipped).sum()
    }
}

/// A device's place within its interval.
fn phase_of(device_id: &str, interval: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    device_id.hash(&mut hasher);
    let millis = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(hasher.finish() % PLACES * millis / PLACES)
}

/// The first time after `now` that is `phase` past a whole number of intervals.
fn slot_after(now: Duration, interval: Duration, phase: Duration) -> Duration {
    let (now, interval, phase) = (now.as_millis(), interval.as_millis().max(1), phase.as_millis());
    let whole = if now >= phase { (now - phase) / interval + 1 } else { 0 };
    Duration::from_millis(u64::try_from(phase + whole * interval).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_thousand_devices_are_spread_over_the_interval() {
        let mut schedule = Schedule::default();
        for number in 0..1000 {
            schedule.add(&format!("dev_{number}"), MINUTE, Duration::ZERO);
        }
        let mut busiest = 0;
        let mut total = 0;
        for second in 0..=60 {
            let now = Duration::from_secs(second);
            let mut this_second = 0;
            while schedule.take_due(now).is_some() {
                this_second += 1;
            }
            busiest = busiest.max(this_second);
            total += this_second;
        }
        assert_eq!(total, 1000);
        assert!(busiest < 50, "{busiest} devices in one second");
    }

    #[test]
    fn devices_of_one_place_are_due_together_and_no_place_holds_many() {
        let mut schedule = Schedule::default();
        for number in 0..1000 {
            schedule.add(&format!("dev_{number}"), MINUTE, Duration::ZERO);
        }
        let mut places = Vec::new();
        while let Some(at) = schedule.next_due() {
            let mut together = 0;
            while schedule.take_due(at).is_some() {
                together += 1;
            }
            places.push((at, together));
        }
        assert!(places.len() <= 120, "{} wake-ups in a minute", places.len());
        assert!(places.iter().all(|(at, _)| at.as_millis().is_multiple_of(500)), "{places:?}");
        assert!(places.iter().all(|(_, together)| *together < 25), "{places:?}");
        assert_eq!(places.iter().map(|(_, together)| together).sum::<usize>(), 1000);
    }

    #[test]
    fn a_device_is_measured_once_per_interval_and_never_twice_at_once() {
        let mut schedule = Schedule::default();
        schedule.add("dev_1", MINUTE, Duration::ZERO);
        let mut runs = Vec::new();
        for second in 0..600 {
            let now = Duration::from_secs(second);
            while let Some(index) = schedule.take_due(now) {
                assert_eq!(schedule.take_due(now), None);
                runs.push(second);
                schedule.finished(index, now, now, true, 0.5);
            }
        }
        assert_eq!(runs.len(), 10);
        assert!(runs.windows(2).all(|pair| pair[1] - pair[0] == 60), "{runs:?}");
        assert_eq!(schedule.skipped(), 0);
    }

    #[test]
    fn a_measurement_longer_than_its_interval_costs_slots_and_does_not_pile_up() {
        let mut schedule = Schedule::default();
        schedule.add("dev_1", MINUTE, Duration::ZERO);
        let start = schedule.next_due().unwrap();
        let index = schedule.take_due(start).unwrap();
        let end = start + Duration::from_secs(150);
        assert_eq!(schedule.next_due(), None);
        assert_eq!(schedule.finished(index, end, start, true, 0.5), 2);
        assert_eq!(schedule.skipped(), 2);
        assert_eq!(schedule.next_due(), Some(start + 3 * MINUTE));
    }

    #[test]
    fn three_failures_trip_the_breaker_and_one_success_closes_it() {
        let mut schedule = Schedule::default();
        schedule.add("dev_1", MINUTE, Duration::ZERO);
        let mut tries = Vec::new();
        while tries.len() < 9 {
            let at = schedule.next_due().unwrap();
            let index = schedule.take_due(at).unwrap();
            if tries.len() > 3 {
                assert_eq!(schedule.breaker(index), Some(Breaker::HalfOpen));
            }
            tries.push(at);
            schedule.finished(index, at, at, false, 1.0);
        }
        let gaps: Vec<u64> = tries.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
        assert_eq!(gaps, [60, 60, 60, 120, 240, 480, 600, 600]);
        let at = schedule.next_due().unwrap();
        let index = schedule.take_due(at).unwrap();
        schedule.finished(index, at, at, true, 1.0);
        assert_eq!(schedule.breaker(index), Some(Breaker::Closed));
        assert!(schedule.next_due().unwrap() - at <= MINUTE);
    }
}
