//! Keeps the devices equal to the desired state: level-triggered, journaled, read back, reported.
//!
//! Words: a *pass* reads a set of points of one device, decides about each, applies what is to be applied and reports
//! what changed. A pass runs on a new desired state (that point alone, at once), on a new connection to the device,
//! when something becomes due, and as a full *sweep* at an interval. Lost messages, reboots and hand edits heal by
//! the next pass, so nothing here depends on an event having been seen.
//!
//! One worker per device, so that a router that hangs holds up no other. Within a pass, what gives service back goes
//! first and at once; new rows, changes of speed and the like, and cuts follow in this order, in chunks that make way
//! for news. Changes that drop sessions are held when they are too many, and spread when they are not.
//!
//! A change is made like this: STARTED on disk → write → WRITTEN → settle (sessions dropped) → read back → DONE and
//! the report on disk. After a crash the device is read first (`resolve`): what it shows decides, never the wish to
//! do it again.
//!
//! It must never change a device in `observe`, start a change that is not on disk (reconnections excepted, when the
//! disk fails), call a write done that was not read back, or hold back a reconnection.

mod apply;
mod pass;
mod plan;
mod report;
mod resolve;
#[cfg(test)]
mod tests;
mod verify;
mod wants;
mod watch;
mod worker;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::{mpsc, oneshot, watch as channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

pub use verify::verify_router;

use crate::clock::Clock;
use crate::core::brake::{Brake, BrakeRule, WINDOW_MS};
use crate::core::changes::{ChangeBrake, ChangeRule};
use crate::core::enforcement::Mode;
use crate::desired::DesiredStore;
use crate::driver::{Device, DeviceError};
use crate::journal::{Database, Journal, Memories, Outbox, StorageError};
use report::Reporter;
use worker::{Ended, Request, Worker, WorkerHandle};

/// Opens what headquarters sealed to this agent.
pub trait Unseal: Send + Sync {
    /// The sealed text, `None` when it was not sealed to us or is no text.
    fn unseal(&self, sealed: &[u8]) -> Option<Zeroizing<String>>;
}

/// A device and how it is to be treated.
#[derive(Clone)]
pub struct EnforcedDevice {
    /// The device; a new handle means a new configuration.
    pub device: Arc<dyn Device>,
    /// Whether it may be changed.
    pub mode: Mode,
    /// Time between two full sweeps; zero = the default of 5 minutes.
    pub sweep_interval: Duration,
}

/// What the configuration says about enforcing.
#[derive(Clone, Default)]
pub struct EnforcerConfig {
    /// Every device of this agent, also those that cannot enforce: they count for their sites.
    pub devices: Vec<EnforcedDevice>,
    /// The brake.
    pub brake: BrakeRule,
    /// The hold on changes that drop sessions, and their pace.
    pub changes: ChangeRule,
    /// Policy `offline_cuts = apply`.
    pub cuts_while_away: bool,
}

/// The stores of the enforcer, opened together on one database.
pub struct Stores {
    /// The database under them.
    pub database: Arc<Database>,
    /// Desired state; the uplink's `DesiredSink`.
    pub desired: Arc<DesiredStore>,
    /// Reports; the uplink's `ObservedSource`.
    pub outbox: Arc<Outbox>,
    /// Changes.
    pub journal: Arc<Journal>,
    /// What is remembered of each point.
    pub memories: Arc<Memories>,
}

impl Stores {
    /// Opens them in `dir`.
    ///
    /// # Errors
    /// When the database cannot be opened, not even a fresh one.
    pub fn open(dir: &std::path::Path, now_ms: i64) -> Result<Self, StorageError> {
        let database = Database::open(dir)?;
        Ok(Self {
            desired: Arc::new(DesiredStore::open(database.clone())?),
            outbox: Arc::new(Outbox::open(database.clone(), now_ms)?),
            journal: Arc::new(Journal::open(database.clone())?),
            memories: Arc::new(Memories::open(database.clone())?),
            database,
        })
    }
}

/// A configuration and a desired state that arrive together may be seen in either order.
const HOMELESS_PATIENCE: Duration = Duration::from_secs(10);

/// What all workers share.
struct Shared {
    database: Arc<Database>,
    desired: Arc<DesiredStore>,
    journal: Arc<Journal>,
    memories: Arc<Memories>,
    reporter: Reporter,
    brake: Mutex<Brake>,
    changes: Mutex<ChangeBrake>,
    clock: Arc<dyn Clock>,
    unseal: Arc<dyn Unseal>,
    /// Whether headquarters is connected.
    presence: channel::Receiver<bool>,
    rules: RwLock<Rules>,
}

/// Of the configuration, what a decision needs.
#[derive(Default)]
struct Rules {
    cuts_while_away: bool,
    /// Pace of changes that drop sessions; 0 before the first configuration, when there is no device either.
    changes_per_minute: u32,
    /// How many of them an hour may bring; a plan says when it has more.
    changes_hold: BrakeRule,
    /// Devices by site, for the brake.
    sites: HashMap<String, HashSet<String>>,
}

/// The enforcer. [`Enforcer::run`] is its life; the rest may be called from anywhere.
pub struct Enforcer {
    shared: Arc<Shared>,
    config: channel::Sender<Arc<EnforcerConfig>>,
    workers: Mutex<BTreeMap<String, WorkerHandle>>,
}

impl Enforcer {
    /// An enforcer over `stores`, without devices until [`Enforcer::configure`]. `presence` says whether headquarters
    /// is connected (after `HelloAck`).
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn new(
        stores: &Stores,
        clock: Arc<dyn Clock>,
        unseal: Arc<dyn Unseal>,
        presence: channel::Receiver<bool>,
    ) -> Result<Self, StorageError> {
        let since_ms = clock.now_ms().saturating_sub(WINDOW_MS);
        let mut brake = Brake::default();
        for entry in stores.journal.first_cuts_since(since_ms)? {
            brake.remember(entry.started_ms, &entry.start.site, &entry.start.point, entry.start.order);
        }
        let mut changes = ChangeBrake::new(ChangeRule::default().hold);
        for entry in stores.journal.changes_since(since_ms)? {
            changes.remember(entry.started_ms, &entry.start.site, &entry.start.point, entry.start.order);
        }
        let shared = Shared {
            database: stores.database.clone(),
            desired: stores.desired.clone(),
            journal: stores.journal.clone(),
            memories: stores.memories.clone(),
            reporter: Reporter::new(stores.outbox.clone()),
            brake: Mutex::new(brake),
            changes: Mutex::new(changes),
            clock,
            unseal,
            presence,
            rules: RwLock::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            config: channel::Sender::new(Arc::default()),
            workers: Mutex::default(),
        })
    }

