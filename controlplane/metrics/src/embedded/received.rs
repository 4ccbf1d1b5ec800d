//! Which batches of a tenant's agents are stored.

use std::collections::HashMap;

use super::manifest::ReceivedEntry;
use crate::model::{AgentKey, BatchIdentity, Epoch, SequenceRanges};

/// Buffers remembered per agent. A buffer is lost or replaced a few times in an agent's life; the oldest is forgotten.
const EPOCHS: usize = 64;
/// Ranges remembered per buffer. Live data and backlog make a handful; an agent that makes thousands is hostile or broken.
const RANGES: usize = 4096;

/// Sequence numbers by agent and epoch, bounded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Received {
    agents: HashMap<AgentKey, Vec<(Epoch, SequenceRanges)>>,
}

/// The buffer's numbers have too many gaps.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fragmented;

impl Received {
    pub(crate) fn contains(&self, identity: &BatchIdentity) -> bool {
        self.of(&identity.agent, identity.epoch).is_some_and(|ranges| ranges.contains(identity.sequence))
    }

    pub(crate) fn of(&self, agent: &AgentKey, epoch: Epoch) -> Option<&SequenceRanges> {
        self.agents.get(agent)?.iter().find(|(e, _)| *e == epoch).map(|(_, ranges)| ranges)
    }

    /// Whether one more gap can be remembered.
    pub(crate) fn check(&self, identity: &BatchIdentity) -> Result<(), Fragmented> {
        let full = |ranges: &SequenceRanges| {
            let neighbour = identity.sequence.checked_sub(1).is_some_and(|s| ranges.contains(s))
                || identity.sequence.checked_add(1).is_some_and(|s| ranges.contains(s));
            ranges.as_slice().len() >= RANGES && !neighbour
        };
        match self.of(&identity.agent, identity.epoch) {
            Some(ranges) if full(ranges) => Err(Fragmented),
            _ => Ok(()),
        }
    }

    /// Adds a batch; false if it was there.
    pub(crate) fn insert(&mut self, identity: &BatchIdentity) -> bool {
        let epochs = self.agents.entry(identity.agent.clone()).or_default();
        let at = epochs.iter().position(|(e, _)| *e == identity.epoch).unwrap_or_else(|| {
            if epochs.len() == EPOCHS {
                epochs.remove(0);
            }
            epochs.push((identity.epoch, SequenceRanges::default()));
            epochs.len() - 1
        });
        epochs[at].1.insert(identity.sequence)
    }

    /// All of it, for the manifest.
    pub(crate) fn export(&self) -> Vec<ReceivedEntry> {
        let of_agent = |(agent, epochs): (&AgentKey, &Vec<(Epoch, SequenceRanges)>)| {
            let entry = |(epoch, ranges): &(Epoch, SequenceRanges)| ReceivedEntry {
                agent: agent.as_str().to_owned(),
                epoch: epoch.0,
                ranges: ranges.as_slice().to_vec(),
            };
            epochs.iter().map(entry).collect::<Vec<_>>()
        };
        let mut all: Vec<ReceivedEntry> = self.agents.iter().flat_map(of_agent).collect();
        // Stable: the epochs of an agent keep their order, which is their age.
        all.sort_by(|a, b| a.agent.cmp(&b.agent));
        all
    }

    /// Undoes [`Received::export`]; `None` if it was not made by that.
    pub(crate) fn import(all: Vec<ReceivedEntry>) -> Option<Self> {
        let mut received = Self::default();
        for entry in all {
            let epochs = received.agents.entry(AgentKey::new(&entry.agent).ok()?).or_default();
            epochs.push((Epoch(entry.epoch), SequenceRanges::from_ranges(entry.ranges)?));
        }
        Some(received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(epoch: u8, sequence: u64) -> BatchIdentity {
        BatchIdentity { agent: AgentKey::new("agt_1").unwrap(), epoch: Epoch([epoch; 16]), sequence }
    }

    #[test]
    fn gaps_are_bounded_but_neighbours_still_fit() {
        let mut received = Received::default();
        for i in 0..4096 {
            assert_eq!(received.check(&batch(1, i * 2)), Ok(()));
            received.insert(&batch(1, i * 2));
        }
        assert_eq!(received.check(&batch(1, 10_000)), Err(Fragmented));
        assert_eq!(received.check(&batch(1, 3)), Ok(()));
        assert_eq!(received.check(&batch(2, 10_000)), Ok(()));
    }

    #[test]
    fn the_oldest_buffer_is_forgotten_and_the_rest_comes_back() {
        let mut received = Received::default();
        for epoch in 0..65 {
            assert!(received.insert(&batch(epoch, 1)));
        }
        let received = Received::import(received.export()).unwrap();
        assert!(!received.contains(&batch(0, 1)));
        assert!((1..65).all(|epoch| received.contains(&batch(epoch, 1))));
    }
}
