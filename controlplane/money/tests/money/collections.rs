use super::support::{Isp, PRICE, first_page, wait_until};
use atalaya_kernel::{
    Error, Scope,
    ids::{CustomerId, ServiceId},
    on_both,
    testing::World,
};
use atalaya_money::{
    collections::{self, ItemResult, Run, RunState},
    services::{self, Status, SuspendedBecause},
};
use atalaya_people::{
    platform::{PlatformCtx, plans},
    tenancy::{self, AutomaticCuts, Dates, TenantChange, TenantState, Weekdays},
};
use std::collections::BTreeSet;

/// A customer whose one service was suspended for one unpaid month.
pub(crate) async fn suspended(isp: &Isp, name: &str) -> (CustomerId, ServiceId) {
    let (customer, service) = isp.subscriber(name).await;
    isp.invoice(&customer, PRICE, "2026-10-10").await;
    enable(isp).await;
    collections::automatic_pass(&isp.ctx).await.unwrap();
    assert_eq!(isp.now(&service).await.suspended_because, Some(SuspendedBecause::Overdue));
    (customer, service)
}

/// Turns automatic cuts on by executing an empty or a full first run.
async fn enable(isp: &Isp) -> Run {
    let run = collections::run_create(&isp.ctx).await.unwrap();
    isp.execute(&run.id, run.totals.services, true).await.unwrap()
}

async fn pass(isp: &Isp) -> usize {
    collections::automatic_pass(&isp.ctx).await.unwrap()
}

on_both!(nobody_is_cut_before_a_person_has_seen_the_first_run, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (rosa, of_rosa) = isp.subscriber("Rosa").await;
    let (luis, of_luis) = isp.subscriber("Luis").await;
    let (_, of_ana) = isp.subscriber("Ana").await;
    isp.invoice(&rosa, PRICE, "2026-10-10").await;
    isp.invoice(&luis, PRICE, "2026-10-31").await;
    assert_eq!(pass(&isp).await, 0);
    let run = collections::run_create(&isp.ctx).await.unwrap();
    assert!(run.first_preview);
    assert_eq!((run.totals.services, run.totals.customers, run.totals.owed.amount), (1, 1, PRICE));
    let item = &run.items[0];
    assert_eq!(
        (item.service_id.clone(), item.customer_name.as_str(), item.site_name.as_str(), item.days_overdue),
        (of_rosa.clone(), "Rosa", "Cerro Alto", 26)
    );
    assert_eq!(
        (isp.now(&of_rosa).await.status, pass(&isp).await),
        (Status::Active, 0),
        "a preview does nothing"
    );
    let done = isp.execute(&run.id, 1, true).await.unwrap();
    assert_eq!(
        (done.state, done.first_preview, done.items[0].result),
        (RunState::Done, false, Some(ItemResult::Suspended))
    );
    assert_eq!(isp.now(&of_rosa).await.suspended_because, Some(SuspendedBecause::Overdue));
    // Due on 31 October, 5 days of grace: the first day past them starts at 05:00 UTC of 6 November.
    wait_until(&world, "2026-11-06T04:59:59.999Z");
    assert_eq!(pass(&isp).await, 0);
    world.clock.advance_millis(1);
    assert_eq!((pass(&isp).await, pass(&isp).await), (1, 0));
    assert_eq!(isp.now(&of_luis).await.status, Status::Suspended);
    assert_eq!(isp.now(&of_ana).await.status, Status::Active);
    assert_eq!(isp.events("service.suspended", &of_luis).await, 1);
    assert_eq!(isp.audited(&of_luis).await, ["service.suspend", "service.write"]);
    assert_eq!(isp.audited(&run.id).await, ["collections.preview", "collections.run"]);
    assert_eq!(isp.events("collections.*", &run.id).await, 2);
});

on_both!(a_first_run_without_automatic_cuts_leaves_the_choice_open, |world: World| async move {
    let isp = Isp::new(&world).await;
    let run = collections::run_create(&isp.ctx).await.unwrap();
    isp.execute(&run.id, 0, false).await.unwrap();
    assert_eq!(tenancy::tenant_get(&isp.ctx).await.unwrap().automatic_cuts, AutomaticCuts::Off);
    isp.set(TenantChange { automatic_cuts: Some(AutomaticCuts::On), ..TenantChange::default() }).await;
});

