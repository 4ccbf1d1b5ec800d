//! Routers compared with what should be true there.

use crate::{
    listings::{listed, secret},
    town::{Town, subscriptions, tenant},
};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    jobs::{self, Handler},
    on_both,
    page::PageQuery,
    testing::World,
};
use atalaya_money::services;
use atalaya_network::{
    comparison::{
        self, Comparison, ComparisonFinding, ComparisonJob,
        rules::{Class, NotKnown},
    },
    devices::{self, DeviceMode},
    jobs as orders,
};
use std::{collections::BTreeSet, sync::Arc};

const HOUR_MS: i64 = 3_600_000;

async fn make(town: &Town) -> Comparison {
    town.world.clock.advance_millis(1);
    comparison::comparison_make(&town.ctx, &town.device).await.unwrap()
}

async fn findings(town: &Town, comparison: &Comparison) -> Vec<ComparisonFinding> {
    let page = PageQuery::default();
    comparison::findings_list(&town.ctx, &comparison.id, None, &page).await.unwrap().items
}

fn count(comparison: &Comparison, class: Class) -> i64 {
    comparison.counts.iter().find(|counted| counted.class == class).unwrap().count
}

fn not_known(comparison: &Comparison) -> Vec<(NotKnown, i64)> {
    comparison.not_known.iter().map(|it| (it.reason, it.count)).collect()
}

/// Lets the router be changed.
async fn enforce(town: &Town) {
    let job = devices::device_plan_request(&town.ctx, &town.device).await.unwrap();
    let plan = orders::DevicePlan {
        read_at: town.ctx.now(),
        checks: Vec::new(),
        changes: Vec::new(),
        in_place: 0,
        foreign_rows: 0,
    };
    let outcome = orders::JobOutcome {
        status: orders::JobStatus::Done,
        detail: String::new(),
        finding: None,
        connection: None,
        plan: Some(plan),
    };
    orders::job_finish(&town.ctx, &town.agent, &job, &outcome).await.unwrap();
    devices::device_mode_set(&town.ctx, &town.device, DeviceMode::Enforce).await.unwrap();
}

fn plan_secret(name: &str) -> atalaya_network::inventory::ListingRow {
    let mut row = secret(name, "");
    row.fields.insert("profile".to_owned(), "atalaya-100M-50M".to_owned());
    row
}

on_both!(what_is_wrong_is_found_and_what_is_not_known_is_said, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    let (paid, _) = town.subscriber("paid").await;
    let (debtor, _) = town.subscriber("debtor").await;
    town.subscriber("fine").await;
    town.subscriber("lost").await;
    let first = make(&town).await;
    assert_eq!((not_known(&first), first.in_order), (vec![(NotKnown::Observes, 4)], 0));
    enforce(&town).await;
    assert_eq!(not_known(&make(&town).await), [(NotKnown::NoListing, 4)]);
    services::service_cut(&town.ctx, &debtor, "asked for").await.unwrap();
    town.settle().await;
    town.obey(true).await;
    let mut off = plan_secret("paid");
    off.fields.insert("disabled".to_owned(), "true".to_owned());
    let rows = [off, plan_secret("debtor"), plan_secret("fine"), plan_secret("stranger")];
    listed(&town, &rows).await;
    assert_eq!(not_known(&make(&town).await), [(NotKnown::Changing, 4)], "ordered a moment ago");
    assert_eq!(count(&make(&town).await, Class::UnknownToUs), 1, "a row of nobody is wrong all the same");

    town.world.clock.advance_millis(HOUR_MS);
    listed(&town, &rows).await;
    let comparison = make(&town).await;
    assert_eq!((comparison.in_order, not_known(&comparison)), (1, vec![]));
    let found: Vec<_> = findings(&town, &comparison)
        .await
        .into_iter()
        .map(|finding| (finding.class, finding.customer_name, finding.row, finding.service_id))
        .collect();
    let row = |name: &str| format!("secrets/{name}");
    let name = |user: &str| format!("Customer {user}");
    assert_eq!(found[0], (Class::PaidButCut, name("paid"), row("paid"), Some(paid)));
    assert_eq!(found[1], (Class::CutButOnline, name("debtor"), row("debtor"), Some(debtor.clone())));
    assert_eq!((found[2].0, &found[2].1), (Class::NotInRouter, &name("lost")));
    assert_eq!((found[3].0, &found[3].2, &found[3].3), (Class::UnknownToUs, &row("stranger"), &None));
    assert_eq!(found.len(), 4);
    for class in [Class::PaidButCut, Class::CutButOnline, Class::NotInRouter, Class::UnknownToUs] {
        assert_eq!(count(&comparison, class), 1, "{class}");
    }
    let (cut, page) = (Some(Class::CutButOnline), PageQuery::default());
    let cut = comparison::findings_list(&town.ctx, &comparison.id, cut, &page).await.unwrap();
    assert_eq!(cut.items.len(), 1);

    // Healed by the agent's own look at the device.
    let job = comparison::device_sweep(&town.ctx, &town.device).await.unwrap();
    let waiting = orders::jobs_waiting(&town.ctx, &town.agent).await.unwrap();
    assert!(waiting.iter().any(|order| order.id == job));
    let mut cut = plan_secret("debtor");
    let device = devices::device_get(&town.ctx, &town.device).await.unwrap();
    cut.fields.insert("profile".to_owned(), device.cut_profile);
    listed(&town, &[plan_secret("paid"), cut, plan_secret("fine"), plan_secret("lost")]).await;
    let healed = make(&town).await;
    assert_eq!((healed.in_order, findings(&town, &healed).await.len()), (4, 0));

    town.world.clock.advance_millis(6 * HOUR_MS);
    let old = make(&town).await;
    assert_eq!((old.in_order, not_known(&old)), (0, vec![(NotKnown::ListingOld, 4)]), "and never zero");
    let list = comparison::comparisons_list(&town.ctx, &PageQuery::default()).await.unwrap().items;
    assert_eq!(list.iter().map(|it| &it.id).collect::<Vec<_>>(), [&old.id], "the newest of each router");
});

