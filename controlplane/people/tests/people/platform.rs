//! Plans, the state of a tenant, operators and their visits.

use super::{log_in, tenant, user};
use atalaya_kernel::{
    Ctx, Error, Principal, STEP_UP_MS,
    audit::{self, AuditFilter},
    ids::TenantId,
    on_both,
    page::PageQuery,
    secrets::SecretText,
    testing::World,
};
use atalaya_people::{
    access::{Catalog, Role},
    customers::{self, NewCustomer},
    identity::{self, Origin, UserChange},
    platform::{
        PlatformCtx,
        operators::{self, NewOperator, OperatorLogIn},
        plans::{self, NewTenantPlan},
        visits::{self, NewVisit},
    },
    tenancy::{self, TenantState},
};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

fn secret(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

fn starter() -> NewTenantPlan {
    NewTenantPlan {
        name: "Starter".to_owned(),
        customers: Some(3),
        users: Some(1),
        contact: "sales@hosting.example".to_owned(),
        ..NewTenantPlan::default()
    }
}

async fn customer(ctx: &Ctx, name: &str) -> Result<(), Error> {
    let new = NewCustomer { name: name.to_owned(), ..NewCustomer::default() };
    customers::customer_create(ctx, new).await.map(drop)
}

/// Codes of actions in the installation's own trail, newest first.
async fn trail(world: &World) -> Vec<String> {
    let filter = AuditFilter { limit: 100, ..AuditFilter::default() };
    let mut tx = world.runtime.platform().begin_read().await.unwrap();
    let rows = audit::list_platform(&mut tx, &filter).await.unwrap();
    rows.into_iter().map(|row| row.action).collect()
}

on_both!(a_plan_stops_what_is_new_and_two_at_once_do_not_pass_it, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let platform = PlatformCtx::command_line(world.runtime.clone());
    let plan = plans::plan_create(&platform, &starter()).await.unwrap();
    assert!(matches!(plans::plan_create(&platform, &starter()).await, Err(Error::Invalid(_))));
    customer(&ctx, "before there was a limit").await.unwrap();
    plans::tenant_plan_set(&platform, ctx.tenant(), Some(&plan.id)).await.unwrap();

    let mut rush = JoinSet::new();
    for number in 0..8 {
        let ctx = ctx.clone();
        rush.spawn(async move { customer(&ctx, &format!("rush {number}")).await });
    }
    let mut made = 0;
    let mut refused = Vec::new();
    while let Some(attempt) = rush.join_next().await {
        match attempt.unwrap() {
            Ok(()) => made += 1,
            Err(error) => refused.push(error),
        }
    }
    assert_eq!((made, refused.len()), (2, 6), "three at most, and one was there");
    let Some(Error::Conflict { code, params, .. }) = refused.pop() else { unreachable!("a limit") };
    assert_eq!(code, "plan_limit_reached");
    assert_eq!(
        (&params["limit"], &params["allowed"], &params["used"]),
        (&"customers".into(), &3.into(), &3.into())
    );
    assert_eq!((&params["plan"], &params["contact"]), (&"Starter".into(), &"sales@hosting.example".into()));

    // Lower than what there is: what there is stays.
    let lower = NewTenantPlan { customers: Some(1), ..starter() };
    plans::plan_change(&platform, &plan.id, 1, &lower).await.unwrap();
    assert!(matches!(
        plans::plan_change(&platform, &plan.id, 1, &lower).await,
        Err(Error::VersionConflict { current: 2 })
    ));
    assert_eq!(customers::customers_count(&mut ctx.begin_read().await.unwrap()).await.unwrap(), 3);
    assert_eq!(customer(&ctx, "one more").await.unwrap_err().code(), "plan_limit_reached");
    plans::tenant_plan_set(&platform, ctx.tenant(), None).await.unwrap();
    customer(&ctx, "without a plan").await.unwrap();
    let nobodys = TenantId::new(world.runtime.clock.now());
    assert!(matches!(plans::tenant_plan_set(&platform, &nobodys, None).await, Err(Error::NotFound)));
});

