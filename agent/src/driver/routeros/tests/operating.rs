use std::time::Duration;

use async_trait::async_trait;
use atalaya_protocol::wire::job_part::Content;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::*;
use crate::driver::{DeviceError, Operate as _, Operation, Output};

const INTERNET: &str = "203.0.113.80";

/// Keeps what is said.
#[derive(Default)]
struct Kept {
    parts: Mutex<Vec<Content>>,
    said: Notify,
}

#[async_trait]
impl Output for Kept {
    async fn put(&self, content: Content) -> Result<(), DeviceError> {
        self.parts.lock().push(content);
        self.said.notify_one();
        Ok(())
    }
}

impl Kept {
    fn echoes(&self) -> Vec<wire::EchoReply> {
        let parts = self.parts.lock();
        let replies = parts.iter().filter_map(|content| match content {
            Content::Echoes(echoes) => Some(echoes.replies.clone()),
            Content::Trace(_) => None,
        });
        replies.flatten().collect()
    }
}

fn ping(address: &str, count: u32) -> Operation {
    Operation::Ping(wire::Ping {
        device_id: "dev_1".into(),
        address: address.into(),
        count,
        ..Default::default()
    })
}

fn quick(mut config: SimConfig) -> SimConfig {
    config.echo_interval_ms = 1;
    config
}

#[tokio::test]
async fn echoes_come_one_by_one_with_what_came_back() {
    let (sim, router) = start(quick(isp(1, true))).await;
    eventually("online", || sim.rows("/ppp/active").unwrap().len() == 1).await;
    let address = sim.rows("/ppp/active").unwrap()[0]["address"].clone();
    let kept = Kept::default();
    router.operate(&ping(&address, 3), &kept).await.unwrap();
    let echoes = kept.echoes();
    assert_eq!(kept.parts.lock().len(), 3, "a part each");
    assert_eq!(echoes.iter().map(|echo| echo.sequence).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(echoes.iter().all(|echo| echo.host == address && echo.round_trip_us.is_some()), "{echoes:?}");
    sim.set_powered("sub0001", false);
    let kept = Kept::default();
    router.operate(&ping(&address, 2), &kept).await.unwrap();
    assert!(kept.echoes().iter().all(|echo| echo.round_trip_us.is_none() && echo.words == "timeout"));
    assert_eq!(sim.counters().writes_total(), 0, "nothing was changed");
}

#[tokio::test]
async fn a_route_is_told_round_by_round() {
    for version in [(6, 49, 10), (7, 16, 2)] {
        let mut config = quick(isp(1, false));
        config.version = atalaya_simulators::routeros::Version::new(version.0, version.1, version.2);
        let (_sim, router) = start(config).await;
        let kept = Kept::default();
        let order = wire::Traceroute {
            device_id: "dev_1".into(),
            address: INTERNET.into(),
            count: 3,
            ..Default::default()
        };
        router.operate(&Operation::Traceroute(order), &kept).await.unwrap();
        let parts = kept.parts.lock().clone();
        assert_eq!(parts.len(), 3);
        let Content::Trace(last) = &parts[2] else { panic!("{parts:?}") };
        let hops: Vec<&str> = last.hops.iter().map(|hop| hop.address.as_str()).collect();
        assert_eq!(hops, ["198.51.100.1", INTERNET]);
        assert_eq!((last.hops[1].sent, last.hops[1].last_us), (3, Some(2_400)));
        assert_eq!((last.hops[1].best_us, last.hops[1].loss_basis_points), (Some(2_400), 0));
    }
}

#[tokio::test]
async fn what_cannot_be_asked_and_what_may_not() {
    let (sim, router) = start(quick(isp(1, false))).await;
    let kept = Kept::default();
    for operation in [ping("example.net", 1), ping("192.0.2.1 interval=0", 1)] {
        let refused = router.operate(&operation, &kept).await;
        assert!(matches!(refused, Err(DeviceError::Config { .. })), "{refused:?}");
    }
    assert!(!sim.counters().tools.contains_key("ping"), "it never reached the router");
    sim.update_faults(|faults| faults.denied_policies = vec!["test".into()]);
    let refused = router.operate(&ping(INTERNET, 1), &kept).await;
    assert!(
        matches!(&refused, Err(DeviceError::Rights { words }) if words.contains("`test`")),
        "{refused:?}"
    );
}

/// A stream takes no place of other commands, and whoever goes away ends it on the router.
#[tokio::test]
async fn a_long_ping_holds_nobody_up_and_is_stopped() {
    let sim = RouterSim::start(isp(5, false)).await.unwrap();
    let router = router(Target { max_in_flight: 1, ..target(sim.address()) });
    let kept = Kept::default();
    let long = ping(INTERNET, 100);
    {
        let pinging = router.operate(&long, &kept);
        tokio::pin!(pinging);
        let patience = Duration::from_secs(20);
        let first = async {
            tokio::select! {
                ended = &mut pinging => panic!("it ended: {ended:?}"),
                () = kept.said.notified() => {}
            }
            // The only permit is free.
            tokio::select! {
                ended = &mut pinging => panic!("it ended: {ended:?}"),
                rows = router.list() => assert_eq!(rows.unwrap().len(), 5),
            }
        };
        tokio::time::timeout(patience, first).await.unwrap();
    }
    // Dropped: only once the router has ended it is there room for the next stream.
    let again = Kept::default();
    let short = ping(INTERNET, 1);
    tokio::time::timeout(Duration::from_secs(20), router.operate(&short, &again)).await.unwrap().unwrap();
    assert_eq!(again.echoes().len(), 1);
    assert!(kept.echoes().len() < 100);
    assert_eq!(sim.counters().tools["ping"], 2);
}

#[tokio::test]
async fn a_router_that_breaks_off_ends_the_ping_with_what_it_said() {
    let (sim, router) = start(isp(1, false)).await;
    let kept = Kept::default();
    let long = ping(INTERNET, 100);
    let pinging = router.operate(&long, &kept);
    let cut = async {
        kept.said.notified().await;
        sim.drop_connections();
    };
    let (outcome, ()) =
        tokio::time::timeout(Duration::from_secs(20), futures::future::join(pinging, cut)).await.unwrap();
    assert!(matches!(outcome, Err(DeviceError::Unreachable { .. })), "{outcome:?}");
    assert!(!kept.echoes().is_empty());
}
