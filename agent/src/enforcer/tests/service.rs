use atalaya_simulators::routeros::{CpeConfig, WriteEffect, WriteFault};

use super::*;

#[tokio::test]
async fn cut_walled_paid_online() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(5), dir.path(), Mode::Enforce).await;
    site.everyone_online(5).await;
    site.want(vec![active("sub0001", 1), active("sub0002", 1)]).await;
    let told = site.told_outcome("sub0001", wire::Outcome::InPlace).await;
    assert!(told.session.unwrap().present);
    let others = |site: &Site| {
        let mut digests = site.sim.digests().remove("/ppp/secret").unwrap();
        digests.retain(|name, _| !name.contains("sub0001"));
        digests
    };
    let before = others(&site);
    site.want(vec![suspended("sub0001", 2)]).await;
    let cut = site.told_outcome("sub0001", wire::Outcome::Applied).await;
    assert_eq!((cut.status(), cut.order.unwrap().generation), (wire::ObservedStatus::Suspended, 2));
    assert!(cut.before.contains(&wire::Field { name: "profile".into(), value: "10M".into() }));
    assert!(cut.after.contains(&wire::Field { name: "profile".into(), value: "cut".into() }));
    eventually("walled", || site.walled("sub0001")).await;
    site.want(vec![active("sub0001", 3)]).await;
    let back = site.told_outcome("sub0001", wire::Outcome::Applied).await;
    assert_eq!((back.status(), back.order.unwrap().generation), (wire::ObservedStatus::Active, 3));
    let online = site.told_in("sub0001", back.clone()).await;
    assert!(online.read_at_ms >= back.applied_at_ms && online.speed.is_some());
    eventually("plan speed", || site.passes_at("sub0001", 10_000_000)).await;
    site.sweep().await;
    let counters = site.sim.counters();
    assert_eq!((counters.session_drops, counters.writes_to("/ppp/secret")), (2, 2));
    assert_eq!(counters.writes_without_change, 0);
    assert_eq!(others(&site), before);
    site.finish().await;
}

#[tokio::test]
async fn imported_as_already_cut_and_paid_is_online() {
    let dir = tempfile::tempdir().unwrap();
    let config = isp(2).with_command(["/ppp/secret/set", "=numbers=sub0001", "=profile=cut"]);
    let mut site = Site::start(config, dir.path(), Mode::Enforce).await;
    eventually("walled by hand", || site.walled("sub0001")).await;
    site.want(vec![active("sub0001", 1)]).await;
    let back = site.told_outcome("sub0001", wire::Outcome::Applied).await;
    assert!(back.before.contains(&wire::Field { name: "profile".into(), value: "cut".into() }));
    eventually("online at plan speed", || site.passes_at("sub0001", 10_000_000)).await;
    site.finish().await;
}

#[tokio::test]
async fn upgraded_while_cut_and_paid_has_the_new_speed() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(2), dir.path(), Mode::Enforce).await;
    site.everyone_online(2).await;
    site.want(vec![suspended("sub0001", 1)]).await;
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    let on_fifty = |mut point: wire::DesiredPoint| {
        point.speed = Some(wire::Speed { download_bps: 50_000_000, upload_bps: 20_000_000 });
        if let Some(wire::desired_point::Access::Pppoe(access)) = &mut point.access {
            access.profile = "50M".into();
        }
        point
    };
    site.want(vec![on_fifty(suspended("sub0001", 2))]).await;
    site.told("sub0001", |told| told.order.is_some_and(|order| order.generation == 2)).await;
    assert_eq!(site.profile("sub0001"), "cut");
    site.want(vec![on_fifty(active("sub0001", 3))]).await;
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    eventually("the new speed", || site.passes_at("sub0001", 50_000_000)).await;
    site.finish().await;
}

#[tokio::test]
async fn observing_writes_nothing_and_says_what_it_would_do() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(3), dir.path(), Mode::Observe).await;
    site.everyone_online(3).await;
    site.want(vec![suspended("sub0001", 1), active("sub0002", 1)]).await;
    let told = site.told_outcome("sub0001", wire::Outcome::WouldApply).await;
    assert_eq!(told.status(), wire::ObservedStatus::Active);
    site.sweep().await;
    let plan = site.enforcer.plan("dev_1").await.unwrap();
    assert_eq!((plan.changes.len(), plan.in_place, plan.foreign_rows), (1, 1, 1));
    assert_eq!((plan.changes[0].point_id.as_str(), plan.changes[0].action.as_str()), ("sub0001", "cut"));
    let counters = site.sim.counters();
    assert_eq!((counters.writes_total(), counters.writes_without_change, counters.session_drops), (0, 0, 0));
    // The switch to enforce applies it.
    site.configure(Mode::Enforce, BrakeRule::default());
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    site.finish().await;
}

