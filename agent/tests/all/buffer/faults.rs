//! Disks that are full, read-only or damaged.

use std::fs;
use std::path::{Path, PathBuf};

use atalaya_agent::buffer::{Bounds, Buffer, Health, SeriesDirectory};
use atalaya_protocol::wire::SeriesEntry;

use super::writer::{block, bounds};
use crate::support::mount::{Mounted, image, may_mount};

/// Knows one series.
struct OneSeries;

impl SeriesDirectory for OneSeries {
    fn adopt(&self, persisted: Vec<SeriesEntry>) -> bool {
        persisted.iter().all(|entry| entry.name == "device_up")
    }

    fn all(&self) -> Vec<SeriesEntry> {
        vec![SeriesEntry { number: 1, name: "device_up".into(), ..SeriesEntry::default() }]
    }
}

fn write(buffer: &Buffer, blocks: u64) {
    for number in 0..blocks {
        buffer.append(&block(number), 0);
        buffer.confirm();
    }
}

fn database(dir: &Path) -> PathBuf {
    let mut found = fs::read_dir(dir).unwrap().flatten().map(|entry| entry.path());
    found.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("db-")).unwrap()
}

#[test]
fn a_damaged_database_is_set_aside_and_counted() {
    for damage in ["db", "conf"] {
        let dir = tempfile::tempdir().unwrap();
        let buffer = Buffer::open(dir.path(), bounds(), [1; 16]);
        let epoch = buffer.epoch();
        write(&buffer, 50);
        drop(buffer);
        let file = database(dir.path()).join(damage);
        let length = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap();
        fs::write(&file, vec![0x5a; length]).unwrap();

        let buffer = Buffer::open(dir.path(), bounds(), [2; 16]);
        assert_eq!(buffer.stats().health, Health::Quarantined, "{damage}");
        assert_eq!(buffer.stats().quarantined_databases, 1, "{damage}");
        assert_ne!(buffer.epoch(), epoch, "{damage}");
        write(&buffer, 3);
        assert_eq!(buffer.stats().blocks, 3);
        drop(buffer);
        let again = Buffer::open(dir.path(), bounds(), [3; 16]);
        assert_eq!((again.stats().blocks, again.stats().quarantined_databases), (3, 1), "{damage}");
        assert_eq!(again.stats().health, Health::Ok);
    }
}

#[test]
fn an_emptied_large_database_gives_its_space_back_and_keeps_its_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = Buffer::open(dir.path(), bounds(), [1; 16]);
    buffer.register(&OneSeries.all());
    buffer.learn_offset(1234);
    write(&buffer, 1200);
    let (epoch, end) = buffer.end();
    let large = buffer.stats().disk_bytes;
    assert!(large > 8 << 20, "{large}");
    buffer.ack(epoch, &[(0, end)]);
    let small = buffer.stats().disk_bytes;
    assert!(small < 8 << 20, "{small}");
    assert_eq!(buffer.end(), (epoch, end));
    assert_eq!(buffer.append(&block(1), 0), end);
    buffer.confirm();
    drop(buffer);
    let again = Buffer::open(dir.path(), bounds(), [2; 16]);
    assert_eq!(again.end(), (epoch, end + 1));
    assert_eq!(again.persisted_series(), OneSeries.all());
    assert_eq!(again.offset_of([1; 16]), Some(1234));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "the old database is gone");
}

#[test]
fn the_oldest_are_evicted_by_size_and_by_age_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let by_size = Bounds { max_bytes: 100_000, ..bounds() };
    let buffer = Buffer::open(dir.path(), by_size, [1; 16]);
    write(&buffer, 100);
    let stats = buffer.stats();
    assert!(stats.bytes <= 100_000, "{stats:?}");
    assert_eq!(stats.evicted_samples + stats.blocks * 3, 300);
    let oldest = buffer.peek(buffer.epoch(), 0, None).unwrap().unwrap();
    assert_eq!(oldest.sequence, 101 - stats.blocks);
    drop(buffer);
    let young = Bounds { max_age: std::time::Duration::from_secs(1), ..bounds() };
    let buffer = Buffer::open(dir.path(), young, [2; 16]);
    assert_eq!(buffer.stats().evicted_samples, stats.evicted_samples, "the count survives a restart");
    buffer.append(&block(7), block(7).last_ms + 500_000);
    assert_eq!(buffer.stats().blocks, 1);
    assert_eq!(buffer.stats().evicted_samples, 300);
}

