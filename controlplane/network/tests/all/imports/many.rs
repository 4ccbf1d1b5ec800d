//! Five thousand rows of one router: how long it takes, and that a row costs no more when many are there already.

use super::{begin, create, jobs_done, one_plan, secret};
use crate::{
    listings::listed,
    town::{Town, subscriptions},
};
use atalaya_kernel::{
    db::Dialect,
    testing::World,
    time::{Clock, SystemClock},
};
use atalaya_network::imports;

/// Takes over `count` secrets of nobody; how long each step took, ms.
async fn take_over(town: &Town, from: usize, count: usize) -> [(&'static str, i64); 5] {
    let rows: Vec<_> = (from..from + count)
        .map(|number| secret(&format!("user{number:05}"), &format!("Persona Inventada {number:09}")))
        .collect();
    let mut from_ms = SystemClock.now().as_millis();
    let mut lap = |name| {
        let now_ms = SystemClock.now().as_millis();
        let took = (name, now_ms - from_ms);
        from_ms = now_ms;
        took
    };
    listed(town, &rows).await;
    let read = lap("listed");
    let import = begin(town).await;
    let compared = lap("compared");
    let decided: Vec<_> =
        (from..from + count).map(|number| create(&format!("secrets/user{number:05}"))).collect();
    for chunk in decided.chunks(200) {
        imports::import_decide(&town.ctx, &import.id, chunk).await.unwrap();
    }
    let import = imports::import_get(&town.ctx, &import.id).await.unwrap();
    let import = one_plan(town, &import).await;
    let decided = lap("decided");
    let rows = i64::try_from(count).unwrap();
    imports::import_run(&town.ctx, &import.id, rows).await.unwrap();
    jobs_done(town).await;
    let carried_out = lap("carried out");
    town.settle().await;
    let told = lap("events delivered");
    let made = imports::import_get(&town.ctx, &import.id).await.unwrap();
    assert_eq!((made.totals.made, made.totals.failed), (rows, 0));
    imports::import_close(&town.ctx, &import.id).await.unwrap();
    [read, compared, decided, carried_out, told]
}

/// Rows of a small import.
const FEW: usize = 200;

/// Takes over few, five thousand, and few again; what carrying out took of the first and of the last, ms.
#[allow(clippy::print_stdout, reason = "what was measured is for people")]
async fn measured(world: World) -> (i64, i64) {
    let town = Town::new(world).await;
    // Whatever is done once only is over.
    take_over(&town, 0, 20).await;
    let first = take_over(&town, 10_000, FEW).await;
    let many = take_over(&town, 20_000, 5_000).await;
    let last = take_over(&town, 30_000, FEW).await;
    println!("few, ms: {first:?}\n5,000, ms: {many:?}\nfew behind them, ms: {last:?}");
    (first[3].1, last[3].1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures for minutes: run it by itself, with nothing beside it"]
async fn sqlite() {
    let (first, last) = measured(World::new(Dialect::Sqlite, subscriptions()).await).await;
    assert!(last < 3 * first, "{first} ms, and {last} ms when many are there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures for minutes: run it by itself, with nothing beside it"]
async fn postgres() {
    let (first, last) = measured(World::new(Dialect::Postgres, subscriptions()).await).await;
    assert!(last < 3 * first, "{first} ms, and {last} ms when many are there");
}