on_both!(every_night_each_router_is_compared_once, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let handlers: [Arc<dyn Handler>; 1] = [Arc::new(ComparisonJob)];
    for _ in 0..3 {
        comparison::ask(&town.ctx).await.unwrap();
    }
    let mut ran = 0;
    while jobs::run_due(&town.world.runtime, &handlers).await.unwrap() {
        ran += 1;
    }
    assert_eq!(ran, 1);
    let list = comparison::comparisons_list(&town.ctx, &PageQuery::default()).await.unwrap().items;
    assert_eq!((list.len(), not_known(&list[0])), (1, vec![(NotKnown::Observes, 0)]));
    town.world.clock.advance_millis(24 * HOUR_MS);
    comparison::ask(&town.ctx).await.unwrap();
    assert!(jobs::run_due(&town.world.runtime, &handlers).await.unwrap(), "the next night again");
});

on_both!(who_may_compare_and_see, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let made = make(&town).await;
    let as_whom =
        |permissions, scope| Ctx::new(town.ctx.db().clone(), Principal::CommandLine, permissions, scope, "r");
    let page = PageQuery::default();
    let here = as_whom(Permissions::All, Scope::Sites(BTreeSet::from([town.site.clone()])));
    assert_eq!(comparison::comparisons_list(&here, &page).await.unwrap().items.len(), 1);
    let elsewhere = as_whom(Permissions::All, Scope::Sites(BTreeSet::new()));
    let stranger = tenant(&town.world, "other").await;
    for other in [&elsewhere, &stranger] {
        assert!(comparison::comparisons_list(other, &page).await.unwrap().items.is_empty());
        let findings = comparison::findings_list(other, &made.id, None, &page).await;
        let make = comparison::comparison_make(other, &town.device).await;
        let sweep = comparison::device_sweep(other, &town.device).await;
        assert!(matches!(findings, Err(Error::NotFound)));
        assert!(matches!((make, sweep), (Err(Error::NotFound), Err(Error::NotFound))));
    }
    let reader = as_whom(Permissions::These(BTreeSet::from(["device.read".to_owned()])), Scope::All);
    assert_eq!(comparison::comparisons_list(&reader, &page).await.unwrap().items.len(), 1);
    let sweep = comparison::device_sweep(&reader, &town.device).await;
    assert!(matches!(sweep, Err(Error::Forbidden("device.enforce"))));
});
