//! A thing's timeline has what is about it and what names it, each with its cause, and what was there before there were timelines.
//! On both databases.
#![allow(clippy::unwrap_used)]

use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    blobs::FolderStore,
    db::{Db, Dialect},
    events::{self, EntityRef, EventType, NewEvent, Subscriptions},
    ids::{EventId, TenantId, UserId},
    migrations, on_both,
    runtime::Runtime,
    secrets::{InstallationKey, Secrets},
    testing::{START, World, execute, postgres_empty},
    time::{ManualClock, Timestamp},
    timeline::{self, Filter},
    write_tx,
};
use serde_json::json;
use std::{slice, sync::Arc};

const TENANT: &str = "ten_01jd3k5m7nf8v9q0r1s2t3w4x5";
const RAMON: &str = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5";
const LUISA: &str = "cus_01jd3k5m7nf8v9q0r1s2t3w4x6";
const PAID: EventType = EventType { name: "payment.received", version: 1, public: false, doc: "" };
const BACK: EventType = EventType { name: "service.reconnected", version: 1, public: false, doc: "" };
/// The script that made timelines.
const NUMBER: i64 = 30;

fn of_tenant(world: &World) -> Ctx {
    Ctx::system(world.runtime.tenant(TENANT.parse().unwrap()), "test")
}

async fn emit(ctx: &Ctx, kind: EventType, about: (&str, &str), customer: &str) -> EventId {
    let event = NewEvent::new(kind, EntityRef::new(about.0, about.1), json!({}));
    // Named twice, and once as what it is about: it is on that timeline once.
    let event =
        event.related("customer_id", customer).related("payer_id", customer).related("own_id", about.1);
    write_tx!(ctx, tx => { events::emit(ctx, &mut tx, event.clone()).await }).unwrap()
}

async fn ids(ctx: &Ctx, subject: &str, filter: &Filter) -> Vec<EventId> {
    let mut tx = ctx.begin_read().await.unwrap();
    let found = timeline::events(&mut tx, subject, filter).await.unwrap();
    found.into_iter().map(|event| event.id).collect()
}

on_both!(what_is_about_a_thing_or_names_it_is_on_its_timeline, |world: World| async move {
    let ctx = of_tenant(&world);
    let ana = Principal::User { id: UserId::new(START), name: "Ana".to_owned() };
    let (_, ana_id, _) = ana.parts();
    let ana = Ctx::new(ctx.db().clone(), ana, Permissions::All, Scope::All, "test");
    let all = Filter { limit: 10, ..Filter::default() };

    let paid = emit(&ana, PAID, ("payment", "pay_1"), RAMON).await;
    let back = emit(&ctx.clone().caused_by(paid.clone()), BACK, ("service", "svc_1"), RAMON).await;
    let others = emit(&ctx, PAID, ("payment", "pay_2"), LUISA).await;
    assert_eq!(ids(&ctx, RAMON, &all).await, [back.clone(), paid.clone()]);
    assert_eq!(ids(&ctx, LUISA, &all).await, [others]);
    assert_eq!(ids(&ctx, "svc_1", &all).await, slice::from_ref(&back));
    assert_eq!(ids(&ctx, "cus_", &all).await, []);

    let kind = |kind: &str| Filter { kinds: vec![kind.to_owned()], ..all.clone() };
    assert_eq!(ids(&ctx, RAMON, &kind("payment.*")).await, slice::from_ref(&paid));
    assert_eq!(ids(&ctx, RAMON, &kind("service.reconnected")).await, slice::from_ref(&back));
    assert_eq!(
        ids(&ctx, RAMON, &Filter { actor: Some(ana_id), ..all.clone() }).await,
        slice::from_ref(&paid)
    );
    assert_eq!(
        ids(&ctx, RAMON, &Filter { before: Some(back.clone()), ..all.clone() }).await,
        slice::from_ref(&paid)
    );
    assert_eq!(ids(&ctx, RAMON, &Filter { limit: 1, ..all.clone() }).await, [back]);

    let mut tx = ctx.begin_read().await.unwrap();
    let shown = timeline::events(&mut tx, RAMON, &all).await.unwrap();
    let causes = timeline::causes(&mut tx, &shown).await.unwrap();
    assert_eq!(causes.iter().map(|cause| &cause.id).collect::<Vec<_>>(), [&paid]);
    tx.rollback().await.unwrap();

    let stranger = Ctx::system(world.runtime.tenant(TenantId::new(START)), "test");
    assert_eq!(ids(&stranger, RAMON, &all).await, []);
    let mut tx = stranger.begin_read().await.unwrap();
    assert!(timeline::causes(&mut tx, &shown).await.unwrap().is_empty(), "nor a cause of ours");
});

