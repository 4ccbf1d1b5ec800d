//! On a router that was there before us: nothing of it is changed by surprise, and nobody who ends keeps the Internet.

use atalaya_simulators::routeros::CpeConfig;

use super::*;
use crate::clock::Clock as _;

fn with_access(
    mut point: wire::DesiredPoint,
    change: impl FnOnce(&mut wire::PppoeAccess),
) -> wire::DesiredPoint {
    if let Some(wire::desired_point::Access::Pppoe(access)) = &mut point.access {
        change(access);
    }
    point
}

/// As an import would say that took the wrong plan for everybody.
fn wrong(number: u32, generation: u64) -> wire::DesiredPoint {
    let point =
        with_access(active(&format!("sub{number:04}"), generation), |access| access.profile = "50M".into());
    wire::DesiredPoint { speed: None, ..point }
}

fn at_address(id: &str, generation: u64, status: wire::DesiredStatus) -> wire::DesiredPoint {
    let address = wire::StaticAccess { address: "10.70.0.5".into() };
    wire::DesiredPoint {
        method: wire::Method::StaticAddress.into(),
        access: Some(wire::desired_point::Access::StaticAddress(address)),
        ..subscriber(id, generation, status)
    }
}

fn comment(site: &Site, user: &str) -> String {
    let rows = site.sim.rows("/ppp/secret").unwrap();
    let row = rows.into_iter().find(|row| row["name"] == user);
    row.and_then(|row| row.get("comment").cloned()).unwrap_or_default()
}

#[tokio::test]
async fn an_import_with_wrong_plans_drops_nobody() {
    const ALL: u32 = 300;
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(ALL), dir.path(), Mode::Observe).await;
    site.everyone_online(300).await;
    // One of them was cut by hand, and has paid.
    site.sim.operate(&["/ppp/secret/set", "=numbers=sub0002", "=profile=cut"]);
    site.want((1..=ALL).map(|number| wrong(number, 1)).collect()).await;
    site.told_outcome("sub0001", wire::Outcome::WouldApply).await;
    let plan = site.enforcer.plan("dev_1").await.unwrap();
    let drops: u32 = plan.changes.iter().map(|change| change.sessions_dropped).sum();
    assert_eq!(drops, 200, "every third has the profile already");
    let warned = plan.checks.iter().find(|check| check.code == "changes").expect("the plan says so");
    assert_eq!(warned.status(), wire::CheckStatus::Warning, "{warned:?}");

    site.sim.reset_counters();
    site.configure_changes(Mode::Enforce, ChangeRule::default());
    let held = site.told_outcome("sub0001", wire::Outcome::HeldChanges).await;
    assert_eq!(held.status(), wire::ObservedStatus::Active);
    site.told("sub0002", |told| told.status() == wire::ObservedStatus::Active && told.applied_at_ms != 0)
        .await;
    site.sweep().await;
    let counters = site.sim.counters();
    assert_eq!(counters.session_drops, 1, "the payer's, to get from behind the wall");
    assert_eq!(counters.writes_to("/ppp/secret"), 1);

    // A person lets some pass, and they alone change.
    let released = |number| wire::DesiredPoint { released: true, ..wrong(number, 2) };
    site.want(vec![released(1), released(4)]).await;
    eventually("two changed", || site.profile("sub0001") == "50M" && site.profile("sub0004") == "50M").await;
    site.sweep().await;
    assert_eq!(site.profile("sub0005"), "10M");
    assert_eq!(site.sim.counters().session_drops, 3);
    site.finish().await;
}

#[tokio::test]
async fn who_paid_and_is_still_behind_the_wall_waits_for_no_change() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(6), dir.path(), Mode::Observe).await;
    site.everyone_online(6).await;
    // A reconnection that ended half-way: the secrets are as they were, the sessions live by the cut.
    let payers = ["sub0001", "sub0002", "sub0004"];
    for user in payers {
        site.sim.operate(&["/ppp/secret/set".to_owned(), format!("=numbers={user}"), "=profile=cut".into()]);
        site.sim.operate(&["/ppp/active/remove".to_owned(), format!("=numbers={user}")]);
    }
    eventually("behind the wall", || payers.iter().all(|user| site.walled(user))).await;
    for user in payers {
        site.sim.operate(&["/ppp/secret/set".to_owned(), format!("=numbers={user}"), "=profile=10M".into()]);
    }
    assert!(payers.iter().all(|user| site.walled(user)));
    // No change that drops a session is let through at all, and the pace is one a minute.
    let none = ChangeRule { hold: BrakeRule { floor: 0, basis_points: 0 }, per_minute: 1 };
    site.configure_changes(Mode::Enforce, none);
    let faster = wrong(5, 1);
    site.want(payers.iter().map(|user| active(user, 1)).chain([faster]).collect()).await;
    eventually("given back", || payers.iter().all(|user| site.passes_at(user, 10_000_000))).await;
    site.told_outcome("sub0005", wire::Outcome::HeldChanges).await;
    assert_eq!(site.profile("sub0005"), "10M");
    site.finish().await;
}

