//! Subscribers with IPv6: a wall of one family is none of the other.

use std::time::Duration;

use crate::client::Client;
use atalaya_simulators::clock::Pace;
use atalaya_simulators::routeros::{CpeConfig, RouterSim, SimConfig};

async fn start(config: SimConfig) -> RouterSim {
    RouterSim::start(SimConfig { pace: Pace::Manual, ..config }).await.expect("simulator starts")
}

#[tokio::test]
async fn a_wall_of_one_family_is_none_of_the_other() {
    let address = "10.20.0.7".parse().expect("address");
    let drop = |family: &str| {
        [
            format!("{family}/firewall/filter/add"),
            "=chain=forward".to_owned(),
            "=action=drop".to_owned(),
            "=src-address-list=morosos".to_owned(),
        ]
    };
    let config = SimConfig::default()
        .with_cpe(CpeConfig::fixed("office", address).with_ipv6("2001:db8:5::/56"))
        .with_command(drop("/ip"))
        .with_command([
            "/ipv6/firewall/filter/add",
            "=chain=forward",
            "=action=accept",
            "=connection-state=established,related",
        ])
        .with_command(drop("/ipv6"));
    let sim = start(config).await;
    let v4 = |sim: &RouterSim| sim.passes_traffic("office").expect("a CPE of this name");
    let v6 = |sim: &RouterSim| sim.passes_traffic_v6("office").expect("it has IPv6");
    sim.advance(Duration::ZERO);
    sim.advance(Duration::from_secs(1));
    sim.operate(&["/ip/firewall/address-list/add", "=list=morosos", "=address=10.20.0.7"]);
    assert!(v4(&sim).walled() && v6(&sim).passes(), "the other family passes by");
    let before = sim.cpe("office").expect("CPE");
    sim.advance(Duration::from_secs(10));
    let after = sim.cpe("office").expect("CPE");
    assert_eq!(after.download_bytes, before.download_bytes);
    assert_eq!(after.bytes_v6 - before.bytes_v6, 3_000_000, "2.4 Mbit/s of demand, both ways");
    sim.operate(&["/ipv6/firewall/address-list/add", "=list=morosos", "=address=2001:db8:5::/56"]);
    assert!(v6(&sim).passes(), "the live connection is accepted before the drop");
    let rows = sim.rows("/ipv6/firewall/connection").expect("menu");
    assert_eq!((rows.len(), rows[0]["src-address"].as_str()), (1, "[2001:db8:5::1]:40000"));
    let mut client = Client::admin(sim.address()).await;
    client.ask(&["/ipv6/firewall/connection/remove", &format!("=.id={}", rows[0][".id"])]).await;
    assert!(v6(&sim).walled());
    assert_eq!(sim.passes_traffic_v6("nobody"), None);
}

#[tokio::test]
async fn a_session_has_the_prefix_of_its_secret() {
    let config = SimConfig::isp(2, true).with_command([
        "/ppp/secret/set",
        "=numbers=sub0001",
        "=remote-ipv6-prefix=2001:db8:77::/56",
    ]);
    let sim = start(config).await;
    assert!(sim.passes_traffic_v6("sub0001").is_some_and(|verdict| verdict.passes()));
    assert_eq!(sim.passes_traffic_v6("sub0002"), None);
    sim.operate(&[
        "/ipv6/firewall/filter/add",
        "=chain=forward",
        "=action=drop",
        "=dst-address=2001:db8:77::/56",
    ]);
    assert!(
        sim.passes_traffic_v6("sub0001").is_some_and(|verdict| verdict.walled()),
        "the answer is stopped"
    );
    assert!(sim.passes_traffic("sub0001").is_some_and(|verdict| verdict.passes()));
}
