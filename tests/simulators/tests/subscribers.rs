//! Subscribers behind the router: dials, cuts, reconnections, and what passes.

use std::time::Duration;

use crate::client::{self, Client};
use atalaya_simulators::clock::Pace;
use atalaya_simulators::routeros::{CounterMode, CpeConfig, RouterSim, SimConfig, TrafficVerdict};

const REDIAL: Duration = Duration::from_secs(5);

/// A small ISP whose time the test turns.
async fn isp(subscribers: u32) -> RouterSim {
    start(SimConfig::isp(subscribers, true)).await
}

async fn start(config: SimConfig) -> RouterSim {
    RouterSim::start(SimConfig { pace: Pace::Manual, ..config }).await.expect("simulator starts")
}

fn verdict(sim: &RouterSim, cpe: &str) -> TrafficVerdict {
    sim.passes_traffic(cpe).expect("a CPE of this name")
}

fn at_rate(upload: u64, download: u64) -> TrafficVerdict {
    TrafficVerdict::Passes { upload_bps: Some(upload), download_bps: Some(download), fasttracked: false }
}

fn one(sim: &RouterSim, menu: &str, key: &str, value: &str) -> std::collections::BTreeMap<String, String> {
    let rows = sim.rows(menu).expect("menu");
    let mut found = rows.into_iter().filter(|row| row.get(key).is_some_and(|found| found == value));
    let row = found.next();
    assert!(row.is_some(), "{menu} has no row with {key}={value}");
    assert!(found.next().is_none(), "{menu} has more than one row with {key}={value}");
    row.expect("asserted above")
}

fn none(sim: &RouterSim, menu: &str, key: &str, value: &str) -> bool {
    !sim.rows(menu).expect("menu").iter().any(|row| row.get(key).is_some_and(|found| found == value))
}

#[tokio::test]
async fn a_dial_makes_session_interface_queue_and_address() {
    let sim = isp(3).await;
    let active = one(&sim, "/ppp/active", "name", "sub0001");
    assert_eq!((active["address"].as_str(), active["service"].as_str()), ("10.64.1.1", "pppoe"));
    let interface = one(&sim, "/interface", "name", "<pppoe-sub0001>");
    assert_eq!((interface["dynamic"].as_str(), interface["type"].as_str()), ("true", "pppoe-in"));
    let queue = one(&sim, "/queue/simple", "target", "<pppoe-sub0001>");
    assert_eq!((queue["dynamic"].as_str(), queue["max-limit"].as_str()), ("true", "10000000/10000000"));
    assert_eq!(verdict(&sim, "sub0003"), at_rate(20_000_000, 50_000_000), "the other plan");
    assert_eq!(sim.counters().dials_accepted, 3);
}

#[tokio::test]
async fn a_cut_profile_walls_after_the_redial_and_the_plan_comes_back() {
    let sim = isp(2).await;
    let other_before = sim.digests();
    let mut client = Client::admin(sim.address()).await;
    client.ask(&["/ppp/secret/set", "=.id=sub0001", "=profile=cut"]).await;
    assert_eq!(
        verdict(&sim, "sub0001"),
        at_rate(10_000_000, 10_000_000),
        "a profile counts at the next dial"
    );

    let id = one(&sim, "/ppp/active", "name", "sub0001")[".id"].clone();
    client.ask(&["/ppp/active/remove", &format!("=.id={id}")]).await;
    assert!(matches!(verdict(&sim, "sub0001"), TrafficVerdict::NoSession { .. }));
    for (menu, name) in [("/interface", "<pppoe-sub0001>"), ("/queue/simple", "<pppoe-sub0001>")] {
        assert!(none(&sim, menu, "name", name), "{menu} is cleaned up");
    }
    sim.advance(REDIAL - Duration::from_millis(1));
    assert!(none(&sim, "/ppp/active", "name", "sub0001"), "not before its interval");
    sim.advance(Duration::from_millis(1));
    assert_ne!(one(&sim, "/ppp/active", "name", "sub0001")[".id"], id, "a new session has a new id");
    let entry = one(&sim, "/ip/firewall/address-list", "address", "10.64.1.1");
    assert_eq!((entry["list"].as_str(), entry["dynamic"].as_str()), ("morosos", "true"));
    match verdict(&sim, "sub0001") {
        TrafficVerdict::Walled { list, comment, captive, .. } => {
            assert_eq!(
                (list.as_deref(), comment.as_str(), captive),
                (Some("morosos"), "cut subscribers", false)
            );
        }
        other => panic!("walled, not {other:?}"),
    }

    client.ask(&["/ppp/secret/set", "=.id=sub0001", "=profile=50M"]).await;
    let id = one(&sim, "/ppp/active", "name", "sub0001")[".id"].clone();
    client.ask(&["/ppp/active/remove", &format!("=.id={id}")]).await;
    sim.advance(REDIAL);
    assert_eq!(verdict(&sim, "sub0001"), at_rate(20_000_000, 50_000_000));
    assert!(
        none(&sim, "/ip/firewall/address-list", "address", "10.64.1.1"),
        "the entry went with the session"
    );

    let counters = sim.counters();
    assert_eq!(counters.session_drops_by_name["sub0001"], 2);
    assert_eq!(counters.writes_to("/ppp/secret"), 2);
    let other_after = sim.digests();
    for menu in ["/ppp/secret", "/ppp/active"] {
        assert_eq!(other_before[menu]["sub0002"], other_after[menu]["sub0002"], "{menu}");
        assert_ne!(other_before[menu]["sub0001"], other_after[menu]["sub0001"], "{menu}");
    }
}

