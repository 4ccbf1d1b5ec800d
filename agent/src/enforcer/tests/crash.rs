//! What a crash at each named point leaves behind: one effective change, no second session drop, a journal that ends.
//!
//! A child process is aborted at each named point; then a new enforcer starts on its disk. Beside it, states that no
//! point can be aimed at: the disk of an agent that died is written by hand, or the router breaks off mid-answer.

use atalaya_simulators::routeros::{Hang, WriteEffect, WriteFault};

use super::*;
use crate::core::enforcement::Action;
use crate::desired::Order;
use crate::driver::SessionKey;
use crate::journal::{Stage, Start};

fn stages(site: &Site, point: &str) -> Vec<Stage> {
    site.stores.journal.of_point(point).unwrap().into_iter().map(|entry| entry.stage).collect()
}

fn cut_of(drop: Vec<SessionKey>) -> Start {
    Start {
        point: "sub0001".into(),
        device: "dev_1".into(),
        site: "sit_1".into(),
        order: Order { timeline: 1, generation: 1 },
        action: Action::Cut,
        first_cut: true,
        before: vec![("profile".into(), "10M".into())],
        after: vec![("profile".into(), "cut".into())],
        drop,
    }
}

fn session_of(sim: &RouterSim, user: &str) -> Vec<SessionKey> {
    let rows = sim.rows("/ppp/active").unwrap();
    let of_user = rows.iter().filter(|row| row["name"] == user);
    of_user
        .map(|row| SessionKey {
            id: row["session-id"].clone(),
            caller_id: row["caller-id"].clone(),
            since_ms: 0,
        })
        .collect()
}

/// An agent whose disk says: this cut was wanted and STARTED, and then nothing.
async fn started(sim: &Arc<RouterSim>, dir: &Path) {
    let stores = Stores::open(dir, 1_000).unwrap();
    let update = wire::DesiredUpdate { push_id: 1, points: vec![suspended("sub0001", 1)] };
    stores.desired.update(update).await.unwrap();
    stores.journal.start(1, vec![cut_of(session_of(sim, "sub0001"))]).await.unwrap();
}

async fn online(config: SimConfig) -> Arc<RouterSim> {
    let sim = Arc::new(RouterSim::start(config).await.unwrap());
    eventually("online", || sim.rows("/ppp/active").unwrap().len() == 2).await;
    sim.reset_counters();
    sim
}

async fn ends_as_one_cut(sim: Arc<RouterSim>, dir: &Path, drops: u64, writes: u64) {
    let mut site = Site::resume(sim, dir, Mode::Enforce);
    let told = site.told_outcome("sub0001", wire::Outcome::Applied).await;
    assert_eq!(told.status(), wire::ObservedStatus::Suspended);
    eventually("walled", || site.walled("sub0001")).await;
    site.sweep().await;
    let counters = site.sim.counters();
    assert_eq!((counters.session_drops, counters.writes_to("/ppp/secret")), (drops, writes));
    assert_eq!(stages(&site, "sub0001").last(), Some(&Stage::Done));
    assert!(site.stores.journal.unfinished("dev_1").is_empty());
    site.finish().await;
}

const CHILD_DIR: &str = "ATALAYA_TEST_DIR";
const CHILD_PORT: &str = "ATALAYA_TEST_PORT";

/// The process that is killed: an enforcer that gets one cut to apply.
#[tokio::test]
#[ignore = "run by its parent, in a process of its own"]
async fn child() {
    let dir = std::env::var(CHILD_DIR).unwrap();
    let port = std::env::var(CHILD_PORT).unwrap().parse().unwrap();
    let stores = Stores::open(Path::new(&dir), 1_000).unwrap();
    let clock = Arc::new(AgentClock::start());
    let (_presence, present) = watch::channel(true);
    let enforcer = Arc::new(Enforcer::new(&stores, clock.clone(), Arc::new(Plain), present).unwrap());
    enforcer.configure(config(port, Mode::Enforce, BrakeRule::default(), clock));
    let update = wire::DesiredUpdate { push_id: 1, points: vec![suspended("sub0001", 1)] };
    stores.desired.update(update).await.unwrap();
    let life = enforcer.run(CancellationToken::new());
    panic!("the fault point was not passed: {:?}", tokio::time::timeout(Duration::from_secs(20), life).await);
}

