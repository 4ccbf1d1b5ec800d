//! A run that was decided is carried out once, whatever happens to who carries it out.

use super::support::{Isp, PRICE};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    db::sql,
    ids::{CustomerId, RunId, ServiceId, UserId},
    jobs::{self, Handler, Job},
    on_both,
    testing::World,
    write_tx,
};
use atalaya_money::{
    collections::{self, ItemResult, RunExecution, RunJob, RunState},
    services::Status,
};
use atalaya_people::{
    approvals::{self, Operations},
    tenancy::{self, TenantChange},
};
use std::sync::Arc;

/// So many debtors and the run that would suspend them.
async fn debtors(isp: &Isp, count: usize) -> (RunId, Vec<(CustomerId, ServiceId)>) {
    let mut people = Vec::new();
    for number in 0..count {
        let (customer, service) = isp.subscriber(&format!("Customer {number:03}")).await;
        isp.invoice(&customer, PRICE, "2026-10-10").await;
        people.push((customer, service));
    }
    let run = collections::run_create(&isp.ctx).await.unwrap();
    assert_eq!(run.totals.services, i64::try_from(count).unwrap());
    (run.id, people)
}

on_both!(who_pays_between_the_decision_and_its_execution_is_not_cut, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (run, people) = debtors(&isp, 3).await;
    isp.pay(&people[0].0, PRICE).await;
    let decided = collections::run_execute(&isp.ctx, &run, 3, false).await.unwrap();
    assert_eq!((decided.state, decided.totals.decided), (RunState::Executing, 0));
    isp.pay(&people[1].0, PRICE).await;
    isp.work().await;
    let done = collections::run_get(&isp.ctx, &run).await.unwrap();
    assert_eq!(done.state, RunState::Done);
    assert_eq!((done.totals.decided, done.totals.suspended, done.totals.failed), (3, 1, 0));
    for (customer, service) in &people[..2] {
        assert_eq!(isp.now(service).await.status, Status::Active);
        let item = done.items.iter().find(|item| item.customer_id == *customer).unwrap();
        assert_eq!(item.result, Some(ItemResult::AlreadyPaid));
    }
    assert_eq!(isp.now(&people[2].1).await.status, Status::Suspended);
});

on_both!(a_holder_that_stalled_changes_nothing_any_more, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (run, people) = debtors(&isp, 2).await;
    collections::run_execute(&isp.ctx, &run, 2, false).await.unwrap();
    let platform = world.platform();
    let kinds = [RunJob.kind()];
    let claim = || async {
        let now = isp.ctx.now();
        write_tx!(platform, tx => { Ok(jobs::claim(&mut tx, &kinds, now).await?) }).unwrap()
    };
    let stalled = claim().await.unwrap();
    assert!(claim().await.is_none(), "one holder at a time");
    world.clock.advance_millis(60_000);
    let holder = claim().await.unwrap();
    let refused = RunJob.run(&world.runtime, &stalled).await;
    assert!(matches!(refused, Err(Error::Conflict { code: "lease_lost", .. })));
    for (_, service) in &people {
        assert_eq!(isp.now(service).await.status, Status::Active, "the stalled one did nothing");
    }
    RunJob.run(&world.runtime, &holder).await.unwrap();
    isp.work().await;
    for (_, service) in &people {
        assert_eq!(isp.events("service.suspended", service).await, 1);
    }
    assert_eq!(isp.events("collections.run_executed", &run).await, 1);
});

on_both!(asked_again_a_run_is_carried_out_once, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (run, people) = debtors(&isp, 1).await;
    for _ in 0..3 {
        collections::run_execute(&isp.ctx, &run, 1, false).await.unwrap();
    }
    isp.work().await;
    let again = collections::run_execute(&isp.ctx, &run, 1, false).await;
    assert!(matches!(again, Err(Error::Conflict { code: "run_closed", .. })));
    isp.work().await;
    assert_eq!(isp.events("service.suspended", &people[0].1).await, 1);
    assert_eq!(isp.audited(&run).await, ["collections.preview", "collections.run"], "decided once");
});

