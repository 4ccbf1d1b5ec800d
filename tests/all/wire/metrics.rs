use atalaya_agent::uplink::LinkState;
use atalaya_metrics::{LabelledSample, MetricStore, Selector, TenantKey};

use super::{DAY_MS, NOW_MS, eventually, headquarters::Headquarters, headquarters::TENANT, site::Site};

async fn last(hq: &Headquarters) -> Vec<LabelledSample> {
    let tenant = TenantKey::new(TENANT).unwrap();
    hq.state.metrics.last(&tenant, &Selector::metric("interface_receive_bytes_total")).await.unwrap()
}

/// Backlog and live, from a clock that is right, one that says 1970, and one that is two years ahead.
#[tokio::test]
async fn samples_land_at_true_time_whatever_the_towers_clock_says() {
    for skew_ms in [0, -NOW_MS, 730 * DAY_MS] {
        let hq = Headquarters::start();
        let site = Site::new(skew_ms);
        site.enroll(&hq.join()).await.unwrap();
        let before = site.measure(100);
        let running = site.run();
        eventually("the backlog is acknowledged", async || site.see(|m| m.acknowledged.contains(&before)))
            .await;
        assert_eq!(last(&hq).await[0].sample.value, 100.0);
        let live = site.measure(200);
        eventually("live is acknowledged", async || site.see(|m| m.acknowledged.contains(&live))).await;
        assert_eq!(running.state(), LinkState::Connected);
        let samples = last(&hq).await;
        let [newest] = samples.as_slice() else { panic!("skew {skew_ms}: {samples:?}") };
        assert!((newest.sample.t_ms - NOW_MS).abs() < 1_000, "skew {skew_ms}: {}", newest.sample.t_ms);
        // Both fall on the same moment, because the test's clock stands: the later arrival counts.
        assert_eq!(newest.sample.value, 200.0);
        let label = |name| newest.labels.get(name).map(str::to_owned);
        assert_eq!(label("agent").as_deref(), Some("agt_1"));
        assert_eq!(label("device").as_deref(), Some("dev_1"));
        assert_eq!(label("interface").as_deref(), Some("ether1"));
        eventually("a heartbeat tells the clock's error", async || {
            hq.see(|rows| {
                rows.heartbeats.last().is_some_and(|beat| beat.clock_offset_ms.abs_diff(-skew_ms) < 1_000)
            })
        })
        .await;
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_durable() {
    let hq = Headquarters::start();
    hq.change(|rows| rows.failing = true);
    let site = Site::new(0);
    site.enroll(&hq.join()).await.unwrap();
    let running = site.run();
    eventually("connected", async || running.state() == LinkState::Connected).await;
    // More than the lane's credit.
    let sequences: Vec<u64> = (0..60).map(|value| site.measure(value)).collect();
    let epoch = hq.see(|rows| rows.epoch);
    // Three heartbeats pass on the same connection and still nothing is acknowledged.
    let beats = hq.see(|rows| rows.heartbeats.len());
    eventually("heartbeats go on", async || hq.see(|rows| rows.heartbeats.len() >= beats + 3)).await;
    assert!(site.see(|memory| memory.acknowledged.is_empty()));
    hq.change(|rows| rows.failing = false);
    eventually("all are acknowledged", async || site.see(|m| m.acknowledged.len() == sequences.len())).await;
    assert_eq!(hq.see(|rows| rows.epoch), epoch, "on the same connection");
    let mut appended = hq.see(|rows| rows.appended.clone());
    appended.sort_unstable();
    assert_eq!(appended, sequences, "each once");
}

#[tokio::test]
async fn a_restarted_gateway_gets_what_it_missed() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    let mut enrolled = site.enroll(&hq.join()).await.unwrap();
    let running = site.run();
    eventually("connected", async || running.state() == LinkState::Connected).await;
    hq.stop();
    eventually("sent away", async || running.state() == LinkState::Waiting).await;
    drop(running);
    let missed = site.measure(5);
    // Another process on another port, with the same authorities, would be the same to the agent; here the port
    // is what changes, so the identity is told.
    let next = Headquarters::restart(&hq);
    enrolled.gateways = vec![next.address.to_string()];
    site.store.keep(&enrolled).unwrap();
    let running = site.run();
    eventually("what was missed arrives", async || site.see(|m| m.acknowledged.contains(&missed))).await;
    assert_eq!(running.state(), LinkState::Connected);
}

#[tokio::test]
async fn a_block_that_nobody_can_read_is_counted_and_does_not_block_the_others() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    site.enroll(&hq.join()).await.unwrap();
    let broken = site.confirm(vec![1, 2, 3]);
    let good = site.measure(9);
    let _running = site.run();
    eventually("both are acknowledged", async || {
        site.see(|memory| memory.acknowledged.contains(&broken) && memory.acknowledged.contains(&good))
    })
    .await;
    assert_eq!(last(&hq).await[0].sample.value, 9.0);
}
