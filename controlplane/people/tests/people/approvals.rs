//! Two-person approval, with an operation that changes a setting.

use super::{tenant, user};
use atalaya_kernel::{
    Ctx, Error, Permission, Permissions, Principal, Scope,
    db::TenantTx,
    events::EntityRef,
    ids::{ApprovalId, UserId},
    list::ListQuery,
    on_both,
    testing::World,
    write_tx,
};
use atalaya_people::{
    access::Role,
    approvals::{self, ApprovalState, NewApproval, Operation, Operations},
    identity,
    tenancy::{self, AutomaticCuts},
};
use serde_json::{Value, json};
use std::sync::Arc;

const RIGHT: Permission = Permission::new("tenant.write");

/// Turns automatic cuts off, or refuses when told to.
struct TurnOff;

#[async_trait::async_trait]
impl Operation for TurnOff {
    fn name(&self) -> &'static str {
        "test.turn_off"
    }
    fn permission(&self) -> Permission {
        RIGHT
    }
    async fn run(&self, ctx: &Ctx, tx: &mut TenantTx, payload: &Value) -> Result<(), Error> {
        tenancy::automatic_cuts_set(ctx, tx, AutomaticCuts::Off).await?;
        if payload["refuse"] == true { Err(Error::conflict("refused", "as asked")) } else { Ok(()) }
    }
}

fn operations() -> Operations {
    Operations::new(vec![Arc::new(TurnOff)])
}

/// Somebody of the staff with all rights.
async fn person(ctx: &Ctx, name: &str) -> Ctx {
    let made =
        identity::user_create(ctx, user(&format!("{name}@netandina.example"), Role::Admin)).await.unwrap();
    as_person(ctx, made.id, Permissions::All)
}

fn as_person(ctx: &Ctx, id: UserId, permissions: Permissions) -> Ctx {
    Ctx::new(ctx.db().clone(), Principal::User { id, name: "P".to_owned() }, permissions, Scope::All, "test")
}

async fn ask(ctx: &Ctx, entity: &str, payload: Value) -> Result<ApprovalId, Error> {
    let new = NewApproval {
        operation: "test.turn_off",
        entity: EntityRef::new("test", entity),
        summary: "Turn automatic cuts off".to_owned(),
        payload,
    };
    write_tx!(ctx, tx => { Ok(approvals::approval_request(ctx, &mut tx, new.clone()).await?.id) })
}

async fn cuts(ctx: &Ctx) -> AutomaticCuts {
    tenancy::tenant_get(ctx).await.unwrap().automatic_cuts
}

on_both!(a_second_person_lets_it_run_once, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let (rosa, luis) = (person(&ctx, "rosa").await, person(&ctx, "luis").await);
    assert_eq!(ask(&ctx, "a", json!({})).await.unwrap_err().code(), "not_a_person");
    let id = ask(&rosa, "a", json!({})).await.unwrap();
    assert_eq!(ask(&luis, "a", json!({"refuse": true})).await.unwrap(), id, "it waits already");
    let approve = |who: &Ctx, id: &ApprovalId| {
        let (who, id) = (who.clone(), id.clone());
        async move { approvals::approval_approve(&who, &operations(), &id).await }
    };
    assert_eq!(approve(&rosa, &id).await.unwrap_err().code(), "own_request");
    assert_eq!(approve(&ctx, &id).await.unwrap_err().code(), "not_a_person");
    let Principal::User { id: luis_id, .. } = luis.principal().clone() else { unreachable!("a person") };
    let without = Permissions::These(["approval.decide".to_owned()].into());
    let without = as_person(&ctx, luis_id, without);
    assert!(matches!(approve(&without, &id).await, Err(Error::Forbidden("tenant.write"))));
    assert_eq!(cuts(&ctx).await, AutomaticCuts::OffUntilPreview, "nothing was done so far");
    let waiting_ones = ListQuery::of([("waiting", "true")]).unwrap();
    let waiting = approvals::approvals_list(&luis, &waiting_ones).await.unwrap().items;
    assert_eq!(waiting.iter().map(|row| &row.id).collect::<Vec<_>>(), [&id]);

    let done = approve(&luis, &id).await.unwrap();
    assert_eq!((done.state, cuts(&ctx).await), (ApprovalState::Approved, AutomaticCuts::Off));
    assert_eq!(approve(&luis, &id).await.unwrap_err().code(), "approval_decided");
    assert!(approvals::approvals_list(&luis, &waiting_ones).await.unwrap().items.is_empty());
    let stranger = tenant(&world, "other").await;
    assert!(matches!(approvals::approval_get(&stranger, &id).await, Err(Error::NotFound)));
});

on_both!(what_cannot_run_goes_on_waiting, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let (rosa, luis) = (person(&ctx, "rosa").await, person(&ctx, "luis").await);
    let id = ask(&rosa, "a", json!({"refuse": true})).await.unwrap();
    assert_eq!(approvals::approval_approve(&luis, &operations(), &id).await.unwrap_err().code(), "refused");
    assert_eq!(cuts(&ctx).await, AutomaticCuts::OffUntilPreview, "all or nothing");
    assert_eq!(approvals::approval_get(&luis, &id).await.unwrap().state, ApprovalState::Pending);
    assert_eq!(
        approvals::approval_approve(&luis, &Operations::default(), &id).await.unwrap_err().code(),
        "unknown_operation"
    );
    let taken_back = approvals::approval_reject(&rosa, &id, "a mistake").await.unwrap();
    assert_eq!(
        (taken_back.state, taken_back.reason.as_deref()),
        (ApprovalState::Rejected, Some("a mistake"))
    );

    let late = ask(&rosa, "b", json!({})).await.unwrap();
    world.clock.advance_millis(24 * 3_600_000);
    assert_eq!(
        approvals::approval_approve(&luis, &operations(), &late).await.unwrap_err().code(),
        "approval_expired"
    );
    assert_eq!(approvals::approval_get(&luis, &late).await.unwrap().state, ApprovalState::Expired);
    assert_ne!(ask(&rosa, "b", json!({})).await.unwrap(), late, "it can be asked for again");
});
