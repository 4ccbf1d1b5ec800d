//! What a crash at each write leaves behind: the router was asked once at most, and the result says what is known.

use super::*;

const CHILD_DIR: &str = "ATALAYA_TEST_DIR";
const CHILD_PORT: &str = "ATALAYA_TEST_PORT";

/// The process that is killed: an agent that gets one ping to do.
#[tokio::test]
#[ignore = "run by its parent, in a process of its own"]
async fn child() {
    let dir = std::env::var(CHILD_DIR).unwrap();
    let port: u16 = std::env::var(CHILD_PORT).unwrap().parse().unwrap();
    let jobs = jobs_on(Path::new(&dir), SocketAddr::from(([127, 0, 0, 1], port)));
    let ended = tokio::time::timeout(Duration::from_secs(20), jobs.run(ping("job_1", 3))).await;
    panic!("the fault point was not passed: {ended:?}");
}

/// The result that the next process tells, after one that died at `point`; and how often the router was asked.
async fn killed_at(point: &str) -> (wire::JobResult, u64) {
    let dir = tempfile::tempdir().unwrap();
    let config = SimConfig { echo_interval_ms: 5, ..SimConfig::isp(1, false) };
    let sim = RouterSim::start(config).await.unwrap();
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["jobs::tests::crash::child", "--exact", "--ignored"])
        .env("ATALAYA_FAULT", point)
        .env(CHILD_DIR, dir.path())
        .env(CHILD_PORT, sim.address().port().to_string())
        .output()
        .await
        .unwrap();
    use std::os::unix::process::ExitStatusExt as _;
    // SIGABRT: it died at the point, and not of a failed assertion.
    assert_eq!(child.status.signal(), Some(6), "{}", String::from_utf8_lossy(&child.stdout));
    let jobs = jobs_on(dir.path(), sim.address());
    let result = jobs.run(ping("job_1", 3)).await;
    assert_eq!(jobs.run(ping("job_1", 3)).await, result, "{point}: and stays so");
    let kept = parts(&jobs);
    let last = u64::try_from(kept.len()).unwrap();
    assert_eq!(kept, of("job_1", 1..=last), "{point}: no gap and nothing twice");
    (result, sim.counters().tools.get("ping").copied().unwrap_or(0))
}

#[tokio::test]
async fn killed_before_started_it_is_run_by_the_next_process() {
    let (result, asked) = killed_at("jobs.before_started").await;
    assert_eq!((result.status(), asked), (wire::JobStatus::Done, 1));
}

#[tokio::test]
async fn killed_after_started_it_is_never_run() {
    let (result, asked) = killed_at("jobs.after_started").await;
    assert_eq!((result.status(), asked), (wire::JobStatus::Unknown, 0));
    assert_eq!(result.finding.unwrap().code, "interrupted");
}

#[tokio::test]
async fn killed_while_it_talks_it_is_not_run_again() {
    for pass in ["jobs.after_part", "jobs.after_part:3"] {
        let (result, asked) = killed_at(pass).await;
        assert_eq!((result.status(), asked), (wire::JobStatus::Unknown, 1), "{pass}");
    }
}

#[tokio::test]
async fn killed_before_the_result_is_kept_it_is_unknown() {
    let (result, asked) = killed_at("jobs.before_result").await;
    assert_eq!((result.status(), asked), (wire::JobStatus::Unknown, 1));
}

#[tokio::test]
async fn killed_before_the_result_is_told_it_is_told_as_it_was() {
    let (result, asked) = killed_at("jobs.after_result").await;
    assert_eq!((result.status(), asked), (wire::JobStatus::Done, 1));
}
