//! Orders that are done once: what they say, how they are stopped, and that they outlive the connection that brought them.

use super::*;
use crate::driver::snmp::{SnmpDevice, Sockets, profile::Profiles};

async fn router(echo_interval_ms: u64) -> RouterSim {
    let config = SimConfig { echo_interval_ms, ..SimConfig::isp(1, false) };
    RouterSim::start(config).await.unwrap()
}

#[tokio::test]
async fn what_is_said_is_kept_in_order_and_said_once() {
    let dir = tempfile::tempdir().unwrap();
    let sim = router(1).await;
    let jobs = jobs_on(dir.path(), sim.address());
    let result = jobs.run(ping("job_1", 3)).await;
    assert_eq!((result.status(), result.detail.as_str()), (wire::JobStatus::Done, ""));
    assert_eq!(parts(&jobs), of("job_1", 1..=3));
    assert_eq!(jobs.run(ping("job_1", 3)).await, result);
    assert_eq!((sim.counters().tools["ping"], parts(&jobs).len()), (1, 3), "not run again");
    jobs.acknowledged(2);
    let left = parts(&jobs);
    assert_eq!(left, [("job_1".to_owned(), 1), ("job_1".to_owned(), 3)]);
}

#[tokio::test]
async fn a_job_outlives_the_connection_that_brought_it() {
    let dir = tempfile::tempdir().unwrap();
    let sim = router(50).await;
    let jobs = jobs_on(dir.path(), sim.address());
    {
        let asked = jobs.run(ping("job_1", 5));
        tokio::pin!(asked);
        tokio::select! {
            result = &mut asked => panic!("it ended: {result:?}"),
            () = jobs.said() => {}
        }
    }
    assert_eq!(jobs.run(ping("job_1", 5)).await.status(), wire::JobStatus::Done);
    assert_eq!(parts(&jobs), of("job_1", 1..=5));
    assert_eq!(sim.counters().tools["ping"], 1);
}

#[tokio::test]
async fn a_running_job_is_stopped_and_the_router_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let sim = router(1_000).await;
    let jobs = jobs_on(dir.path(), sim.address());
    let stopping = async {
        jobs.said().await;
        jobs.cancel("job_1");
    };
    let both = futures::future::join(jobs.run(ping("job_1", 100)), stopping);
    let (result, ()) = tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
    assert_eq!(result.status(), wire::JobStatus::Cancelled);
    assert_eq!(result.finding.unwrap().code, "cancelled");
    // The next stream starts only when the router has ended the first.
    let next = jobs.run(ping("job_2", 1));
    let next = tokio::time::timeout(Duration::from_secs(20), next).await.unwrap();
    assert_eq!(next.status(), wire::JobStatus::Done);
    jobs.cancel("job_2");
    assert_eq!(jobs.run(ping("job_2", 1)).await, next, "what ended stays ended");
}

#[tokio::test]
async fn a_job_that_is_stopped_before_it_comes_is_not_started() {
    let dir = tempfile::tempdir().unwrap();
    let sim = router(1).await;
    let jobs = jobs_on(dir.path(), sim.address());
    for number in 0..100 {
        jobs.cancel(&format!("job_{number}"));
    }
    assert_eq!(jobs.shared.stopped_early.lock().len(), STOPPED_EARLY, "and no more are remembered");
    assert_eq!(jobs.run(ping("job_99", 1)).await.status(), wire::JobStatus::Cancelled);
    assert!(!sim.counters().tools.contains_key("ping"));
    assert_eq!(jobs.run(ping("job_0", 1)).await.status(), wire::JobStatus::Done, "forgotten");
}

#[tokio::test]
async fn an_order_ends_at_its_limit_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let sim = router(60_000).await;
    let jobs = jobs_on(dir.path(), sim.address());
    let result = jobs.run(wire::Job { limit_ms: 300, ..ping("job_1", 100) }).await;
    assert_eq!(result.status(), wire::JobStatus::Failed);
    assert_eq!(result.finding.unwrap().code, "too_long");
    assert_eq!(parts(&jobs), of("job_1", 1..=1), "what was said until then");
}

#[tokio::test]
async fn without_a_disk_nothing_is_started_that_may_not_be_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let sim = router(1).await;
    let jobs = jobs_on(&journal, sim.address());
    // From here on nothing can be confirmed.
    std::fs::rename(&journal, dir.path().join("gone")).unwrap();
    std::fs::write(&journal, b"").unwrap();
    let result = jobs.run(ping("job_1", 1)).await;
    assert_eq!(result.status(), wire::JobStatus::Failed);
    assert_eq!(result.finding.unwrap().code, "local");
    assert!(!sim.counters().tools.contains_key("ping"));
}

#[tokio::test]
async fn a_device_that_cannot_is_told_apart_from_one_that_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let target = Target {
        kind: "snmp".into(),
        credentials: Credentials::SnmpV2c { community: Zeroizing::new("public".into()) },
        ..target("dev_1", "127.0.0.1", 161)
    };
    let clock = Arc::new(AgentClock::start());
    let switch =
        SnmpDevice::new(target, Arc::new(Sockets::open()), Arc::new(Profiles::embedded()), clock).unwrap();
    let jobs = jobs_with(dir.path(), Some(Arc::new(switch)));
    let result = jobs.run(ping("job_1", 1)).await;
    let code = result.finding.clone().unwrap().code;
    assert_eq!((result.status(), code.as_str()), (wire::JobStatus::Unsupported, "kind_unable"));
    let Some(wire::job::Order::Ping(order)) = ping("job_2", 1).order else { panic!("another order") };
    let elsewhere = wire::Ping { device_id: "dev_9".into(), ..order };
    let result = jobs.run(job("job_2", Some(wire::job::Order::Ping(elsewhere)))).await;
    let code = result.finding.clone().unwrap().code;
    assert_eq!((result.status(), code.as_str()), (wire::JobStatus::Failed, "config"));
}
