use super::*;

fn point(id: &str, timeline: u64, generation: u64, status: wire::DesiredStatus) -> wire::DesiredPoint {
    let access = wire::PppoeAccess { user: id.into(), profile: "10M".into(), ..Default::default() };
    wire::DesiredPoint {
        point_id: id.into(),
        device_id: "dev_1".into(),
        method: wire::Method::Pppoe.into(),
        order: Some(wire::Order { timeline, generation }),
        status: status.into(),
        access: Some(wire::desired_point::Access::Pppoe(access)),
        marker: format!("atalaya:{id}"),
        ..Default::default()
    }
}

fn active(id: &str, timeline: u64, generation: u64) -> wire::DesiredPoint {
    point(id, timeline, generation, wire::DesiredStatus::Active)
}

fn part(timeline: u64, part: u32, last: bool, points: Vec<wire::DesiredPoint>) -> wire::DesiredSnapshot {
    wire::DesiredSnapshot { push_id: 7, timeline, part, last, points }
}

fn open(dir: &std::path::Path) -> DesiredStore {
    DesiredStore::open(Database::open(dir).unwrap()).unwrap()
}

#[tokio::test]
async fn a_set_takes_effect_with_its_last_part_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let digest = {
        let store = open(dir.path());
        store.take_dirty();
        store.snapshot_part(part(3, 0, false, vec![active("a", 3, 1)])).await.unwrap();
        assert_eq!(store.point("a"), None);
        store.snapshot_part(part(3, 1, true, vec![active("b", 3, 2)])).await.unwrap();
        assert!(store.take_dirty().all);
        store.digest()
    };
    let store = open(dir.path());
    assert_eq!(store.digest(), digest);
    assert_eq!(store.highest_order(), wire::Order { timeline: 3, generation: 2 });
    assert_eq!(store.base_timeline(), 3);
    assert_eq!(store.of_device("dev_1").len(), 2);
}

#[tokio::test]
async fn an_older_or_equal_order_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let update = |points| wire::DesiredUpdate { push_id: 1, points };
    store.update(update(vec![active("a", 2, 5)])).await.unwrap();
    for (timeline, generation) in [(2, 5), (2, 4), (1, 99)] {
        let cut = point("a", timeline, generation, wire::DesiredStatus::Suspended);
        store.update(update(vec![cut])).await.unwrap();
        assert_eq!(store.point("a").unwrap().status, Status::Active);
    }
    store.update(update(vec![point("a", 3, 1, wire::DesiredStatus::Suspended)])).await.unwrap();
    assert_eq!(store.point("a").unwrap().status, Status::Suspended);
    // The new timeline did not move the base: this cut waits for a person.
    assert_eq!(store.base_timeline(), 2);
}

#[tokio::test]
async fn points_that_a_set_does_not_name_are_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.snapshot_part(part(1, 0, true, vec![active("a", 1, 1), active("b", 1, 1)])).await.unwrap();
    store.snapshot_part(part(1, 0, true, vec![active("b", 1, 1)])).await.unwrap();
    assert_eq!(store.point("a"), None);
    assert!(store.point("b").is_some());
}

#[tokio::test]
async fn a_set_of_an_older_timeline_or_in_disorder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.snapshot_part(part(2, 0, true, vec![active("a", 2, 1)])).await.unwrap();
    assert!(store.snapshot_part(part(1, 0, true, vec![])).await.is_err());
    assert!(store.snapshot_part(part(2, 1, true, vec![])).await.is_err());
    store.snapshot_part(part(2, 0, false, vec![])).await.unwrap();
    assert!(store.snapshot_part(part(2, 2, true, vec![])).await.is_err());
    assert!(store.point("a").is_some());
}

#[tokio::test]
async fn a_failing_disk_keeps_cuts_out_and_lets_reconnections_in() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(&dir.path().join("journal")).unwrap();
    let store = DesiredStore::open(database.clone()).unwrap();
    let update = |points| wire::DesiredUpdate { push_id: 1, points };
    store
        .update(update(vec![active("a", 1, 1), point("b", 1, 1, wire::DesiredStatus::Suspended)]))
        .await
        .unwrap();
    store.take_dirty();
    // The database cannot be opened again: its directory is a file.
    database.run(|_| Err::<(), _>(sled::Error::Unsupported("disk full".into()))).unwrap_err();
    std::fs::rename(dir.path().join("journal"), dir.path().join("gone")).unwrap();
    std::fs::write(dir.path().join("journal"), b"").unwrap();
    let outcome =
        store.update(update(vec![point("a", 1, 2, wire::DesiredStatus::Suspended), active("b", 1, 2)])).await;
    assert!(matches!(outcome, Err(PortError::Storage(_))));
    assert_eq!(store.point("a").unwrap().status, Status::Active);
    assert_eq!(store.point("b").unwrap().status, Status::Active);
    assert_eq!(store.take_dirty().points, HashSet::from(["b".to_owned()]));
}

#[tokio::test]
async fn a_new_speed_concerns_everyone_of_the_profile() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let at = |id: &str, generation, bps| wire::DesiredPoint {
        speed: Some(wire::Speed { download_bps: bps, upload_bps: bps }),
        ..active(id, 1, generation)
    };
    let update = |points| wire::DesiredUpdate { push_id: 1, points };
    store.update(update(vec![at("a", 1, 10), at("b", 1, 10)])).await.unwrap();
    store.take_dirty();
    store.update(update(vec![at("a", 2, 20)])).await.unwrap();
    assert_eq!(store.take_dirty().points.len(), 2);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(16))]
    /// Whatever comes in whatever order and from whichever timeline: what is held never goes back.
    #[test]
    fn the_order_held_never_falls(orders in proptest::collection::vec((1u64..4, 1u64..6), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        let mut highest = (0, 0);
        for (timeline, generation) in orders {
            let points = vec![active("a", timeline, generation)];
            runtime.block_on(store.update(wire::DesiredUpdate { push_id: 1, points })).unwrap();
            highest = highest.max((timeline, generation));
            let held = store.point("a").unwrap().order;
            proptest::prop_assert_eq!((held.timeline, held.generation), highest);
        }
        drop(store);
        let held = open(dir.path()).point("a").unwrap().order;
        proptest::prop_assert_eq!((held.timeline, held.generation), highest);
    }
}
