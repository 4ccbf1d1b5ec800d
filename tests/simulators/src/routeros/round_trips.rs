//! Round-trip equivalents: how often a client would have had to wait for the wire.
//!
//! A *period* opens when a command arrives and none is open. Replies of every command that arrives while it
//! is open, on any connection of the router, are held until it closes: one delay after the last arrival,
//! at most [`LONGEST`] delays after it opened. The number of periods is the number of round-trip
//! equivalents. A client that keeps N commands in flight and has C commands to send needs C/N periods,
//! rounded up, whatever the speed of the machine: its own window, not a clock, decides how many commands
//! join a period. A client that sends one command at a time needs C periods.
//!
//! Commands are executed when they arrive; only replies wait. With a delay of zero nothing waits and
//! nothing is counted.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A period closes after this many delays even if commands keep arriving.
pub const LONGEST: u32 = 20;

/// The shared delay of all connections of a router.
#[derive(Debug, Default, Clone)]
pub struct RoundTrips {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    counted: u64,
    arrivals: u64,
    open: Option<CancellationToken>,
}

impl RoundTrips {
    /// Periods so far.
    pub fn counted(&self) -> u64 {
        self.state.lock().counted
    }

    /// Counts from zero again; an open period is not counted twice.
    pub fn reset(&self) {
        self.state.lock().counted = 0;
    }

    /// A command arrived. Its replies wait for the returned token.
    pub(super) fn join(&self, delay: Duration, tasks: &TaskTracker) -> Option<CancellationToken> {
        if delay.is_zero() {
            return None;
        }
        let mut state = self.state.lock();
        state.arrivals += 1;
        if let Some(open) = &state.open {
            return Some(open.clone());
        }
        state.counted += 1;
        let period = CancellationToken::new();
        state.open = Some(period.clone());
        drop(state);
        let shared = Arc::clone(&self.state);
        let end = period.clone();
        tasks.spawn(async move {
            for _ in 0..LONGEST {
                let seen = shared.lock().arrivals;
                tokio::time::sleep(delay).await;
                if shared.lock().arrivals == seen {
                    break;
                }
            }
            shared.lock().open = None;
            end.cancel();
        });
        Some(period)
    }
}
