//! Sockets and tasks around a [`Router`].

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::command::{Command, Reply};
use super::fault::{Faults, Hang, WriteEffect};
use super::round_trips::RoundTrips;
use super::router::{Caller, Router};
use super::session;
use crate::clock::SimClock;
use crate::rng::SplitMix;

/// How often device time is looked at, wall time.
const TICK: Duration = Duration::from_millis(20);
/// Every so many ticks all CPEs' traffic is judged, read or not.
const TICKS_PER_LOOK: u32 = 25;

/// What the tasks of one simulated router share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) router: Mutex<Router>,
    pub(super) clock: Arc<SimClock>,
    pub(super) faults: watch::Sender<Faults>,
    pub(super) round_trips: RoundTrips,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
    /// Cancelled and replaced when all connections are to drop.
    links: Mutex<CancellationToken>,
    open: AtomicUsize,
    accepted: AtomicU64,
    seed: u64,
}

impl Shared {
    pub(super) fn new(router: Router) -> Arc<Self> {
        let stop = CancellationToken::new();
        Arc::new(Self {
            clock: Arc::clone(&router.clock),
            seed: router.config.random_seed,
            router: Mutex::new(router),
            faults: watch::Sender::new(Faults::default()),
            round_trips: RoundTrips::default(),
            tasks: TaskTracker::new(),
            links: Mutex::new(stop.child_token()),
            stop,
            open: AtomicUsize::new(0),
            accepted: AtomicU64::new(0),
        })
    }

    /// A generator for one connection; the n-th connection of a seed always gets the same.
    pub(super) fn random(&self) -> SplitMix {
        let number = self.accepted.load(Ordering::SeqCst);
        SplitMix::new(self.seed.wrapping_add(number.wrapping_mul(0x9E37_79B9)))
    }

    pub(super) fn execute(&self, caller: &Caller, command: &Command) -> Vec<Reply> {
        self.router.lock().execute(caller, command)
    }

    /// What is to happen to this write, counting it.
    pub(super) fn take_write_fault(&self, command: &Command) -> Option<WriteEffect> {
        let mut effect = None;
        self.faults.send_if_modified(|faults| {
            effect = faults.take_write(command);
            effect.is_some()
        });
        effect
    }

    /// How many of the next `wanted` reply bytes may go out, and whether the connection is cut after them.
    pub(super) fn bytes_allowed(&self, wanted: usize) -> (usize, bool) {
        let mut allowed = (wanted, false);
        self.faults.send_if_modified(|faults| {
            let Some(left) = faults.cut_after_bytes else { return false };
            let wanted_bytes = u64::try_from(wanted).unwrap_or(u64::MAX);
            if wanted_bytes < left {
                faults.cut_after_bytes = Some(left - wanted_bytes);
            } else {
                faults.cut_after_bytes = None;
                allowed = (usize::try_from(left).unwrap_or(wanted), true);
            }
            true
        });
        allowed
    }

    /// Waits while the router hangs at this point.
    pub(super) async fn while_hanging(&self, point: Hang) {
        // An error means that the simulator is going away, which ends the connection too.
        let _ = self.faults.subscribe().wait_for(|faults| faults.hang != Some(point)).await;
    }

    /// Drops all connections, and what the router holds in memory.
    pub(super) fn reboot(&self) {
        self.router.lock().reboot();
        self.drop_connections();
    }

    /// Drops all connections.
    pub(super) fn drop_connections(&self) {
        let dropped = std::mem::replace(&mut *self.links.lock(), self.stop.child_token());
        dropped.cancel();
    }

    /// Lets device time pass on its own.
    pub(super) async fn tick(self: Arc<Self>) {
        let mut ticks = 0_u32;
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = interval.tick() => {}
            }
            ticks = ticks.wrapping_add(1);
            let mut router = self.router.lock();
            router.advance();
            if ticks.is_multiple_of(TICKS_PER_LOOK) {
                let now = router.clock.now();
                router.accrue_all(now);
            }
        }
    }

    /// Accepts connections until the simulator stops.
    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener, tls: Option<TlsAcceptor>) {
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer, tls.clone()),
                Err(error) => {
                    // Out of file descriptors, most likely; they come back.
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn admit(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>) {
        self.accepted.fetch_add(1, Ordering::SeqCst);
        let booting = {
            let mut router = self.router.lock();
            router.counters.connections += 1;
            router.booted_at > self.clock.now()
        };
        let full = {
            let faults = self.faults.borrow();
            faults.refuse_connections
                || faults.max_sessions.is_some_and(|most| self.open.load(Ordering::SeqCst) >= most)
        };
        if booting || full {
            tracing::debug!(%peer, booting, full, "connection closed at once");
            return;
        }
        self.open.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(self);
        let link = self.links.lock().child_token();
        self.tasks.spawn(async move {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
            }
            match tls {
                None => session::serve(Arc::clone(&shared), stream, link).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => session::serve(Arc::clone(&shared), stream, link).await,
                    Err(error) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                },
            }
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
    }

    /// Connections open now.
    pub(super) fn open_connections(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Executes a command as a hand on the router would, outside every connection, fault and counter of
    /// round trips; returns the words of each reply.
    pub(super) fn operate(&self, words: &[String]) -> Vec<Vec<String>> {
        let mut router = self.router.lock();
        let before = router.counters.clone();
        let replies = router.execute(&Caller::operator(), &Command::parse(words));
        // A hand on the router is not the client under test: the client's counters stay as they were.
        router.counters = before;
        replies.iter().map(|reply| reply.words(None)).collect()
    }

    /// The rows of a menu as they are stored, with `.id`.
    pub(super) fn rows(&self, menu: &str) -> Option<Vec<BTreeMap<String, String>>> {
        let router = self.router.lock();
        let table = router.store.find(menu)?;
        Some(
            table
                .rows()
                .map(|row| {
                    let id = (".id".to_owned(), row.id.to_string());
                    let stored = row.properties().map(|(name, value)| (name.to_owned(), value.to_owned()));
                    std::iter::once(id).chain(stored).collect()
                })
                .collect(),
        )
    }
}
