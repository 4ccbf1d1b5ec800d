//! The index made anew: by many things a step, what it would be had each been written for itself, whatever happens meanwhile.

use super::{PERSON, TENANTS, ctx, index, person, put};
use atalaya_kernel::{
    Ctx, Error,
    db::{Dialect, TenantTx, sql},
    events::Subscriptions,
    ids::SiteId,
    on_both,
    search::{self, Entry, Rebuilt, Source},
    testing::{START, World},
    write_tx,
};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicBool, Ordering},
};

/// Numbers that are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// What there is, by id.
struct Things(Mutex<BTreeMap<String, Entry>>);

#[async_trait::async_trait]
impl Source for Things {
    fn kind(&self) -> &'static str {
        PERSON.name
    }
    async fn entries(&self, _: &mut TenantTx, after: &str, limit: usize) -> Result<Vec<Entry>, Error> {
        let things = self.0.lock();
        Ok(things
            .range(after.to_owned()..)
            .filter(|(id, _)| id.as_str() > after)
            .take(limit)
            .map(|(_, thing)| thing.clone())
            .collect())
    }
}

on_both!(the_index_is_what_it_would_be_if_it_were_made_anew, |world: World| async move {
    let (ctx, other) = (ctx(&world, 0), ctx(&world, 1));
    put(&other, &person("t0001", "Quispe Rosa", "1")).await;
    let things = Things(Mutex::default());
    let words = ["Quispe", "Rosa", "Mamani", "Ñahui", "José", "12-34 5", "García-López", "", "ana"];
    let sites: Vec<SiteId> = (0..3).map(|_| SiteId::new(START)).collect();
    let mut random = Random(20_261_127);
    let mut below = |limit| random.below(limit);
    for _ in 0..60 {
        let mut changes = Vec::new();
        for _ in 0..20 {
            let id = format!("t{:04}", below(600));
            let name = format!("{} {}", words[below(words.len())], words[below(words.len())]);
            let mut thing = person(&id, &name, words[5 + below(4)]);
            thing.sites = (0..below(3)).map(|_| sites[below(3)].clone()).collect();
            changes.push((below(4) == 0, thing));
        }
        write_tx!(ctx, tx => {
            for (is_gone, thing) in &changes {
                if *is_gone {
                    search::remove(&mut tx, &thing.subject).await?;
                } else {
                    search::put(&mut tx, thing, START).await?;
                }
            }
            Ok(())
        })
        .unwrap();
        let mut things = things.0.lock();
        for (is_gone, thing) in changes {
            if is_gone {
                things.remove(&thing.subject)
            } else {
                things.insert(thing.subject.clone(), thing)
            };
        }
    }
    let written = u64::try_from(things.0.lock().len()).unwrap();
    assert!(written > 300, "there is more than one step to do: {written}");
    let kept = index(&world).await;
    assert_eq!(search::rebuild(&ctx, &[&things], None).await.unwrap(), Rebuilt { written, removed: 0 });
    assert_eq!(index(&world).await, kept, "nothing was to be mended");

    // What was lost, and what somebody left, is mended.
    for statement in [
        "DELETE FROM kernel_search_word WHERE subject < 't0100' AND tenant_id = 'ten_01jd3k5m7nf8v9q0r1s2t3w4x5'",
        "DELETE FROM kernel_search_gram WHERE tenant_id = 'ten_01jd3k5m7nf8v9q0r1s2t3w4x5'",
        "DELETE FROM kernel_search_entry WHERE subject > 't0200' AND tenant_id = 'ten_01jd3k5m7nf8v9q0r1s2t3w4x5'",
        "DELETE FROM kernel_search_place WHERE tenant_id = 'ten_01jd3k5m7nf8v9q0r1s2t3w4x5'",
    ] {
        world.tamper(statement).await;
    }
    put(&ctx, &person("t0100x", "Nadie", "")).await;
    assert_ne!(index(&world).await, kept);
    assert_eq!(search::rebuild(&ctx, &[&things], None).await.unwrap(), Rebuilt { written, removed: 1 });
    assert_eq!(index(&world).await, kept);
});

