//! Certificates of an authority as two processes on one database share them.
#![allow(clippy::unwrap_used)]

use atalaya_kernel::{
    Error, Principal,
    acme::{self, Issued, LEASE, Standing, Wanted},
    audit::{self, AuditFilter},
    on_both,
    runtime::Runtime,
    secrets::SecretBytes,
    testing::{START, World},
    write_tx,
};
use std::sync::Arc;

const DIRECTORY: &str = "https://authority.example/directory";
const HOUR_MS: i64 = 3_600_000;

fn wanted(name: &str) -> Wanted {
    Wanted::new(DIRECTORY, &[name.to_owned()])
}

async fn want(runtime: &Runtime, wanted: &Wanted) -> Standing {
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    write_tx!(platform, tx => { acme::want(&mut tx, wanted, now).await }).unwrap()
}

async fn claim(runtime: &Runtime, wanted: &Wanted) -> Option<i64> {
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    write_tx!(platform, tx => { acme::claim(&mut tx, wanted, now).await }).unwrap()
}

async fn keep(runtime: &Runtime, wanted: &Wanted, fence: i64, bundle: &str) -> Result<(), Error> {
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    let issued = Issued {
        bundle: SecretBytes::new(bundle.as_bytes().to_vec()),
        not_after: now.plus_millis(90 * 24 * HOUR_MS),
        next_at: now.plus_millis(60 * 24 * HOUR_MS),
    };
    write_tx!(platform, tx => { acme::keep(runtime, &mut tx, (wanted, fence), &issued, now).await })
}

async fn issued(runtime: &Runtime, wanted: &Wanted) -> Option<(i64, String)> {
    let mut tx = runtime.platform().begin_read().await.unwrap();
    let found = acme::issued(runtime, &mut tx, wanted).await.unwrap();
    found.map(|(issue, bundle)| (issue, String::from_utf8(bundle.expose().to_vec()).unwrap()))
}

async fn find(runtime: &Runtime, wanted: &Wanted) -> Standing {
    let mut tx = runtime.platform().begin_read().await.unwrap();
    acme::find(&mut tx, wanted).await.unwrap()
}

on_both!(one_process_orders_and_both_have_the_certificate, |world: World| async move {
    let (one, two) = (world.runtime.clone(), world.another().await);
    let wanted = wanted("isp.example");
    assert!(want(&one, &wanted).await.is_due(START));
    want(&two, &wanted).await;
    assert_eq!(issued(&two, &wanted).await, None);

    let fence = claim(&one, &wanted).await.unwrap();
    assert_eq!(claim(&two, &wanted).await, None, "it is being ordered");
    assert!(!find(&two, &wanted).await.is_due(START));
    keep(&one, &wanted, fence, "first").await.unwrap();
    assert_eq!(issued(&two, &wanted).await, Some((1, "first".to_owned())));
    assert_eq!(claim(&two, &wanted).await, None, "it is not due for sixty days");

    world.clock.advance_millis(61 * 24 * HOUR_MS);
    let fence = claim(&two, &wanted).await.unwrap();
    keep(&two, &wanted, fence, "second").await.unwrap();
    assert_eq!(issued(&one, &wanted).await, Some((2, "second".to_owned())));

    let mut tx = one.platform().begin_read().await.unwrap();
    let rows =
        audit::list_platform(&mut tx, &AuditFilter { limit: 50, ..AuditFilter::default() }).await.unwrap();
    let rows: Vec<_> = rows.iter().filter(|row| row.action == "certificate.issue").collect();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| !format!("{row:?}").contains("second")), "no row holds the key");
});

on_both!(who_stalled_past_the_claim_keeps_nothing, |world: World| async move {
    let wanted = wanted("isp.example");
    let runtime = &world.runtime;
    want(runtime, &wanted).await;
    let stale = claim(runtime, &wanted).await.unwrap();
    world.clock.advance_millis(i64::try_from(LEASE.as_millis()).unwrap() + 1);
    let fresh = claim(runtime, &wanted).await.unwrap();
    let lost = keep(runtime, &wanted, stale, "stale").await.unwrap_err();
    assert_eq!(lost.code(), "lease_lost");
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    let lost = write_tx!(platform, tx => { acme::failed(&mut tx, (&wanted, stale), "no", 0, now).await });
    assert_eq!(lost.unwrap_err().code(), "lease_lost");
    assert_eq!(find(runtime, &wanted).await.failures, 0);
    keep(runtime, &wanted, fresh, "fresh").await.unwrap();
    assert!(keep(runtime, &wanted, fresh, "again").await.is_err(), "a claim is good for one outcome");
    assert_eq!(issued(runtime, &wanted).await, Some((1, "fresh".to_owned())));
});

