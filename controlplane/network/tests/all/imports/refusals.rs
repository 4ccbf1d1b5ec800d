//! What an import refuses, and to whom.

use super::{accept, begin, create, decide, find, one_plan, run, work};
use crate::{
    listings::{listed, secret},
    town::{Town, subscriptions, tenant},
};
use atalaya_kernel::{Ctx, Error, Permissions, Principal, Scope, on_both, page::PageQuery, testing::World};
use atalaya_network::{
    devices::{self, DeviceMode},
    imports::{self, Decided, ImportState, NewImport, NewPattern, RowsWanted, rules::Doubt},
    jobs as orders,
    provisioning::Reconciler,
};
use std::collections::BTreeSet;

on_both!(what_an_import_refuses, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    let none = imports::import_create(&town.ctx, &town.device, &NewImport::default()).await;
    assert_eq!(none.unwrap_err().code(), "no_listing");
    let (service, _) = town.subscriber("rquispe").await;
    listed(&town, &[secret("uno", "Ana Ríos"), secret("UNO", "Ana Rios"), secret("dos", "")]).await;
    let import = begin(&town).await;
    let second = imports::import_create(&town.ctx, &town.device, &NewImport::default()).await;
    assert_eq!(second.unwrap_err().code(), "import_open");
    assert_eq!(find(&town, &import.id, "secrets/UNO").await.doubts, [Doubt::Twin]);
    let of_service = |row: &str| Decided { service_id: Some(service.clone()), ..accept(row) };
    let refused = async |decided: &[Decided]| {
        imports::import_decide(&town.ctx, &import.id, decided).await.unwrap_err().code()
    };
    assert_eq!(refused(&[]).await, "invalid");
    assert_eq!(refused(&[create("secrets/nobody")]).await, "invalid");
    assert_eq!(refused(&[accept("secrets/dos")]).await, "invalid", "nobody was named, and nobody is like it");
    assert_eq!(refused(&[create("secrets/uno"), create("secrets/uno")]).await, "invalid");
    assert_eq!(refused(&[of_service("secrets/uno"), of_service("secrets/dos")]).await, "service_taken");
    decide(&town, &import.id, &[of_service("secrets/uno")]).await;
    assert_eq!(refused(&[of_service("secrets/dos")]).await, "service_taken");
    let back = Decided { decision: None, ..create("secrets/uno") };
    let import = decide(&town, &import.id, &[back, create("secrets/dos")]).await;
    assert_eq!((import.totals.attach, import.totals.make_customer), (0, 1));
    let import = run(&town, &import).await;
    let dos = find(&town, &import.id, "secrets/dos").await;
    assert_eq!(dos.failure_code.as_deref(), Some("plan_missing"));

    // A device that enforces is taken over by nobody.
    enforce(&mut town).await;
    let rows = import.totals.make_customer;
    assert_eq!(imports::import_run(&town.ctx, &import.id, rows).await.unwrap_err().code(), "device_enforces");
    assert_eq!(imports::import_undo(&town.ctx, &import.id).await.unwrap_err().code(), "device_enforces");
    imports::import_close(&town.ctx, &import.id).await.unwrap();
    assert_eq!(imports::import_refresh(&town.ctx, &import.id).await.unwrap_err().code(), "import_closed");
});

on_both!(what_was_taken_back_in_part_can_be_gone_on_with, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    listed(&town, &[secret("uno", "Ana Ríos")]).await;
    let import = begin(&town).await;
    let import = decide(&town, &import.id, &[create("secrets/uno")]).await;
    let import = one_plan(&town, &import).await;
    let import = run(&town, &import).await;
    imports::import_undo(&town.ctx, &import.id).await.unwrap();
    enforce(&mut town).await;
    work(&town).await;
    let import = imports::import_get(&town.ctx, &import.id).await.unwrap();
    assert_eq!(
        (import.state, import.totals.made),
        (ImportState::Open, 1),
        "nothing changes under who enforces"
    );
    devices::device_mode_set(&town.ctx, &town.device, DeviceMode::Observe).await.unwrap();
    imports::import_undo(&town.ctx, &import.id).await.unwrap();
    work(&town).await;
    let import = imports::import_get(&town.ctx, &import.id).await.unwrap();
    assert_eq!((import.state, import.totals.made), (ImportState::Closed, 0));
});