on_both!(who_is_taken_out_or_pays_is_left_alone, |world: World| async move {
    let isp = Isp::new(&world).await;
    let mut people = Vec::new();
    for name in ["Ana", "Luis", "Rosa"] {
        let (customer, service) = isp.subscriber(name).await;
        isp.invoice(&customer, PRICE, "2026-10-10").await;
        people.push((customer, service));
    }
    let (taken_out, payer, debtor) = (&people[0], &people[1], &people[2]);
    let run = collections::run_create(&isp.ctx).await.unwrap();
    let run = collections::run_items_set(
        &isp.ctx,
        &run.id,
        std::slice::from_ref(&taken_out.1),
        false,
        Some("promised"),
    )
    .await
    .unwrap();
    assert_eq!((run.totals.services, run.totals.excluded), (2, 1));
    isp.pay(&payer.0, PRICE).await;
    let Err(Error::Conflict { code: "numbers_changed", params, .. }) =
        collections::run_execute(&isp.ctx, &run.id, 3, true).await
    else {
        panic!("the person saw another number")
    };
    assert_eq!((&params["services"], &params["customers"]), (&2.into(), &2.into()));
    assert_eq!(isp.now(&debtor.1).await.status, Status::Active, "nothing was done");
    let done = isp.execute(&run.id, 2, true).await.unwrap();
    let result =
        |service: &ServiceId| done.items.iter().find(|item| item.service_id == *service).unwrap().result;
    assert_eq!(result(&debtor.1), Some(ItemResult::Suspended));
    assert_eq!((result(&payer.1), result(&taken_out.1)), (Some(ItemResult::AlreadyPaid), None));
    assert_eq!(pass(&isp).await, 0, "the interval does not undo the person's decision");
    assert_eq!(isp.now(&taken_out.1).await.status, Status::Active);
    for late in [
        collections::run_execute(&isp.ctx, &run.id, 2, true).await,
        collections::run_items_set(&isp.ctx, &run.id, std::slice::from_ref(&debtor.1), false, None).await,
    ] {
        assert!(matches!(late, Err(Error::Conflict { code: "run_closed", .. })));
    }
    // A month that passes the grace days later counts again.
    isp.invoice(&taken_out.0, PRICE, "2026-11-10").await;
    wait_until(&world, "2026-11-16T05:00:00Z");
    assert_eq!(pass(&isp).await, 1);
    assert_eq!(isp.now(&taken_out.1).await.status, Status::Suspended);
    assert_eq!(
        isp.audited(&run.id).await,
        ["collections.items_set", "collections.preview", "collections.run"]
    );
});

on_both!(who_is_reconnected_by_hand_stays_connected_for_that_debt, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (_, service) = suspended(&isp, "Rosa").await;
    services::service_reconnect(&isp.ctx, &service, "pays on Friday").await.unwrap();
    assert_eq!(pass(&isp).await, 0);
    world.clock.advance_millis(3 * 86_400_000);
    assert_eq!((pass(&isp).await, isp.now(&service).await.status), (0, Status::Active));
    let run = collections::run_create(&isp.ctx).await.unwrap();
    assert_eq!(run.totals.services, 1, "a person sees it and may cut");
    assert!(run.items[0].why.contains("left connected by a person"));
    assert_eq!(run.items[0].spared_on.map(|day| day.to_string()).as_deref(), Some("2026-11-05"));
});

on_both!(a_payment_brings_back_what_was_cut_for_debt_only, |world: World| async move {
    let isp = Isp::new(&world).await;
    isp.set(TenantChange { debt_tolerance: Some(500), ..TenantChange::default() }).await;
    let (customer, first) = isp.subscriber("Rosa").await;
    let second = isp.service(&customer).await.id;
    services::service_cut(&isp.ctx, &second, "asked for").await.unwrap();
    isp.invoice(&customer, PRICE, "2026-10-10").await;
    enable(&isp).await;
    assert_eq!(isp.now(&first).await.suspended_because, Some(SuspendedBecause::Overdue));
    assert!(isp.pay(&customer, PRICE - 501).await.reconnecting.is_empty(), "one céntimo above the tolerance");
    assert_eq!(isp.pay(&customer, 1).await.reconnecting, std::slice::from_ref(&first));
    assert_eq!(isp.now(&first).await.status, Status::Active);
    assert_eq!(isp.now(&second).await.suspended_because, Some(SuspendedBecause::Manual));
    assert_eq!(isp.events("service.reconnected", &first).await, 1);
    assert_eq!(pass(&isp).await, 0, "what is tolerated does not cut");
});

on_both!(a_changed_setting_brings_back_too, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (_, service) = suspended(&isp, "Rosa").await;
    isp.set(TenantChange {
        debt_tolerance: Some(PRICE),
        automatic_cuts: Some(AutomaticCuts::Off),
        ..TenantChange::default()
    })
    .await;
    assert_eq!((pass(&isp).await, isp.now(&service).await.status), (0, Status::Active));
});