on_both!(a_disabled_user_leaves_room_and_takes_it_again, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let platform = PlatformCtx::command_line(world.runtime.clone());
    let plan = plans::plan_create(&platform, &NewTenantPlan { users: Some(2), ..starter() }).await.unwrap();
    plans::tenant_plan_set(&platform, ctx.tenant(), Some(&plan.id)).await.unwrap();
    identity::user_create(&ctx, user("rosa@netandina.example", Role::Owner)).await.unwrap();
    let ana = identity::user_create(&ctx, user("ana@netandina.example", Role::Admin)).await.unwrap();
    let third = identity::user_create(&ctx, user("eva@netandina.example", Role::Admin)).await;
    assert_eq!(third.unwrap_err().code(), "plan_limit_reached");
    let off = UserChange { disabled: Some(true), ..UserChange::default() };
    identity::user_update(&ctx, &ana.id, 1, off).await.unwrap();
    identity::user_create(&ctx, user("eva@netandina.example", Role::Admin)).await.unwrap();
    let on = UserChange { disabled: Some(false), ..UserChange::default() };
    assert_eq!(identity::user_update(&ctx, &ana.id, 2, on).await.unwrap_err().code(), "plan_limit_reached");
});

on_both!(a_state_is_seen_by_the_people_and_stands_in_both_trails, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let platform = PlatformCtx::command_line(world.runtime.clone());
    identity::user_create(&ctx, user("rosa@netandina.example", Role::Owner)).await.unwrap();
    let token = log_in(&world, "netandina", "rosa@netandina.example", &secret("correct horse"))
        .await
        .unwrap()
        .token
        .expose()
        .to_owned();
    let set = |state| {
        plans::tenant_state_set(&platform, ctx.tenant(), state, "the invoice of September is not paid")
    };
    assert!(plans::tenant_state_set(&platform, ctx.tenant(), TenantState::ReadOnly, " ").await.is_err());
    let after = set(TenantState::ReadOnly).await.unwrap();
    assert_eq!(after.state_reason.as_deref(), Some("the invoice of September is not paid"));
    assert_eq!(set(TenantState::ReadOnly).await.unwrap_err().code(), "state_unchanged");
    let (rosa, logged_in) =
        identity::authenticate(&world.runtime, &token, &crate::anywhere()).await.unwrap().unwrap();
    assert!(rosa.is_read_only());
    assert_eq!(tenancy::read_only(&logged_in.tenant).code(), "tenant_read_only");
    let after = set(TenantState::Active).await.unwrap();
    assert_eq!((after.state, after.state_reason), (TenantState::Active, None));
    let (rosa, _) =
        identity::authenticate(&world.runtime, &token, &crate::anywhere()).await.unwrap().unwrap();
    assert!(!rosa.is_read_only());
    let filter =
        AuditFilter { actions: vec!["tenant.state_set".to_owned()], limit: 10, ..AuditFilter::default() };
    let rows = audit::list(&mut ctx.begin_read().await.unwrap(), &filter).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(trail(&world).await[..2], ["tenant.state_set", "tenant.state_set"]);
});