#[tokio::test]
async fn a_disabled_secret_keeps_its_session_and_refuses_the_redial() {
    let sim = isp(1).await;
    let mut client = Client::admin(sim.address()).await;
    client.ask(&["/ppp/secret/disable", "=.id=sub0001"]).await;
    sim.advance(REDIAL * 3);
    assert!(verdict(&sim, "sub0001").passes(), "nothing happens to a live session");
    let id = one(&sim, "/ppp/active", "name", "sub0001")[".id"].clone();
    client.ask(&["/ppp/active/remove", &format!("=.id={id}")]).await;
    sim.advance(REDIAL * 3);
    assert_eq!(
        verdict(&sim, "sub0001"),
        TrafficVerdict::NoSession { reason: "secret is disabled".to_owned() }
    );
    assert_eq!(sim.counters().dials_refused, 3, "it goes on trying");
    client.ask(&["/ppp/secret/enable", "=.id=sub0001"]).await;
    sim.advance(REDIAL);
    assert!(verdict(&sim, "sub0001").passes());
}

#[tokio::test]
async fn bytes_grow_at_the_rate_that_passes_and_not_behind_a_wall() {
    let mut config = SimConfig::isp(1, true);
    config.cpes[0].download_bps = 1_000_000_000;
    config.cpes[0].upload_bps = 800_000;
    let sim = start(config).await;
    let bytes = |sim: &RouterSim| {
        let state = sim.cpe("sub0001").expect("CPE");
        (state.upload_bytes, state.download_bytes)
    };
    sim.advance(Duration::ZERO);
    sim.advance(Duration::from_secs(8));
    assert_eq!(bytes(&sim), (800_000, 10_000_000), "demand up, plan down");

    sim.operate(&["/ip/firewall/address-list/add", "=list=morosos", "=address=10.64.1.1"]);
    sim.operate(&["/ip/firewall/filter/move", "=numbers=*2", "=destination=*1"]);
    let walled_at = bytes(&sim);
    sim.advance(Duration::from_secs(60));
    assert_eq!(bytes(&sim), walled_at);

    let mut client = Client::admin(sim.address()).await;
    let row = client.ask(&["/interface/print", "=.proplist=rx-byte,tx-byte", "?name=<pppoe-sub0001>"]).await;
    assert_eq!(row[0], ["!re", "=rx-byte=800000", "=tx-byte=10000000"], "the customer's upload is received");
    let served = sim.served(0, 10);
    let values: Vec<u64> = served.iter().map(|entry| entry.value).collect();
    assert_eq!(values, [800_000, 10_000_000], "what was served is logged");
}