on_both!(a_suspension_never_outlives_the_payment_it_met, |world: World| async move {
    let isp = Isp::new(&world).await;
    enable(&isp).await;
    for round in 0..8 {
        let (customer, service) = isp.subscriber(&format!("Customer {round}")).await;
        isp.invoice(&customer, PRICE, "2026-10-10").await;
        let (_, passed) = tokio::join!(isp.pay(&customer, PRICE), pass(&isp));
        assert!(passed <= 1);
        assert_eq!(isp.now(&service).await.status, Status::Active, "round {round}");
    }
    isp.verify_sums().await;
});

on_both!(an_execution_sent_twice_at_once_suspends_once, |world: World| async move {
    let isp = Isp::new(&world).await;
    let mut services = Vec::new();
    for number in 0..6 {
        let (customer, service) = isp.subscriber(&format!("Customer {number}")).await;
        isp.invoice(&customer, PRICE, "2026-10-10").await;
        services.push(service);
    }
    let run = collections::run_create(&isp.ctx).await.unwrap();
    let (one, other) = tokio::join!(
        collections::run_execute(&isp.ctx, &run.id, 6, false),
        collections::run_execute(&isp.ctx, &run.id, 6, false)
    );
    for answer in [one, other] {
        assert_eq!(answer.unwrap().state, RunState::Executing);
    }
    tokio::join!(isp.work(), isp.work());
    let done = collections::run_get(&isp.ctx, &run.id).await.unwrap();
    assert_eq!(done.state, RunState::Done);
    assert!(done.items.iter().all(|item| item.result == Some(ItemResult::Suspended)), "said so, too");
    for service in services {
        assert_eq!(isp.events("service.suspended", &service).await, 1);
    }
    assert_eq!(isp.events("collections.run_executed", &run.id).await, 1);
});

on_both!(a_preview_is_good_for_a_day, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (customer, service) = isp.subscriber("Rosa").await;
    isp.invoice(&customer, PRICE, "2026-10-10").await;
    let run = collections::run_create(&isp.ctx).await.unwrap();
    world.clock.advance_millis(24 * 3_600_000);
    assert_eq!(collections::run_get(&isp.ctx, &run.id).await.unwrap().state, RunState::Expired);
    assert!(matches!(
        collections::run_execute(&isp.ctx, &run.id, 1, true).await,
        Err(Error::Conflict { code: "run_expired", .. })
    ));
    assert_eq!(isp.now(&service).await.status, Status::Active);
    let listed = collections::runs_list(&isp.ctx, &first_page()).await.unwrap().items;
    assert_eq!((listed.len(), listed[0].totals), (1, run.totals));
});

on_both!(a_run_is_of_one_isp_and_of_the_whole_of_it, |world: World| async move {
    let (isp, other) = (Isp::new(&world).await, Isp::named(&world, "other").await);
    let (customer, service) = isp.subscriber("Rosa").await;
    isp.invoice(&customer, PRICE, "2026-10-10").await;
    let run = collections::run_create(&isp.ctx).await.unwrap();
    let of = std::slice::from_ref(&service);
    assert!(matches!(collections::run_get(&other.ctx, &run.id).await, Err(Error::NotFound)));
    assert!(matches!(collections::run_execute(&other.ctx, &run.id, 1, true).await, Err(Error::NotFound)));
    assert!(matches!(
        collections::run_items_set(&other.ctx, &run.id, of, false, None).await,
        Err(Error::NotFound)
    ));
    assert_eq!(collections::run_create(&other.ctx).await.unwrap().totals.services, 0);
    for scope in [Scope::Sites(BTreeSet::from([isp.site.clone()])), Scope::Customer(customer.clone())] {
        let ctx = isp.scoped(scope);
        assert!(matches!(collections::run_create(&ctx).await, Err(Error::Forbidden("collections.run"))));
        assert!(matches!(collections::run_execute(&ctx, &run.id, 1, true).await, Err(Error::Forbidden(_))));
        assert!(matches!(collections::run_get(&ctx, &run.id).await, Err(Error::NotFound)));
        assert!(collections::runs_list(&ctx, &first_page()).await.unwrap().items.is_empty());
    }
});

