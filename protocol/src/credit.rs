//! Credit: how many unacknowledged frames may be in flight on a lane. Pure bookkeeping for both ends.
//!
//! Only frames that are acknowledged count: metric batches, observed reports, desired pushes, job results, parts of
//! jobs. The first credit of the agent's lanes comes in `HelloAck`; headquarters starts with [`INITIAL_TO_AGENT`], parts
//! with [`INITIAL_PARTS`], in a window of their own so that much output never keeps a result back. Each acknowledgement
//! carries the credit from then on. Credit 0 counts as 1: a lane can be slowed, never locked.

/// Desired pushes that headquarters may have in flight before the agent's first acknowledgement.
pub const INITIAL_TO_AGENT: u32 = 4;

/// Parts of jobs that an agent may have in flight before the first acknowledgement, over all its jobs.
pub const INITIAL_PARTS: u32 = 8;

/// The sender's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendWindow {
    credit: u32,
    in_flight: u32,
}

impl SendWindow {
    /// Nothing in flight yet.
    pub const fn new(credit: u32) -> Self {
        Self { credit, in_flight: 0 }
    }

    /// Whether one more frame may leave.
    pub fn is_open(&self) -> bool {
        self.in_flight < self.credit.max(1)
    }

    /// Frames not yet acknowledged.
    pub const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// A frame left.
    pub fn sent(&mut self) {
        self.in_flight = self.in_flight.saturating_add(1);
    }

    /// `frames` were acknowledged, and `credit` holds from now on.
    pub fn acknowledged(&mut self, frames: u32, credit: u32) {
        self.in_flight = self.in_flight.saturating_sub(frames);
        self.credit = credit;
    }
}

/// The receiver's side: what it granted and must therefore be ready to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiveWindow {
    credit: u32,
    unacknowledged: u32,
}

/// The sender sent more than it had credit for: it does not follow the protocol.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("more than {credit} frames in flight")]
pub struct CreditExceeded {
    /// What was granted.
    pub credit: u32,
}

impl ReceiveWindow {
    /// Grants `credit` for the life of the connection.
    pub const fn new(credit: u32) -> Self {
        Self { credit, unacknowledged: 0 }
    }

    /// What the acknowledgements carry.
    pub const fn credit(&self) -> u32 {
        self.credit
    }

    /// A frame arrived.
    ///
    /// # Errors
    /// [`CreditExceeded`]; the connection should be closed.
    pub fn received(&mut self) -> Result<(), CreditExceeded> {
        if self.unacknowledged >= self.credit.max(1) {
            return Err(CreditExceeded { credit: self.credit });
        }
        self.unacknowledged += 1;
        Ok(())
    }

    /// `frames` are durable and their acknowledgement leaves.
    pub fn acknowledged(&mut self, frames: u32) {
        self.unacknowledged = self.unacknowledged.saturating_sub(frames);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A sender that obeys is never blamed, whatever the order of sends and acknowledgements.
        #[test]
        fn both_ends_agree(credit in 0u32..20, steps in proptest::collection::vec(any::<bool>(), 0..200)) {
            let (mut sender, mut receiver) = (SendWindow::new(credit), ReceiveWindow::new(credit));
            for send in steps {
                if send && sender.is_open() {
                    sender.sent();
                    prop_assert_eq!(receiver.received(), Ok(()));
                } else if sender.in_flight() > 0 {
                    receiver.acknowledged(1);
                    sender.acknowledged(1, receiver.credit());
                }
                prop_assert!(sender.in_flight() <= credit.max(1));
            }
        }
    }

    #[test]
    fn too_much_is_noticed_and_zero_never_locks() {
        let mut receiver = ReceiveWindow::new(2);
        assert_eq!((receiver.received(), receiver.received()), (Ok(()), Ok(())));
        assert_eq!(receiver.received(), Err(CreditExceeded { credit: 2 }));
        let mut sender = SendWindow::new(0);
        assert!(sender.is_open());
        sender.sent();
        assert!(!sender.is_open());
        sender.acknowledged(1, 0);
        assert!(sender.is_open());
    }
}