#[tokio::test]
async fn a_wall_that_nobody_needs_does_not_keep_a_router_from_being_enforced() {
    let dir = tempfile::tempdir().unwrap();
    // Its cut profile is walled; the list of fixed addresses is not.
    let mut site = Site::start(SimConfig::isp(2, true), dir.path(), Mode::Observe).await;
    site.everyone_online(2).await;
    let status_of = |plan: wire::DevicePlan| {
        let check = plan.checks.iter().find(|check| check.code == "cut_list_rule").unwrap();
        check.status()
    };
    let unknown = site.enforcer.plan("dev_1").await.unwrap();
    assert_eq!(status_of(unknown), wire::CheckStatus::Failed, "who will come is not known");
    site.want(vec![active("sub0001", 1)]).await;
    site.told_outcome("sub0001", wire::Outcome::InPlace).await;
    let by_secret = site.enforcer.plan("dev_1").await.unwrap();
    assert_eq!(status_of(by_secret), wire::CheckStatus::Warning);
    let mut fixed = active("fixed", 1);
    fixed.method = wire::Method::StaticAddress.into();
    let address = wire::StaticAccess { address: "100.64.9.9".into() };
    fixed.access = Some(wire::desired_point::Access::StaticAddress(address));
    site.want(vec![fixed]).await;
    let both = site.enforcer.plan("dev_1").await.unwrap();
    assert_eq!(status_of(both), wire::CheckStatus::Failed);
    site.finish().await;
}

#[tokio::test]
async fn activating_makes_the_row_and_terminating_removes_only_ours() {
    let dir = tempfile::tempdir().unwrap();
    let config = isp(2).with_cpe(CpeConfig::pppoe("nuevo", "hunter2"));
    let mut site = Site::start(config, dir.path(), Mode::Enforce).await;
    site.everyone_online(2).await;
    let mut point = active("nuevo", 1);
    let Some(wire::desired_point::Access::Pppoe(access)) = &mut point.access else { unreachable!() };
    access.sealed_password = "hunter2".into();
    site.want(vec![point]).await;
    let made = site.told_outcome("nuevo", wire::Outcome::Applied).await;
    assert!(made.after.iter().all(|field| !field.value.contains("hunter2")));
    site.told_in("nuevo", made).await;
    let gone = |user: &str, generation| subscriber(user, generation, wire::DesiredStatus::Terminated);
    site.want(vec![gone("nuevo", 2), gone("sub0001", 1)]).await;
    let told = site.told_outcome("nuevo", wire::Outcome::Applied).await;
    assert_eq!(told.status(), wire::ObservedStatus::Absent);
    let left = site.told_outcome("sub0001", wire::Outcome::Partly).await;
    assert!(left.detail.contains("marker"), "{}", left.detail);
    assert_eq!((site.profile("nuevo"), site.profile("sub0001")), (String::new(), "cut".into()));
    // No secret of a subscriber ever touched the disk.
    let disk = std::fs::read(dir.path().join("db/db")).unwrap();
    let journal = site.stores.journal.of_point("nuevo").unwrap();
    assert!(!format!("{journal:?}").contains("hunter2"));
    assert!(!disk.is_empty());
    site.finish().await;
}

#[tokio::test]
async fn a_router_that_lies_is_found_out() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(2), dir.path(), Mode::Enforce).await;
    site.everyone_online(2).await;
    let lie = WriteFault::on("/ppp/secret", WriteEffect::Lie).verb("set").times(1);
    site.sim.update_faults(|faults| faults.writes.push(lie));
    site.want(vec![suspended("sub0001", 1)]).await;
    let told = site.told_outcome("sub0001", wire::Outcome::Failed).await;
    assert!(told.detail.contains("read back differs in profile"), "{}", told.detail);
    assert_eq!(told.applied_at_ms, 0);
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    site.finish().await;
}

