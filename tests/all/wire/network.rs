use atalaya_agent::uplink::LinkState;
use atalaya_protocol::wire;

use super::{eventually, headquarters::Headquarters, site::Site};

fn point(number: u64, generation: u64) -> wire::DesiredPoint {
    wire::DesiredPoint {
        point_id: format!("enp_{number}"),
        order: Some(wire::Order { timeline: 1, generation }),
        ..wire::DesiredPoint::default()
    }
}

#[tokio::test]
async fn desired_state_comes_whole_then_by_changes_and_not_again_when_held() {
    let hq = Headquarters::start();
    hq.change(|rows| {
        rows.desired_version = 5;
        rows.desired = (0..600).map(|number| point(number, 5)).collect();
    });
    let site = Site::new(0);
    site.enroll(&hq.join()).await.unwrap();
    let running = site.run();
    eventually("the whole set, in parts", async || {
        site.see(|memory| memory.points.len()) == 600
            && hq.see(|rows| rows.desired_acknowledged == [(5, None)])
    })
    .await;
    assert_eq!(site.see(|memory| memory.pushes), 3);

    hq.change(|rows| {
        rows.desired_version = 6;
        rows.desired[7] = point(7, 6);
    });
    eventually("the change alone", async || {
        hq.see(|rows| rows.desired_acknowledged.last() == Some(&(6, None)))
    })
    .await;
    assert_eq!(site.see(|memory| (memory.pushes, memory.points["enp_7"].order.unwrap().generation)), (4, 6));

    drop(running);
    eventually("gone", async || hq.registry.sessions().is_empty()).await;
    let running = site.run();
    eventually("connected again", async || running.state() == LinkState::Connected).await;
    let beats = hq.see(|rows| rows.heartbeats.len());
    eventually("time passes", async || hq.see(|rows| rows.heartbeats.len() > beats + 1)).await;
    assert_eq!(site.see(|memory| memory.pushes), 4, "equal digests save a snapshot");
    assert_eq!(
        hq.see(|rows| rows.hellos.last().unwrap().highest_order),
        Some(wire::Order { timeline: 1, generation: 6 })
    );
}

#[tokio::test]
async fn an_empty_set_makes_the_agent_forget() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    site.memory.inner.lock().points.insert("enp_old".into(), point(1, 1));
    site.enroll(&hq.join()).await.unwrap();
    let _running = site.run();
    eventually("forgotten", async || site.see(|memory| memory.points.is_empty())).await;
}

#[tokio::test]
async fn a_refused_push_is_told_in_the_agents_words() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    site.enroll(&hq.join()).await.unwrap();
    let _running = site.run();
    eventually("connected", async || !hq.registry.sessions().is_empty()).await;
    site.memory.inner.lock().refuse = Some("point enp_1 has no order".into());
    hq.change(|rows| {
        rows.desired_version = 2;
        rows.desired = vec![point(1, 2)];
    });
    let told = (2, Some("point enp_1 has no order".to_owned()));
    eventually("told", async || hq.see(|rows| rows.desired_acknowledged.contains(&told))).await;
}

#[tokio::test]
async fn reports_are_kept_until_headquarters_has_them() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    site.enroll(&hq.join()).await.unwrap();
    hq.change(|rows| rows.failing = true);
    site.report(1);
    let _running = site.run();
    site.report(2);
    let beats = hq.see(|rows| rows.heartbeats.len());
    eventually("time passes", async || hq.see(|rows| rows.heartbeats.len() > beats + 2)).await;
    assert_eq!(site.see(|memory| memory.reports.len()), 2);
    hq.change(|rows| rows.failing = false);
    eventually("both arrived and are removed", async || site.see(|memory| memory.reports.is_empty())).await;
    let ids: Vec<u64> = hq.see(|rows| rows.observed.iter().map(|report| report.report_id).collect());
    assert_eq!(ids, [1, 2]);
}

#[tokio::test]
async fn configuration_and_jobs_reach_a_connected_agent_at_once() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    site.enroll(&hq.join()).await.unwrap();
    let _running = site.run();
    eventually("connected", async || !hq.registry.sessions().is_empty()).await;
    hq.change(|rows| {
        rows.config = wire::AgentConfig { version: 3, ..wire::AgentConfig::default() };
        rows.jobs =
            (0..20).map(|n| wire::Job { job_id: format!("job_{n}"), ..wire::Job::default() }).collect();
    });
    eventually("applied and reported", async || {
        hq.see(|rows| rows.configs_applied.last().is_some_and(|applied| applied.version == 3))
    })
    .await;
    eventually("every job has its result", async || hq.see(|rows| rows.job_results.len() == 20)).await;
    assert_eq!(site.see(|memory| memory.jobs_run.len()), 20, "each ran once");
    assert_eq!(site.see(|memory| memory.configs.len()), 1);
}
