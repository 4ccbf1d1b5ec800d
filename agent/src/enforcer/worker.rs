//! The life of one device's worker: what wakes it, and how long it waits after a failure.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::watch::SessionWatch;
use super::{EnforcedDevice, Shared, report};
use crate::core::backoff::Backoff;
use crate::core::changes::Pace;
use crate::driver::{BiteCheck, DeviceError, Enforce};

const DEFAULT_SWEEP: Duration = Duration::from_secs(300);
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// An order to a worker that somebody waits for.
pub(super) enum Request {
    /// A full sweep.
    Sweep(oneshot::Sender<Result<(), DeviceError>>),
}

/// Points to look at: a set, so that however many news come it stays bounded.
#[derive(Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Default)]
pub(super) struct Waiting {
    pub(super) everything: bool,
    pub(super) points: HashSet<String>,
}

impl Inbox {
    pub(super) fn everything(&self) {
        self.waiting.lock().everything = true;
        self.news.notify_one();
    }

    pub(super) fn point(&self, id: &str) {
        self.waiting.lock().points.insert(id.to_owned());
        self.news.notify_one();
    }

    pub(super) fn points(&self, ids: impl IntoIterator<Item = String>) {
        self.waiting.lock().points.extend(ids);
        self.news.notify_one();
    }

    pub(super) fn has_news(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.everything || !waiting.points.is_empty()
    }

    pub(super) fn take(&self) -> Waiting {
        std::mem::take(&mut *self.waiting.lock())
    }
}

/// What the enforcer keeps of a running worker.
pub(super) struct WorkerHandle {
    enforced: EnforcedDevice,
    pub(super) inbox: Arc<Inbox>,
    pub(super) requests: mpsc::Sender<Request>,
    pub(super) stop: CancellationToken,
}

impl WorkerHandle {
    pub(super) fn new(
        enforced: EnforcedDevice,
        requests: mpsc::Sender<Request>,
        stop: CancellationToken,
    ) -> Self {
        Self { enforced, inbox: Arc::default(), requests, stop }
    }

    /// Whether it runs exactly this.
    pub(super) fn runs(&self, one: &EnforcedDevice) -> bool {
        Arc::ptr_eq(&self.enforced.device, &one.device)
            && self.enforced.mode == one.mode
            && self.enforced.sweep_interval == one.sweep_interval
    }
}

/// A worker.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) enforced: EnforcedDevice,
    pub(super) device_id: String,
    pub(super) inbox: Arc<Inbox>,
    requests: mpsc::Receiver<Request>,
    stop: CancellationToken,
    /// When points become due, Unix ms: `not_before`, end of a hold, next attempt.
    pub(super) due: BTreeMap<i64, BTreeSet<String>>,
    /// Points whose cut waits for headquarters to be there.
    pub(super) waiting_for_headquarters: HashSet<String>,
    pub(super) watch: SessionWatch,
    /// How fast changes that can wait are made on this device.
    pub(super) pace: Pace,
    /// Whether cuts bite, as of the last sweep or connection.
    pub(super) bites: Option<Vec<BiteCheck>>,
    backoff: Backoff,
}

/// A worker that came to its end, and the token that tells whether it was asked to.
pub(super) struct Ended {
    pub(super) device: String,
    pub(super) stop: CancellationToken,
}

