//! Which batches of a tenant's agents are stored.

use std::collections::HashMap;

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
    pub(crate) fn export(&self) -> Vec<(String, [u8; 16], Vec<(u64, u64)>)> {
        let mut all: Vec<_> = self
            .agents
            .iter()
            .flat_map(|(agent, epochs)| {
                epochs.iter().map(|(e, r)| (agent.as_str().to_owned(), e.0, r.as_slice().to_vec()))
            })
            .collect();
        // Stable: the epochs of an agent keep their order, which is their age.
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// Undoes [`Received::export`]; `None` if it was not made by that.
    pub(crate) fn import(all: Vec<(String, [u8; 16], Vec<(u64, u64)>)>) -> Option<Self> {
        let mut received = Self::default();
        for (agent, epoch, ranges) in all {
            let epochs = received.agents.entry(AgentKey::new(&agent).ok()?).or_default();
            epochs.push((Epoch(epoch), SequenceRanges::from_ranges(ranges)?));
        }
        Some(received)
    }
}