/// Somebody at random, who may say nothing.
fn anybody(id: &str, random: &mut Random, sites: &[SiteId]) -> Entry {
    const WORDS: [&str; 10] =
        ["Quispe", "Rosa", "Mamani", "Ñahui", "José", "García-López", "ana", "12-34 5", "", ""];
    let name = if random.below(9) == 0 {
        String::new()
    } else {
        format!("{} {}", WORDS[random.below(WORDS.len())], WORDS[random.below(WORDS.len())])
    };
    let phone = if name.is_empty() { String::new() } else { format!("9{:05}", random.below(100_000)) };
    let mut somebody = person(id, &name, &phone);
    somebody.sites = (0..random.below(3)).map(|_| sites[random.below(sites.len())].clone()).collect();
    somebody
}

async fn put_each(ctx: &Ctx, things: &BTreeMap<String, Entry>) {
    write_tx!(ctx, tx => {
        for thing in things.values() {
            search::put(&mut tx, thing, START).await?;
        }
        Ok(())
    })
    .unwrap();
}

/// Some are gone, changed, new, seen elsewhere, silent, and some are what they were; in more than one step.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_leaves_what_writing_each_would_have_on_both_databases() {
    let worlds = [
        World::new(Dialect::Sqlite, Subscriptions::default()).await,
        World::new(Dialect::Postgres, Subscriptions::default()).await,
    ];
    let sites: Vec<SiteId> = (0..3).map(|_| SiteId::new(START)).collect();
    for seed in 1..=3 {
        let mut random = Random(seed);
        let mut before = BTreeMap::new();
        let mut after = BTreeMap::new();
        for number in 0..400 {
            let id = format!("t{number:04}");
            let was = anybody(&id, &mut random, &sites);
            let mut is = was.clone();
            match random.below(6) {
                0 => is = anybody(&id, &mut random, &sites),
                1 => is.sites = BTreeSet::from([sites[random.below(3)].clone()]),
                2 => is.seen_with = "t0000".to_owned(),
                _ => {}
            }
            let (is_new, is_gone) = (random.below(5) == 0, random.below(7) == 0);
            if !is_new {
                before.insert(id.clone(), was);
            }
            if !is_gone {
                after.insert(id, is);
            }
        }
        let has_entry = |thing: &&Entry| thing.fields.iter().any(|field| !field.text.trim().is_empty());
        let gone = before.values().filter(has_entry).filter(|thing| !after.contains_key(&thing.subject));
        let expected = Rebuilt {
            written: u64::try_from(after.len()).unwrap(),
            removed: u64::try_from(gone.count()).unwrap(),
        };
        let mut kept = Vec::new();
        for world in &worlds {
            let (ours, theirs) = (ctx(world, 0), ctx(world, 1));
            for ctx in [&ours, &theirs] {
                search::rebuild(ctx, &[&Things(Mutex::default())], None).await.unwrap();
            }
            assert_eq!(index(world).await, BTreeSet::new(), "without things there is nothing");
            put_each(&ours, &before).await;
            put_each(&theirs, &after).await;
            let rebuilt = search::rebuild(&ours, &[&Things(Mutex::new(after.clone()))], None).await.unwrap();
            assert_eq!(rebuilt, expected, "seed {seed}");
            let index = index(world).await;
            let of = |tenant: &str| -> BTreeSet<Vec<String>> {
                index.iter().filter(|row| row[0] == tenant).map(|row| row[1..].to_vec()).collect()
            };
            assert_eq!(of("0"), of("1"), "seed {seed}");
            kept.push(index);
        }
        assert_eq!(kept[0], kept[1], "seed {seed}");
    }
}

/// Things in a table of their own, as those of the domains.
struct Stored;

#[async_trait::async_trait]
impl Source for Stored {
    fn kind(&self) -> &'static str {
        PERSON.name
    }
    async fn entries(&self, tx: &mut TenantTx, after: &str, limit: usize) -> Result<Vec<Entry>, Error> {
        let tenant = tx.tenant().clone();
        let rows: Vec<(String, String)> =
            sql("SELECT id, name FROM test_thing WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3")
                .bind(&tenant)
                .bind(after)
                .bind(i64::try_from(limit).unwrap())
                .fetch_all(tx)
                .await?;
        Ok(rows.iter().map(|(id, name)| person(id, name, "")).collect())
    }
}

