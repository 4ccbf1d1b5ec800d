//! Jobs against the simulated router.

mod crash;
mod once;

use std::net::SocketAddr;
use std::path::Path;

use atalaya_simulators::routeros::{RouterSim, SimConfig};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::*;
use crate::clock::AgentClock;
use crate::core::enforcement::Mode;
use crate::core::{brake::BrakeRule, changes::ChangeRule};
use crate::driver::routeros::RouterOs;
use crate::driver::{Credentials, RouterosOptions, Target, TlsMode};
use crate::enforcer::{EnforcedDevice, EnforcerConfig, Stores, Unseal};

struct NothingSealed;

impl Unseal for NothingSealed {
    fn unseal(&self, _: &[u8]) -> Option<Zeroizing<String>> {
        None
    }
}

/// Builds routers with the password of the simulator.
struct Builder(Arc<AgentClock>);

impl DeviceBuilder for Builder {
    fn build(&self, config: &wire::DeviceConfig) -> Result<Arc<dyn Device>, DeviceError> {
        if config.kind != "routeros" {
            return Err(DeviceError::Config { words: format!("no driver for {}", config.kind) });
        }
        Ok(Arc::new(RouterOs::new(target(&config.device_id, &config.host, config.port), self.0.clone())))
    }
}

fn target(device_id: &str, host: &str, port: u32) -> Target {
    Target {
        device_id: device_id.into(),
        site_id: String::new(),
        name: String::new(),
        kind: "routeros".into(),
        host: host.into(),
        port: u16::try_from(port).ok(),
        tls: TlsMode::Off,
        credentials: Credentials::UserPassword {
            user: "admin".into(),
            password: Zeroizing::new("admin".into()),
        },
        max_in_flight: 0,
        routeros: RouterosOptions::default(),
    }
}

/// Jobs of an agent without a device.
fn jobs(dir: &Path) -> Jobs {
    jobs_with(dir, None)
}

/// Jobs of an agent that has `dev_1`, a router at this address.
fn jobs_on(dir: &Path, router: SocketAddr) -> Jobs {
    let target = target("dev_1", &router.ip().to_string(), router.port().into());
    jobs_with(dir, Some(Arc::new(RouterOs::new(target, Arc::new(AgentClock::start())))))
}

fn jobs_with(dir: &Path, device: Option<Arc<dyn Device>>) -> Jobs {
    let clock = Arc::new(AgentClock::start());
    let stores = Stores::open(dir, 1).unwrap();
    let (_, presence) = watch::channel(true);
    let enforcer = Enforcer::new(&stores, clock.clone(), Arc::new(NothingSealed), presence).unwrap();
    let enforced = |device| EnforcedDevice { device, mode: Mode::Observe, sweep_interval: Duration::ZERO };
    enforcer.configure(EnforcerConfig {
        devices: device.map(enforced).into_iter().collect(),
        brake: BrakeRule::default(),
        changes: ChangeRule::default(),
        cuts_while_away: false,
    });
    Jobs::new(Arc::new(enforcer), Arc::new(Builder(clock.clone())), stores.database, clock).unwrap()
}

fn job(id: &str, order: Option<wire::job::Order>) -> wire::Job {
    wire::Job { job_id: id.into(), order, ..Default::default() }
}

/// A ping of `dev_1` to the Internet.
fn ping(id: &str, count: u32) -> wire::Job {
    let order =
        wire::Ping { device_id: "dev_1".into(), address: "203.0.113.80".into(), count, ..Default::default() };
    job(id, Some(wire::job::Order::Ping(order)))
}

/// Every part that is kept: job and sequence.
fn parts(jobs: &Jobs) -> Vec<(String, u64)> {
    let (mut parts, mut after) = (Vec::new(), 0);
    while let Some((number, part)) = jobs.next(after) {
        parts.push((part.job_id, part.sequence));
        after = number;
    }
    parts
}

fn of(job: &str, sequences: std::ops::RangeInclusive<u64>) -> Vec<(String, u64)> {
    sequences.map(|sequence| (job.to_owned(), sequence)).collect()
}

/// Polls until `check` holds.
async fn eventually(what: &str, check: impl Fn() -> bool) {
    let patience = async {
        while !check() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), patience).await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn test_of(address: SocketAddr) -> Option<wire::job::Order> {
    let device = wire::DeviceConfig {
        kind: "routeros".into(),
        host: address.ip().to_string(),
        port: address.port().into(),
        ..Default::default()
    };
    Some(wire::job::Order::TestConnection(wire::TestConnection { device: Some(device) }))
}

#[tokio::test]
async fn the_same_job_again_is_the_same_result_without_a_second_run() {
    let dir = tempfile::tempdir().unwrap();
    let sim = RouterSim::start(SimConfig::isp(1, false)).await.unwrap();
    let jobs = jobs(dir.path());
    let first = jobs.run(job("job_1", test_of(sim.address()))).await;
    assert_eq!(first.status(), wire::JobStatus::Done);
    let Some(wire::job_result::Result::Connection(report)) = &first.result else { panic!("{first:?}") };
    assert_eq!((report.stages.len(), report.identity.as_str()), (5, "sim-router"));
    let logins = sim.counters().logins;
    assert_eq!(jobs.run(job("job_1", test_of(sim.address()))).await, first);
    assert_eq!(sim.counters().logins, logins);
    eventually("it has left", || jobs.shared.running.lock().is_empty()).await;
}

#[tokio::test]
async fn two_at_once_run_it_once() {
    let dir = tempfile::tempdir().unwrap();
    let sim = RouterSim::start(SimConfig::isp(1, false)).await.unwrap();
    let jobs = jobs(dir.path());
    let order = || job("job_1", test_of(sim.address()));
    let (one, other) = futures::join!(jobs.run(order()), jobs.run(order()));
    assert_eq!(one, other);
    assert_eq!(sim.counters().logins, 2, "one for the stages, one for the identity");
    eventually("it has left", || jobs.shared.running.lock().is_empty()).await;
}

#[tokio::test]
async fn what_cannot_be_done_is_a_result() {
    let dir = tempfile::tempdir().unwrap();
    let jobs = jobs(dir.path());
    let late = wire::Job { deadline_ms: 1, ..job("late", None) };
    assert_eq!(jobs.run(late).await.status(), wire::JobStatus::Expired);
    assert_eq!(jobs.run(job("new", None)).await.status(), wire::JobStatus::Unsupported);
    let plan = wire::job::Order::PlanDevice(wire::PlanDevice { device_id: "dev_9".into() });
    let result = jobs.run(job("plan", Some(plan))).await;
    assert_eq!(result.status(), wire::JobStatus::Failed);
    assert!(result.detail.contains("dev_9"));
    assert_eq!(result.finding.unwrap().code, "config");
    let sweep = wire::job::Order::SweepDevice(wire::SweepDevice { device_id: "dev_9".into() });
    assert_eq!(jobs.run(job("sweep", Some(sweep))).await.status(), wire::JobStatus::Failed);
}
