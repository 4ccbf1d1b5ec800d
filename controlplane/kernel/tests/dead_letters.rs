//! What failed until it was given up is seen, tried again, given up for good; on both databases.
#![allow(clippy::unwrap_used)]

use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope, audit,
    dead_letters::{self, DeadLetterId, DeadLetterKind, Discard},
    events::{self, EntityRef, Event, EventType, NewEvent, Subscriptions},
    jobs::{self, Handler, Job, NewJob},
    list::ListQuery,
    on_both,
    outbox::{self, Subscriber},
    runtime::Runtime,
    testing::{START, World},
    write_tx,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

const HAPPENED: EventType = EventType { name: "thing.happened", version: 1, public: false, doc: "" };

/// Fails for as long as it is told to.
#[derive(Default)]
struct Moody {
    is_well: AtomicBool,
    taken: AtomicUsize,
}

impl Moody {
    fn outcome(&self) -> Result<(), Error> {
        if self.is_well.load(Ordering::SeqCst) {
            self.taken.fetch_add(1, Ordering::SeqCst);
            Ok(())
        } else {
            Err(Error::Unavailable("the other side is away".to_owned()))
        }
    }
}

#[async_trait::async_trait]
impl Subscriber for Moody {
    fn name(&self) -> &'static str {
        "test.moody"
    }
    fn events(&self) -> &'static [&'static str] {
        &["thing.happened"]
    }
    async fn handle(&self, _: &Ctx, _: &Event) -> Result<(), Error> {
        self.outcome()
    }
}

#[async_trait::async_trait]
impl Handler for Moody {
    fn kind(&self) -> &'static str {
        "test.moody"
    }
    async fn run(&self, _: &Arc<Runtime>, _: &Job) -> Result<(), Error> {
        self.outcome()
    }
}

fn subscriptions() -> Subscriptions {
    Subscriptions::of(&[Arc::new(Moody::default()) as Arc<dyn Subscriber>])
}

fn ctx(world: &World, number: u8, permissions: Permissions) -> Ctx {
    let tenant = format!("ten_01jd3k5m7nf8v9q0r1s2t3w4x{number}").parse().unwrap();
    let tenant = world.runtime.tenant(tenant);
    Ctx::new(tenant, Principal::CommandLine, permissions, Scope::All, "test")
}

async fn happen(ctx: &Ctx, entity: &str) {
    write_tx!(ctx, tx => {
        events::emit(ctx, &mut tx, NewEvent::new(HAPPENED, EntityRef::new("thing", entity), serde_json::json!({}))).await
    })
    .unwrap();
}

