//! What an agent sends at once, and the memory of what has arrived.

use super::{AgentKey, Epoch, Mark, SeriesId};

/// Says which batch this is, so that one received twice is stored once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchIdentity {
    /// Who packed it.
    pub agent: AgentKey,
    /// Life of the agent's buffer: a new one is minted whenever a buffer is created.
    pub epoch: Epoch,
    /// Number of the batch within its epoch. Live data and backlog interleave, so numbers arrive in any order.
    pub sequence: u64,
}

/// Samples of one series. `times` and `values` have one length.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// Handle from [`MetricStore::register`](crate::MetricStore::register).
    pub series: SeriesId,
    /// UTC milliseconds; best ascending, any order is accepted.
    pub times: &'a [i64],
    /// One value per time.
    pub values: &'a [f64],
    /// Positions in `times` that carry a mark; mostly empty.
    pub marks: &'a [(usize, Mark)],
}

/// Samples that are stored, or refused, together.
#[derive(Debug, Clone)]
pub struct Batch<'a> {
    /// Stored in the same log record as the samples.
    pub identity: BatchIdentity,
    /// One entry per series; a series may occur more than once.
    pub columns: &'a [Column<'a>],
}

/// What became of a batch. Given only once the batch is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AppendAck {
    /// The identity was known: nothing was stored now, and everything had been before.
    pub duplicate: bool,
    /// Samples taken.
    pub stored: u64,
    /// Samples outside [now − retention, now + 10 min] or with a value that is not finite: counted, not stored.
    pub quarantined: u64,
}

/// Set of sequence numbers, as sorted, disjoint, inclusive ranges that do not touch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SequenceRanges(Vec<(u64, u64)>);

impl SequenceRanges {
    /// Whether `sequence` is in the set.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        let after = self.0.partition_point(|&(first, _)| first <= sequence);
        after > 0 && sequence <= self.0[after - 1].1
    }

    /// Adds one number; false if it was there.
    pub fn insert(&mut self, sequence: u64) -> bool {
        if self.contains(sequence) {
            return false;
        }
        let at = self.0.partition_point(|&(first, _)| first < sequence);
        let joins_left = at > 0 && self.0[at - 1].1.checked_add(1) == Some(sequence);
        let joins_right = at < self.0.len() && sequence.checked_add(1) == Some(self.0[at].0);
        match (joins_left, joins_right) {
            (true, true) => {
                self.0[at - 1].1 = self.0[at].1;
                self.0.remove(at);
            }
            (true, false) => self.0[at - 1].1 = sequence,
            (false, true) => self.0[at].0 = sequence,
            (false, false) => self.0.insert(at, (sequence, sequence)),
        }
        true
    }

    /// The ranges, ascending, both ends inclusive.
    #[must_use]
    pub fn as_slice(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// Rebuilds a set from what [`SequenceRanges::as_slice`] gave; `None` if the ranges are not in order.
    #[must_use]
    pub fn from_ranges(ranges: Vec<(u64, u64)>) -> Option<Self> {
        let each = ranges.iter().all(|(first, last)| first <= last);
        let apart = ranges.windows(2).all(|w| w[0].1.checked_add(1).is_some_and(|next| next < w[1].0));
        (each && apart).then_some(Self(ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn ranges_are_a_set(numbers in prop::collection::vec(0u64..60, 0..80)) {
            let (mut set, mut model) = (SequenceRanges::default(), BTreeSet::new());
            for n in numbers {
                prop_assert_eq!(set.insert(n), model.insert(n));
            }
            for n in 0..61 {
                prop_assert_eq!(set.contains(n), model.contains(&n));
            }
            prop_assert_eq!(SequenceRanges::from_ranges(set.as_slice().to_vec()), Some(set));
        }
    }

    #[test]
    fn the_largest_number_fits() {
        let mut set = SequenceRanges::default();
        assert!(set.insert(u64::MAX) && set.insert(u64::MAX - 1) && !set.insert(u64::MAX));
        assert_eq!(set.as_slice(), [(u64::MAX - 1, u64::MAX)]);
    }
}
