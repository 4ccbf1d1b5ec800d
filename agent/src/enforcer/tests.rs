//! The enforcer against the simulated router: real sockets, real database.

mod crash;
mod foreign;
mod holds;
mod matrix;
mod service;
mod swapped;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use atalaya_protocol::wire;
use atalaya_simulators::routeros::{RouterSim, SimConfig, TrafficVerdict};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::{EnforcedDevice, Enforcer, EnforcerConfig, Stores, Unseal};
use crate::clock::AgentClock;
use crate::core::brake::BrakeRule;
use crate::core::changes::ChangeRule;
use crate::core::enforcement::Mode;
use crate::driver::routeros::RouterOs;
use crate::driver::{Credentials, RouterosOptions, Target, TlsMode};
use crate::uplink::ports::{DesiredSink as _, ObservedSource as _};

/// "Sealed" passwords of these tests are plain text.
struct Plain;

impl Unseal for Plain {
    fn unseal(&self, sealed: &[u8]) -> Option<Zeroizing<String>> {
        String::from_utf8(sealed.to_vec()).ok().map(Zeroizing::new)
    }
}

/// An agent's enforcing half on one router.
struct Site {
    sim: Arc<RouterSim>,
    stores: Stores,
    enforcer: Arc<Enforcer>,
    presence: watch::Sender<bool>,
    clock: Arc<AgentClock>,
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
    last_report: u64,
    /// Told, and not asked for yet.
    told: Vec<wire::ObservedPoint>,
}

fn target(port: u16) -> Target {
    Target {
        device_id: "dev_1".into(),
        site_id: "sit_1".into(),
        name: "tower".into(),
        kind: "routeros".into(),
        host: "127.0.0.1".into(),
        port: Some(port),
        tls: TlsMode::Off,
        credentials: Credentials::UserPassword {
            user: "admin".into(),
            password: Zeroizing::new("admin".into()),
        },
        max_in_flight: 8,
        routeros: RouterosOptions::default(),
    }
}

fn config(port: u16, mode: Mode, brake: BrakeRule, clock: Arc<AgentClock>) -> EnforcerConfig {
    let device = Arc::new(RouterOs::new(target(port), clock));
    let enforced = EnforcedDevice { device, mode, sweep_interval: Duration::from_millis(500) };
    EnforcerConfig { devices: vec![enforced], brake, changes: ChangeRule::default(), cuts_while_away: false }
}

/// A router whose subscribers redial at once, and whose cuts bite by profile and by list.
fn isp(subscribers: u32) -> SimConfig {
    let mut config = SimConfig::isp(subscribers, true).with_command([
        "/ip/firewall/filter/add",
        "=chain=forward",
        "=action=drop",
        "=src-address-list=cortados",
        "=place-before=*1",
    ]);
    config.redial_ms = 100;
    config
}

impl Site {
    async fn start(config: SimConfig, dir: &Path, mode: Mode) -> Self {
        let sim = Arc::new(RouterSim::start(config).await.unwrap());
        Self::resume(sim, dir, mode)
    }

    /// As [`Site::resume`], after a predecessor whose last write may still hold the database for a moment.
    async fn resume_after_kill(sim: Arc<RouterSim>, dir: &Path, mode: Mode) -> Self {
        eventually("the database is free", || Stores::open(dir, 1_000).is_ok()).await;
        Self::resume(sim, dir, mode)
    }

    /// An agent that starts (again) on what `dir` holds.
    fn resume(sim: Arc<RouterSim>, dir: &Path, mode: Mode) -> Self {
        let clock = Arc::new(AgentClock::start());
        let stores = Stores::open(dir, 1_000).unwrap();
        let (presence, present) = watch::channel(true);
        let enforcer = Arc::new(Enforcer::new(&stores, clock.clone(), Arc::new(Plain), present).unwrap());
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(enforcer.clone().run(stop.clone()));
        let site =
            Self { sim, stores, enforcer, presence, clock, stop, tasks, last_report: 0, told: Vec::new() };
        site.configure(mode, BrakeRule::default());
        site
    }

    fn configure(&self, mode: Mode, brake: BrakeRule) {
        self.enforcer.configure(config(self.sim.address().port(), mode, brake, self.clock.clone()));
    }

    fn configure_changes(&self, mode: Mode, changes: ChangeRule) {
        let config = config(self.sim.address().port(), mode, BrakeRule::default(), self.clock.clone());
        self.enforcer.configure(EnforcerConfig { changes, ..config });
    }