#[tokio::test]
async fn a_hand_edit_is_healed_once_and_then_contested() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(2), dir.path(), Mode::Enforce).await;
    site.everyone_online(2).await;
    site.want(vec![suspended("sub0001", 1)]).await;
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    site.sim.operate(&["/ppp/secret/set", "=numbers=sub0001", "=profile=10M"]);
    let healed = site.told_outcome("sub0001", wire::Outcome::Applied).await;
    assert!(healed.drift);
    site.sim.operate(&["/ppp/secret/set", "=numbers=sub0001", "=profile=10M"]);
    site.told_outcome("sub0001", wire::Outcome::Contested).await;
    site.sweep().await;
    assert_eq!(site.profile("sub0001"), "10M");
    site.finish().await;
}

#[tokio::test]
async fn a_router_out_of_sessions_or_away_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let config = isp(2);
    let sim = Arc::new(RouterSim::start(config).await.unwrap());
    sim.update_faults(|faults| faults.max_sessions = Some(0));
    let mut site = Site::resume(sim, dir.path(), Mode::Enforce);
    site.want(vec![suspended("sub0001", 1)]).await;
    let told = site.told_outcome("sub0001", wire::Outcome::Failed).await;
    assert_eq!(told.status(), wire::ObservedStatus::Unknown);
    site.sim.clear_faults();
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    site.finish().await;
}

#[tokio::test]
async fn one_plan_at_two_speeds_is_left_until_they_agree() {
    let dir = tempfile::tempdir().unwrap();
    let config = isp(2).with_command(["/ppp/profile/set", "=numbers=10M", "=comment=atalaya"]);
    let mut site = Site::start(config, dir.path(), Mode::Enforce).await;
    site.everyone_online(2).await;
    let at = |user: &str, generation, bps| wire::DesiredPoint {
        speed: Some(wire::Speed { download_bps: bps, upload_bps: bps }),
        ..active(user, generation)
    };
    site.want(vec![at("sub0001", 1, 10_000_000), at("sub0002", 1, 10_000_000)]).await;
    site.told_outcome("sub0002", wire::Outcome::InPlace).await;
    site.want(vec![at("sub0001", 2, 30_000_000)]).await;
    site.told_outcome("sub0001", wire::Outcome::Failed).await;
    assert_eq!(site.sim.counters().writes_to("/ppp/profile"), 0);
    site.want(vec![at("sub0002", 2, 30_000_000)]).await;
    site.told_outcome("sub0002", wire::Outcome::Applied).await;
    eventually("both faster", || {
        site.passes_at("sub0001", 30_000_000) && site.passes_at("sub0002", 30_000_000)
    })
    .await;
    site.sweep().await;
    assert_eq!(site.sim.counters().writes_to("/ppp/profile"), 1);
    site.finish().await;
}

#[tokio::test]
async fn the_check_on_a_real_router_leaves_nothing_behind() {
    let sim = RouterSim::start(isp(2)).await.unwrap();
    let before = sim.digests().remove("/ppp/secret");
    let (transcript, outcome) =
        super::super::verify_router(target(sim.address().port()), Arc::new(AgentClock::start())).await;
    outcome.unwrap();
    assert_eq!(sim.digests().remove("/ppp/secret"), before);
    let text = transcript.join("\n");
    assert!(
        text.contains("=profile=cut") && text.contains("=password=***") && text.contains("# reconnect"),
        "{text}"
    );
}

/// The bench measures it; this keeps it from becoming minutes: a payment costs few round trips, each waited for once.
#[tokio::test]
async fn a_payment_takes_few_round_trips_until_it_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(300), dir.path(), Mode::Enforce).await;
    site.everyone_online(300).await;
    site.want((1..=300).map(|n| active(&format!("sub{n:04}"), 1)).collect()).await;
    site.want(vec![suspended("sub0001", 2)]).await;
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    eventually("walled", || site.walled("sub0001")).await;
    site.sweep().await;
    // No sweep from here on, so that what is counted is the payment alone.
    let slow = EnforcedDevice {
        sweep_interval: Duration::from_secs(3_600),
        ..config(site.sim.address().port(), Mode::Enforce, BrakeRule::default(), site.clock.clone())
            .devices
            .remove(0)
    };
    let quiet = EnforcerConfig { devices: vec![slow], ..EnforcerConfig::default() };
    site.enforcer.configure(quiet);
    site.sweep().await;
    site.sim.update_faults(|faults| faults.round_trip_ms = 20);
    site.sim.reset_counters();
    site.want(vec![active("sub0001", 3)]).await;
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    let round_trips = site.sim.counters().round_trips;
    println!("{round_trips} round trips");
    assert!(round_trips <= 9, "{round_trips} round trips");
    site.finish().await;
}
