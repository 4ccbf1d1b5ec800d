//! The foundation on both databases.
#![allow(clippy::unwrap_used)]

use atalaya_kernel::{
    Ctx, Error, audit,
    db::sql,
    events::{self, EntityRef, Event, EventFilter, EventType, NewEvent, Subscriptions},
    ids::TenantId,
    jobs, migrations, on_both, outbox,
    testing::{START, World},
    write_tx,
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const TESTED: EventType = EventType { name: "thing.tested", version: 1, public: false, doc: "" };

fn ctx(world: &World) -> Ctx {
    Ctx::system(world.runtime.tenant(TenantId::new(START)), "test")
}

fn audited(entity: Option<&str>) -> audit::AuditFilter {
    audit::AuditFilter { entity_id: entity.map(str::to_owned), limit: 10, ..audit::AuditFilter::default() }
}

on_both!(migrating_twice_changes_nothing, |world: World| async move {
    // The whole of the world, whose folder holds the database.
    let world = world;
    assert!(migrations::status(world.runtime.db()).await.unwrap().pending.is_empty());
    assert!(migrations::migrate(world.runtime.db(), START, None).await.unwrap().is_empty());
});

on_both!(a_text_that_no_database_keeps_is_kept_readable, |world: World| async move {
    let ctx = ctx(&world);
    write_tx!(ctx, tx => {
        let said = audit::Entry::new("thing.test", EntityRef::new("thing", "a")).reason("the device\0said so");
        audit::record(&ctx, &mut tx, said).await
    })
    .unwrap();
    let mut tx = ctx.begin_read().await.unwrap();
    let kept = audit::list(&mut tx, &audited(Some("a"))).await.unwrap().remove(0).reason;
    assert_eq!(kept.as_deref(), Some("the device\u{FFFD}said so"));
});

on_both!(a_change_and_its_event_commit_together, |world: World| async move {
    let ctx = ctx(&world);
    let failed: Result<(), Error> = write_tx!(ctx, tx => {
        events::emit(&ctx, &mut tx, NewEvent::new(TESTED, EntityRef::new("thing", "a"), serde_json::json!({}))).await?;
        Err(Error::conflict("no", "no"))
    });
    assert!(failed.is_err());
    let mut tx = ctx.begin_read().await.unwrap();
    let filter = EventFilter { limit: 10, ..EventFilter::default() };
    assert!(events::list(&mut tx, &filter).await.unwrap().is_empty());
    drop(tx);
    write_tx!(ctx, tx => {
        audit::record(&ctx, &mut tx, audit::Entry::new("thing.test", EntityRef::new("thing", "a")).after(&1)?).await?;
        events::emit(&ctx, &mut tx, NewEvent::new(TESTED, EntityRef::new("thing", "a"), serde_json::json!({"n": 1})).related("other", "b")).await
    })
    .unwrap();
    let mut tx = ctx.begin_read().await.unwrap();
    for (kind, expected) in [("thing.*", 1), ("other.*", 0), ("thing.tested", 1)] {
        let filter = EventFilter { kinds: vec![kind.to_owned()], limit: 10, ..EventFilter::default() };
        assert_eq!(events::list(&mut tx, &filter).await.unwrap().len(), expected);
    }
    assert_eq!(audit::list(&mut tx, &audited(Some("a"))).await.unwrap().len(), 1);
    let stranger = self::ctx(&world);
    let mut tx = stranger.begin_read().await.unwrap();
    assert!(audit::list(&mut tx, &audited(None)).await.unwrap().is_empty());
});

/// Fails as often as told, then takes.
struct Flaky {
    failures: AtomicUsize,
    seen: parking_lot::Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl outbox::Subscriber for Flaky {
    fn name(&self) -> &'static str {
        "flaky"
    }
    fn events(&self) -> &'static [&'static str] {
        &["thing.tested"]
    }
    async fn handle(&self, _: &Ctx, event: &Event) -> Result<(), Error> {
        if self.failures.load(Ordering::SeqCst) > 0 && event.entity.id == "a" {
            self.failures.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::Unavailable("not now".to_owned()));
        }
        self.seen.lock().push(event.payload["n"].to_string());
        Ok(())
    }
}

fn flaky(failures: usize) -> Arc<Flaky> {
    Arc::new(Flaky { failures: AtomicUsize::new(failures), seen: parking_lot::Mutex::default() })
}

on_both!(
    deliveries_keep_order_per_entity_and_outlive_failures,
    Subscriptions::of(&[flaky(0) as Arc<dyn outbox::Subscriber>]),
    |world: World| async move {
        let subscriber = flaky(1);
        let subscribers: Vec<Arc<dyn outbox::Subscriber>> = vec![subscriber.clone()];
        let ctx = ctx(&world);
        for (entity, n) in [("a", 1), ("a", 2), ("b", 3)] {
            write_tx!(ctx, tx => {
            events::emit(&ctx, &mut tx, NewEvent::new(TESTED, EntityRef::new("thing", entity), serde_json::json!({"n": n}))).await
        })
        .unwrap();
            world.clock.advance_millis(1);
        }
        while outbox::deliver_due(&world.runtime, &subscribers).await.unwrap() > 0 {}
        assert_eq!(*subscriber.seen.lock(), ["3"], "the failed one holds back its own entity only");
        world.clock.advance_millis(60_000);
        while outbox::deliver_due(&world.runtime, &subscribers).await.unwrap() > 0 {}
        assert_eq!(*subscriber.seen.lock(), ["3", "1", "2"]);
    }
);

