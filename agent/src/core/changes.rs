//! The hold on changes that drop sessions, and their pace.
//!
//! A wrong speed or profile in an import, or a plan changed by mistake, would drop every session of a router in one
//! pass and have them all redial at once. So changes of subscribers who pass are judged as a *set*: when a pass finds
//! more of them than an hour may bring, none is made, and a person looks first. What is let through is spread over
//! time. Reconnections never come here. Pure: the caller gives the time.

use std::collections::HashMap;

use super::brake::{Admitted, BrakeRule};
use crate::desired::Order;

/// Changes that come together after a quiet time, as time: what it takes to make them at the pace, milliseconds.
const BURST_MS: i64 = 10_000;

/// How many changes that drop sessions are let through, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeRule {
    /// Per hour and site.
    pub hold: BrakeRule,
    /// Per minute and device; not zero.
    pub per_minute: u32,
}

impl Default for ChangeRule {
    /// max(20, 10 % of the site) an hour; five a second, which a small BRAS takes without a storm of dials.
    fn default() -> Self {
        Self { hold: BrakeRule { floor: 20, basis_points: 1_000 }, per_minute: 300 }
    }
}

/// Changes of the last hour, by site.
#[derive(Debug, Default)]
pub struct ChangeBrake {
    rule: BrakeRule,
    sites: HashMap<String, Admitted>,
}

impl ChangeBrake {
    /// A hold that has let nothing through yet.
    pub fn new(rule: BrakeRule) -> Self {
        Self { rule, sites: HashMap::new() }
    }

    /// Takes a new rule; what was let through stays counted.
    pub fn set_rule(&mut self, rule: BrakeRule) {
        self.rule = rule;
    }

    /// Counts a change that the journal remembers, after a restart.
    pub fn remember(&mut self, at_ms: i64, site: &str, point: &str, order: Order) {
        self.sites.entry(site.to_owned()).or_default().add(at_ms, point, order);
    }

    /// Which changes of one pass over a site of `points` enforcement points may be made now; one answer each. Those
    /// that were let through before go on; the others all together, or not at all.
    pub fn admit(
        &mut self,
        now_ms: i64,
        site: &str,
        points: usize,
        changes: &[(String, Order)],
    ) -> Vec<bool> {
        let limit = self.rule.limit(points);
        let admitted = self.sites.entry(site.to_owned()).or_default();
        admitted.forget_old(now_ms);
        let known: Vec<bool> = changes.iter().map(|(point, order)| admitted.holds(point, *order)).collect();
        let new = known.iter().filter(|known| !**known).count();
        if admitted.len().saturating_add(new) > limit {
            return known;
        }
        for (point, order) in changes {
            admitted.add(now_ms, point, *order);
        }
        vec![true; changes.len()]
    }
}

/// The pace of one device.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    /// Up to here, Unix ms, time was used up by changes.
    used_ms: Option<i64>,
}

impl Pace {
    /// How many of `wanted` changes may be made now, at `per_minute`.
    pub fn take(&mut self, now_ms: i64, per_minute: u32, wanted: usize) -> usize {
        let (step, burst) = measures(per_minute);
        let oldest = now_ms.saturating_sub(burst);
        // A clock that stepped back must not stop changes until it has caught up.
        let from = self.used_ms.map_or(oldest, |used| used.clamp(oldest, now_ms));
        let room = usize::try_from(now_ms.saturating_sub(from) / step).unwrap_or(0);
        let taken = room.min(wanted);
        self.used_ms = Some(from.saturating_add(step.saturating_mul(i64::try_from(taken).unwrap_or(0))));
        taken
    }

    /// When changes that have to wait are due, Unix ms: some now and then, so that each look at the device is small.
    pub fn later(now_ms: i64, per_minute: u32, waiting: usize) -> impl Iterator<Item = i64> {
        let (step, burst) = measures(per_minute);
        let together = usize::try_from(burst / step).unwrap_or(1).max(1);
        (0..waiting).map(move |at| {
            let rounds = i64::try_from(at / together).unwrap_or(i64::MAX).saturating_add(1);
            now_ms.saturating_add(burst.saturating_mul(rounds))
        })
    }
}

/// Milliseconds for one change, and for as many as come together.
fn measures(per_minute: u32) -> (i64, i64) {
    let step = (60_000 / i64::from(per_minute.max(1))).max(1);
    (step, BURST_MS.max(step))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::brake::WINDOW_MS;
    use super::*;

    const ORDER: Order = Order { timeline: 1, generation: 1 };

    fn changes(numbers: std::ops::Range<u32>) -> Vec<(String, Order)> {
        numbers.map(|number| (number.to_string(), ORDER)).collect()
    }

    #[test]
    fn too_many_at_once_are_all_held_and_few_are_not() {
        let mut brake = ChangeBrake::new(ChangeRule::default().hold);
        assert_eq!(brake.admit(0, "s", 3_000, &changes(0..3_000)), vec![false; 3_000]);
        assert_eq!(brake.admit(0, "s", 3_000, &changes(0..300)), vec![true; 300]);
        // The hour is used up: what was let through goes on, the rest waits.
        let mixed = brake.admit(1, "s", 3_000, &changes(299..301));
        assert_eq!(mixed, [true, false]);
        assert_eq!(brake.admit(1, "other", 10, &changes(0..20)), vec![true; 20]);
        assert_eq!(brake.admit(WINDOW_MS, "s", 3_000, &changes(300..301)), [true]);
    }

    #[test]
    fn a_restart_does_not_open_it() {
        let mut brake = ChangeBrake::new(BrakeRule { floor: 1, basis_points: 0 });
        brake.remember(0, "s", "a", ORDER);
        assert_eq!(brake.admit(1, "s", 5, &[("a".into(), ORDER)]), [true]);
        assert_eq!(brake.admit(1, "s", 5, &[("b".into(), ORDER)]), [false]);
    }

    #[test]
    fn a_single_change_is_made_at_once_and_many_are_spread() {
        let mut pace = Pace::default();
        assert_eq!(pace.take(1_000_000, 300, 1), 1);
        assert_eq!(pace.take(1_000_000, 300, 3_000), 49);
        assert_eq!(pace.take(1_000_000, 300, 3_000), 0);
        assert_eq!(pace.take(1_010_000, 300, 3_000), 50);
        let due: Vec<i64> = Pace::later(0, 300, 101).collect();
        assert_eq!((due[0], due[49], due[50], due[100]), (10_000, 10_000, 20_000, 30_000));
        assert_eq!(Pace::default().take(1_000_000, 1, 5), 1, "the slowest pace is one a minute");
    }

    proptest! {
        #[test]
        fn never_faster_than_the_pace(
            per_minute in 1u32..2_000, steps in prop::collection::vec((0i64..5_000, 0usize..200), 1..100),
        ) {
            let mut pace = Pace::default();
            let (step, burst) = measures(per_minute);
            let (start, mut now, mut made) = (1_000_000_i64, 1_000_000_i64, 0_i64);
            for (wait, wanted) in steps {
                now += wait;
                let taken = pace.take(now, per_minute, wanted);
                prop_assert!(taken <= wanted);
                made += i64::try_from(taken).unwrap();
                prop_assert!(made * step <= now - start + burst);
            }
        }
    }
}