on_both!(what_failed_waits_longer_each_time_and_keeps_the_old_one, |world: World| async move {
    let wanted = wanted("isp.example");
    let world = &world;
    let runtime = &world.runtime;
    want(runtime, &wanted).await;
    let fence = claim(runtime, &wanted).await.unwrap();
    keep(runtime, &wanted, fence, "first").await.unwrap();
    world.clock.advance_millis(61 * 24 * HOUR_MS);
    want(runtime, &wanted).await;
    let platform = runtime.platform();
    for minutes in [2, 4, 8] {
        let (now, fence) = (runtime.clock.now(), claim(runtime, &wanted).await.unwrap());
        let long = "ñ".repeat(5_000);
        let next =
            write_tx!(platform, tx => { acme::failed(&mut tx, (&wanted, fence), &long, 0, now).await });
        assert_eq!(next.unwrap(), now.plus_millis(minutes * 60_000));
        world.clock.advance_millis(minutes * 60_000 - 1);
        assert_eq!(claim(runtime, &wanted).await, None, "not before {minutes} minutes");
        world.clock.advance_millis(1);
    }
    let standing = find(runtime, &wanted).await;
    assert_eq!((standing.failures, standing.error.map(|error| error.chars().count())), (3, Some(1_000)));
    assert_eq!(issued(runtime, &wanted).await, Some((1, "first".to_owned())));

    // A person mended it, and does not wait.
    let (now, fence) = (runtime.clock.now(), claim(runtime, &wanted).await.unwrap());
    write_tx!(platform, tx => { acme::failed(&mut tx, (&wanted, fence), "no", 0, now).await }).unwrap();
    assert_eq!(claim(runtime, &wanted).await, None);
    let again =
        write_tx!(platform, tx => { acme::retry(&mut tx, &Principal::CommandLine, "cli-1", now).await });
    assert_eq!(again.unwrap(), ["isp.example"]);
    let fence = claim(runtime, &wanted).await.unwrap();
    keep(runtime, &wanted, fence, "second").await.unwrap();
    let standing = find(runtime, &wanted).await;
    assert_eq!((standing.failures, standing.error, standing.failed_at), (0, None, None));
    let again =
        write_tx!(platform, tx => { acme::retry(&mut tx, &Principal::CommandLine, "cli-2", now).await });
    assert!(again.unwrap().is_empty(), "nothing failed");
});

on_both!(a_process_that_stops_gives_its_claim_back, |world: World| async move {
    let wanted = wanted("isp.example");
    let runtime = &world.runtime;
    want(runtime, &wanted).await;
    let fence = claim(runtime, &wanted).await.unwrap();
    let platform = runtime.platform();
    write_tx!(platform, tx => { acme::release(&mut tx, &wanted, fence).await }).unwrap();
    assert!(claim(runtime, &wanted).await.is_some_and(|next| next > fence));
});

on_both!(accounts_and_answers_are_shared_and_go, |world: World| async move {
    let (one, two) = (world.runtime.clone(), world.another().await);
    let platform = one.platform();
    let account = |text: &str| SecretBytes::new(text.as_bytes().to_vec());
    for text in ["first", "second"] {
        write_tx!(platform, tx => { acme::account_keep(&one, &mut tx, DIRECTORY, &account(text), START).await })
            .unwrap();
    }
    let kept = async |runtime: &Arc<Runtime>| {
        let mut tx = runtime.platform().begin_read().await.unwrap();
        acme::account(runtime, &mut tx, DIRECTORY).await.unwrap()
    };
    assert_eq!(kept(&two).await, Some(account("first")), "who comes second takes the first's");
    write_tx!(platform, tx => { acme::account_forget(&mut tx, DIRECTORY).await }).unwrap();
    assert_eq!(kept(&two).await, None);

    let answer = async |token: &str| {
        let mut tx = two.platform().begin_read().await.unwrap();
        acme::answer(&mut tx, token, two.clock.now()).await.unwrap()
    };
    write_tx!(platform, tx => { acme::answer_put(&mut tx, "token", "token.thumb", START).await }).unwrap();
    assert_eq!(answer("token").await.as_deref(), Some("token.thumb"));
    assert_eq!(answer("other").await, None);
    world.clock.advance_millis(i64::try_from(LEASE.as_millis()).unwrap() + 1);
    assert_eq!(answer("token").await, None, "an order takes no longer");
});

on_both!(what_nobody_wants_any_more_is_not_shown_and_goes, |world: World| async move {
    let (old, new) = (wanted("old.example"), wanted("new.example"));
    let world = &world;
    let runtime = &world.runtime;
    want(runtime, &old).await;
    let names = async || {
        let mut tx = runtime.platform().begin_read().await.unwrap();
        let found = acme::list(&mut tx, runtime.clock.now()).await.unwrap();
        found.into_iter().map(|standing| standing.names).collect::<Vec<_>>()
    };
    world.clock.advance_millis(HOUR_MS);
    want(runtime, &new).await;
    assert_eq!(names().await, ["new.example", "old.example"]);
    world.clock.advance_millis(HOUR_MS + 1);
    assert_eq!(names().await, ["new.example"]);
    assert_eq!(find(runtime, &old).await.names, "old.example", "it is there for whoever wants it again");
    world.clock.advance_millis(30 * 24 * HOUR_MS);
    want(runtime, &new).await;
    let mut tx = runtime.platform().begin_read().await.unwrap();
    assert!(matches!(acme::find(&mut tx, &old).await, Err(Error::NotFound)));
});
