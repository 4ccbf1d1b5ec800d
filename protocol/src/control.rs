//! Control and state share one idea: the order of desired states.

use std::cmp::Ordering;

use crate::wire::Order;

impl Order {
    /// Before every desired state.
    pub const NONE: Self = Self { timeline: 0, generation: 0 };
}

/// By timeline, then by generation: a restored headquarters starts a higher timeline, in which generations that
/// the agent already saw may come again and are newer.
impl Ord for Order {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.timeline, self.generation).cmp(&(other.timeline, other.generation))
    }
}

impl PartialOrd for Order {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_timeline_beats_any_generation() {
        let order = |timeline, generation| Order { timeline, generation };
        assert!(order(2, 1) > order(1, 900));
        assert!(order(1, 3) > order(1, 2));
        assert!(Order::NONE < order(0, 1));
    }
}