on_both!(a_domain_selects_one_tenant, |world: World| async move {
    let (ctx, other) = (tenant(&world, "netandina").await, tenant(&world, "other").await);
    let platform = PlatformCtx::command_line(world.runtime.clone());
    let find = async |slug: Option<&str>, host: &str| {
        let mut tx = world.runtime.platform().begin_read().await.unwrap();
        tenancy::find_by_host(&mut tx, slug, Some(host)).await.unwrap().map(|tenant| tenant.slug)
    };
    for wrong in ["localhost", "192.0.2.1", "a b.example", "-a.example", "x.example:80", "x.localhost"] {
        assert!(plans::tenant_domain_set(&platform, ctx.tenant(), Some(wrong)).await.is_err(), "{wrong}");
    }
    plans::tenant_domain_set(&platform, ctx.tenant(), Some("Red.NetAndina.example")).await.unwrap();
    assert_eq!(find(None, "red.netandina.example").await.as_deref(), Some("netandina"));
    assert_eq!(find(Some("other"), "other.isp.example").await.as_deref(), Some("other"));
    assert_eq!(find(None, "elsewhere.example").await, None);
    let taken = plans::tenant_domain_set(&platform, other.tenant(), Some("red.netandina.example")).await;
    assert!(matches!(taken, Err(Error::Invalid(_))));
    plans::tenant_domain_set(&platform, ctx.tenant(), None).await.unwrap();
    assert_eq!(find(None, "red.netandina.example").await, None);
});

async fn operator(world: &World) -> PlatformCtx {
    let platform = PlatformCtx::command_line(world.runtime.clone());
    let new = NewOperator {
        email: "Noc@Hosting.example".to_owned(),
        name: "Olga Norte".to_owned(),
        password: secret("operator horse"),
    };
    operators::operator_create(&platform, &new).await.unwrap();
    platform
}

async fn operator_token(world: &World, password: &str) -> Option<String> {
    let password = secret(password);
    let done =
        operators::log_in(&world.runtime, "noc@hosting.example", &password, None, &Origin::default()).await;
    match done.unwrap() {
        OperatorLogIn::In { token, .. } => Some(token.expose().to_owned()),
        OperatorLogIn::Refused => None,
        OperatorLogIn::CodeWanted => unreachable!("no app is enrolled"),
    }
}

async fn operator_ctx(world: &World, token: &str) -> Option<PlatformCtx> {
    operators::authenticate(&world.runtime, token, "r").await.unwrap().map(|(ctx, _)| ctx)
}

on_both!(an_operator_logs_in_and_is_nobody_in_a_tenant, |world: World| async move {
    let platform = operator(&world).await;
    assert!(operator_token(&world, "not the password").await.is_none());
    let token = operator_token(&world, "operator horse").await.unwrap();
    assert!(matches!(operator_ctx(&world, &token).await.unwrap().principal(), Principal::Operator { .. }));
    assert!(identity::authenticate(&world.runtime, &token, &crate::anywhere()).await.unwrap().is_none());
    assert!(visits::authenticate(&world.runtime, &token, "r").await.unwrap().is_none());
    let found = operators::operator_find(&platform, "noc@hosting.example").await.unwrap();
    operators::disabled_set(&platform, &found.id, true).await.unwrap();
    assert!(operator_ctx(&world, &token).await.is_none());
    assert!(operator_token(&world, "operator horse").await.is_none());
    operators::disabled_set(&platform, &found.id, false).await.unwrap();
    operators::password_set(&platform, &found.id, &secret("another horse")).await.unwrap();
    let token = operator_token(&world, "another horse").await.unwrap();
    world.clock.advance_millis(3 * 3_600_000);
    assert!(operator_ctx(&world, &token).await.is_none(), "idle too long");
    let seen = trail(&world).await;
    for action in
        ["operator.create", "operator.refuse", "operator.log_in", "operator.disable", "operator.password_set"]
    {
        assert!(seen.iter().any(|row| row == action), "{action}: {seen:?}");
    }
    // Guessing waits, and the right password waits with it.
    for _ in 0..6 {
        let (wrong, origin) = (secret("x"), Origin::default());
        let guess = operators::log_in(&world.runtime, "noc@hosting.example", &wrong, None, &origin).await;
        if matches!(guess, Err(Error::RateLimited { .. })) {
            return;
        }
    }
    unreachable!("six wrong passwords in a row cost no wait");
});