    /// Puts a configuration in force. A device whose handle is the same one keeps its worker.
    pub fn configure(&self, config: EnforcerConfig) {
        self.shared.brake.lock().set_rule(config.brake);
        self.shared.changes.lock().set_rule(config.changes.hold);
        let mut sites: HashMap<String, HashSet<String>> = HashMap::new();
        for one in &config.devices {
            let target = one.device.target();
            sites.entry(target.site_id.clone()).or_default().insert(target.device_id.clone());
        }
        *self.shared.rules.write() = Rules {
            cuts_while_away: config.cuts_while_away,
            changes_per_minute: config.changes.per_minute,
            changes_hold: config.changes.hold,
            sites,
        };
        self.config.send_replace(Arc::new(config));
    }

    /// Why cuts are not applied at present; empty when they are.
    pub fn cuts_held_reason(&self) -> String {
        self.shared
            .database
            .failure()
            .map_or(String::new(), |why| format!("the journal cannot be written: {why}"))
    }

    /// Reads a device and says what enforcing would do; changes nothing.
    ///
    /// # Errors
    /// When the device is not configured here, cannot enforce, or could not be read.
    pub async fn plan(&self, device_id: &str) -> Result<atalaya_protocol::wire::DevicePlan, DeviceError> {
        let device = self.device(device_id)?;
        plan::plan(&self.shared, &*device.device).await
    }

    /// Compares a device with its desired state now and waits for the end of that pass.
    ///
    /// # Errors
    /// When the device is not configured here, or could not be read.
    pub async fn sweep(&self, device_id: &str) -> Result<(), DeviceError> {
        let unknown =
            || DeviceError::Config { words: format!("device {device_id} is not enforced by this agent") };
        let requests =
            self.workers.lock().get(device_id).map(|worker| worker.requests.clone()).ok_or_else(unknown)?;
        let (done, outcome) = oneshot::channel();
        requests.send(Request::Sweep(done)).await.map_err(|_| unknown())?;
        outcome.await.map_err(|_| unknown())?
    }