on_both!(a_stalled_holder_cannot_complete_a_job, |world: World| async move {
    let platform = world.platform();
    let job = |key: &str| jobs::NewJob {
        kind: "test",
        tenant: None,
        payload: serde_json::json!({}),
        dedupe_key: key.to_owned(),
        run_at: START,
    };
    for _ in 0..2 {
        write_tx!(platform, tx => { Ok(jobs::enqueue(&mut tx, job("once"), START).await?) }).unwrap();
    }
    let first =
        write_tx!(platform, tx => { Ok(jobs::claim(&mut tx, &["test"], START).await?) }).unwrap().unwrap();
    let nothing = write_tx!(platform, tx => { Ok(jobs::claim(&mut tx, &["test"], START).await?) }).unwrap();
    assert!(nothing.is_none(), "asked twice is asked once, and it is leased");
    let later = START.plus_millis(3_600_000);
    let second =
        write_tx!(platform, tx => { Ok(jobs::claim(&mut tx, &["test"], later).await?) }).unwrap().unwrap();
    let stale = write_tx!(platform, tx => { jobs::complete(&mut tx, &first).await });
    assert!(matches!(stale, Err(Error::Conflict { code: "lease_lost", .. })));
    write_tx!(platform, tx => { jobs::complete(&mut tx, &second).await }).unwrap();
});

/// Never gets it done.
struct Hopeless;

#[async_trait::async_trait]
impl jobs::Handler for Hopeless {
    fn kind(&self) -> &'static str {
        "hopeless"
    }
    async fn run(&self, _: &Arc<atalaya_kernel::runtime::Runtime>, _: &jobs::Job) -> Result<(), Error> {
        Err(Error::Unavailable("the other side".to_owned()))
    }
}

on_both!(a_lease_is_renewed_by_its_holder_and_a_dead_job_asked_for_again, |world: World| async move {
    let platform = world.platform();
    let new = jobs::NewJob {
        kind: "hopeless",
        tenant: None,
        payload: serde_json::json!({}),
        dedupe_key: "one".to_owned(),
        run_at: START,
    };
    write_tx!(platform, tx => { Ok(jobs::enqueue(&mut tx, new.clone(), START).await?) }).unwrap();
    let claim = |at| {
        let platform = platform.clone();
        async move { write_tx!(platform, tx => { Ok(jobs::claim(&mut tx, &["hopeless"], at).await?) }).unwrap() }
    };
    let held = claim(START).await.unwrap();
    for second in 1..=10 {
        let now = START.plus_millis(second * 10_000);
        assert!(claim(now).await.is_none(), "its holder works on it");
        write_tx!(platform, tx => { jobs::hold(&mut tx, &held, now).await }).unwrap();
    }
    let taken = claim(START.plus_millis(200_000)).await;
    assert!(taken.is_some(), "a holder that is silent loses it");
    let late = write_tx!(platform, tx => { jobs::hold(&mut tx, &held, START.plus_millis(200_001)).await });
    assert!(matches!(late, Err(Error::Conflict { code: jobs::LEASE_LOST, .. })));

    let handlers: [Arc<dyn jobs::Handler>; 1] = [Arc::new(Hopeless)];
    for _ in 0..jobs::MAX_ATTEMPTS + 2 {
        world.clock.advance_millis(3_600_000);
        jobs::run_due(&world.runtime, &handlers).await.unwrap();
    }
    world.clock.advance_millis(3_600_000);
    assert!(!jobs::run_due(&world.runtime, &handlers).await.unwrap(), "it is dead and waits for a person");
    let now = world.runtime.clock.now();
    write_tx!(platform, tx => { Ok(jobs::revive(&mut tx, "hopeless", "one", now).await?) }).unwrap();
    assert!(jobs::run_due(&world.runtime, &handlers).await.unwrap());
});

on_both!(concurrent_read_modify_writes_lose_nothing, |world: World| async move {
    let platform = world.platform();
    write_tx!(platform, tx => {
        Ok(sql("INSERT INTO kernel_installation (id, environment, host, armed, created_at) VALUES ('x', 'test', 'h', true, 0)").execute(&mut tx).await?)
    })
    .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let platform = platform.clone();
        tasks.spawn(async move {
            for _ in 0..10 {
                write_tx!(platform, tx => {
                    Ok(sql("UPDATE kernel_installation SET created_at = created_at + 1 WHERE id = $1").bind("x").execute(&mut tx).await?)
                })
                .unwrap();
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let mut tx = platform.begin_read().await.unwrap();
    let (count,): (i64,) = sql("SELECT created_at FROM kernel_installation WHERE id = $1")
        .bind("x")
        .fetch_one(&mut tx)
        .await
        .unwrap();
    assert_eq!(count, 80);
});

on_both!(tenant_secrets_open_for_their_tenant_only, |world: World| async move {
    let (one, other) = (ctx(&world), ctx(&world));
    for ctx in [&one, &other] {
        write_tx!(ctx, tx => { world.runtime.secrets.tenant_key_create(&mut tx, START).await }).unwrap();
    }
    let mut tx = one.begin_read().await.unwrap();
    let sealed = world.runtime.secrets.seal(&mut tx, "device/1", b"password").await.unwrap();
    assert_eq!(world.runtime.secrets.open(&mut tx, "device/1", &sealed).await.unwrap().expose(), b"password");
    let mut tx = other.begin_read().await.unwrap();
    assert!(world.runtime.secrets.open(&mut tx, "device/1", &sealed).await.is_err());
});