/// Makes, renames or takes away a thing, as its owner does: with its entry, in one transaction.
async fn change(ctx: &Ctx, id: &str, name: Option<&str>) {
    write_tx!(ctx, tx => {
        let delete = sql("DELETE FROM test_thing WHERE tenant_id = $1 AND id = $2");
        delete.bind(TENANTS[0]).bind(id).execute(&mut tx).await?;
        let Some(name) = name else { return search::remove(&mut tx, id).await };
        let insert = sql("INSERT INTO test_thing (tenant_id, id, name) VALUES ($1, $2, $3)");
        insert.bind(TENANTS[0]).bind(id).bind(name).execute(&mut tx).await?;
        search::put(&mut tx, &person(id, name, ""), START).await
    })
    .unwrap();
}

on_both!(what_is_changed_meanwhile_is_not_lost, |world: World| async move {
    let ctx = ctx(&world, 0);
    world
        .tamper("CREATE TABLE test_thing (tenant_id TEXT, id TEXT, name TEXT, PRIMARY KEY (tenant_id, id))")
        .await;
    if world.runtime.db().dialect() == Dialect::Postgres {
        world.tamper("GRANT ALL ON test_thing TO PUBLIC").await;
    }
    // Each word stays in use: of its first and last thing at once PostgreSQL may lose the pieces, see `forget`.
    let words = ["Quispe", "Rosa", "Mamani", "Huamán", "Flores"];
    write_tx!(ctx, tx => {
        for number in 0..600 {
            let insert = sql("INSERT INTO test_thing (tenant_id, id, name) VALUES ($1, $2, $3)");
            insert.bind(TENANTS[0]).bind(format!("t{number:04}")).bind(words[number % 5]).execute(&mut tx).await?;
        }
        Ok(())
    })
    .unwrap();
    let is_done = AtomicBool::new(false);
    let rebuilding = async {
        for _ in 0..3 {
            search::rebuild(&ctx, &[&Stored], None).await.unwrap();
        }
        is_done.store(true, Ordering::Release);
    };
    let changing = async {
        let mut random = Random(7);
        let mut changes = 0;
        while !is_done.load(Ordering::Acquire) {
            // The first hundred stay.
            let id = format!("t{:04}", 100 + random.below(600));
            let name = (random.below(4) > 0).then(|| words[random.below(5)]);
            change(&ctx, &id, name).await;
            changes += 1;
        }
        changes
    };
    let ((), changes) = tokio::join!(rebuilding, changing);
    assert!(changes > 2, "somebody came between the steps: {changes}");
    let kept = index(&world).await;
    search::rebuild(&ctx, &[&Stored], None).await.unwrap();
    assert_eq!(index(&world).await, kept, "nothing was to be mended");
    let subjects: BTreeSet<String> = {
        let mut tx = ctx.begin_read().await.unwrap();
        let ids = sql("SELECT id FROM test_thing").fetch_column(&mut tx).await.unwrap();
        tx.rollback().await.unwrap();
        ids.into_iter().collect()
    };
    let with_words: BTreeSet<String> =
        kept.into_iter().filter(|row| row[1] == "word").map(|row| row[3].clone()).collect();
    assert_eq!(with_words, subjects, "no word is left of what is gone");
});

/// SQLite once took the primary key for cheaper and went through all words of the tenant.
#[tokio::test]
async fn words_of_a_thing_are_looked_up_by_the_thing() {
    let world = World::new(Dialect::Sqlite, Subscriptions::default()).await;
    let mut tx = ctx(&world, 0).begin_read().await.unwrap();
    let plan: Vec<(i64, i64, i64, String)> = sql(
        "EXPLAIN QUERY PLAN SELECT subject, word, field FROM kernel_search_word WHERE tenant_id = $1 AND subject IN ($2, $3)",
    )
    .bind(TENANTS[0])
    .bind("a")
    .bind("b")
    .fetch_all(&mut tx)
    .await
    .unwrap();
    tx.rollback().await.unwrap();
    assert!(plan.iter().all(|(.., step)| step.contains("tenant_id=? AND subject=?")), "{plan:?}");
}
