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
    // A secret that we did not make is cut and kept.
    let others = changes(&router, &[pppoe("sub0001", "10M", Status::Terminated)]).await;
    assert_eq!(others[0].row.pending, [("profile".to_owned(), "cut".to_owned())]);
    assert!(others[0].row.left.as_deref().is_some_and(|left| left.contains("atalaya:enp_sub0001")));
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
    // The end takes the queue away and leaves the address cut: it would have no limit otherwise.
    let mut gone = Want { status: Status::Terminated, ..active };
    let rows = apply(&router, std::slice::from_ref(&gone)).await;
    assert!(rows[0].is_in_place() && rows[0].status == RowStatus::Suspended, "{:?}", rows[0]);
    assert!(sim.rows("/queue/simple").unwrap().is_empty());
    assert!(is_walled(&sim, "plaza"));
    // A person releases the address.
    Arc::make_mut(&mut gone.point).address_free = true;
    let rows = apply(&router, &[gone]).await;
    assert!(rows[0].is_in_place() && rows[0].status == RowStatus::Absent, "{:?}", rows[0]);
    assert!(sim.rows("/ip/firewall/address-list").unwrap().is_empty());
}

#[tokio::test]
async fn an_address_that_ended_is_let_go_when_someone_else_has_it() {
    let config = isp(1, false).with_cpe(CpeConfig::fixed("plaza", "10.70.0.5".parse().unwrap()));
    let (sim, router) = start(config).await;
    let mut ended = fixed("10.70.0.5", Status::Terminated);
    apply(&router, std::slice::from_ref(&ended)).await;
    assert!(is_walled(&sim, "plaza"));
    ended.taken = true;
    let row = &router.read(std::slice::from_ref(&ended)).await.unwrap()[0];
    assert!(
        row.is_in_place() && row.status == RowStatus::Absent,
        "what is listed is the next one's: {row:?}"
    );
    let mut next = fixed("10.70.0.5", Status::Active);
    Arc::make_mut(&mut next.point).marker = "atalaya:enp_next".into();
    apply(&router, &[next, ended]).await;
    assert!(sim.passes_traffic("plaza").unwrap().passes());
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
    let remedy = &checks[0].check.remedy;
    assert!(
        remedy.contains("/ppp profile add name=cut local-address=10.64.0.1 remote-address=subscribers"),
        "{remedy}"
    );
}

#[tokio::test]
async fn a_cut_profile_that_gives_no_address_is_found() {
    let (sim, router) = start(isp(3, false)).await;
    let status = |checks: Vec<crate::driver::BiteCheck>, code: &str| {
        let found = checks.into_iter().find(|one| one.check.code == code).unwrap();
        (found.check.status(), found.check.remedy)
    };
    let code = "cut_profile_addresses";
    sim.operate(&["/ppp/profile/set", "=numbers=cut", "=remote-address="]);
    // Each has an address of their own so far.
    assert_eq!(status(router.can_bite().await.unwrap(), code).0, CheckStatus::Passed);
    sim.operate(&["/ppp/secret/set", "=numbers=sub0001", "=remote-address="]);
    let (found, remedy) = status(router.can_bite().await.unwrap(), code);
    assert_eq!(found, CheckStatus::Failed);
    assert_eq!(remedy, "/ppp profile set [find name=cut] remote-address=subscribers");
}

#[tokio::test]
async fn a_rate_that_fasttrack_passes_by_is_no_cut() {
    let (sim, router) = start(isp(1, false)).await;
    let of = |checks: &[crate::driver::BiteCheck], code: &str| {
        checks.iter().find(|one| one.check.code == code).unwrap().check.status()
    };
    sim.operate(&["/ppp/profile/set", "=numbers=cut", "=address-list="]);
    let checks = router.can_bite().await.unwrap();
    assert_eq!(
        (of(&checks, "cut_profile"), of(&checks, "speed_queues")),
        (CheckStatus::Passed, CheckStatus::Passed)
    );
    sim.operate(&["/ip/firewall/filter/add", "=chain=forward", "=action=fasttrack-connection"]);
    let checks = router.can_bite().await.unwrap();
    assert_eq!(
        (of(&checks, "cut_profile"), of(&checks, "speed_queues")),
        (CheckStatus::Failed, CheckStatus::Warning)
    );
}

#[tokio::test]
async fn a_renamed_secret_is_found_by_a_marker_among_a_persons_words() {
    let (sim, router) = start(isp(4, false)).await;
    sim.operate(&["/ppp/secret/set", "=numbers=sub0001", "=comment=Casa azul atalaya:enp_nuevo NAP 4"]);
    let rows = apply(&router, &[pppoe("nuevo", "10M", Status::Active)]).await;
    assert!(rows[0].is_in_place(), "{:?}", rows[0]);
    assert!(secret(&sim, "sub0001").is_empty());
    assert_eq!(secret(&sim, "nuevo")["comment"], "Casa azul atalaya:enp_nuevo NAP 4");
    // A copy carries the marker too: the one of the name counts, and the other is told.
    sim.operate(&["/ppp/secret/set", "=numbers=sub0002", "=comment=atalaya:enp_nuevo"]);
    let wants: Vec<Want> = (0..70).map(|n| pppoe(&format!("sub{n:04}"), "10M", Status::Active)).collect();
    let wants: Vec<Want> = [pppoe("nuevo", "10M", Status::Active)].into_iter().chain(wants).collect();
    let row = &router.read(&wants).await.unwrap()[0];
    assert!(row.is_in_place() && row.left.as_deref().is_some_and(|left| left.contains("sub0002")), "{row:?}");
    // Without the name nobody can tell which of the two counts.
    sim.operate(&["/ppp/secret/set", "=numbers=nuevo", "=name=otro"]);
    let row = &router.read(&wants[..1]).await.unwrap()[0];
    assert!(row.blocked.as_deref().is_some_and(|why| why.contains("both carry")), "{row:?}");
}