#[tokio::test]
async fn rule_order_fasttrack_and_live_connections_decide() {
    let address = "10.20.0.7".parse().expect("address");
    let config = SimConfig::default()
        .with_cpe(CpeConfig::fixed("office", address))
        .with_command(["/queue/simple/add", "=name=office", "=target=10.20.0.7/32", "=max-limit=5M/10M"])
        .with_command([
            "/ip/firewall/filter/add",
            "=chain=forward",
            "=action=accept",
            "=connection-state=established,related",
        ])
        .with_command([
            "/ip/firewall/filter/add",
            "=chain=forward",
            "=action=drop",
            "=src-address-list=morosos",
            "=disabled=yes",
        ]);
    let sim = start(config).await;
    assert_eq!(verdict(&sim, "office"), at_rate(5_000_000, 10_000_000));
    sim.operate(&["/ip/firewall/address-list/add", "=list=morosos", "=address=10.20.0.0/24"]);
    assert!(verdict(&sim, "office").passes(), "the rule is disabled");
    sim.operate(&["/ip/firewall/filter/enable", "=.id=*2"]);
    assert!(verdict(&sim, "office").passes(), "the live connection is accepted before the drop");

    let connection = one(&sim, "/ip/firewall/connection", "src-address", "10.20.0.7:40000")[".id"].clone();
    let mut client = Client::admin(sim.address()).await;
    client.ask(&["/ip/firewall/connection/remove", &format!("=.id={connection}")]).await;
    assert!(verdict(&sim, "office").walled(), "a new connection meets the drop");

    // On the fast path neither rule nor queue sees the customer any more.
    sim.operate(&["/ip/firewall/filter/disable", "=.id=*2"]);
    sim.operate(&[
        "/ip/firewall/filter/add",
        "=chain=forward",
        "=action=fasttrack-connection",
        "=place-before=*1",
    ]);
    sim.advance(Duration::from_secs(1));
    sim.operate(&["/ip/firewall/filter/enable", "=.id=*2"]);
    let fast = TrafficVerdict::Passes { upload_bps: None, download_bps: None, fasttracked: true };
    assert_eq!(verdict(&sim, "office"), fast);
}

#[tokio::test]
async fn a_captive_page_shows_in_the_verdict() {
    let config = SimConfig::isp(1, true)
        .with_command(["/ip/firewall/address-list/add", "=list=morosos", "=address=10.64.1.1"])
        .with_command([
            "/ip/firewall/nat/add",
            "=chain=dstnat",
            "=action=dst-nat",
            "=src-address-list=morosos",
            "=protocol=tcp",
            "=dst-port=80",
            "=to-addresses=192.0.2.10",
        ]);
    let sim = start(config).await;
    assert!(matches!(verdict(&sim, "sub0001"), TrafficVerdict::Walled { captive: true, .. }));
}

#[tokio::test]
async fn a_lease_blocks_lists_and_limits_at_its_renewal() {
    let mac = "02:00:00:00:00:07";
    let config = SimConfig::default()
        .with_cpe(CpeConfig::dhcp("shop", mac))
        .with_command([
            "/ip/firewall/filter/add",
            "=chain=forward",
            "=action=drop",
            "=src-address-list=morosos",
        ])
        .with_command([
            "/ip/dhcp-server/lease/add",
            "=address=10.30.0.7",
            &format!("=mac-address={mac}"),
            "=rate-limit=4M/8M",
        ]);
    let sim = start(config).await;
    assert_eq!(verdict(&sim, "shop"), at_rate(4_000_000, 8_000_000));
    sim.operate(&["/ip/dhcp-server/lease/set", "=.id=*1", "=address-lists=morosos"]);
    assert!(verdict(&sim, "shop").passes(), "not before the renewal");
    sim.advance(REDIAL);
    assert!(verdict(&sim, "shop").walled());
    sim.operate(&["/ip/dhcp-server/lease/set", "=.id=*1", "=address-lists=", "=block-access=yes"]);
    sim.advance(REDIAL);
    assert!(matches!(verdict(&sim, "shop"), TrafficVerdict::NoSession { .. }));
    sim.operate(&["/ip/dhcp-server/lease/set", "=.id=*1", "=block-access=no"]);
    sim.advance(REDIAL);
    assert!(verdict(&sim, "shop").passes());
}