/// What woke the worker.
enum Wake {
    Stop,
    News,
    Everything,
    Due,
    Sessions,
    Headquarters,
    Request(Request),
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        enforced: EnforcedDevice,
        handle: &WorkerHandle,
        requests: mpsc::Receiver<Request>,
    ) -> Self {
        Self {
            shared,
            device_id: enforced.device.target().device_id.clone(),
            enforced,
            inbox: handle.inbox.clone(),
            requests,
            stop: handle.stop.clone(),
            due: BTreeMap::new(),
            waiting_for_headquarters: HashSet::new(),
            watch: SessionWatch::default(),
            pace: Pace::default(),
            bites: None,
            backoff: Backoff::new(FIRST_RETRY, LAST_RETRY),
        }
    }

    /// Runs until stopped.
    pub(super) async fn run(mut self) -> Ended {
        let stop = self.stop.clone();
        let device = self.enforced.device.clone();
        if let Some(enforce) = device.enforce() {
            // A change under way is left as it is when the program ends: the journal knows how to go on.
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.live(enforce) => {}
            }
        }
        Ended { device: self.device_id, stop }
    }

    async fn live(&mut self, enforce: &dyn Enforce) {
        let sweep_every = match self.enforced.sweep_interval {
            Duration::ZERO => DEFAULT_SWEEP,
            given => given,
        };
        let mut sweep = tokio::time::interval(sweep_every);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut connections = enforce.connections();
        let mut presence = self.shared.presence.clone();
        loop {
            let due_in = self.due_in();
            let watch_in = self.watch.next_in(self.shared.clock.now_ms());
            let inbox = self.inbox.clone();
            let wake = tokio::select! {
                biased;
                () = self.stop.cancelled() => Wake::Stop,
                () = inbox.news.notified() => Wake::News,
                Some(request) = self.requests.recv() => Wake::Request(request),
                () = sleep_if(watch_in) => Wake::Sessions,
                () = sleep_if(due_in) => Wake::Due,
                Ok(()) = connections.changed() => Wake::Everything,
                Ok(()) = presence.changed() => Wake::Headquarters,
                _ = sweep.tick() => Wake::Everything,
            };
            match wake {
                Wake::Stop => return,
                Wake::News => {}
                Wake::Everything => self.inbox.everything(),
                Wake::Due => self.take_due(),
                Wake::Sessions => self.look_for_sessions(enforce).await,
                Wake::Headquarters => {
                    if *presence.borrow() {
                        self.inbox.points(std::mem::take(&mut self.waiting_for_headquarters));
                    }
                }
                Wake::Request(Request::Sweep(done)) => {
                    self.inbox.everything();
                    // Nobody waiting any more is no reason not to have swept.
                    let _ = done.send(self.work(enforce, &mut connections).await);
                }
            }
            let worked = self.work(enforce, &mut connections).await;
            if let Err(error) = worked {
                self.wait_after(&error).await;
            }
        }
    }

    /// Runs passes until nothing is left to look at. What a failed pass was about stays in the inbox.
    async fn work(
        &mut self,
        enforce: &dyn Enforce,
        connections: &mut tokio::sync::watch::Receiver<u64>,
    ) -> Result<(), DeviceError> {
        while self.inbox.has_news() {
            let Waiting { everything, points } = self.inbox.take();
            let ids: Vec<String> = if everything {
                self.bites = None;
                self.shared.desired.of_device(&self.device_id).iter().map(|point| point.id.clone()).collect()
            } else {
                points.iter().cloned().collect()
            };
            let outcome = self.pass(enforce, ids).await;
            if let Err(error) = outcome {
                self.say_unreachable(&points, &error).await;
                if everything {
                    self.inbox.waiting.lock().everything = true;
                }
                self.inbox.waiting.lock().points.extend(points);
                return Err(error);
            }
            self.backoff.succeeded();
            // Our own connection is no news, when the pass on it was about everything.
            if everything {
                connections.mark_unchanged();
            }
        }
        Ok(())
    }

    /// Waits before the next attempt, but not when something new is wanted meanwhile.
    async fn wait_after(&mut self, error: &DeviceError) {
        let wait = self.backoff.failed(rand::random::<f64>()).max(Duration::from_millis(50));
        tracing::info!(device = %self.device_id, %error, ?wait, "the device could not be worked on");
        let inbox = self.inbox.clone();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = inbox.news.notified() => {}
            () = self.stop.cancelled() => {}
        }
        // What the failed pass left is still to do.
        self.inbox.news.notify_one();
    }

    /// A point that somebody waits for is told to be out of reach; a sweep that fails is told by the device's state.
    async fn say_unreachable(&mut self, points: &HashSet<String>, error: &DeviceError) {
        let now_ms = self.shared.clock.now_ms();
        let reports = points
            .iter()
            .filter_map(|id| self.shared.desired.point(id))
            .map(|point| report::failed(&point, now_ms, &error.to_string()))
            .collect();
        self.shared.reporter.send(reports).await;
    }

    fn due_in(&self) -> Option<Duration> {
        let (at, _) = self.due.first_key_value()?;
        let wait = at.saturating_sub(self.shared.clock.now_ms()).max(0);
        Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
    }

    fn take_due(&mut self) {
        let now_ms = self.shared.clock.now_ms();
        let later = self.due.split_off(&now_ms.saturating_add(1));
        let due = std::mem::replace(&mut self.due, later);
        self.inbox.points(due.into_values().flatten());
    }
}

/// Sleeps, or for ever.
async fn sleep_if(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}
