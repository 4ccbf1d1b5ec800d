use super::*;

#[tokio::test]
async fn the_brake_holds_cuts_and_never_reconnections() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(5), dir.path(), Mode::Observe).await;
    site.everyone_online(5).await;
    site.configure(Mode::Enforce, BrakeRule { floor: 2, basis_points: 0 });
    site.want((1..=4).map(|n| suspended(&format!("sub000{n}"), 1)).collect()).await;
    let cut = |site: &Site| (1..=4).filter(|n| site.profile(&format!("sub000{n}")) == "cut").count();
    eventually("two cuts", || cut(&site) == 2).await;
    site.sweep().await;
    assert_eq!(cut(&site), 2);
    let held = (1..=4).map(|n| format!("sub000{n}")).find(|user| site.profile(user) != "cut").unwrap();
    site.told_outcome(&held, wire::Outcome::HeldBrake).await;
    // A person releases one.
    site.want(vec![wire::DesiredPoint { released: true, ..suspended(&held, 2) }]).await;
    site.told_outcome(&held, wire::Outcome::Applied).await;
    site.want((1..=4).map(|n| active(&format!("sub000{n}"), 3)).collect()).await;
    eventually("all back", || cut(&site) == 0).await;
    site.finish().await;
}

#[tokio::test]
async fn after_a_restored_backup_only_reconnections_are_applied() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(3), dir.path(), Mode::Enforce).await;
    site.everyone_online(3).await;
    site.want(vec![active("sub0001", 1), suspended("sub0002", 1)]).await;
    site.told_outcome("sub0002", wire::Outcome::Applied).await;
    let on_two = |mut point: wire::DesiredPoint| {
        point.order = Some(wire::Order { timeline: 2, generation: 1 });
        point
    };
    let points = vec![on_two(suspended("sub0001", 1)), on_two(active("sub0002", 1))];
    let part = wire::DesiredSnapshot { push_id: 2, timeline: 2, part: 0, last: true, points };
    site.stores.desired.snapshot_part(part).await.unwrap();
    site.told_outcome("sub0001", wire::Outcome::HeldTimeline).await;
    eventually("reconnected", || site.profile("sub0002") == "10M").await;
    site.sweep().await;
    assert_eq!(site.profile("sub0001"), "10M");
    let mut released = wire::DesiredPoint { released: true, ..suspended("sub0001", 2) };
    released.order = Some(wire::Order { timeline: 2, generation: 2 });
    site.want(vec![released]).await;
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    site.finish().await;
}

#[tokio::test]
async fn after_a_restored_backup_later_cuts_are_counted_by_the_brake() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(4), dir.path(), Mode::Observe).await;
    site.everyone_online(4).await;
    site.configure(Mode::Enforce, BrakeRule { floor: 1, basis_points: 0 });
    site.want(vec![active("sub0001", 1)]).await;
    let on_two = |user: &str, generation: u64, hold: wire::TimelineHold| wire::DesiredPoint {
        order: Some(wire::Order { timeline: 2, generation }),
        timeline_hold: hold.into(),
        ..suspended(user, generation)
    };
    let before = on_two("sub0001", 2, wire::TimelineHold::Waits);
    let part = wire::DesiredSnapshot { push_id: 2, timeline: 2, part: 0, last: true, points: vec![before] };
    site.stores.desired.snapshot_part(part).await.unwrap();
    site.told_outcome("sub0001", wire::Outcome::HeldTimeline).await;
    site.want(vec![on_two("sub0002", 3, wire::TimelineHold::None)]).await;
    site.told_outcome("sub0002", wire::Outcome::Applied).await;
    // The hour's one cut is used up: the agent's own brake sees what was decided after the restore.
    site.want(vec![on_two("sub0003", 4, wire::TimelineHold::None)]).await;
    site.told_outcome("sub0003", wire::Outcome::HeldBrake).await;
    // A decision of the restored copy that comes late waits as well.
    site.want(vec![on_two("sub0004", 5, wire::TimelineHold::Waits)]).await;
    site.told_outcome("sub0004", wire::Outcome::HeldTimeline).await;
    assert_eq!(site.profile("sub0001"), "10M");
    site.finish().await;
}