async fn killed_at(point: &str) {
    let dir = tempfile::tempdir().unwrap();
    let sim = online(isp(2)).await;
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["enforcer::tests::crash::child", "--exact", "--ignored"])
        .env("ATALAYA_FAULT", point)
        .env(CHILD_DIR, dir.path())
        .env(CHILD_PORT, sim.address().port().to_string())
        .output()
        .await
        .unwrap();
    use std::os::unix::process::ExitStatusExt as _;
    // SIGABRT: it died at the point, and not of a failed assertion.
    assert_eq!(child.status.signal(), Some(6), "{}", String::from_utf8_lossy(&child.stdout));
    let site = Site::resume(sim, dir.path(), Mode::Enforce);
    eventually("walled", || site.walled("sub0001")).await;
    site.sweep().await;
    let counters = site.sim.counters();
    assert_eq!((counters.writes_to("/ppp/secret"), counters.session_drops), (1, 1), "{point}");
    let ends = stages(&site, "sub0001");
    assert_eq!(ends.last(), Some(&Stage::Done), "{point}: {ends:?}");
    assert!(ends.iter().all(Stage::is_final), "{point}: {ends:?}");
    let mut site = site;
    let told = site.told("sub0001", |told| told.status() == wire::ObservedStatus::Suspended).await;
    assert!(matches!(told.outcome(), wire::Outcome::Applied | wire::Outcome::InPlace), "{told:?}");
    site.finish().await;
}

#[tokio::test]
async fn killed_after_started() {
    killed_at("enforcer.after_started").await;
}

#[tokio::test]
async fn killed_after_the_write() {
    killed_at("enforcer.after_write").await;
}

#[tokio::test]
async fn killed_before_the_read_back() {
    killed_at("enforcer.before_readback").await;
}

#[tokio::test]
async fn killed_before_the_report() {
    killed_at("enforcer.before_report").await;
}

#[tokio::test]
async fn after_started_the_change_is_made_once() {
    let dir = tempfile::tempdir().unwrap();
    let sim = online(isp(2)).await;
    started(&sim, dir.path()).await;
    ends_as_one_cut(sim, dir.path(), 1, 1).await;
}

#[tokio::test]
async fn after_the_write_the_session_is_dropped_once_and_nothing_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let sim = online(isp(2)).await;
    started(&sim, dir.path()).await;
    sim.operate(&["/ppp/secret/set", "=numbers=sub0001", "=profile=cut"]);
    ends_as_one_cut(sim, dir.path(), 1, 0).await;
}

#[tokio::test]
async fn before_the_read_back_a_subscriber_who_redialled_is_not_dropped_again() {
    let dir = tempfile::tempdir().unwrap();
    let sim = online(isp(2)).await;
    started(&sim, dir.path()).await;
    let before = session_of(&sim, "sub0001");
    sim.operate(&["/ppp/secret/set", "=numbers=sub0001", "=profile=cut"]);
    for row in sim.rows("/ppp/active").unwrap().iter().filter(|row| row["name"] == "sub0001") {
        sim.operate(&["/ppp/active/remove".to_owned(), format!("=.id={}", row[".id"])]);
    }
    eventually("redialled", || {
        let now = session_of(&sim, "sub0001");
        !now.is_empty() && now != before
    })
    .await;
    ends_as_one_cut(sim, dir.path(), 0, 0).await;
}

#[tokio::test]
async fn a_row_that_someone_else_changed_meanwhile_is_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let sim = online(isp(2)).await;
    started(&sim, dir.path()).await;
    sim.operate(&["/ppp/secret/set", "=numbers=sub0001", "=profile=50M"]);
    let mut site = Site::resume(sim, dir.path(), Mode::Enforce);
    site.told_outcome("sub0001", wire::Outcome::Unknown).await;
    site.sweep().await;
    assert_eq!(site.profile("sub0001"), "50M");
    assert!(matches!(stages(&site, "sub0001")[..], [Stage::Unknown(_)]));
    // Service is given back all the same.
    site.want(vec![active("sub0001", 2)]).await;
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    assert_eq!(site.profile("sub0001"), "10M");
    site.finish().await;
}