#[test]
fn a_full_disk_moves_samples_to_memory_and_back() {
    if !may_mount() {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let image = image(&work.path().join("small.img"), 48);
    let mounted = Mounted::new(&image, work.path(), "rw");
    let bounds = Bounds { memory_bytes: 200_000, ..bounds() };
    let buffer = Buffer::open(&mounted.path().join("buffer"), bounds, [1; 16]);
    write(&buffer, 20);
    let epoch = buffer.epoch();
    let ballast = mounted.path().join("ballast");
    fill(&ballast);

    let mut written = 20;
    while !buffer.in_memory() {
        buffer.append(&block(written), 0);
        buffer.confirm();
        written += 1;
        assert!(written < 5_000, "a full disk was never noticed");
    }
    assert_eq!(buffer.stats().health, Health::DiskFull);
    assert_ne!(buffer.epoch(), epoch, "numbers of memory never meet those of the disk");
    write(&buffer, 100);
    let stats = buffer.stats();
    assert!(stats.bytes <= 200_000 && stats.evicted_samples > 0, "{stats:?}");
    assert!(buffer.peek(buffer.epoch(), 0, None).unwrap().is_some(), "measuring goes on");
    let in_memory = stats.blocks;

    fs::remove_file(&ballast).unwrap();
    assert!(buffer.recover(&OneSeries));
    let stats = buffer.stats();
    assert_eq!(stats.health, Health::Ok);
    assert_eq!(buffer.epoch(), epoch);
    assert!(stats.blocks >= in_memory + 20, "{stats:?}, {in_memory} were in memory");
    assert!(stats.evicted_samples > 0);
    assert_eq!(buffer.persisted_series(), OneSeries.all());
    drop(buffer);
    drop(mounted);
}

#[test]
fn a_nearly_full_disk_evicts_and_leaves_room_to_others() {
    if !may_mount() {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let image = image(&work.path().join("small.img"), 64);
    let mounted = Mounted::new(&image, work.path(), "rw");
    let bounds = Bounds { min_free_bytes: 24 << 20, ..bounds() };
    let buffer = Buffer::open(&mounted.path().join("buffer"), bounds, [1; 16]);
    for number in 0..6_000 {
        buffer.append(&block(number), 0);
        if number % 20 == 0 {
            buffer.confirm();
        }
    }
    let stats = buffer.stats();
    assert!(!buffer.in_memory(), "{stats:?}");
    assert_eq!(stats.health, Health::DiskFull);
    assert!(stats.evicted_samples > 0 && stats.blocks > 0, "{stats:?}");
    drop(buffer);
    drop(mounted);
}

#[test]
fn a_disk_that_turns_read_only_is_told_and_measuring_goes_on() {
    if !may_mount() {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let image = image(&work.path().join("small.img"), 48);
    let mounted = Mounted::new(&image, work.path(), "rw");
    let dir = mounted.path().join("buffer");
    let buffer = Buffer::open(&dir, bounds(), [1; 16]);
    write(&buffer, 20);
    mounted.abort();
    write(&buffer, 20);
    assert!(buffer.in_memory());
    assert_eq!(buffer.stats().health, Health::ReadOnly);
    assert!(!buffer.recover(&OneSeries), "the disk is still read-only");
    assert_eq!(buffer.stats().health, Health::ReadOnly);
    assert!(buffer.stats().blocks > 0, "measuring goes on");
    assert_eq!(
        buffer.stats().quarantined_databases,
        0,
        "a disk that cannot be written is not a damaged database"
    );
    drop(buffer);
    drop(mounted);

    let mounted = Mounted::new(&image, work.path(), "rw");
    let buffer = Buffer::open(&mounted.path().join("buffer"), bounds(), [3; 16]);
    assert!(buffer.stats().blocks >= 20, "what was confirmed before is still there");
    drop(buffer);
    drop(mounted);

    // Started on a disk that is read-only from the beginning.
    let mounted = Mounted::new(&image, work.path(), "ro");
    let buffer = Buffer::open(&mounted.path().join("buffer"), bounds(), [2; 16]);
    assert!(buffer.in_memory());
    assert_eq!(buffer.stats().health, Health::ReadOnly);
    write(&buffer, 5);
    assert_eq!(buffer.stats().blocks, 5);
    drop(buffer);
    drop(mounted);
}

/// Fills the file system to the last block.
fn fill(ballast: &Path) {
    use std::io::Write;
    let mut file = fs::File::create(ballast).unwrap();
    for size in [1 << 20, 4096] {
        let chunk = vec![1_u8; size];
        while file.write_all(&chunk).is_ok() {}
    }
    // The error that ends it is the purpose.
    let _full = file.sync_all();
}
