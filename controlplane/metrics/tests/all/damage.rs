//! Files that are not as they were left.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use atalaya_metrics::{
    Batch, BatchIdentity, Column, EmbeddedStore, MetricStore, OpenError, Options, StoreError,
};

use crate::support::*;

fn files(dir: &Path, start: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.file_name().unwrap().to_str().unwrap().starts_with(start))
        .collect();
    found.sort();
    found
}

fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x55], at).unwrap();
}

/// Three batches in one log file, which is returned.
async fn three_batches(dir: &Path) -> PathBuf {
    let store = open(dir);
    let t = tenant("ten_a");
    let series = register_one(&store, &t, counter("r1")).await;
    for (sequence, minute) in [(1, 3), (2, 2), (3, 1)] {
        append(&store, &t, sequence, series, &[(NOW - minute * MINUTE, 1.0)]).await;
    }
    files(&dir.join("log"), "").pop().unwrap()
}

#[tokio::test]
async fn a_torn_end_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let log = three_batches(dir.path()).await;
    let whole = fs::read(&log).unwrap();
    for cut in 1..30 {
        fs::write(&log, &whole[..whole.len() - cut]).unwrap();
        let store = open(dir.path());
        let t = tenant("ten_a");
        assert_eq!(store.received(&t, &agent(), EPOCH).await.unwrap().as_slice(), [(1, 2)]);
        assert_eq!(raw(&store, &t, "octets").await, [(NOW - 3 * MINUTE, 1.0), (NOW - 2 * MINUTE, 1.0)]);
        assert_eq!(store.stats().damaged_records, 0);
        assert!(store.stats().torn_bytes > 0);
        drop(store);
        assert_eq!(open(dir.path()).stats().torn_bytes, 0, "a torn end is met once");
    }
    assert_eq!(files(&dir.path().join("quarantine"), ""), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_follows_a_torn_end_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let log = three_batches(dir.path()).await;
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..whole.len() - 5]).unwrap();
    let t = tenant("ten_a");
    let store = open(dir.path());
    let series = register_one(&store, &t, counter("r1")).await;
    assert!(!append(&store, &t, 3, series, &[(NOW - MINUTE, 9.0)]).await.duplicate);
    drop(store);
    let store = open(dir.path());
    assert_eq!(raw(&store, &t, "octets").await.last(), Some(&(NOW - MINUTE, 9.0)));
}

#[tokio::test]
async fn damage_in_the_middle_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let log = three_batches(dir.path()).await;
    let bytes = fs::read(&log).unwrap();
    let starts: Vec<usize> = (0..bytes.len() - 4).filter(|&i| &bytes[i..i + 4] == b"ATLW").collect();
    let second_batch = starts[starts.len() - 2];
    flip(&log, u64::try_from(second_batch + 20).unwrap());
    let store = open(dir.path());
    let t = tenant("ten_a");
    assert_eq!(store.stats().damaged_records, 1);
    assert_eq!(store.received(&t, &agent(), EPOCH).await.unwrap().as_slice(), [(1, 1), (3, 3)]);
    assert_eq!(raw(&store, &t, "octets").await, [(NOW - 3 * MINUTE, 1.0), (NOW - MINUTE, 1.0)]);
    assert_eq!(files(&dir.path().join("quarantine"), "log-").len(), 1);
    // The agent still has what was not acknowledged to it again, and sends it.
    let series = register_one(&store, &t, counter("r1")).await;
    assert!(!append(&store, &t, 2, series, &[(NOW - 2 * MINUTE, 1.0)]).await.duplicate);
    store.checkpoint().await.unwrap();
    drop(store);
    assert_eq!(open(dir.path()).stats().damaged_records, 0, "damage is met once");
}

#[tokio::test]
async fn a_damaged_segment_is_counted_and_kept_for_a_person() {
    let dir = tempfile::tempdir().unwrap();
    let t = tenant("ten_a");
    let store = open(dir.path());
    let series = register_one(&store, &t, counter("r1")).await;
    append(&store, &t, 1, series, &[(NOW - 2 * MINUTE, 1.0)]).await;
    store.checkpoint().await.unwrap();
    append(&store, &t, 2, series, &[(NOW - MINUTE, 2.0)]).await;
    store.checkpoint().await.unwrap();
    let segments = files(&dir.path().join("tenant-0"), "raw-");
    assert_eq!(segments.len(), 2);
    flip(&segments[0], 12);
    assert_eq!(raw(&store, &t, "octets").await, [(NOW - MINUTE, 2.0)]);
    assert!(store.stats().damaged_blocks > 0);
    drop(store);
    let length = fs::metadata(&segments[0]).unwrap().len();
    flip(&segments[0], length - 3);
    let store = open(dir.path());
    assert_eq!(raw(&store, &t, "octets").await, [(NOW - MINUTE, 2.0)]);
    assert_eq!(store.stats().damaged_segments, 1);
    assert_eq!(files(&dir.path().join("quarantine"), "tenant-0-raw-").len(), 1);
}

#[test]
fn one_instance_per_directory() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let second = EmbeddedStore::open(dir.path(), Options::default(), TestClock::at(NOW));
    assert!(matches!(second, Err(OpenError::Locked(path)) if path == dir.path()));
    drop(store);
    open(dir.path());
}

#[tokio::test]
async fn a_damaged_manifest_is_not_opened_and_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    register_one(&store, &tenant("ten_a"), counter("r1")).await;
    store.checkpoint().await.unwrap();
    drop(store);
    let manifest = dir.path().join("MANIFEST");
    flip(&manifest, 6);
    let before = fs::read(&manifest).unwrap();
    let opened = EmbeddedStore::open(dir.path(), Options::default(), TestClock::at(NOW));
    assert!(matches!(opened, Err(OpenError::Unreadable { .. })));
    assert_eq!(fs::read(&manifest).unwrap(), before);
    fs::remove_file(&manifest).unwrap();
    let opened = EmbeddedStore::open(dir.path(), Options::default(), TestClock::at(NOW));
    assert!(matches!(opened, Err(OpenError::Unreadable { .. })));
    assert!(dir.path().join("tenant-0").exists());
}

#[tokio::test]
async fn a_log_that_cannot_be_written_acknowledges_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let t = tenant("ten_a");
    fs::remove_dir(dir.path().join("log")).unwrap();
    let registered = store.register(&t, &[counter("r1")]).await;
    let failed = |e: &StoreError| matches!(e, StoreError::Failed(_));
    let Ok(ids) = registered else { panic!("registration waits for nothing: {registered:?}") };
    let columns = [Column { series: ids[0], times: &[NOW], values: &[1.0], marks: &[] }];
    for sequence in 1..3 {
        let identity = BatchIdentity { agent: agent(), epoch: EPOCH, sequence };
        let refused = store.append(&t, Batch { identity, columns: &columns }).await.unwrap_err();
        assert!(failed(&refused), "{refused:?}");
    }
    assert!(failed(&store.checkpoint().await.unwrap_err()));
    assert!(failed(&store.received(&t, &agent(), EPOCH).await.unwrap_err()));
    assert!(failed(&store.delete_tenant(&t).await.unwrap_err()));
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.received(&t, &agent(), EPOCH).await.unwrap().as_slice(), []);
}
