use std::net::SocketAddr;

use atalaya_simulators::routeros::{RouterSim, SimConfig};
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::*;
use crate::clock::AgentClock;
use crate::driver::routeros::RouterOs;
use crate::driver::{Credentials, RouterosOptions, Target, TlsMode};
use crate::enforcer::{Stores, Unseal};

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
        let target = Target {
            device_id: config.device_id.clone(),
            site_id: String::new(),
            name: String::new(),
            kind: config.kind.clone(),
            host: config.host.clone(),
            port: u16::try_from(config.port).ok(),
            tls: TlsMode::Off,
            credentials: Credentials::UserPassword {
                user: "admin".into(),
                password: Zeroizing::new("admin".into()),
            },
            max_in_flight: 0,
            routeros: RouterosOptions::default(),
        };
        Ok(Arc::new(RouterOs::new(target, self.0.clone())))
    }
}

fn jobs(dir: &std::path::Path) -> Jobs {
    let clock = Arc::new(AgentClock::start());
    let stores = Stores::open(dir, 1).unwrap();
    let (_, presence) = watch::channel(true);
    let enforcer = Enforcer::new(&stores, clock.clone(), Arc::new(NothingSealed), presence).unwrap();
    Jobs::new(Arc::new(enforcer), Arc::new(Builder(clock.clone())), stores.database, clock)
}

fn job(id: &str, order: Option<wire::job::Order>) -> wire::Job {
    wire::Job { job_id: id.into(), deadline_ms: 0, order }
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
    assert!(jobs.running.lock().is_empty());
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
    assert!(jobs.running.lock().is_empty());
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
