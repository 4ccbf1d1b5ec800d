//! What is forgotten, and what stays, on both databases.

use super::*;
use crate::{
    ids::TenantId,
    jobs::{self, Handler, Job, NewJob},
    on_both,
    testing::{START, World},
};
use std::sync::Arc;

/// Does everything but what is called `hopeless`.
struct Doer(&'static str);

#[async_trait::async_trait]
impl Handler for Doer {
    fn kind(&self) -> &'static str {
        self.0
    }
    async fn run(&self, _: &Arc<Runtime>, _: &Job) -> Result<(), Error> {
        if self.0 == "hopeless" { Err(Error::Unavailable("the other side".to_owned())) } else { Ok(()) }
    }
}

const DAY_MS: i64 = 86_400_000;
const KINDS: [&str; 3] = ["daily", "notice", "hopeless"];

async fn ask(world: &World, kind: &'static str, tenant: Option<&TenantId>, key: &str) {
    let (platform, now) = (world.platform(), world.runtime.clock.now());
    let job = NewJob {
        kind,
        tenant: tenant.cloned(),
        payload: serde_json::json!({}),
        dedupe_key: format!("{}/{key}", tenant.map_or("", |tenant| tenant.as_str())),
        run_at: now,
    };
    write_tx!(platform, tx => { Ok(jobs::enqueue(&mut tx, job.clone(), now).await?) }).unwrap();
}

async fn work(world: &World) {
    let doers: Vec<Arc<dyn Handler>> = KINDS.into_iter().map(|kind| Arc::new(Doer(kind)) as _).collect();
    while jobs::run_due(&world.runtime, &doers).await.unwrap() {}
}

/// Kind and key of what is there, in the order in which it was asked for.
async fn there(world: &World) -> Vec<(String, String)> {
    let mut tx = world.platform().begin_read().await.unwrap();
    sql("SELECT kind, dedupe_key FROM kernel_job ORDER BY id").fetch_all(&mut tx).await.unwrap()
}

on_both!(what_is_done_goes_but_the_last_of_its_kind_and_what_was_given_up, |world: World| async move {
    let (one, other) = (TenantId::new(START), TenantId::new(START));
    ask(&world, "hopeless", Some(&one), "0").await;
    for day in 0..4 {
        ask(&world, "daily", None, &day.to_string()).await;
        ask(&world, "notice", Some(&one), &day.to_string()).await;
        work(&world).await;
        world.clock.advance_millis(DAY_MS);
    }
    ask(&world, "notice", Some(&other), "0").await;
    for _ in 0..jobs::MAX_ATTEMPTS {
        work(&world).await;
        world.clock.advance_millis(3_600_000);
    }
    let all = there(&world).await;
    assert_eq!(all.len(), 10);
    // Nothing is old enough yet; then what was asked for on the first two days is.
    assert_eq!(forget(&world.runtime, START, 3).await.unwrap(), 0);
    let removed = forget(&world.runtime, START.plus_millis(2 * DAY_MS - 1), 3).await.unwrap();
    assert_eq!((removed, there(&world).await.len()), (4, 6));
    // However old it is: the last of each kind and tenant stays, and what was given up.
    let removed = forget(&world.runtime, START.plus_millis(400 * DAY_MS), 1).await.unwrap();
    let mut found = there(&world).await;
    let kept = |kind: &str, tenant: &str, key: &str| (kind.to_owned(), format!("{tenant}/{key}"));
    let mut wanted = vec![
        kept("hopeless", one.as_str(), "0"),
        kept("daily", "", "3"),
        kept("notice", one.as_str(), "3"),
        kept("notice", other.as_str(), "0"),
    ];
    wanted.sort();
    found.sort();
    assert_eq!((removed, found), (2, wanted));
    // What waits is not done.
    world.clock.advance_millis(400 * DAY_MS);
    ask(&world, "daily", None, "waits").await;
    world.clock.advance_millis(400 * DAY_MS);
    let now = world.runtime.clock.now();
    assert_eq!(forget_done(&world.runtime, now).await.unwrap(), 0);
    work(&world).await;
    assert_eq!(forget_done(&world.runtime, now.plus_millis(1)).await.unwrap(), 1, "the one before it");
});