#[tokio::test]
async fn a_restart_does_not_let_more_changes_pass() {
    let dir = tempfile::tempdir().unwrap();
    let sim = Arc::new(RouterSim::start(isp(5)).await.unwrap());
    eventually("online", || sim.rows("/ppp/active").unwrap().len() == 5).await;
    let two = ChangeRule { hold: BrakeRule { floor: 2, basis_points: 0 }, ..ChangeRule::default() };
    {
        let mut site = Site::resume(sim.clone(), dir.path(), Mode::Observe);
        site.configure_changes(Mode::Enforce, two);
        site.want(vec![wrong(1, 1), wrong(2, 1)]).await;
        site.told_outcome("sub0001", wire::Outcome::Applied).await;
        site.told_outcome("sub0002", wire::Outcome::Applied).await;
        site.finish().await;
    }
    let mut site = Site::resume_after_kill(sim, dir.path(), Mode::Observe).await;
    site.configure_changes(Mode::Enforce, two);
    site.want(vec![wrong(4, 1)]).await;
    site.told_outcome("sub0004", wire::Outcome::HeldChanges).await;
    assert_eq!(site.profile("sub0004"), "10M");
    site.finish().await;
}

#[tokio::test]
async fn a_shared_profile_is_not_rewritten_and_the_payer_is_back_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(3), dir.path(), Mode::Enforce).await;
    site.everyone_online(3).await;
    let at_thirty = |point: wire::DesiredPoint| wire::DesiredPoint {
        speed: Some(wire::Speed { download_bps: 30_000_000, upload_bps: 30_000_000 }),
        ..point
    };
    let before = site.sim.digests().remove("/ppp/profile");
    site.want(vec![at_thirty(active("sub0001", 1))]).await;
    let told = site.told_outcome("sub0001", wire::Outcome::Partly).await;
    assert!(told.detail.contains("profile 10M has 10"), "{}", told.detail);
    site.want(vec![at_thirty(suspended("sub0001", 2))]).await;
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    site.want(vec![at_thirty(active("sub0001", 3))]).await;
    let back = site.told("sub0001", |told| told.order.is_some_and(|order| order.generation == 3)).await;
    assert_eq!((back.outcome(), back.status()), (wire::Outcome::Partly, wire::ObservedStatus::Active));
    assert_ne!(back.applied_at_ms, 0);
    eventually("online", || site.passes_at("sub0001", 10_000_000)).await;
    assert_eq!(site.sim.digests().remove("/ppp/profile"), before);
    // Its operator gives it to us.
    site.sim.operate(&["/ppp/profile/set", "=numbers=10M", "=comment=plan chico atalaya"]);
    eventually("the plan's speed", || site.passes_at("sub0001", 30_000_000)).await;
    site.finish().await;
}

#[tokio::test]
async fn what_ends_loses_service_whoever_made_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = isp(3).with_cpe(CpeConfig::fixed("plaza", "10.70.0.5".parse().unwrap())).with_command([
        "/ppp/secret/set",
        "=numbers=sub0002",
        "=comment=Casa azul, NAP 4",
    ]);
    let mut site = Site::start(config, dir.path(), Mode::Enforce).await;
    site.everyone_online(3).await;
    let adopted = |point: wire::DesiredPoint| wire::DesiredPoint { adopt: true, ..point };
    let ends = |user: &str, generation| subscriber(user, generation, wire::DesiredStatus::Terminated);
    site.want(vec![
        active("sub0001", 1),
        adopted(active("sub0002", 1)),
        at_address("plaza", 1, wire::DesiredStatus::Active),
    ])
    .await;
    eventually("marked", || comment(&site, "sub0002") == "Casa azul, NAP 4 atalaya:sub0002").await;
    site.told_outcome("plaza", wire::Outcome::Applied).await;
    site.sweep().await;
    assert_eq!(site.sim.counters().session_drops, 0, "recognising somebody drops nobody");

    site.want(vec![
        ends("sub0001", 2),
        ends("sub0002", 2),
        at_address("plaza", 2, wire::DesiredStatus::Terminated),
    ])
    .await;
    let theirs = site.told_outcome("sub0001", wire::Outcome::Partly).await;
    assert_eq!(theirs.status(), wire::ObservedStatus::Suspended);
    assert!(theirs.detail.contains("was not made by us"), "{}", theirs.detail);
    eventually("walled", || site.walled("sub0001")).await;
    site.told("sub0002", |told| told.status() == wire::ObservedStatus::Absent).await;
    eventually("gone", || !site.sim.passes_traffic("sub0002").is_some_and(|verdict| verdict.passes())).await;
    assert_eq!(site.profile("sub0002"), "");
    let plaza = site.told("plaza", |told| told.order.is_some_and(|order| order.generation == 2)).await;
    assert_eq!(plaza.status(), wire::ObservedStatus::Suspended);
    assert!(site.walled("plaza"));
    // Somebody else gets the address.
    site.want(vec![at_address("next", 1, wire::DesiredStatus::Active)]).await;
    site.sweep().await;
    site.told("plaza", |told| told.status() == wire::ObservedStatus::Absent).await;
    eventually("the next one passes", || {
        site.sim.passes_traffic("plaza").is_some_and(|verdict| verdict.passes())
    })
    .await;
    site.sweep().await;
    assert!(
        site.sim.passes_traffic("plaza").is_some_and(|verdict| verdict.passes()),
        "nobody lists it again"
    );
    site.finish().await;
}

