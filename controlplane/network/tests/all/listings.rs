//! Readings of devices, as their parts come.

use crate::town::{Town, subscriptions, tenant};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    ids::{DeviceId, ListingId},
    on_both,
    page::PageQuery,
    personal::{Person, erase},
    testing::World,
    write_tx,
};
use atalaya_money::services;
use atalaya_network::{
    ERASED,
    inventory::{
        self, ListingEnd, ListingRow, ListingState, MOST_ROWS_OF_PART, PartTaken, RowTable, device_rows_list,
        listing_begin, listing_end_record, listing_newest, listing_part_record, listings_list,
    },
    provisioning::Reconciler,
};
use std::collections::{BTreeMap, BTreeSet};

const DAY_MS: i64 = 24 * 3_600_000;

pub(crate) fn row(table: RowTable, key: &str, fields: &[(&str, &str)]) -> ListingRow {
    let fields: BTreeMap<String, String> =
        fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    ListingRow { table, key: key.to_owned(), fields }
}

pub(crate) fn secret(name: &str, comment: &str) -> ListingRow {
    row(RowTable::Secrets, name, &[("name", name), ("comment", comment), ("profile", "100M")])
}

pub(crate) async fn begin(town: &Town) -> ListingId {
    let ctx = &town.ctx;
    let begun = write_tx!(ctx, tx => { listing_begin(ctx, &mut tx, &town.device, RowTable::ALL).await });
    begun.unwrap().id
}

async fn part(town: &Town, id: &ListingId, number: i64, rows: &[ListingRow]) -> PartTaken {
    listing_part_record(&town.ctx, &town.agent, id, number, rows).await.unwrap()
}

async fn end(town: &Town, id: &ListingId, parts: i64, complete: bool) -> ListingState {
    let end = ListingEnd { parts, read_at: town.ctx.now(), complete, detail: "torn".to_owned() };
    listing_end_record(&town.ctx, &town.agent, id, &end).await.unwrap()
}

/// A whole listing of these rows.
pub(crate) async fn listed(town: &Town, rows: &[ListingRow]) -> ListingId {
    town.world.clock.advance_millis(1_000);
    let id = begin(town).await;
    let parts = rows.chunks(MOST_ROWS_OF_PART).count();
    for (number, rows) in (1..).zip(rows.chunks(MOST_ROWS_OF_PART)) {
        part(town, &id, number, rows).await;
    }
    assert_eq!(end(town, &id, i64::try_from(parts).unwrap(), true).await, ListingState::Complete);
    id
}

async fn newest(town: &Town) -> Option<ListingId> {
    let mut tx = town.ctx.begin_read().await.unwrap();
    listing_newest(&mut tx, &town.device).await.unwrap().map(|listing| listing.id)
}

async fn names(ctx: &Ctx, device: &DeviceId, text: Option<&str>) -> Vec<String> {
    let page = device_rows_list(ctx, device, None, text, &PageQuery::default()).await.unwrap();
    page.items.into_iter().map(|row| row.key).collect()
}

on_both!(parts_count_once_in_whatever_order_they_come, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let id = begin(&town).await;
    assert_eq!(begin(&town).await, id, "one that is under way is not begun again");
    assert_eq!(part(&town, &id, 3, &[secret("c", "")]).await, PartTaken::Kept);
    assert_eq!(end(&town, &id, 3, true).await, ListingState::Receiving);
    assert_eq!(part(&town, &id, 1, &[secret("a", ""), secret("c", "older")]).await, PartTaken::Kept);
    assert_eq!(part(&town, &id, 1, &[secret("a", ""), secret("c", "older")]).await, PartTaken::Repeated);
    let differs = listing_part_record(&town.ctx, &town.agent, &id, 1, &[secret("z", "")]).await;
    assert_eq!(differs.unwrap_err().code(), "part_differs");
    assert_eq!(part(&town, &id, 4, &[secret("z", "")]).await, PartTaken::NotWanted);
    assert_eq!((newest(&town).await, names(&town.ctx, &town.device, None).await), (None, vec![]));
    assert_eq!(part(&town, &id, 2, &[]).await, PartTaken::Kept, "a part may be empty");
    assert_eq!(newest(&town).await, Some(id.clone()));
    assert_eq!(part(&town, &id, 2, &[]).await, PartTaken::Repeated);
    assert_eq!(part(&town, &id, 9, &[]).await, PartTaken::NotWanted);
    assert_eq!(end(&town, &id, 3, true).await, ListingState::Complete);
    let page = device_rows_list(&town.ctx, &town.device, None, None, &PageQuery::default()).await.unwrap();
    let comments: Vec<_> =
        page.items.iter().map(|row| (row.key.as_str(), row.fields["comment"].as_str())).collect();
    assert_eq!(comments, [("a", ""), ("c", "")], "the later part has the newer row");
    let listings = listings_list(&town.ctx, &town.device, &PageQuery::default()).await.unwrap().items;
    assert_eq!((listings.len(), listings[0].rows, listings[0].tables.len()), (1, 2, RowTable::ALL.len()));
});

