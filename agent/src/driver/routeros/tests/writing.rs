use atalaya_protocol::wire::CheckStatus;
use atalaya_simulators::routeros::{CpeConfig, TrafficVerdict};

use super::*;
use crate::driver::{DeviceError, RowStatus};

fn passes_at(sim: &RouterSim, cpe: &str, download: u64) -> bool {
    matches!(sim.passes_traffic(cpe), Some(TrafficVerdict::Passes { download_bps: Some(bps), .. }) if bps == download)
}

fn is_walled(sim: &RouterSim, cpe: &str) -> bool {
    matches!(sim.passes_traffic(cpe), Some(TrafficVerdict::Walled { .. }))
}

fn secret(sim: &RouterSim, name: &str) -> std::collections::BTreeMap<String, String> {
    sim.rows("/ppp/secret").unwrap().into_iter().find(|row| row["name"] == name).unwrap_or_default()
}

#[tokio::test]
async fn cut_and_reconnect_a_subscriber_who_redials() {
    let mut config = isp(3, true);
    config.redial_ms = 50;
    let (sim, router) = start(config).await;
    eventually("all pass", || {
        (1..=3).all(|n| passes_at(&sim, &format!("sub000{n}"), if n == 3 { 50_000_000 } else { 10_000_000 }))
    })
    .await;
    let others = |sim: &RouterSim| {
        let mut digests = sim.digests().remove("/ppp/secret").unwrap();
        digests.retain(|name, _| !name.contains("sub0001"));
        digests
    };
    let before = others(&sim);
    sim.reset_counters();
    let rows = apply(&router, &[pppoe("sub0001", "10M", Status::Suspended)]).await;
    assert_eq!(rows[0].status, RowStatus::Suspended);
    eventually("redialled and walled", || is_walled(&sim, "sub0001")).await;
    assert_eq!(sim.counters().session_drops, 1);
    assert!(passes_at(&sim, "sub0002", 10_000_000));
    let again = apply(&router, &[pppoe("sub0001", "10M", Status::Suspended)]).await;
    assert!(again[0].is_in_place());
    assert_eq!((sim.counters().session_drops, sim.counters().writes_to("/ppp/secret")), (1, 1));
    apply(&router, &[with_speed(pppoe("sub0001", "10M", Status::Active), 10_000_000, 10_000_000)]).await;
    eventually("redialled at plan speed", || passes_at(&sim, "sub0001", 10_000_000)).await;
    let row = &router.read(&[pppoe("sub0001", "10M", Status::Active)]).await.unwrap()[0];
    assert_eq!((row.sessions.len(), row.speed.map(|speed| speed.download_bps)), (1, Some(10_000_000)));
    assert_eq!(sim.counters().writes_without_change, 0);
    assert_eq!(others(&sim), before, "nobody else's row changed");
}

#[tokio::test]
async fn make_a_subscriber_change_the_speed_and_remove_them() {
    let mut config = isp(1, false);
    config.redial_ms = 50;
    let (sim, router) = start(config.with_cpe(CpeConfig::pppoe("nuevo", "hunter2"))).await;
    let mut fresh = with_speed(pppoe("nuevo", "30M", Status::Active), 5_000_000, 30_000_000);
    fresh.password = Some(Zeroizing::new("hunter2".into()));
    let rows = apply(&router, std::slice::from_ref(&fresh)).await;
    assert!(rows[0].is_in_place(), "{:?}", rows[0]);
    let made = secret(&sim, "nuevo");
    assert_eq!((made["comment"].as_str(), made["service"].as_str()), ("atalaya:enp_nuevo", "pppoe"));
    eventually("online", || passes_at(&sim, "nuevo", 30_000_000)).await;
    let faster = with_speed(fresh.clone(), 8_000_000, 60_000_000);
    apply(&router, &[faster]).await;
    eventually("faster", || passes_at(&sim, "nuevo", 60_000_000)).await;
    apply(&router, &[pppoe("nuevo", "30M", Status::Terminated)]).await;
    assert!(secret(&sim, "nuevo").is_empty());
    eventually("offline", || matches!(sim.passes_traffic("nuevo"), Some(TrafficVerdict::NoSession { .. })))
        .await;
    // Someone else's secret is left alone.
    let others = changes(&router, &[pppoe("sub0001", "10M", Status::Terminated)]).await;
    assert!(others[0].row.blocked.is_some());
}

#[tokio::test]
async fn a_changed_password_is_compared_before_it_is_written() {
    let (sim, router) = start(isp(1, false)).await;
    let mut same = pppoe("sub0001", "10M", Status::Active);
    same.password = Some(Zeroizing::new("pw-sub0001".into()));
    assert!(router.read(std::slice::from_ref(&same)).await.unwrap()[0].is_in_place());
    let mut new = same;
    new.password = Some(Zeroizing::new("changed".into()));
    assert!(apply(&router, &[new]).await[0].is_in_place());
    assert_eq!(secret(&sim, "sub0001")["password"], "changed");
}