on_both!(an_event_that_is_undone_is_on_no_timeline, |world: World| async move {
    let ctx = of_tenant(&world);
    let undone: Result<(), Error> = write_tx!(ctx, tx => {
        events::emit(&ctx, &mut tx, NewEvent::new(PAID, EntityRef::new("payment", "pay_1"), json!({}))).await?;
        Err(Error::NotFound)
    });
    assert!(undone.is_err());
    assert_eq!(ids(&ctx, "pay_1", &Filter { limit: 10, ..Filter::default() }).await, []);
});

/// Fills a database of the release before with events, brings it to this one's schema, and reads the timelines.
async fn what_happened_before_is_there(dialect: Dialect) {
    let folder = tempfile::tempdir().unwrap();
    let (owner, tamper) = match dialect {
        Dialect::Sqlite => {
            let url = format!("sqlite:{}", folder.path().join("old.db").display());
            (url.clone(), url)
        }
        Dialect::Postgres => {
            let urls = postgres_empty().await;
            (urls.owner, urls.superuser)
        }
    };
    let db = Db::open(&owner).await.unwrap();
    migrations::migrate_to(&db, NUMBER - 1, START, None).await.unwrap();
    let ids_before = [1, 2, 3].map(|ms| EventId::new(Timestamp::from_millis(START.as_millis() + ms)));
    let event = |number: usize, entity: &str, related: &str| {
        let id = &ids_before[number - 1];
        format!(
            "INSERT INTO kernel_event (tenant_id, id, kind, version, occurred_at, actor_kind, actor_id, actor_name, entity_kind, \
             entity_id, related, payload) VALUES ('{TENANT}', '{id}', 'payment.received', 1, 0, 'system', 's', 's', 'thing', \
             '{entity}', '{related}', '{{}}')"
        )
    };
    for statement in [
        event(1, "pay_1", &format!(r#"{{"customer_id":"{RAMON}","payer_id":"{RAMON}"}}"#)),
        event(2, RAMON, &format!(r#"{{"customer_id":"{RAMON}"}}"#)),
        event(3, "pay_2", "{}"),
    ] {
        execute(&tamper, &statement).await.unwrap();
    }
    let ran = migrations::migrate(&db, START, None).await.unwrap();
    assert!(ran.iter().any(|step| step.number == NUMBER), "{ran:?}");
    let blobs = Arc::new(FolderStore::new(folder.path().join("blobs")));
    let secrets = Secrets::new(InstallationKey::generate());
    let clock = Arc::new(ManualClock::at(START));
    let db = Db::open(&tamper).await.unwrap();
    let runtime = Runtime::new(db, clock, Subscriptions::default(), secrets, blobs);
    let ctx = Ctx::system(runtime.tenant(TENANT.parse().unwrap()), "test");
    let all = Filter { limit: 10, ..Filter::default() };
    for (subject, expected) in [(RAMON, vec![2, 1]), ("pay_1", vec![1]), ("pay_2", vec![3]), (LUISA, vec![])]
    {
        let expected: Vec<EventId> =
            expected.into_iter().map(|number: usize| ids_before[number - 1].clone()).collect();
        assert_eq!(ids(&ctx, subject, &all).await, expected, "{subject}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_before_is_there_sqlite() {
    what_happened_before_is_there(Dialect::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_before_is_there_postgres() {
    what_happened_before_is_there(Dialect::Postgres).await;
}