on_both!(what_broke_off_is_never_the_newest, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let whole = listed(&town, &[secret("a", "")]).await;
    town.world.clock.advance_millis(1_000);
    let torn = begin(&town).await;
    part(&town, &torn, 1, &[secret("b", "")]).await;
    assert_eq!(end(&town, &torn, 1, false).await, ListingState::Failed);
    let few = begin(&town).await;
    part(&town, &few, 1, &[secret("b", "")]).await;
    part(&town, &few, 2, &[secret("c", "")]).await;
    assert_eq!(end(&town, &few, 1, true).await, ListingState::Failed, "fewer parts than came");
    let silent = begin(&town).await;
    part(&town, &silent, 1, &[secret("b", "")]).await;
    assert_eq!(newest(&town).await, Some(whole.clone()));
    town.world.clock.advance_millis(31 * 60_000);
    let reconciler = Reconciler::new(town.world.runtime.clone());
    reconciler.reconcile_all().await.unwrap();
    assert_eq!(end(&town, &silent, 1, true).await, ListingState::Failed, "it came too late");
    assert_eq!(names(&town.ctx, &town.device, None).await, ["a"]);
    let states: Vec<_> = listings_list(&town.ctx, &town.device, &PageQuery::default())
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|listing| listing.state)
        .collect();
    use ListingState::{Complete, Failed};
    assert_eq!(states, [Failed, Failed, Failed, Complete]);
});

on_both!(the_newest_two_are_kept_and_none_for_long, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let reconciler = Reconciler::new(town.world.runtime.clone());
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        made.push(listed(&town, &[secret(name, "")]).await);
    }
    // One that was read before all of these and comes late pushes none of them out.
    let late = begin(&town).await;
    part(&town, &late, 1, &[secret("late", "")]).await;
    let end = ListingEnd {
        parts: 1,
        read_at: town.ctx.now().plus_millis(-3_600_000),
        complete: true,
        detail: String::new(),
    };
    listing_end_record(&town.ctx, &town.agent, &late, &end).await.unwrap();
    reconciler.reconcile_all().await.unwrap();
    let kept = || async {
        let page = listings_list(&town.ctx, &town.device, &PageQuery::default()).await.unwrap();
        page.items.into_iter().map(|listing| listing.id).collect::<Vec<_>>()
    };
    assert_eq!(kept().await, [made[2].clone(), made[1].clone()]);
    assert_eq!(names(&town.ctx, &town.device, None).await, ["c"]);
    town.world.clock.advance_millis(7 * DAY_MS + 2_000);
    reconciler.reconcile_all().await.unwrap();
    assert_eq!((kept().await, newest(&town).await), (vec![], None));
});

on_both!(who_may_see_rows_and_what_of_them, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let rows = [
        row(RowTable::Leases, "10.30.0.9", &[("address", "10.30.0.9"), ("mac", "AA:BB:CC:00:00:09")]),
        secret("rquispe", "Rosa Quispe 900000017"),
        secret("lhuaman", ""),
    ];
    listed(&town, &rows).await;
    let as_whom =
        |permissions, scope| Ctx::new(town.ctx.db().clone(), Principal::CommandLine, permissions, scope, "r");
    assert_eq!(names(&town.ctx, &town.device, Some("900000017")).await, ["rquispe"]);
    assert_eq!(names(&town.ctx, &town.device, Some("aa:bb")).await, ["10.30.0.9"]);
    let reader = Permissions::These(BTreeSet::from(["device.read".to_owned()]));
    let reader = as_whom(reader, Scope::All);
    assert_eq!(
        names(&reader, &town.device, Some("900000017")).await,
        Vec::<String>::new(),
        "nor is it found by what is masked"
    );
    let all = PageQuery::default();
    let secrets = Some(RowTable::Secrets);
    let page = device_rows_list(&reader, &town.device, secrets, Some("quispe"), &all).await.unwrap();
    assert_eq!((page.items.len(), page.items[0].fields["comment"].as_str()), (1, "•••••"));
    let nobody = as_whom(Permissions::These(BTreeSet::new()), Scope::All);
    let refused = listings_list(&nobody, &town.device, &PageQuery::default()).await;
    assert!(matches!(refused, Err(Error::Forbidden("device.read"))));
    let here = as_whom(Permissions::All, Scope::Sites(BTreeSet::from([town.site.clone()])));
    assert_eq!(names(&here, &town.device, None).await.len(), 3);
    let elsewhere = as_whom(Permissions::All, Scope::Sites(BTreeSet::new()));
    let stranger = tenant(&town.world, "other").await;
    for other in [&elsewhere, &stranger] {
        let rows = device_rows_list(other, &town.device, None, None, &PageQuery::default()).await;
        let listings = listings_list(other, &town.device, &PageQuery::default()).await;
        assert!(matches!((rows, listings), (Err(Error::NotFound), Err(Error::NotFound))));
    }
    let two = PageQuery { limit: Some(2), cursor: None };
    let first = device_rows_list(&town.ctx, &town.device, None, None, &two).await.unwrap();
    let rest = PageQuery { cursor: first.next_cursor.clone(), ..two };
    let second = device_rows_list(&town.ctx, &town.device, None, None, &rest).await.unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.next_cursor), (2, 1, None));
});

