//! Taking over what stands on a router.

mod many;
mod refusals;

use crate::{
    listings::{listed, row, secret},
    town::{Town, audited, subscriptions},
};
use atalaya_kernel::{
    Error,
    ids::{ImportId, PlanId},
    jobs::{self, Handler, LEASE_LOST},
    on_both,
    page::PageQuery,
    testing::World,
    time::Date,
    write_tx,
};
use atalaya_money::{
    catalog::{self, NewPlan},
    services::{self, Status, SuspendedBecause},
};
use atalaya_network::{
    agents::sessions,
    imports::{
        self, Answer, Decided, Import, ImportChange, ImportJob, ImportRow, ImportState, NewImport,
        NewPattern, PlanOf, RowResult, RowsWanted,
        rules::{Bin, Decision, Intent, Meaning, Reason},
    },
    inventory::{ListingRow, RowTable},
    provisioning::{self, DesiredAccess, DesiredStatus},
};
use atalaya_people::customers::{self, NewCustomer};
use std::sync::Arc;

async fn begin(town: &Town) -> Import {
    imports::import_create(&town.ctx, &town.device, &NewImport::default()).await.unwrap()
}

async fn rows(town: &Town, id: &ImportId) -> Vec<ImportRow> {
    let page = PageQuery { limit: Some(200), cursor: None };
    imports::import_rows_list(&town.ctx, id, &RowsWanted::default(), &page).await.unwrap().items
}

async fn find(town: &Town, id: &ImportId, key: &str) -> ImportRow {
    rows(town, id).await.into_iter().find(|row| row.key == key).unwrap()
}

fn create(row: &str) -> Decided {
    Decided { row: row.to_owned(), decision: Some(Decision::Create), service_id: None, customer_id: None }
}

fn accept(row: &str) -> Decided {
    Decided { decision: Some(Decision::Accept), ..create(row) }
}

async fn decide(town: &Town, id: &ImportId, decided: &[Decided]) -> Import {
    imports::import_decide(&town.ctx, id, decided).await.unwrap()
}

/// One plan for every profile.
async fn one_plan(town: &Town, import: &Import) -> Import {
    let plans = vec![PlanOf { profile: String::new(), plan_id: town.plan.clone() }];
    let change = ImportChange { plans: Some(plans), answers: None };
    imports::import_change(&town.ctx, &import.id, import.version, &change).await.unwrap()
}

async fn jobs_done(town: &Town) {
    let handlers: [Arc<dyn Handler>; 1] = [Arc::new(ImportJob)];
    town.world.clock.advance_millis(1);
    while jobs::run_due(&town.world.runtime, &handlers).await.unwrap() {}
}

async fn work(town: &Town) {
    jobs_done(town).await;
    town.settle().await;
}

/// Carries out all that was decided.
async fn run(town: &Town, import: &Import) -> Import {
    let rows = import.totals.attach + import.totals.add_service + import.totals.make_customer;
    let running = imports::import_run(&town.ctx, &import.id, rows).await.unwrap();
    assert_eq!(running.state, ImportState::Running);
    work(town).await;
    imports::import_get(&town.ctx, &import.id).await.unwrap()
}

fn off(name: &str, comment: &str) -> ListingRow {
    let mut row = secret(name, comment);
    row.fields.insert("disabled".to_owned(), "true".to_owned());
    row
}

