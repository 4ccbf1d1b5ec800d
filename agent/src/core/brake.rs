//! The safety brake: how many subscribers of a site may be cut in an hour without a person.
//!
//! It counts *first* cuts only; reconnections and the healing of a cut in force never pass here. What was admitted
//! stays admitted, so that a retry of the same cut is not counted twice. Pure: the caller gives the time.

use std::collections::{HashMap, VecDeque};

use crate::desired::Order;

/// One hour, the window of the brake, milliseconds.
pub const WINDOW_MS: i64 = 3_600_000;

/// How much the brake lets through per hour and site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrakeRule {
    /// At least so many.
    pub floor: u32,
    /// Or this share of the site's points, hundredths of a percent.
    pub basis_points: u32,
}

impl Default for BrakeRule {
    /// max(10, 3 % of the site), design §4.4.
    fn default() -> Self {
        Self { floor: 10, basis_points: 300 }
    }
}

impl BrakeRule {
    /// First cuts per hour at a site of `points` enforcement points.
    pub fn limit(self, points: usize) -> usize {
        let share = points.saturating_mul(usize::try_from(self.basis_points).unwrap_or(usize::MAX)) / 10_000;
        share.max(usize::try_from(self.floor).unwrap_or(usize::MAX))
    }
}

#[derive(Debug, Clone)]
struct Admission {
    at_ms: i64,
    point: String,
    order: Order,
}

/// What was let through within the last hour at one site; each order of a point once.
#[derive(Debug, Default)]
pub(super) struct Admitted(VecDeque<Admission>);

impl Admitted {
    /// Forgets what is older than the window.
    pub(super) fn forget_old(&mut self, now_ms: i64) {
        // In either direction: a clock that was two years ahead must not block cuts for two years.
        self.0.retain(|one| now_ms.saturating_sub(one.at_ms).saturating_abs() < WINDOW_MS);
    }

    /// Whether this order of the point was let through.
    pub(super) fn holds(&self, point: &str, order: Order) -> bool {
        self.0.iter().any(|one| one.point == point && one.order == order)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Counts an order of a point; one that is counted already stays as it is.
    pub(super) fn add(&mut self, at_ms: i64, point: &str, order: Order) {
        if !self.holds(point, order) {
            self.0.push_back(Admission { at_ms, point: point.to_owned(), order });
        }
    }
}

/// First cuts of the last hour, by site.
#[derive(Debug, Default)]
pub struct Brake {
    rule: BrakeRule,
    sites: HashMap<String, Admitted>,
}

impl Brake {
    /// A brake that has let nothing through yet.
    pub fn new(rule: BrakeRule) -> Self {
        Self { rule, sites: HashMap::new() }
    }

    /// Takes a new rule; what was admitted stays counted.
    pub fn set_rule(&mut self, rule: BrakeRule) {
        self.rule = rule;
    }

    /// Counts a cut that the journal remembers, after a restart: a crash loop must not open the brake.
    pub fn remember(&mut self, at_ms: i64, site: &str, point: &str, order: Order) {
        self.sites.entry(site.to_owned()).or_default().add(at_ms, point, order);
    }

    /// Whether the first cut of `point` may be applied now at a site of `points` enforcement points.
    pub fn admit(&mut self, now_ms: i64, site: &str, points: usize, point: &str, order: Order) -> bool {
        let limit = self.rule.limit(points);
        let admitted = self.sites.entry(site.to_owned()).or_default();
        admitted.forget_old(now_ms);
        if admitted.holds(point, order) {
            return true;
        }
        if admitted.len() >= limit {
            return false;
        }
        admitted.add(now_ms, point, order);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ORDER: Order = Order { timeline: 1, generation: 1 };

    #[test]
    fn a_share_of_a_big_site_and_a_floor_for_a_small_one() {
        let rule = BrakeRule::default();
        assert_eq!((rule.limit(20), rule.limit(5_000)), (10, 150));
    }

    #[test]
    fn a_retry_is_not_counted_twice_and_the_hour_passes() {
        let mut brake = Brake::new(BrakeRule { floor: 1, basis_points: 0 });
        assert!(brake.admit(0, "s", 5, "a", ORDER));
        assert!(brake.admit(1, "s", 5, "a", ORDER));
        assert!(!brake.admit(2, "s", 5, "b", ORDER));
        assert!(brake.admit(2, "other site", 5, "b", ORDER));
        assert!(brake.admit(WINDOW_MS, "s", 5, "b", ORDER));
    }

    #[test]
    fn a_restart_does_not_open_it() {
        let mut brake = Brake::new(BrakeRule { floor: 1, basis_points: 0 });
        brake.remember(0, "s", "a", ORDER);
        assert!(!brake.admit(10, "s", 5, "b", ORDER));
        assert!(brake.admit(10, "s", 5, "a", ORDER));
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit_in_any_hour(
            floor in 0u32..5, basis_points in 0u32..1_000, points in 0usize..100,
            steps in prop::collection::vec((0i64..900_000, 0u32..40), 1..200),
        ) {
            let rule = BrakeRule { floor, basis_points };
            let mut brake = Brake::new(rule);
            let mut now = 0;
            let mut first: Vec<(i64, u32)> = Vec::new();
            for (step, point) in steps {
                now += step;
                if brake.admit(now, "s", points, &point.to_string(), ORDER)
                    && !first.iter().any(|(at, known)| *known == point && now - at < WINDOW_MS)
                {
                    first.push((now, point));
                }
                let in_window = first.iter().filter(|(at, _)| now - at < WINDOW_MS).count();
                prop_assert!(in_window <= rule.limit(points));
            }
        }
    }
}