on_both!(what_an_agent_may_not_say, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let id = begin(&town).await;
    let refused = async |rows: &[ListingRow]| {
        listing_part_record(&town.ctx, &town.agent, &id, 1, rows).await.unwrap_err().code()
    };
    for name in ["password", "wpa_passphrase", "private-key"] {
        assert_eq!(refused(&[row(RowTable::Secrets, "a", &[(name, "hunter2")])]).await, "invalid", "{name}");
    }
    assert_eq!(refused(&[row(RowTable::Secrets, "", &[])]).await, "invalid");
    assert_eq!(refused(&vec![secret("a", ""); MOST_ROWS_OF_PART + 1]).await, "invalid");
    let other = town.another_agent().await;
    let foreign = listing_part_record(&town.ctx, &other, &id, 1, &[]).await;
    assert!(matches!(foreign, Err(Error::NotFound)), "a listing of another agent's device");
    let long = "x".repeat(5_000);
    let odd = row(RowTable::Secrets, "a\u{0}\u{7}b", &[("comment", &long), ("name", "a\u{0}b")]);
    part(&town, &id, 1, &[odd]).await;
    end(&town, &id, 1, true).await;
    let page = device_rows_list(&town.ctx, &town.device, None, None, &PageQuery::default()).await.unwrap();
    let kept = &page.items[0];
    assert_eq!(
        (kept.key.as_str(), kept.fields["name"].as_str(), kept.fields["comment"].len()),
        ("ab", "ab", 1_000)
    );
});

on_both!(rows_of_customers_go_with_what_is_held_of_them, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let (service, _) = town.subscriber("rquispe").await;
    let session = row(RowTable::Sessions, "rquispe", &[("name", "rquispe"), ("address", "10.30.0.17")]);
    listed(&town, &[secret("rquispe", "Rosa"), session, secret("lhuaman", "Luis")]).await;
    let page = device_rows_list(&town.ctx, &town.device, None, None, &PageQuery::default()).await.unwrap();
    let ours: Vec<_> =
        page.items.iter().filter(|row| row.point_id.is_some()).map(|row| row.key.as_str()).collect();
    assert_eq!(ours, ["rquispe", "rquispe"]);
    let ctx = &town.ctx;
    let mut tx = ctx.begin_read().await.unwrap();
    let customer = services::service_find(&mut tx, &service).await.unwrap().customer_id;
    let person = Person::Customer(customer);
    // What money leads to: the service.
    let mut things = erase::things(&mut tx, &person, &[atalaya_money::ERASED, ERASED]).await.unwrap();
    drop(tx);
    things.insert(service.to_string());
    for erased in erase::of_kind(&person, &[ERASED]).rev() {
        write_tx!(ctx, tx => { erase::carry_out(&mut tx, erased, &things).await }).unwrap();
    }
    assert_eq!(names(ctx, &town.device, None).await, ["lhuaman"]);
});

on_both!(ten_thousand_rows_come_in_parts, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let rows: Vec<_> =
        (0..10_000).map(|number| secret(&format!("user{number:05}"), "Rosa Quispe NAP 4")).collect();
    let id = listed(&town, &rows).await;
    let mut tx = town.ctx.begin_read().await.unwrap();
    let (listing, kept) = inventory::listing_rows(&mut tx, &id).await.unwrap();
    assert_eq!((listing.rows, kept.len()), (10_000, 10_000));
    assert_eq!(kept, rows);
});