#[tokio::test]
async fn an_unknown_dhcp_cpe_gets_a_dynamic_lease_that_can_be_made_static() {
    let sim = start(SimConfig::default().with_cpe(CpeConfig::dhcp("new", "02:00:00:00:00:09"))).await;
    let lease = one(&sim, "/ip/dhcp-server/lease", "mac-address", "02:00:00:00:00:09");
    assert_eq!((lease["dynamic"].as_str(), lease["status"].as_str()), ("true", "bound"));
    let mut client = Client::admin(sim.address()).await;
    let by_id = format!("=.id={}", lease[".id"]);
    assert_eq!(
        client.trap(&["/ip/dhcp-server/lease/set", &by_id, "=block-access=yes"]).await,
        "failure: can not change dynamic lease"
    );
    client.ask(&["/ip/dhcp-server/lease/make-static", &by_id]).await;
    sim.reboot();
    let lease = one(&sim, "/ip/dhcp-server/lease", "mac-address", "02:00:00:00:00:09");
    assert_eq!(lease["dynamic"], "false", "a static lease survives a reboot");
}

#[tokio::test]
async fn radius_lets_in_who_has_no_secret() {
    let mut config = SimConfig::default().with_cpe(CpeConfig::pppoe("remote", "x"));
    config.radius_users.push("remote".to_owned());
    config = config.with_command(["/ip/pool/add", "=name=p", "=ranges=10.70.0.1-10.70.0.9"]).with_command([
        "/ppp/profile/set",
        "=.id=default",
        "=remote-address=p",
    ]);
    let sim = start(config).await;
    assert_eq!(verdict(&sim, "remote"), TrafficVerdict::NoSession { reason: "no such secret".to_owned() });
    sim.operate(&["/radius/add", "=service=ppp", "=address=192.0.2.20", "=secret=s"]);
    sim.operate(&["/ppp/aaa/set", "=use-radius=yes"]);
    sim.advance(REDIAL);
    let active = one(&sim, "/ppp/active", "name", "remote");
    assert_eq!((active["radius"].as_str(), active["address"].as_str()), ("true", "10.70.0.1"));
}

#[tokio::test]
async fn a_reboot_makes_sessions_anew() {
    let sim = isp(2).await;
    let mut client = Client::admin(sim.address()).await;
    sim.advance(Duration::from_secs(100));
    let before = one(&sim, "/ppp/active", "name", "sub0001")["session-id"].clone();
    sim.reboot();
    assert_eq!(client.receive().await, None, "connections drop");
    assert!(sim.rows("/ppp/active").expect("menu").is_empty());
    let mut refused = Client::connect(sim.address()).await;
    assert_eq!(refused.receive().await, None, "not up yet");
    sim.advance(Duration::from_secs(3));
    assert_ne!(one(&sim, "/ppp/active", "name", "sub0001")["session-id"], before);
    let mut client = Client::admin(sim.address()).await;
    let row = client.ask(&["/system/resource/print", "=.proplist=uptime,version"]).await;
    assert_eq!(row[0], ["!re", "=uptime=1s", "=version=7.18.2 (stable)"]);
    assert!(verdict(&sim, "sub0002").passes());
}

#[tokio::test]
async fn real_time_brings_the_redial_too() {
    let sim = RouterSim::start(SimConfig { pace: Pace::Times(100), ..SimConfig::isp(1, true) }).await;
    let sim = sim.expect("simulator starts");
    let mut client = Client::admin(sim.address()).await;
    let id = one(&sim, "/ppp/active", "name", "sub0001")[".id"].clone();
    client.ask(&["/ppp/active/remove", &format!("=.id={id}")]).await;
    tokio::time::timeout(client::PATIENCE, async {
        while !verdict(&sim, "sub0001").passes() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("5 s of device time pass in 50 ms");
    assert_eq!(sim.counters().session_drops, 1);
}

#[tokio::test]
async fn every_value_served_is_unique_when_the_serve_count_is_shown() {
    let config = SimConfig { counters: CounterMode::ServeCount, ..SimConfig::isp(1, true) };
    let sim = start(config).await;
    let mut client = Client::admin(sim.address()).await;
    let ports = ["/interface/print", "=.proplist=name,rx-byte,tx-byte", "?type=ether"];
    let mut got = Vec::new();
    for _ in 0..3 {
        for row in client.ask(&ports).await.iter().filter(|row| row[0] == "!re") {
            let value = |at: usize| row[at].rsplit('=').next().and_then(|text| text.parse::<u64>().ok());
            got.extend([value(2).expect("a number"), value(3).expect("a number")]);
        }
    }
    assert_eq!(got, (1..=24).collect::<Vec<u64>>(), "four ports, two counters, three times");
    let logged: Vec<u64> = sim.served(0, 100).iter().map(|entry| entry.value).collect();
    assert_eq!(logged, got);
}