    /// A configured device of any kind, for one-off work that is no enforcing.
    ///
    /// # Errors
    /// When the device is not configured here.
    pub fn device_handle(&self, device_id: &str) -> Result<Arc<dyn Device>, DeviceError> {
        self.device(device_id).map(|one| one.device)
    }

    fn device(&self, device_id: &str) -> Result<EnforcedDevice, DeviceError> {
        let config = self.config.borrow().clone();
        config.devices.iter().find(|one| one.device.target().device_id == device_id).cloned().ok_or_else(
            || DeviceError::Config { words: format!("device {device_id} is not configured here") },
        )
    }

    /// Runs until `stop`: keeps one worker per device and hands them what changed.
    ///
    /// # Errors
    /// When a worker ended though nobody asked it to.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        let mut config = self.config.subscribe();
        config.mark_changed();
        let mut tasks = JoinSet::new();
        let mut homeless = HashSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                changed = config.changed() => {
                    changed?;
                    let now = config.borrow_and_update().clone();
                    self.match_workers(&now, &mut tasks, &stop);
                }
                () = self.shared.desired.changed() => homeless.extend(self.hand_out()),
                () = tokio::time::sleep(HOMELESS_PATIENCE), if !homeless.is_empty() => {
                    self.say_homeless(std::mem::take(&mut homeless)).await;
                }
                Some(ended) = tasks.join_next() => {
                    let Ended { device, stop } = ended?;
                    anyhow::ensure!(stop.is_cancelled(), "the worker of device {device} ended");
                }
            }
        }
        while let Some(ended) = tasks.join_next().await {
            ended?;
        }
        Ok(())
    }

    /// Starts, keeps and stops workers.
    fn match_workers(&self, config: &EnforcerConfig, tasks: &mut JoinSet<Ended>, stop: &CancellationToken) {
        let mut workers = self.workers.lock();
        let enforcing = config.devices.iter().filter(|one| one.device.enforce().is_some());
        let mut wanted: BTreeMap<String, EnforcedDevice> =
            enforcing.map(|one| (one.device.target().device_id.clone(), one.clone())).collect();
        workers.retain(|device, worker| {
            let same = wanted.get(device).is_some_and(|one| worker.runs(one));
            if same {
                wanted.remove(device);
            } else {
                worker.stop.cancel();
            }
            same
        });
        for (device_id, enforced) in wanted {
            let (requests, inbox) = mpsc::channel(8);
            let handle = WorkerHandle::new(enforced.clone(), requests, stop.child_token());
            let worker = Worker::new(self.shared.clone(), enforced, &handle, inbox);
            tasks.spawn(worker.run());
            workers.insert(device_id, handle);
        }
    }

    /// Hands what changed to the workers, and gives back the points of devices that nobody enforces.
    fn hand_out(&self) -> Vec<String> {
        let dirty = self.shared.desired.take_dirty();
        let workers = self.workers.lock();
        if dirty.all {
            self.shared.reporter.forget();
            for worker in workers.values() {
                worker.inbox.everything();
            }
        }
        let mut homeless = Vec::new();
        for point in dirty.points.iter().filter_map(|id| self.shared.desired.point(id)) {
            match workers.get(&point.device_id) {
                Some(worker) => worker.inbox.point(&point.id),
                None => homeless.push(point.id.clone()),
            }
        }
        homeless
    }

    /// Reports points whose device still has no worker; a worker that came meanwhile has swept them by itself.
    async fn say_homeless(&self, points: HashSet<String>) {
        let now_ms = self.shared.clock.now_ms();
        let reports = {
            let workers = self.workers.lock();
            points
                .iter()
                .filter_map(|id| self.shared.desired.point(id))
                .filter(|point| !workers.contains_key(&point.device_id))
                .map(|point| report::failed(&point, now_ms, "this agent enforces nothing on that device"))
                .collect()
        };
        self.shared.reporter.send(reports).await;
    }
}