on_both!(what_stands_there_is_taken_over_as_it_is, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let (attached, _) = town.subscriber("rquispe").await;
    let customer = NewCustomer { name: "Luis Huamán Ríos".to_owned(), ..NewCustomer::default() };
    let luis = customers::customer_create(&town.ctx, customer).await.unwrap().id;
    let session = row(RowTable::Sessions, "nuevo1", &[("name", "nuevo1"), ("mac", "AA:BB:CC:00:00:07")]);
    let dynamic = row(RowTable::Leases, "10.30.0.90", &[("address", "10.30.0.90"), ("dynamic", "true")]);
    let lease =
        row(RowTable::Leases, "10.30.0.91", &[("address", "10.30.0.91"), ("comment", "Bodega Central")]);
    let queue = row(RowTable::Queues, "cola-91", &[("name", "cola-91"), ("address", "10.30.0.91/32")]);
    let found = [
        secret("rquispe", "Rosa"),
        secret("x7", "HUAMAN RIOS LUIS 900000017"),
        secret("nuevo1", "Ximena Apaza DNI 99000017 NAP 4"),
        secret("sobra", "?"),
        off("debe1", "CORTADO"),
        off("libre1", "LIBRE"),
        session,
        dynamic,
        lease,
        queue,
    ];
    listed(&town, &found).await;
    let pattern = NewPattern { pattern: "{name} DNI {document} {*}".to_owned() };
    imports::pattern_create(&town.ctx, &pattern).await.unwrap();
    let import = begin(&town).await;
    assert_eq!((import.state, import.totals.rows, import.totals.exact), (ImportState::Open, 8, 1));
    assert_eq!((import.totals.suggested, import.totals.companion, import.totals.open), (1, 1, 6));
    let rosa = find(&town, &import.id, "secrets/rquispe").await;
    assert_eq!((rosa.bin, rosa.intent, rosa.service_id), (Bin::Exact, Intent::Nothing, Some(attached)));
    assert_eq!(rosa.candidates[0].reasons, [Reason::Attached]);
    let x7 = find(&town, &import.id, "secrets/x7").await;
    assert_eq!((x7.bin, x7.intent, &x7.candidates[0].customer_id), (Bin::Suggested, Intent::Open, &luis));
    let ximena = find(&town, &import.id, "secrets/nuevo1").await;
    assert_eq!(
        (ximena.draft.name.as_str(), ximena.draft.document.as_deref()),
        ("Ximena Apaza", Some("99000017"))
    );
    assert_eq!((ximena.mac.as_str(), ximena.bin), ("AA:BB:CC:00:00:07", Bin::Leftover));
    let queue = find(&town, &import.id, "queues/cola-91").await;
    assert_eq!(queue.companion_of.as_deref(), Some("leases/10.30.0.91"));

    let groups: Vec<_> = import.groups.iter().map(|group| (group.key.as_str(), group.rows)).collect();
    assert_eq!(groups, [("disabled/100M/cut", 1), ("disabled/100M/spare", 1)]);
    let answer = |group: &str, meaning| Answer { group: group.to_owned(), meaning };
    let answers =
        vec![answer("disabled/100M/cut", Meaning::Cut), answer("disabled/100M/spare", Meaning::Spare)];
    let change = ImportChange { answers: Some(answers), plans: None };
    let import = imports::import_change(&town.ctx, &import.id, import.version, &change).await.unwrap();
    let stale = imports::import_change(&town.ctx, &import.id, import.version - 1, &change).await;
    assert!(matches!(stale, Err(Error::VersionConflict { .. })));
    let decided = [
        accept("secrets/x7"),
        create("secrets/nuevo1"),
        create("secrets/debe1"),
        create("leases/10.30.0.91"),
    ];
    let import = decide(&town, &import.id, &decided).await;
    let totals = import.totals;
    assert_eq!((totals.add_service, totals.make_customer, totals.cut, totals.without_plan), (1, 3, 1, 4));
    let wrong = imports::import_run(&town.ctx, &import.id, 3).await;
    assert_eq!(wrong.unwrap_err().code(), "import_changed");
    let import = one_plan(&town, &import).await;
    let import = run(&town, &import).await;
    assert_eq!(
        (import.state, import.totals.made, import.totals.failed, import.totals.open),
        (ImportState::Open, 4, 0, 1)
    );

    let x7 = find(&town, &import.id, "secrets/x7").await;
    assert_eq!((x7.result, &x7.customer_id), (Some(RowResult::Made), &Some(luis)));
    let cut = find(&town, &import.id, "secrets/debe1").await.service_id.unwrap();
    let cut = services::service_get(&town.ctx, &cut).await.unwrap();
    assert_eq!((cut.status, cut.suspended_because), (Status::Suspended, Some(SuspendedBecause::Manual)));
    assert_eq!(cut.starts_on, Date::new(2026, 12, 1).unwrap(), "months before were billed elsewhere");
    let told = town.told().await;
    assert_eq!(told.len(), 5);
    for point in told.iter().skip(1) {
        assert_eq!((point.desired.download_bps, point.desired.upload_bps), (0, 0), "speeds stay as they are");
        match &point.access {
            DesiredAccess::Pppoe { user, password, profile, .. } => {
                assert!(password.is_none() && profile == "100M", "{user}");
                assert_eq!(point.desired.status == DesiredStatus::Suspended, user == "debe1");
            }
            DesiredAccess::Static { address } => assert_eq!(address, "10.30.0.91"),
        }
    }
    let mut tx = town.ctx.begin_read().await.unwrap();
    assert!(!atalaya_kernel::audit::list(&mut tx, &audited(import.id.as_str())).await.unwrap().is_empty());
    drop(tx);

    // Gone on with: what is done stays done, what is left over is decided about later.
    let import = decide(&town, &import.id, &[create("secrets/sobra")]).await;
    assert_eq!((import.totals.make_customer, import.totals.made), (1, 4));
    let import = run(&town, &import).await;
    assert_eq!((import.totals.made, import.totals.open), (5, 0));
    let again = imports::import_decide(&town.ctx, &import.id, &[create("secrets/x7")]).await;
    assert_eq!(again.unwrap_err().code(), "invalid", "what is made is made");
});

