//! A bad link between tower and headquarters.

use std::time::Duration;

use atalaya_agent::uplink::LinkState;
use atalaya_simulators::relay::{Link, Relay, Transport};

use super::{eventually, headquarters::Headquarters, site::Site};

async fn behind_relay(hq: &Headquarters, link: Link) -> (Site, Relay) {
    let relay = Relay::start(Transport::Udp, ([127, 0, 0, 1], 0).into(), hq.address, 7).await.unwrap();
    relay.set_link(link);
    let mut join = hq.join();
    join.gateways = vec![relay.address().to_string()];
    let site = Site::new(0);
    site.enroll(&join).await.unwrap();
    (site, relay)
}

/// One packet in ten is lost, and the NAT on the way changes its mind twice: one connection, each batch once.
#[tokio::test]
async fn loss_and_a_new_address_cost_time_and_nothing_else() {
    let hq = Headquarters::start();
    let link = Link { loss_permille: 100, delay_ms: 10, ..Link::default() };
    let (site, relay) = behind_relay(&hq, link).await;
    let running = site.run();
    eventually("connected", async || running.state() == LinkState::Connected).await;
    let epoch = hq.see(|rows| rows.epoch);
    let mut sequences = Vec::new();
    for round in 0..3 {
        sequences.extend((0..50).map(|value| site.measure(round * 50 + value)));
        eventually("the round arrived", async || site.see(|m| m.acknowledged.len() == sequences.len())).await;
        relay.rebind();
    }
    let mut appended = hq.see(|rows| rows.appended.clone());
    appended.sort_unstable();
    assert_eq!(appended, sequences, "each once");
    assert_eq!(hq.see(|rows| rows.epoch), epoch, "on the same connection");
    assert!(relay.passed().dropped > 0, "the link was bad: {:?}", relay.passed());
}

#[tokio::test]
async fn what_is_measured_while_the_link_is_cut_arrives_after_it() {
    let hq = Headquarters::start();
    let (site, relay) = behind_relay(&hq, Link::default()).await;
    let running = site.run();
    eventually("connected", async || running.state() == LinkState::Connected).await;
    relay.cut();
    let sequences: Vec<u64> = (0..40).map(|value| site.measure(value)).collect();
    // What was on its way still arrives; then nothing does, for longer than heartbeats are apart.
    let quiet = async {
        loop {
            let beats = hq.see(|rows| rows.heartbeats.len());
            let another = async {
                while hq.see(|rows| rows.heartbeats.len()) == beats {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            if tokio::time::timeout(Duration::from_secs(2), another).await.is_err() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), quiet).await.expect("nothing passes");
    assert!(site.see(|memory| memory.acknowledged.is_empty()));
    relay.restore();
    eventually("all arrived", async || site.see(|m| m.acknowledged.len() == sequences.len())).await;
}

/// The gateway dies without a word and another stands on its port: the agent does not wait for its connection to be silent
/// for long, because the new gateway says that it knows nothing of it.
#[tokio::test]
async fn a_gateway_that_was_killed_is_found_again_as_soon_as_it_stands() {
    let hq = Headquarters::start();
    let (site, relay) = behind_relay(&hq, Link::default()).await;
    let running = site.run();
    eventually("connected", async || running.state() == LinkState::Connected).await;
    // Cut, so that nobody hears it go.
    relay.cut();
    let hq = hq.replaced().await;
    relay.restore();
    // Well before the 30 s after which QUIC gives a silent connection up (`eventually` waits 20 s at most).
    let sequence = site.measure(1);
    eventually("the sample arrived at the new one", async || hq.see(|rows| rows.appended == [sequence]))
        .await;
}
