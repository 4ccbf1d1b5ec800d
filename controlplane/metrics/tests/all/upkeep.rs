//! Seals, merges, retention and bounds.

use std::sync::Arc;

use atalaya_metrics::{EmbeddedStore, Function, Options, Selector};

use crate::support::*;

#[tokio::test]
async fn many_seals_become_few_segments() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let t = tenant("ten_a");
    let series = register_one(&store, &t, counter("r1")).await;
    let mut expected = Vec::new();
    for i in 0..20i32 {
        let sample = (NOW - HOUR + i64::from(i) * MINUTE, f64::from(i));
        append(&store, &t, u64::try_from(i).unwrap(), series, &[sample]).await;
        store.checkpoint().await.unwrap();
        expected.push(sample);
    }
    let stats = store.stats();
    assert_eq!(stats.segments, 3 * (2 + 4), "of 20 seals, 2 merges of 8 and 4 left, in each resolution");
    assert_eq!((stats.raw_samples, stats.head_samples), (20, 0));
    assert_eq!(raw(&store, &t, "octets").await, expected);
    let files = std::fs::read_dir(dir.path().join("tenant-0")).unwrap().count();
    assert_eq!(files, 18 + 1, "segments and the series log, nothing left over");
}

#[tokio::test]
async fn each_resolution_ends_with_its_retention() {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock::at(NOW);
    let store = EmbeddedStore::open(dir.path(), Options::default(), Arc::clone(&clock) as Arc<_>).unwrap();
    let t = tenant("ten_a");
    let series = register_one(&store, &t, counter("r1")).await;
    let end = NOW - HOUR;
    append(&store, &t, 1, series, &[(end - 90 * MINUTE, 0.0), (end - MINUTE, 60.0), (end, 70.0)]).await;
    store.checkpoint().await.unwrap();
    let hour = (end, end, HOUR);
    let minute = (end, end, MINUTE);
    let increase = async |range| points(&store, &t, Selector::all(), range, Function::Increase).await;
    assert_eq!(increase(minute).await, [(end, 10.0)]);
    assert_eq!(increase(hour).await, [(end, 70.0)]);

    clock.set(NOW + 40 * DAY);
    store.checkpoint().await.unwrap();
    assert_eq!(raw(&store, &t, "octets").await, []);
    assert_eq!(increase(hour).await, [(end, 70.0)]);
    assert_eq!(increase(minute).await, [(end, 70.0)], "the bucket that ends here is the finest left");

    clock.set(NOW + 6 * 365 * DAY);
    store.checkpoint().await.unwrap();
    assert_eq!(increase(hour).await, []);
    assert_eq!(store.stats().segments, 0);
}

#[tokio::test]
async fn memory_is_bounded_by_sealing() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { head_samples: 1000, ..Options::default() };
    let store = EmbeddedStore::open(dir.path(), options, TestClock::at(NOW)).unwrap();
    let t = tenant("ten_a");
    let series = register_one(&store, &t, counter("r1")).await;
    for sequence in 0..100u32 {
        let first = NOW - DAY + i64::from(sequence) * 100_000;
        let samples: Vec<(i64, f64)> = (0..100).map(|i| (first + i * 1000, 1.0)).collect();
        append(&store, &t, u64::from(sequence), series, &samples).await;
        assert!(store.stats().head_samples < 2 * 1000 + 100);
    }
    assert_eq!(raw(&store, &t, "octets").await.len(), 10_000);
}

#[tokio::test]
async fn a_deleted_tenant_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let t = tenant("ten_a");
    let series = register_one(&store, &t, counter("unmistakable")).await;
    append(&store, &t, 1, series, &[(NOW, 1.0)]).await;
    store.checkpoint().await.unwrap();
    append(&store, &t, 2, series, &[(NOW + MINUTE, 1.0)]).await;
    atalaya_metrics::MetricStore::delete_tenant(&store, &t).await.unwrap();
    drop(store);
    assert!(!dir.path().join("tenant-0").exists());
    for file in walk(dir.path()) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(12).any(|w| w == b"unmistakable"), "{}", file.display());
    }
    let store = open(dir.path());
    assert_eq!(raw(&store, &t, "octets").await, []);
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] }).collect()
}