on_both!(
    what_was_made_is_taken_back_unless_somebody_changed_it,
    subscriptions(),
    |world: World| async move {
        let town = Town::new(world).await;
        listed(&town, &[secret("uno", "Ana Ríos"), secret("dos", "Luis Apaza"), secret("tres", "Eva Ñahui")])
            .await;
        let import = begin(&town).await;
        let decided = [create("secrets/uno"), create("secrets/dos"), create("secrets/tres")];
        decide(&town, &import.id, &decided).await;
        let import = imports::import_get(&town.ctx, &import.id).await.unwrap();
        let import = one_plan(&town, &import).await;
        let import = run(&town, &import).await;
        assert_eq!(import.totals.made, 3);
        let changed = find(&town, &import.id, "secrets/dos").await.service_id.unwrap();
        let plan = another_plan(&town).await;
        services::service_plan_change(&town.ctx, &changed, &plan).await.unwrap();
        let told = provisioning::desired_since(&town.ctx, &town.agent, 0).await.unwrap().generation;
        let undoing = imports::import_undo(&town.ctx, &import.id).await.unwrap();
        assert_eq!(undoing.state, ImportState::Undoing);
        let busy = imports::import_decide(&town.ctx, &import.id, &[create("secrets/uno")]).await;
        assert_eq!(busy.unwrap_err().code(), "import_busy");
        work(&town).await;
        let import = imports::import_get(&town.ctx, &import.id).await.unwrap();
        assert_eq!(
            (import.state, import.totals.made),
            (ImportState::Closed, 1),
            "one was changed since, and stays"
        );
        let mut standing = Vec::new();
        for row in rows(&town, &import.id).await {
            let service = services::service_get(&town.ctx, &row.service_id.unwrap()).await.unwrap();
            standing.push((row.user, service.status));
        }
        assert_eq!(
            standing,
            [
                ("dos".to_owned(), Status::Active),
                ("tres".to_owned(), Status::Terminated),
                ("uno".to_owned(), Status::Terminated)
            ]
        );
        // Nothing is ended on the router: its agent is told of the one that stays, and forgets the others.
        let told = provisioning::desired_since(&town.ctx, &town.agent, told).await.unwrap();
        let standing = told.points.iter().map(|point| match &point.access {
            DesiredAccess::Pppoe { user, .. } => (user.as_str(), point.desired.status),
            DesiredAccess::Static { address } => (address.as_str(), point.desired.status),
        });
        assert_eq!(standing.collect::<Vec<_>>(), [("dos", DesiredStatus::Active)]);
        assert!(told.is_whole, "else it would keep those that it holds");
        let since = provisioning::desired_since(&town.ctx, &town.agent, told.generation).await.unwrap();
        assert_eq!((since.is_whole, since.points.len(), since.generation), (false, 0, told.generation));
        let signals = sessions::signals(&town.world.runtime, "here").await.unwrap();
        assert_eq!(signals[0].generation, told.generation, "or it would be told without end");
        // Another import of the device may follow, and finds users free.
        let import = begin(&town).await;
        let import = decide(&town, &import.id, &[create("secrets/uno"), create("secrets/tres")]).await;
        let import = one_plan(&town, &import).await;
        let import = run(&town, &import).await;
        assert_eq!((import.totals.made, import.totals.failed), (2, 0));
    }
);

