//! The queue before SQLite's one writer: acknowledgements, payments and people go ahead of bulk work.

use crate::figures::{Histogram, Stopwatch};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};

/// Who waits for the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// A person, a payment or an acknowledgement.
    Interactive,
    /// Billing runs and other work in chunks.
    Bulk,
}

/// The right to write, given back on drop.
pub(crate) struct Turn(#[expect(dead_code, reason = "held for its drop")] OwnedMutexGuard<()>);

/// How long the two kinds of work waited for the writer, since the process began.
#[derive(Debug, Clone, Default)]
pub struct WriterWaits {
    /// People, payments and acknowledgements.
    pub interactive: Histogram,
    /// Work in chunks, which lets them go ahead.
    pub bulk: Histogram,
}

#[derive(Default)]
pub(crate) struct Gate {
    writer: Arc<Mutex<()>>,
    interactive: AtomicUsize,
    served: Notify,
    waits: parking_lot::Mutex<WriterWaits>,
}

impl Gate {
    pub(crate) async fn turn(&self, priority: Priority) -> Turn {
        let waiting = Stopwatch::start();
        let turn = self.wait(priority).await;
        let mut waits = self.waits.lock();
        match priority {
            Priority::Interactive => waits.interactive.note(waiting.elapsed()),
            Priority::Bulk => waits.bulk.note(waiting.elapsed()),
        }
        turn
    }

    pub(crate) fn waits(&self) -> WriterWaits {
        self.waits.lock().clone()
    }

    async fn wait(&self, priority: Priority) -> Turn {
        match priority {
            Priority::Interactive => {
                let waiting = Waiting::new(self);
                let guard = self.writer.clone().lock_owned().await;
                drop(waiting);
                Turn(guard)
            }
            Priority::Bulk => loop {
                let served = self.served.notified();
                if self.interactive.load(Ordering::Acquire) == 0 {
                    return Turn(self.writer.clone().lock_owned().await);
                }
                served.await;
            },
        }
    }
}

/// Counts a waiting person, also when the wait is given up.
struct Waiting<'g>(&'g Gate);

impl<'g> Waiting<'g> {
    fn new(gate: &'g Gate) -> Self {
        gate.interactive.fetch_add(1, Ordering::AcqRel);
        Self(gate)
    }
}
impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.interactive.fetch_sub(1, Ordering::AcqRel);
        self.0.served.notify_waiters();
    }
}