    async fn want(&self, points: Vec<wire::DesiredPoint>) {
        self.stores.desired.update(wire::DesiredUpdate { push_id: 1, points }).await.unwrap();
    }

    /// Waits for a report of a point that `wanted` accepts, throwing away those of the point before it.
    async fn told(
        &mut self,
        point: &str,
        wanted: impl Fn(&wire::ObservedPoint) -> bool,
    ) -> wire::ObservedPoint {
        let mut skipped = Vec::new();
        let outbox = self.stores.outbox.clone();
        let search = async {
            loop {
                while let Some(at) = self.told.iter().position(|observed| observed.point_id == point) {
                    let observed = self.told.remove(at);
                    if wanted(&observed) {
                        return observed;
                    }
                    skipped.push((observed.outcome(), observed.detail));
                }
                match outbox.next(self.last_report).await.unwrap() {
                    Some(report) => {
                        self.last_report = report.report_id;
                        outbox.acknowledged(report.report_id).await.unwrap();
                        self.told.extend(report.points);
                    }
                    None => outbox.reported().await,
                }
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(20), search).await;
        found.unwrap_or_else(|_| panic!("{point}: not told; told was {skipped:?}"))
    }

    /// Waits for the report that a subscriber's session was seen, after `applied`: equipment that dials every 100 ms may
    /// be in before the row is read back, and then both are told at once.
    async fn told_in(&mut self, point: &str, applied: wire::ObservedPoint) -> wire::ObservedPoint {
        let is_in = |told: &wire::ObservedPoint| told.session.as_ref().is_some_and(|session| session.present);
        if is_in(&applied) { applied } else { self.told(point, is_in).await }
    }

    async fn told_outcome(&mut self, point: &str, outcome: wire::Outcome) -> wire::ObservedPoint {
        self.told(point, |observed| observed.outcome() == outcome).await
    }

    async fn sweep(&self) {
        // The worker may not have been started yet.
        let patience = async {
            while self.enforcer.sweep("dev_1").await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), patience).await.unwrap();
    }

    fn walled(&self, cpe: &str) -> bool {
        matches!(self.sim.passes_traffic(cpe), Some(TrafficVerdict::Walled { .. }))
    }

    fn passes_at(&self, cpe: &str, download: u64) -> bool {
        let verdict = self.sim.passes_traffic(cpe);
        matches!(verdict, Some(TrafficVerdict::Passes { download_bps: Some(bps), .. }) if bps == download)
    }

    fn profile(&self, name: &str) -> String {
        let rows = self.sim.rows("/ppp/secret").unwrap();
        rows.into_iter().find(|row| row["name"] == name).map_or(String::new(), |row| row["profile"].clone())
    }

    async fn everyone_online(&self, subscribers: usize) {
        eventually("everyone online", || self.sim.rows("/ppp/active").unwrap().len() == subscribers).await;
        self.sim.reset_counters();
    }

    /// Ends it as `kill -9` would as far as the enforcer's own code is concerned: nothing more runs.
    async fn kill(mut self) -> Arc<RouterSim> {
        self.tasks.shutdown().await;
        self.sim
    }

    async fn finish(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap().unwrap();
        }
    }
}

fn subscriber(user: &str, generation: u64, status: wire::DesiredStatus) -> wire::DesiredPoint {
    let access = wire::PppoeAccess { user: user.into(), profile: "10M".into(), ..Default::default() };
    wire::DesiredPoint {
        point_id: user.into(),
        device_id: "dev_1".into(),
        method: wire::Method::Pppoe.into(),
        order: Some(wire::Order { timeline: 1, generation }),
        status: status.into(),
        speed: Some(wire::Speed { download_bps: 10_000_000, upload_bps: 10_000_000 }),
        access: Some(wire::desired_point::Access::Pppoe(access)),
        marker: format!("atalaya:{user}"),
        ..Default::default()
    }
}

fn active(user: &str, generation: u64) -> wire::DesiredPoint {
    subscriber(user, generation, wire::DesiredStatus::Active)
}

fn suspended(user: &str, generation: u64) -> wire::DesiredPoint {
    subscriber(user, generation, wire::DesiredStatus::Suspended)
}

async fn eventually(what: &str, check: impl Fn() -> bool) {
    let patience = async {
        while !check() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), patience).await.unwrap_or_else(|_| panic!("never: {what}"));
}