async fn another_plan(town: &Town) -> PlanId {
    let plan = NewPlan {
        name: "Fibra 200".to_owned(),
        download_bps: 200_000_000,
        upload_bps: 100_000_000,
        price: atalaya_kernel::money::Money::new(12_900, "PEN".parse().unwrap()),
        active: None,
    };
    catalog::plan_create(&town.ctx, plan).await.unwrap().id
}

on_both!(one_row_that_fails_holds_back_none, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let many: Vec<_> = (0..45)
        .map(|number| secret(&format!("user{number:02}"), &format!("Persona Inventada {number}")))
        .collect();
    listed(&town, &many).await;
    let import = begin(&town).await;
    let decided: Vec<_> = (0..45).map(|number| create(&format!("secrets/user{number:02}"))).collect();
    decide(&town, &import.id, &decided).await;
    // Meanwhile somebody attaches one of them by hand.
    town.subscriber("user07").await;
    let import = imports::import_get(&town.ctx, &import.id).await.unwrap();
    let import = one_plan(&town, &import).await;
    let import = run(&town, &import).await;
    assert_eq!((import.totals.made, import.totals.failed), (44, 1));
    let failed = find(&town, &import.id, "secrets/user07").await;
    assert_eq!(failed.failure_code.as_deref(), Some("access_taken"));
    let count = customers::customers_count(&mut town.ctx.begin_read().await.unwrap()).await.unwrap();
    assert_eq!(count, 45, "nothing is left of what failed");
    // Run again it fails again, and makes nobody twice.
    let import = run(&town, &import).await;
    assert_eq!((import.totals.made, import.totals.failed), (44, 1));
    let import = imports::import_refresh(&town.ctx, &import.id).await.unwrap();
    assert_eq!(import.totals.made, 44);
});

on_both!(a_job_that_lost_its_lease_makes_nothing_twice, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let many: Vec<_> =
        (0..25).map(|number| secret(&format!("user{number:02}"), "Persona Inventada")).collect();
    listed(&town, &many).await;
    let import = begin(&town).await;
    let decided: Vec<_> = (0..25).map(|number| create(&format!("secrets/user{number:02}"))).collect();
    let import = decide(&town, &import.id, &decided).await;
    let import = one_plan(&town, &import).await;
    imports::import_run(&town.ctx, &import.id, 25).await.unwrap();
    town.world.clock.advance_millis(1);
    let platform = town.world.platform();
    let kinds = [ImportJob.kind()];
    let now = town.ctx.now();
    let stalled =
        write_tx!(platform, tx => { Ok(jobs::claim(&mut tx, &kinds, now).await?) }).unwrap().unwrap();
    town.world.clock.advance_millis(60_000);
    let later = town.ctx.now();
    let taken =
        write_tx!(platform, tx => { Ok(jobs::claim(&mut tx, &kinds, later).await?) }).unwrap().unwrap();
    let lost = ImportJob.run(&town.world.runtime, &stalled).await.unwrap_err();
    assert_eq!(lost.code(), LEASE_LOST);
    let count =
        || async { customers::customers_count(&mut town.ctx.begin_read().await.unwrap()).await.unwrap() };
    assert_eq!(count().await, 0, "whoever lost it commits nothing");
    ImportJob.run(&town.world.runtime, &taken).await.unwrap();
    assert_eq!(count().await, 25);
    assert!(ImportJob.run(&town.world.runtime, &stalled).await.is_err());
    let import = imports::import_get(&town.ctx, &import.id).await.unwrap();
    assert_eq!((import.state, import.totals.made, count().await), (ImportState::Open, 25, 25));
});