#[tokio::test]
async fn a_connection_that_breaks_between_write_and_answer_is_resolved_by_reading() {
    let dir = tempfile::tempdir().unwrap();
    let sim = online(isp(2)).await;
    let fault = WriteFault::on("/ppp/secret", WriteEffect::ApplyThenDisconnect).verb("set").times(1);
    sim.update_faults(|faults| faults.writes.push(fault));
    let mut site = Site::resume(sim, dir.path(), Mode::Enforce);
    site.want(vec![suspended("sub0001", 1)]).await;
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    let counters = site.sim.counters();
    assert_eq!((counters.session_drops, counters.writes_to("/ppp/secret")), (1, 1));
    site.finish().await;
}

#[tokio::test]
async fn a_router_that_reboots_between_write_and_read_back_is_not_cut_twice() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = isp(2);
    config.boot_ms = 300;
    let sim = online(config).await;
    let mut site = Site::resume(sim, dir.path(), Mode::Enforce);
    site.want(vec![active("sub0001", 1)]).await;
    site.told_outcome("sub0001", wire::Outcome::InPlace).await;
    site.sim.update_faults(|faults| faults.hang = Some(Hang::BeforeReply));
    site.want(vec![suspended("sub0001", 2)]).await;
    // The router holds its answers back; nothing gets past the first print, so the reboot is let in between.
    site.sim.clear_faults();
    eventually("written", || site.profile("sub0001") == "cut").await;
    site.sim.reboot();
    eventually("journal ends", || site.stores.journal.unfinished("dev_1").is_empty()).await;
    eventually("walled", || site.walled("sub0001")).await;
    site.sweep().await;
    assert_eq!(site.sim.counters().writes_to("/ppp/secret"), 1);
    assert!(site.sim.counters().session_drops <= 1);
    site.finish().await;
}

#[tokio::test]
async fn torn_down_at_any_moment_of_a_cut_it_ends_as_one_cut() {
    // The moments are those between two commands: the router stands still after a number of bytes answered.
    for bytes in [200, 1_200, 2_000, 2_400, 2_600, 2_800, 3_000, 3_300, 3_600] {
        let dir = tempfile::tempdir().unwrap();
        let sim = online(isp(2)).await;
        let site = Site::resume(sim.clone(), dir.path(), Mode::Enforce);
        sim.update_faults(|faults| {
            faults.cut_after_bytes = Some(bytes);
            faults.slow_ms = 5;
        });
        site.want(vec![suspended("sub0001", 1)]).await;
        // Either the cut in the stream came, or everything is done.
        eventually("stopped or done", || sim.faults().cut_after_bytes.is_none() || site.walled("sub0001"))
            .await;
        let sim = site.kill().await;
        sim.clear_faults();
        let site = Site::resume_after_kill(sim, dir.path(), Mode::Enforce).await;
        eventually("walled", || site.walled("sub0001")).await;
        site.sweep().await;
        let counters = site.sim.counters();
        assert_eq!(counters.writes_to("/ppp/secret"), 1, "after {bytes} bytes");
        assert_eq!(counters.session_drops, 1, "after {bytes} bytes");
        let ends = stages(&site, "sub0001");
        assert!(ends.iter().all(Stage::is_final), "after {bytes} bytes: {ends:?}");
        assert!(
            !ends.iter().any(|stage| matches!(stage, Stage::Unknown(_))),
            "after {bytes} bytes: {ends:?}"
        );
        site.finish().await;
    }
}

#[tokio::test]
async fn a_restart_does_not_open_the_brake() {
    let dir = tempfile::tempdir().unwrap();
    let sim = online(isp(2)).await;
    {
        let mut site = Site::resume(sim.clone(), dir.path(), Mode::Observe);
        site.configure(Mode::Enforce, BrakeRule { floor: 1, basis_points: 0 });
        site.want(vec![suspended("sub0001", 1)]).await;
        site.told_outcome("sub0001", wire::Outcome::Applied).await;
        site.finish().await;
    }
    let mut site = Site::resume_after_kill(sim, dir.path(), Mode::Observe).await;
    site.configure(Mode::Enforce, BrakeRule { floor: 1, basis_points: 0 });
    site.want(vec![suspended("sub0002", 1)]).await;
    site.told_outcome("sub0002", wire::Outcome::HeldBrake).await;
    assert_eq!(site.profile("sub0002"), "10M");
    site.finish().await;
}