on_both!(what_was_given_up_is_settled_by_a_person, subscriptions(), |world: World| async move {
    let ours = ctx(&world, 1, Permissions::All);
    let moody = Arc::new(Moody::default());
    let subscribers: Vec<Arc<dyn Subscriber>> = vec![moody.clone()];
    let handlers: Vec<Arc<dyn Handler>> = vec![moody.clone()];
    // Two of one thing, of which the second waits behind the first, and one of another.
    for entity in ["a", "a", "b"] {
        happen(&ours, entity).await;
    }
    let job = NewJob {
        kind: "test.moody",
        tenant: Some(ours.tenant().clone()),
        payload: serde_json::json!({"secret": "not shown"}),
        dedupe_key: "once".to_owned(),
        run_at: START,
    };
    write_tx!(ours, tx => { Ok(jobs::enqueue(&mut tx, job.clone(), START).await?) }).unwrap();
    for _ in 0..20 {
        outbox::deliver_due(&world.runtime, &subscribers).await.unwrap();
        jobs::run_due(&world.runtime, &handlers).await.unwrap();
        world.clock.advance_millis(3_600_000);
    }
    let mut tx = ours.begin_read().await.unwrap();
    assert_eq!(dead_letters::count(&mut tx).await.unwrap(), 3, "of both kinds");
    drop(tx);
    let all = dead_letters::list(&ours, &ListQuery::default()).await.unwrap().items;
    assert_eq!(all.len(), 3, "two deliveries and a job: {all:#?}");
    assert!(all.is_sorted_by(|a, b| a.dead_at >= b.dead_at), "newest first");
    assert!(all.iter().all(|letter| letter.last_error.contains("the other side is away")));
    assert!(!format!("{all:?}").contains("not shown"));
    for kind in [DeadLetterKind::Delivery, DeadLetterKind::Job] {
        let asked = ListQuery::of([("kind", kind.as_str())]).unwrap();
        let found = dead_letters::list(&ours, &asked).await.unwrap().items;
        let wanted: Vec<_> = all.iter().filter(|letter| letter.kind == kind).cloned().collect();
        assert_eq!(found, wanted, "one kind alone");
    }
    let (mut by_page, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let place = cursor.iter().map(|cursor| ("cursor", cursor.as_str()));
        let asked = ListQuery::of(place.chain([("limit", "1")])).unwrap();
        let page = dead_letters::list(&ours, &asked).await.unwrap();
        by_page.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(by_page, all, "page by page it is the same list");
    let asked = ListQuery::of([("sort", "subscriber,what"), ("attempts_gte", "1")]).unwrap();
    let sorted = dead_letters::list(&ours, &asked).await.unwrap().items;
    assert_eq!(
        sorted.iter().map(|letter| letter.kind == DeadLetterKind::Job).collect::<Vec<_>>(),
        [false, false, true]
    );

    let of = |entity: &str| -> DeadLetterId {
        let letter = all.iter().find(|letter| letter.entity.as_ref().is_some_and(|found| found.id == entity));
        letter.unwrap().id.parse().unwrap()
    };
    let job: DeadLetterId =
        all.iter().find(|letter| letter.kind == DeadLetterKind::Job).unwrap().id.parse().unwrap();
    let stranger = ctx(&world, 2, Permissions::All);
    let may_look = ctx(&world, 1, Permissions::These([dead_letters::READ.0.to_owned()].into()));
    let discard = Discard { reason: "it was replaced".to_owned() };
    assert!(dead_letters::list(&stranger, &ListQuery::default()).await.unwrap().items.is_empty());
    for id in [&of("a"), &job] {
        assert!(matches!(dead_letters::get(&stranger, id).await, Err(Error::NotFound)));
        assert!(matches!(dead_letters::replay(&stranger, id).await, Err(Error::NotFound)));
        assert!(matches!(dead_letters::discard(&stranger, id, &discard).await, Err(Error::NotFound)));
        assert!(dead_letters::get(&may_look, id).await.is_ok());
        assert!(matches!(dead_letters::replay(&may_look, id).await, Err(Error::Forbidden(_))));
        assert!(matches!(dead_letters::discard(&may_look, id, &discard).await, Err(Error::Forbidden(_))));
    }

    // Still ill: it fails once, is not dead, and is tried again.
    dead_letters::replay(&ours, &of("b")).await.unwrap();
    assert!(matches!(dead_letters::replay(&ours, &of("b")).await, Err(Error::NotFound)), "once");
    outbox::deliver_due(&world.runtime, &subscribers).await.unwrap();
    assert!(matches!(dead_letters::get(&ours, &of("b")).await, Err(Error::NotFound)));
    moody.is_well.store(true, Ordering::SeqCst);
    world.clock.advance_millis(3_600_000);
    outbox::deliver_due(&world.runtime, &subscribers).await.unwrap();
    assert_eq!(moody.taken.load(Ordering::SeqCst), 1, "what is dead still holds back what waits behind it");
    dead_letters::discard(&ours, &of("a"), &Discard { reason: " ".to_owned() }).await.unwrap_err();
    dead_letters::discard(&ours, &of("a"), &discard).await.unwrap();
    outbox::deliver_due(&world.runtime, &subscribers).await.unwrap();
    assert_eq!(moody.taken.load(Ordering::SeqCst), 2, "the one behind it came through, and it alone");
    dead_letters::replay(&ours, &job).await.unwrap();
    jobs::run_due(&world.runtime, &handlers).await.unwrap();
    assert_eq!(moody.taken.load(Ordering::SeqCst), 3);
    assert!(dead_letters::list(&ours, &ListQuery::default()).await.unwrap().items.is_empty());

    let filter = audit::AuditFilter { limit: 10, ..audit::AuditFilter::default() };
    let rows = audit::list(&mut ours.begin_read().await.unwrap(), &filter).await.unwrap();
    let mut actions: Vec<_> = rows.iter().map(|row| (row.action.as_str(), row.reason.as_deref())).collect();
    actions.sort_unstable();
    assert_eq!(
        actions,
        [
            ("dead_letter.discard", Some("it was replaced")),
            ("dead_letter.replay", None),
            ("dead_letter.replay", None)
        ]
    );
});

#[test]
fn a_name_of_something_dead_is_read_back() {
    for text in ["job_01jd3k5m7nf8v9q0r1s2t3w4x5", "evt_01jd3k5m7nf8v9q0r1s2t3w4x5.network.services"] {
        assert_eq!(text.parse::<DeadLetterId>().unwrap().to_string(), text);
    }
    for wrong in ["", "evt_01jd3k5m7nf8v9q0r1s2t3w4x5", "cus_01jd3k5m7nf8v9q0r1s2t3w4x5.x", "x"] {
        assert!(wrong.parse::<DeadLetterId>().is_err(), "{wrong}");
    }
}