#[tokio::test]
async fn a_fixed_address_is_walled_and_gets_its_speed_from_our_queue() {
    let config = isp(1, false).with_cpe(CpeConfig::fixed("plaza", "10.70.0.5".parse().unwrap()));
    let (sim, router) = start(config).await;
    let active = with_speed(fixed("10.70.0.5", Status::Active), 4_000_000, 20_000_000);
    assert!(apply(&router, std::slice::from_ref(&active)).await[0].is_in_place());
    eventually("plan speed", || passes_at(&sim, "plaza", 20_000_000)).await;
    let cut = Want { status: Status::Suspended, ..active.clone() };
    assert_eq!(apply(&router, &[cut]).await[0].status, RowStatus::Suspended);
    assert!(is_walled(&sim, "plaza"));
    let rows = apply(&router, std::slice::from_ref(&active)).await;
    assert!(rows[0].is_in_place() && passes_at(&sim, "plaza", 20_000_000));
    let gone = Want { status: Status::Terminated, ..active };
    assert!(apply(&router, &[gone]).await[0].is_in_place());
    assert!(sim.rows("/queue/simple").unwrap().is_empty());
}

#[tokio::test]
async fn an_address_of_a_pool_is_not_listed() {
    let (sim, router) = start(isp(1, false)).await;
    let row = &router.read(&[fixed("10.65.0.77", Status::Suspended)]).await.unwrap()[0];
    assert!(row.blocked.as_deref().is_some_and(|why| why.contains("pool subscribers")), "{row:?}");
    assert!(sim.rows("/ip/firewall/address-list").unwrap().is_empty());
}

#[tokio::test]
async fn an_entry_of_ours_on_an_address_that_moved_on_is_taken_away() {
    let (sim, router) = start(isp(1, false)).await;
    let mut moved = fixed("10.70.0.5", Status::Suspended);
    apply(&router, std::slice::from_ref(&moved)).await;
    let point = Arc::make_mut(&mut moved.point);
    point.access = crate::desired::Access::Static { address: "10.70.0.9".into() };
    apply(&router, &[moved]).await;
    let listed: Vec<String> = sim
        .rows("/ip/firewall/address-list")
        .unwrap()
        .into_iter()
        .map(|row| row["address"].clone())
        .collect();
    assert_eq!(listed, ["10.70.0.9"]);
}

#[tokio::test]
async fn rows_that_vanish_or_appear_meanwhile_do_no_harm() {
    let (sim, router) = start(isp(4, false)).await;
    let wants: Vec<Want> = (1..=3).map(|n| pppoe(&format!("sub000{n}"), "10M", Status::Suspended)).collect();
    let planned = changes(&router, &wants).await;
    sim.operate(&["/ppp/secret/remove", "=numbers=sub0002"]);
    let outcomes = router.write(&planned).await;
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok());
    assert!(matches!(&outcomes[1], Err(DeviceError::Device { .. })));
    let mut fresh = pppoe("nuevo", "10M", Status::Active);
    fresh.password = Some(Zeroizing::new("x".into()));
    let planned = changes(&router, &[fresh]).await;
    sim.operate(&["/ppp/secret/add", "=name=nuevo", "=password=x", "=profile=10M"]);
    assert!(router.write(&planned).await[0].is_ok());
    let ended = [pppoe("nuevo", "10M", Status::Active)];
    assert!(router.read(&ended).await.unwrap()[0].is_in_place());
}

#[tokio::test]
async fn it_is_known_whether_a_cut_would_bite() {
    let (sim, router) = start(isp(1, false)).await;
    let failed = |checks: Vec<crate::driver::BiteCheck>| -> Vec<String> {
        checks
            .into_iter()
            .filter(|one| one.check.status() == CheckStatus::Failed)
            .map(|one| one.check.code)
            .collect()
    };
    assert_eq!(failed(router.can_bite().await.unwrap()), Vec::<String>::new());
    sim.operate(&["/ip/firewall/filter/remove", "=numbers=*1,*2,*3,*4"]);
    sim.operate(&["/ppp/profile/set", "=numbers=cut", "=rate-limit="]);
    assert_eq!(failed(router.can_bite().await.unwrap()), ["cut_profile", "cut_list_rule"]);
    sim.operate(&["/ppp/profile/remove", "=numbers=cut"]);
    let checks = router.can_bite().await.unwrap();
    assert!(checks[0].check.remedy.contains("/ppp profile add name=cut"));
}