#[tokio::test]
async fn a_cut_that_would_leave_someone_without_an_address_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let config = isp(2)
        .with_command(["/ppp/secret/set", "=numbers=sub0001", "=remote-address="])
        .with_command(["/ppp/profile/set", "=numbers=cut", "=remote-address="]);
    let mut site = Site::start(config, dir.path(), Mode::Enforce).await;
    site.everyone_online(2).await;
    site.want(vec![suspended("sub0001", 1)]).await;
    let told = site.told_outcome("sub0001", wire::Outcome::NoEffect).await;
    assert!(told.detail.contains("remote-address"), "{}", told.detail);
    assert_eq!(site.profile("sub0001"), "10M");
    site.sim.operate(&["/ppp/profile/set", "=numbers=cut", "=remote-address=subscribers"]);
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    eventually("walled", || site.walled("sub0001")).await;
    site.finish().await;
}

#[tokio::test]
async fn markers_are_written_at_a_pace() {
    const MARKED: u32 = 120;
    const STEP_MS: i64 = 100;
    let dir = tempfile::tempdir().unwrap();
    // Every third has this profile already: for them the marker is all there is to do.
    let site = Site::start(isp(MARKED * 3), dir.path(), Mode::Observe).await;
    site.configure_changes(Mode::Enforce, ChangeRule { per_minute: 600, ..ChangeRule::default() });
    let from = site.clock.now_ms();
    let adopted = |number: u32| wire::DesiredPoint { adopt: true, ..wrong(number * 3, 1) };
    site.want((1..=MARKED).map(adopted).collect()).await;
    let marked = || {
        let rows = site.sim.rows("/ppp/secret").unwrap();
        rows.iter().filter(|row| row.get("comment").is_some_and(|words| words.contains("atalaya:"))).count()
    };
    let all = usize::try_from(MARKED).unwrap();
    eventually("all marked", || {
        let (marked, spent) = (marked(), site.clock.now_ms() - from);
        // A hundred come together; after them one each step.
        assert!(marked <= 101 + usize::try_from(spent / STEP_MS).unwrap(), "{marked} after {spent} ms");
        marked == all
    })
    .await;
    assert_eq!(site.sim.counters().session_drops, 0);
    site.finish().await;
}

#[tokio::test]
async fn an_address_that_ended_does_not_wall_who_has_it_now_by_other_means() {
    let dir = tempfile::tempdir().unwrap();
    let config = isp(1)
        .with_command(["/ppp/secret/set", "=numbers=sub0001", "=remote-address=10.70.0.5"])
        .with_cpe(CpeConfig::fixed("plaza", "10.70.0.6".parse().unwrap()));
    let mut site = Site::start(config, dir.path(), Mode::Enforce).await;
    site.everyone_online(1).await;
    let by_pppoe = |generation| {
        let point = with_access(active("sub0001", generation), |access| access.address = "10.70.0.5".into());
        wire::DesiredPoint { speed: None, ..point }
    };
    site.want(vec![by_pppoe(1), at_address("old", 1, wire::DesiredStatus::Terminated)]).await;
    site.told("old", |told| told.status() == wire::ObservedStatus::Absent).await;
    assert!(site.sim.rows("/ip/firewall/address-list").unwrap().is_empty());
    assert!(site.sim.passes_traffic("sub0001").is_some_and(|verdict| verdict.passes()));
    // Or has moved to another router, and passes through this one: by then it stood on the list.
    let ended = |generation| {
        let address = wire::StaticAccess { address: "10.70.0.6".into() };
        let access = Some(wire::desired_point::Access::StaticAddress(address));
        wire::DesiredPoint { access, ..at_address("plaza", generation, wire::DesiredStatus::Terminated) }
    };
    site.want(vec![ended(1)]).await;
    eventually("walled", || site.walled("plaza")).await;
    let moved = wire::DesiredPoint {
        device_id: "dev_2".into(),
        point_id: "moved".into(),
        status: wire::DesiredStatus::Active.into(),
        ..ended(1)
    };
    site.want(vec![moved]).await;
    site.sweep().await;
    site.told("plaza", |told| told.status() == wire::ObservedStatus::Absent).await;
    assert!(site.sim.passes_traffic("plaza").is_some_and(|verdict| verdict.passes()));
    site.finish().await;
}