on_both!(what_cannot_be_decided_is_told_with_its_word_and_holds_back_nobody, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (run, people) = debtors(&isp, 2).await;
    collections::run_execute(&isp.ctx, &run, 2, false).await.unwrap();
    // A row that no release of ours has written.
    let broken = &people[0].1;
    write_tx!(isp.ctx, tx => {
        sql("UPDATE money_service SET status = 'lost' WHERE tenant_id = ")
            .push_bind(tx.tenant())
            .push(" AND id = ")
            .push_bind(broken)
            .execute(&mut tx)
            .await?;
        Ok(())
    })
    .unwrap();
    let platform = world.platform();
    let now = isp.ctx.now();
    let job = write_tx!(platform, tx => { Ok(jobs::claim(&mut tx, &[RunJob.kind()], now).await?) }).unwrap();
    let last_try = Job { attempts: 9, ..job.unwrap() };
    RunJob.run(&world.runtime, &last_try).await.unwrap();
    let done = collections::run_get(&isp.ctx, &run).await.unwrap();
    assert_eq!((done.state, done.totals.failed, done.totals.suspended), (RunState::Done, 1, 1));
    let item = done.items.iter().find(|item| item.service_id == *broken).unwrap();
    assert_eq!((item.result, item.failure_code.as_deref()), (Some(ItemResult::Failed), Some("internal")));
    assert!(item.failure.is_some());
});

/// Somebody of the staff with every right.
fn person(isp: &Isp) -> Ctx {
    let principal = Principal::User { id: UserId::new(isp.ctx.now()), name: "Somebody".to_owned() };
    Ctx::new(isp.ctx.db().clone(), principal, Permissions::All, Scope::All, "test")
}

on_both!(a_large_run_waits_for_a_second_person, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (run, people) = debtors(&isp, 2).await;
    let version = tenancy::tenant_get(&isp.ctx).await.unwrap().version;
    let from = TenantChange { two_person_cuts_from: Some(2), ..TenantChange::default() };
    tenancy::tenant_update(&isp.ctx, version, from).await.unwrap();
    let (rosa, luis) = (person(&isp), person(&isp));
    let operations = Operations::new(vec![Arc::new(RunExecution)]);
    let asked = collections::run_execute(&rosa, &run, 2, false).await.unwrap();
    assert_eq!(asked.state, RunState::Preview, "nothing is decided yet");
    let first = asked.approval_id.unwrap();
    let again = collections::run_execute(&luis, &run, 2, false).await.unwrap();
    assert_eq!(again.approval_id, Some(first.clone()), "it waits already");
    let wrong = collections::run_execute(&rosa, &run, 3, false).await;
    assert!(matches!(wrong, Err(Error::Conflict { code: "numbers_changed", .. })));

    // Another list of people than the one that was asked for, though as long.
    let out = [people[0].1.clone()];
    collections::run_items_set(&rosa, &run, &out, false, Some("promised")).await.unwrap();
    collections::run_items_set(&rosa, &run, &out, true, None).await.unwrap();
    let stale = approvals::approval_approve(&luis, &operations, &first).await;
    assert!(matches!(stale, Err(Error::Conflict { code: "numbers_changed", .. })));
    approvals::approval_reject(&luis, &first, "the list changed").await.unwrap();
    isp.work().await;
    assert_eq!(isp.now(&people[0].1).await.status, Status::Active);

    let second = collections::run_execute(&rosa, &run, 2, false).await.unwrap().approval_id.unwrap();
    approvals::approval_approve(&luis, &operations, &second).await.unwrap();
    isp.work().await;
    let done = collections::run_get(&luis, &run).await.unwrap();
    assert_eq!((done.state, done.totals.suspended, done.approval_id), (RunState::Done, 2, None));

    // Smaller than what waits for two.
    let (small, _) = {
        let (customer, service) = isp.subscriber("Another").await;
        isp.invoice(&customer, PRICE, "2026-10-10").await;
        (collections::run_create(&rosa).await.unwrap(), service)
    };
    assert_eq!(small.totals.services, 1);
    assert_eq!(
        collections::run_execute(&rosa, &small.id, 1, false).await.unwrap().state,
        RunState::Executing
    );
});
