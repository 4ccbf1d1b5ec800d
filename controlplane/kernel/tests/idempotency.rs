//! A request that comes twice, on both databases.
#![allow(clippy::unwrap_used)]

use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    audit::{self, Entry},
    db::sql,
    events::EntityRef,
    idempotency::{self, Answer, Claim, Known, REMEMBERED_MS, REPEATED},
    ids::{TenantId, UserId},
    on_both,
    testing::{START, World},
    write_tx,
};

async fn ctx(world: &World) -> Ctx {
    let tenant = TenantId::new(START);
    let system = Ctx::system(world.runtime.tenant(tenant.clone()), "test");
    write_tx!(system, tx => { world.runtime.secrets.tenant_key_create(&mut tx, START).await }).unwrap();
    let who = Principal::User { id: UserId::new(START), name: "Rosa".to_owned() };
    Ctx::new(world.runtime.tenant(tenant), who, Permissions::All, Scope::All, "request")
}

/// A use case of two transactions, each with a row of its own.
async fn effect(ctx: &Ctx, fails: bool) -> Result<(), Error> {
    for step in ["first", "second"] {
        write_tx!(ctx, tx => {
            audit::record(ctx, &mut tx, Entry::new("thing.test", EntityRef::new("thing", step))).await?;
            if fails { Err(Error::conflict("no", "not now")) } else { Ok(()) }
        })?;
    }
    Ok(())
}

async fn effects(ctx: &Ctx) -> usize {
    let mut tx = ctx.begin_read().await.unwrap();
    let rows: Vec<(String,)> =
        sql("SELECT id FROM kernel_audit WHERE tenant_id = $1 AND action = 'thing.test'")
            .bind(ctx.tenant())
            .fetch_all(&mut tx)
            .await
            .unwrap();
    rows.len()
}

fn claim(ctx: &Ctx, body: &[u8]) -> Claim {
    Claim::new(ctx, "key-1", "POST", "/things", body)
}

on_both!(the_effect_happens_once_and_its_answer_is_given_again, |world: World| async move {
    let ctx = ctx(&world).await;
    let first = claim(&ctx, b"a");
    assert_eq!(idempotency::find(&ctx, &first).await.unwrap(), Known::New);

    // What failed had no effect: the key is free again.
    assert!(effect(&ctx.clone().once(first.clone()), true).await.is_err());
    assert_eq!(idempotency::find(&ctx, &first).await.unwrap(), Known::New);

    effect(&ctx.clone().once(first.clone()), false).await.unwrap();
    assert_eq!(effects(&ctx).await, 2);
    assert_eq!(idempotency::find(&ctx, &first).await.unwrap(), Known::Unanswered);

    // One that looked before the first had committed.
    let raced = effect(&ctx.clone().once(claim(&ctx, b"a")), false).await.unwrap_err();
    assert_eq!(raced.code(), REPEATED);
    assert_eq!(effects(&ctx).await, 2);

    let answer = Answer {
        status: 201,
        content_type: Some("application/json".to_owned()),
        etag: None,
        body: b"{\"token\":\"shown-once\"}".to_vec(),
    };
    idempotency::answered(&ctx, &first, &answer).await.unwrap();
    assert_eq!(idempotency::find(&ctx, &claim(&ctx, b"a")).await.unwrap(), Known::Answered(answer));
    assert_eq!(idempotency::find(&ctx, &claim(&ctx, b"b")).await.unwrap(), Known::Other);
    let mut tx = ctx.begin_read().await.unwrap();
    let (kept,): (Vec<u8>,) = sql("SELECT body FROM kernel_idempotency WHERE tenant_id = $1")
        .bind(ctx.tenant())
        .fetch_one(&mut tx)
        .await
        .unwrap();
    assert!(!kept.windows(10).any(|window| window == b"shown-once"), "an answer lies open in the database");
    drop(tx);

    // Only the one that had the effect says what it was.
    let late = Answer { status: 200, content_type: None, etag: None, body: Vec::new() };
    idempotency::answered(&ctx, &claim(&ctx, b"a"), &late).await.unwrap();
    assert!(
        matches!(idempotency::find(&ctx, &first).await.unwrap(), Known::Answered(answer) if answer.status == 201)
    );

    // Another person's key is another key.
    world.clock.advance_millis(1);
    let other = Ctx::new(
        world.runtime.tenant(ctx.tenant().clone()),
        Principal::User { id: UserId::new(START.plus_millis(1)), name: "Luis".to_owned() },
        Permissions::All,
        Scope::All,
        "request",
    );
    assert_eq!(idempotency::find(&other, &claim(&other, b"a")).await.unwrap(), Known::New);

    assert_eq!(idempotency::forget(&ctx).await.unwrap(), 0);
    world.clock.advance_millis(REMEMBERED_MS + 1);
    assert_eq!(idempotency::forget(&ctx).await.unwrap(), 1);
    assert_eq!(idempotency::find(&ctx, &first).await.unwrap(), Known::New);
});

on_both!(of_many_at_once_one_has_the_effect, |world: World| async move {
    let ctx = ctx(&world).await;
    let attempts = (0..8).map(|_| {
        let ctx = ctx.clone();
        async move { effect(&ctx.clone().once(claim(&ctx, b"a")), false).await }
    });
    let outcomes = futures::future::join_all(attempts).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!(effects(&ctx).await, 2);
});