#[tokio::test]
async fn while_headquarters_is_away_new_cuts_wait_and_old_ones_are_healed() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(3), dir.path(), Mode::Enforce).await;
    site.everyone_online(3).await;
    site.want(vec![suspended("sub0001", 1)]).await;
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    site.presence.send_replace(false);
    site.want(vec![suspended("sub0002", 1)]).await;
    site.told_outcome("sub0002", wire::Outcome::HeldOffline).await;
    site.sim.operate(&["/ppp/secret/set", "=numbers=sub0001", "=profile=10M"]);
    eventually("healed", || site.profile("sub0001") == "cut").await;
    assert_eq!(site.profile("sub0002"), "10M");
    site.presence.send_replace(true);
    site.told_outcome("sub0002", wire::Outcome::Applied).await;
    site.finish().await;
}

#[tokio::test]
async fn a_cut_waits_for_its_time_and_expires_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(3), dir.path(), Mode::Enforce).await;
    site.everyone_online(3).await;
    let now = crate::clock::Clock::now_ms(&*site.clock);
    let early = wire::DesiredPoint { not_before_ms: now + 1_500, ..suspended("sub0001", 1) };
    let late = wire::DesiredPoint { not_after_ms: now - 1, ..suspended("sub0002", 1) };
    site.want(vec![early, late]).await;
    site.told_outcome("sub0001", wire::Outcome::HeldNotYet).await;
    let applied = site.told_outcome("sub0001", wire::Outcome::Applied).await;
    assert!(applied.applied_at_ms >= now + 1_500);
    site.sweep().await;
    assert_eq!(site.profile("sub0002"), "10M");
    site.finish().await;
}

#[tokio::test]
async fn a_cut_without_effect_is_not_made_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = isp(2);
    config.seed.retain(|words| !words.iter().any(|word| word == "=name=cut"));
    let mut site = Site::start(config, dir.path(), Mode::Enforce).await;
    site.want(vec![suspended("sub0001", 1)]).await;
    let told = site.told_outcome("sub0001", wire::Outcome::NoEffect).await;
    assert!(told.detail.contains("no PPP profile cut"), "{}", told.detail);
    assert_eq!(site.profile("sub0001"), "10M");
    // Someone pastes the remedy.
    site.sim.operate(&[
        "/ppp/profile/add",
        "=name=cut",
        "=remote-address=subscribers",
        "=rate-limit=64k/64k",
    ]);
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    site.finish().await;
}

#[tokio::test]
async fn without_a_disk_cuts_stop_and_reconnections_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let mut site = Site::start(isp(3), &journal, Mode::Enforce).await;
    site.everyone_online(3).await;
    site.want(vec![suspended("sub0001", 1), active("sub0002", 1)]).await;
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    // From here on nothing can be written: the database is broken and its directory is gone.
    site.stores.database.run(|_| Err::<(), _>(sled::Error::Unsupported("disk full".into()))).unwrap_err();
    std::fs::rename(&journal, dir.path().join("gone")).unwrap();
    std::fs::write(&journal, b"").unwrap();
    let update =
        wire::DesiredUpdate { push_id: 2, points: vec![active("sub0001", 2), suspended("sub0002", 2)] };
    site.stores.desired.update(update).await.unwrap_err();
    let back = site.told_outcome("sub0001", wire::Outcome::Applied).await;
    assert_eq!(back.status(), wire::ObservedStatus::Active);
    assert!(site.enforcer.cuts_held_reason().contains("cannot be written"));
    site.sweep().await;
    assert_eq!(site.profile("sub0002"), "10M");
    site.finish().await;
}

#[tokio::test]
async fn a_point_of_a_device_that_is_not_here_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(isp(1), dir.path(), Mode::Enforce).await;
    site.want(vec![wire::DesiredPoint { device_id: "dev_9".into(), ..active("sub0001", 1) }]).await;
    let told = site.told_outcome("sub0001", wire::Outcome::Failed).await;
    assert!(told.detail.contains("enforces nothing on that device"), "{}", told.detail);
    site.finish().await;
}