on_both!(nobody_is_cut_on_a_day_that_is_spared, |world: World| async move {
    let isp = Isp::new(&world).await;
    enable(&isp).await;
    let (rosa, service) = isp.subscriber("Rosa").await;
    isp.invoice(&rosa, PRICE, "2026-10-10").await;
    // It is Thursday, 5 November.
    let spared = Weekdays::try_from(BTreeSet::from([4])).unwrap();
    isp.set(TenantChange { no_cut_weekdays: Some(spared), ..TenantChange::default() }).await;
    assert_eq!(pass(&isp).await, 0);
    let (every, friday) = (Weekdays::default(), Dates(BTreeSet::from(["2026-11-06".parse().unwrap()])));
    wait_until(&world, "2026-11-06T15:00:00Z");
    isp.set(TenantChange {
        no_cut_weekdays: Some(every),
        no_cut_dates: Some(friday),
        ..TenantChange::default()
    })
    .await;
    assert_eq!((pass(&isp).await, isp.now(&service).await.status), (0, Status::Active));
    wait_until(&world, "2026-11-07T04:59:59Z");
    assert_eq!(pass(&isp).await, 0, "it is still Friday in Lima");
    wait_until(&world, "2026-11-07T05:00:00Z");
    assert_eq!(pass(&isp).await, 1);
});

on_both!(
    who_is_due_outside_of_the_hours_of_cuts_waits_for_them_and_who_paid_does_not,
    |world: World| async move {
        let isp = Isp::new(&world).await;
        enable(&isp).await;
        let (rosa, of_rosa) = isp.subscriber("Rosa").await;
        isp.invoice(&rosa, PRICE, "2026-10-10").await;
        let (luis, of_luis) = isp.subscriber("Luis").await;
        isp.invoice(&luis, PRICE, "2026-10-10").await;
        let hours =
            |text: &str| TenantChange { cut_hours: Some(text.parse().unwrap()), ..TenantChange::default() };
        isp.set(hours("08:00-18:00")).await;
        // In Lima it is five hours earlier.
        wait_until(&world, "2026-11-06T12:59:59Z");
        assert_eq!((pass(&isp).await, isp.now(&of_rosa).await.status), (0, Status::Active), "07:59");
        wait_until(&world, "2026-11-06T13:00:00Z");
        assert_eq!(pass(&isp).await, 2, "08:00: nobody who waited is forgotten");
        wait_until(&world, "2026-11-06T23:00:00Z");
        isp.pay(&rosa, PRICE).await;
        assert_eq!(isp.now(&of_rosa).await.status, Status::Active, "18:00: who paid is back at once");
        let forgiven = TenantChange { debt_tolerance: Some(PRICE * 2), ..TenantChange::default() };
        isp.set(forgiven).await;
        assert_eq!(pass(&isp).await, 0);
        assert_eq!(isp.now(&of_luis).await.status, Status::Active, "and so is whose debt is none any more");
        isp.set(TenantChange { debt_tolerance: Some(0), ..TenantChange::default() }).await;
        assert_eq!(pass(&isp).await, 0, "and is not cut before tomorrow");
        // A person may, at any hour.
        let run = collections::run_create(&isp.ctx).await.unwrap();
        isp.execute(&run.id, run.totals.services, true).await.unwrap();
        assert_eq!(isp.now(&of_luis).await.status, Status::Suspended);
        isp.set(hours("")).await;
        let (ana, of_ana) = isp.subscriber("Ana").await;
        isp.invoice(&ana, PRICE, "2026-10-10").await;
        assert_eq!((pass(&isp).await, isp.now(&of_ana).await.status), (1, Status::Suspended), "at any hour");
    }
);

on_both!(nobody_is_cut_while_the_isp_is_read_only_and_who_paid_comes_back, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (rosa, of_rosa) = suspended(&isp, "Rosa").await;
    let (luis, of_luis) = isp.subscriber("Luis").await;
    isp.invoice(&luis, PRICE, "2026-10-10").await;
    let run = collections::run_create(&isp.ctx).await.unwrap();
    let platform = PlatformCtx::command_line(world.runtime.clone());
    let set = |state| plans::tenant_state_set(&platform, isp.ctx.tenant(), state, "not paid");
    set(TenantState::ReadOnly).await.unwrap();
    assert_eq!(pass(&isp).await, 0);
    // A run that a person had decided before is carried out after: it cuts nobody either, and says why.
    let done = isp.execute(&run.id, run.totals.services, true).await.unwrap();
    let of_run = done.items.iter().find(|item| item.service_id == of_luis).unwrap();
    assert_eq!((of_run.result, isp.now(&of_luis).await.status), (Some(ItemResult::Failed), Status::Active));
    // Debt that a changed tolerance forgives brings back all the same.
    let forgiven = TenantChange { debt_tolerance: Some(PRICE * 2), ..TenantChange::default() };
    isp.set(forgiven).await;
    pass(&isp).await;
    assert_eq!(isp.now(&of_rosa).await.status, Status::Active, "{rosa}");
    isp.set(TenantChange { debt_tolerance: Some(0), ..TenantChange::default() }).await;
    set(TenantState::Active).await.unwrap();
    assert!(pass(&isp).await >= 1);
    assert_eq!(isp.now(&of_luis).await.status, Status::Suspended);
});