/// Lets the router be changed.
async fn enforce(town: &mut Town) {
    town.obey(true).await;
    let job = devices::device_plan_request(&town.ctx, &town.device).await.unwrap();
    orders::job_finish(&town.ctx, &town.agent, &job, &passing_plan(town)).await.unwrap();
    devices::device_mode_set(&town.ctx, &town.device, DeviceMode::Enforce).await.unwrap();
}

fn passing_plan(town: &Town) -> orders::JobOutcome {
    let plan = orders::DevicePlan {
        read_at: town.ctx.now(),
        checks: Vec::new(),
        changes: Vec::new(),
        in_place: 1,
        foreign_rows: 0,
    };
    orders::JobOutcome {
        status: orders::JobStatus::Done,
        detail: String::new(),
        finding: None,
        connection: None,
        plan: Some(plan),
    }
}

on_both!(who_may_take_over_and_whom_they_see, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    listed(&town, &[secret("uno", "Ana Ríos")]).await;
    let import = begin(&town).await;
    let as_whom =
        |permissions, scope| Ctx::new(town.ctx.db().clone(), Principal::CommandLine, permissions, scope, "r");
    let here = as_whom(Permissions::All, Scope::Sites(BTreeSet::from([town.site.clone()])));
    assert_eq!(imports::import_get(&here, &import.id).await.unwrap().totals.rows, 1);
    let elsewhere = as_whom(Permissions::All, Scope::Sites(BTreeSet::new()));
    let stranger = tenant(&town.world, "other").await;
    for other in [&elsewhere, &stranger] {
        let page = PageQuery::default();
        let wanted = RowsWanted::default();
        assert!(matches!(imports::import_get(other, &import.id).await, Err(Error::NotFound)));
        assert!(matches!(imports::imports_list(other, &town.device, &page).await, Err(Error::NotFound)));
        assert!(matches!(
            imports::import_rows_list(other, &import.id, &wanted, &page).await,
            Err(Error::NotFound)
        ));
        assert!(matches!(imports::import_run(other, &import.id, 0).await, Err(Error::NotFound)));
        let decided = [create("secrets/uno")];
        assert!(matches!(imports::import_decide(other, &import.id, &decided).await, Err(Error::NotFound)));
    }
    let clerk = Permissions::These(BTreeSet::from(["device.read".to_owned(), "customer.write".to_owned()]));
    let clerk = as_whom(clerk, Scope::All);
    assert!(matches!(imports::import_get(&clerk, &import.id).await, Err(Error::Forbidden("import.run"))));
    let taker = as_whom(Permissions::These(BTreeSet::from(["import.run".to_owned()])), Scope::All);
    assert!(imports::import_get(&taker, &import.id).await.is_ok());
    assert!(matches!(
        imports::import_run(&taker, &import.id, 0).await,
        Err(Error::Forbidden("customer.write"))
    ));
    let pattern = NewPattern { pattern: "{name}".to_owned() };
    assert!(matches!(imports::pattern_create(&here, &pattern).await, Err(Error::Forbidden("import.run"))));
    let made = imports::pattern_create(&town.ctx, &pattern).await.unwrap();
    let twice = imports::pattern_create(&town.ctx, &pattern).await.unwrap_err();
    assert_eq!(twice.code(), "invalid");
    assert!(imports::patterns_list(&stranger, &PageQuery::default()).await.unwrap().items.is_empty());
    assert!(matches!(imports::pattern_delete(&stranger, &made.id).await, Err(Error::NotFound)));
    imports::pattern_delete(&town.ctx, &made.id).await.unwrap();
});

on_both!(imports_that_nobody_goes_on_with_are_forgotten, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    listed(&town, &[secret("uno", "Ana Ríos")]).await;
    let import = begin(&town).await;
    let reconciler = Reconciler::new(town.world.runtime.clone());
    town.world.clock.advance_millis(29 * 24 * 3_600_000);
    reconciler.reconcile_all().await.unwrap();
    let import = decide(&town, &import.id, &[create("secrets/uno")]).await;
    town.world.clock.advance_millis(29 * 24 * 3_600_000);
    reconciler.reconcile_all().await.unwrap();
    assert!(imports::import_get(&town.ctx, &import.id).await.is_ok(), "somebody worked on it since");
    town.world.clock.advance_millis(2 * 24 * 3_600_000);
    reconciler.reconcile_all().await.unwrap();
    assert!(matches!(imports::import_get(&town.ctx, &import.id).await, Err(Error::NotFound)));
});