/// An operator is in a tenant from now on.
pub(super) async fn visit(world: &World, ctx: &Ctx) {
    operator(world).await;
    let catalog = Catalog::new(atalaya_people::PERMISSIONS.concat());
    let token = operator_token(world, "operator horse").await.unwrap();
    let platform = operator_ctx(world, &token).await.unwrap();
    let new = NewVisit { reason: "ticket 4711".to_owned(), minutes: Some(30), permissions: BTreeSet::new() };
    visits::visit_begin(&platform, &catalog, ctx.tenant(), &new).await.unwrap();
}

on_both!(a_visit_is_seen_ended_and_over_by_itself, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    operator(&world).await;
    let catalog = Catalog::new(atalaya_people::PERMISSIONS.concat());
    let platform =
        operator_ctx(&world, &operator_token(&world, "operator horse").await.unwrap()).await.unwrap();
    let new = |permissions: &[&str]| NewVisit {
        reason: "ticket 4711".to_owned(),
        minutes: Some(30),
        permissions: permissions.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
    };
    let begin = async |new: NewVisit| visits::visit_begin(&platform, &catalog, ctx.tenant(), &new).await;
    assert!(begin(NewVisit { reason: " ".to_owned(), ..new(&[]) }).await.is_err());
    assert!(begin(NewVisit { minutes: Some(481), ..new(&[]) }).await.is_err());
    assert!(begin(new(&["moon.landing"])).await.is_err());
    let (token, visit) = begin(new(&[])).await.unwrap();
    let (inside, _) = visits::authenticate(&world.runtime, &token, "r").await.unwrap().unwrap();
    assert!(inside.authorize(customers::READ).is_ok() && inside.authorize(customers::WRITE).is_err());
    assert_eq!(inside.tenant(), ctx.tenant());
    assert_eq!(
        identity::user_get(&inside, &"usr_01jd3k5m7nf8v9q0r1s2t3w4x5".parse().unwrap())
            .await
            .unwrap_err()
            .code(),
        "not_found"
    );

    let (writing, second) = begin(new(&["customer.write"])).await.unwrap();
    let (inside, _) = visits::authenticate(&world.runtime, &writing, "r").await.unwrap().unwrap();
    customer(&inside, "made on a visit").await.unwrap();
    let filter = AuditFilter { actor_kind: Some("operator".to_owned()), limit: 10, ..AuditFilter::default() };
    let rows = audit::list(&mut ctx.begin_read().await.unwrap(), &filter).await.unwrap();
    assert!(rows.iter().all(|row| row.actor_name == "Olga Norte"), "{rows:?}");
    assert!(
        rows.iter().any(|row| row.action == customers::WRITE.0)
            && rows.iter().any(|row| row.action == "operator_visit.begin")
    );

    let listed = visits::visits_list(&ctx, &PageQuery::default()).await.unwrap().items;
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|visit| visit.open && visit.reason == "ticket 4711"));
    visits::visit_end(&ctx, &second.id).await.unwrap();
    assert_eq!(visits::visit_end(&ctx, &second.id).await.unwrap_err().code(), "visit_over");
    assert!(visits::authenticate(&world.runtime, &writing, "r").await.unwrap().is_none());
    let stranger = tenant(&world, "other").await;
    assert!(matches!(visits::visit_end(&stranger, &visit.id).await, Err(Error::NotFound)));
    assert!(visits::visits_list(&stranger, &PageQuery::default()).await.unwrap().items.is_empty());

    world.clock.advance_millis(STEP_UP_MS);
    assert!(matches!(begin(new(&[])).await, Err(Error::StepUpRequired)), "a log-in of the last ten minutes");
    assert!(visits::authenticate(&world.runtime, &token, "r").await.unwrap().is_some());
    world.clock.advance_millis(20 * 60_000);
    assert!(
        visits::authenticate(&world.runtime, &token, "r").await.unwrap().is_none(),
        "it is over by itself"
    );
    assert_eq!(visits::visit_end(&ctx, &visit.id).await.unwrap_err().code(), "visit_over");
});
