//! Hotspot users: log-ins, and what ends them.

use std::time::Duration;

use crate::client::Client;
use atalaya_simulators::clock::Pace;
use atalaya_simulators::routeros::{CpeConfig, RouterSim, SimConfig, TrafficVerdict};

const REDIAL: Duration = Duration::from_secs(5);

async fn plaza() -> RouterSim {
    let config = SimConfig { pace: Pace::Manual, ..SimConfig::default() }
        .with_cpe(CpeConfig::hotspot("ana", "secreto"))
        .with_command(["/ip/hotspot/user/profile/add", "=name=2M", "=rate-limit=1M/2M"])
        .with_command(["/ip/hotspot/user/profile/add", "=name=cut", "=address-list=morosos"])
        .with_command(["/ip/hotspot/user/add", "=name=ana", "=password=secreto", "=profile=2M"])
        .with_command([
            "/ip/firewall/filter/add",
            "=chain=forward",
            "=action=drop",
            "=src-address-list=morosos",
        ]);
    RouterSim::start(config).await.expect("simulator starts")
}

fn verdict(sim: &RouterSim) -> TrafficVerdict {
    sim.passes_traffic("ana").expect("a CPE of this name")
}

async fn log_out(sim: &RouterSim, client: &mut Client) {
    let rows = sim.rows("/ip/hotspot/active").expect("menu");
    client.ask(&["/ip/hotspot/active/remove", &format!("=.id={}", rows[0][".id"])]).await;
}

#[tokio::test]
async fn a_user_is_cut_by_profile_and_by_being_disabled() {
    let sim = plaza().await;
    let at_plan = TrafficVerdict::Passes {
        upload_bps: Some(1_000_000),
        download_bps: Some(2_000_000),
        fasttracked: false,
    };
    assert_eq!(verdict(&sim), at_plan);
    let mut client = Client::admin(sim.address()).await;
    client.ask(&["/ip/hotspot/user/set", "=.id=ana", "=profile=cut"]).await;
    assert_eq!(verdict(&sim), at_plan, "a profile counts at the next log-in");
    log_out(&sim, &mut client).await;
    assert!(matches!(verdict(&sim), TrafficVerdict::NoSession { .. }));
    assert!(sim.rows("/queue/simple").expect("menu").is_empty(), "its queue goes with the log-in");
    sim.advance(REDIAL);
    assert!(verdict(&sim).walled());

    client.ask(&["/ip/hotspot/user/set", "=.id=ana", "=profile=2M", "=disabled=yes"]).await;
    assert!(verdict(&sim).walled(), "a live log-in stays");
    log_out(&sim, &mut client).await;
    sim.advance(REDIAL * 2);
    assert_eq!(verdict(&sim), TrafficVerdict::NoSession { reason: "user is disabled".to_owned() });
    client.ask(&["/ip/hotspot/user/enable", "=.id=ana"]).await;
    sim.advance(REDIAL);
    assert_eq!(verdict(&sim), at_plan);
    assert_eq!(sim.counters().session_drops_by_name["ana"], 2);
}
