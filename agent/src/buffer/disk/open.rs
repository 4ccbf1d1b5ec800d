//! Finding, opening and setting aside databases.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::mint;
use super::{DiskError, DiskLog, EPOCH, EVICTED, Head, NEXT, guarded, sync};

/// A leaf of sled holds up to 16 values and is written as one page; a page above a quarter of a segment goes to a
/// file of its own. Blocks are some tens of kilobytes, so this segment keeps all pages inside the log.
const SEGMENT_BYTES: usize = 2 << 20;
const CACHE_BYTES: u64 = 2 << 20;
const QUARANTINE: &str = "quarantine-";
const DATABASE: &str = "db-";

/// Opens the database below `dir`. One that is corrupt is set aside and a fresh one made; the flag tells.
pub(in super::super) fn open_or_quarantine(dir: &Path) -> Result<(DiskLog, bool), DiskError> {
    fs::create_dir_all(dir)?;
    let Some(number) = newest(dir)? else { return Ok((make(dir, 1, |_| Ok(()))?, false)) };
    let path = dir.join(name(number));
    match open(&path, Expect::Whole) {
        Ok(log) => {
            remove_leftovers(dir, &path)?;
            sync::directory(dir)?;
            Ok((log, false))
        }
        Err(DiskError::Corrupt(words)) => {
            tracing::error!(%words, path = %path.display(), "buffer: the database does not open and is set aside");
            quarantine(dir)?;
            Ok((make(dir, number + 1, |_| Ok(()))?, true))
        }
        Err(error) => Err(error),
    }
}

/// Makes a database and fills it. It gets its name only when it is whole and durable: a database with a name and
/// without an epoch is a damaged one.
pub(super) fn make(
    dir: &Path,
    number: u64,
    fill: impl FnOnce(&mut DiskLog) -> Result<(), DiskError>,
) -> Result<DiskLog, DiskError> {
    let (path, unfinished) = (dir.join(name(number)), dir.join(format!("{}.new", name(number))));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    let mut fresh = open(&unfinished, Expect::Nothing)?;
    fill(&mut fresh)?;
    fresh.syncer().sync()?;
    sync::directory(&unfinished)?;
    close(Box::new(fresh));
    fs::rename(&unfinished, &path)?;
    sync::directory(dir)?;
    open(&path, Expect::Whole)
}

/// What should be found where a database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Nothing,
    Whole,
}

/// Closes a database that failed; sled flushes on drop and may panic there.
pub(in super::super) fn close(log: Box<DiskLog>) {
    if let Err(error) = guarded(|| {
        drop(log);
        Ok(())
    }) {
        tracing::warn!(%error, "buffer: closing the failed database");
    }
}

/// Sets the database below `dir` aside. Only the last one is kept, so that a failing disk is not filled by them.
pub(in super::super) fn quarantine(dir: &Path) -> Result<(), DiskError> {
    let Some(number) = newest(dir)? else { return Ok(()) };
    let count = quarantined_so_far(dir) + 1;
    for old in numbered(dir, QUARANTINE)? {
        fs::remove_dir_all(dir.join(format!("{QUARANTINE}{old:04}")))?;
    }
    fs::rename(dir.join(name(number)), dir.join(format!("{QUARANTINE}{count:04}")))?;
    Ok(sync::directory(dir)?)
}

/// Databases set aside since the agent was installed: the number of the last one.
pub(in super::super) fn quarantined_so_far(dir: &Path) -> u64 {
    numbered(dir, QUARANTINE).ok().and_then(|numbers| numbers.into_iter().max()).unwrap_or(0)
}

fn name(number: u64) -> String {
    format!("{DATABASE}{number:05}")
}

pub(super) fn newest(dir: &Path) -> Result<Option<u64>, DiskError> {
    Ok(numbered(dir, DATABASE)?.into_iter().max())
}

fn numbered(dir: &Path, prefix: &str) -> Result<Vec<u64>, DiskError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let file_name = entry?.file_name();
        let digits = file_name.to_str().and_then(|text| text.strip_prefix(prefix));
        numbers.extend(digits.and_then(|text| text.parse::<u64>().ok()));
    }
    Ok(numbers)
}

/// Removes what an interrupted replacement left: half-made databases and those already replaced.
fn remove_leftovers(dir: &Path, current: &Path) -> Result<(), DiskError> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let ours =
            path.file_name().and_then(|text| text.to_str()).is_some_and(|text| text.starts_with(DATABASE));
        if ours && path != current {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}

/// Opens exactly this database and reads its heads.
fn open(path: &Path, expect: Expect) -> Result<DiskLog, DiskError> {
    guarded(|| {
        let config = sled::Config::new()
            .path(path)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(CACHE_BYTES)
            .mode(sled::Mode::LowSpace)
            // We confirm by ourselves; sled's timer would only add writes.
            .flush_every_ms(None);
        let db = sync::open(&config)?;
        let (log, series, meta) = (db.open_tree("log")?, db.open_tree("series")?, db.open_tree("meta")?);
        let epoch = match meta.get(EPOCH)? {
            Some(bytes) => fixed(&bytes)?,
            None if expect == Expect::Nothing => {
                let epoch = mint();
                meta.insert(EPOCH, &epoch)?;
                epoch
            }
            // sled takes a log whose beginning is damaged for an empty one.
            None => return Err(DiskError::Corrupt("a database without an epoch".into())),
        };
        let mut heads = BTreeMap::new();
        for entry in log.scan_prefix(b"h") {
            let (key, value) = entry?;
            let sequence = u64::from_be_bytes(fixed(key.get(1..).unwrap_or_default())?);
            let head: Head =
                postcard::from_bytes(&value).map_err(|error| DiskError::Corrupt(format!("head: {error}")))?;
            heads.insert(sequence, head);
        }
        let next =
            log.get(NEXT)?.map(|bytes| fixed(&bytes).map(u64::from_be_bytes)).transpose()?.unwrap_or(1);
        let mut runs = BTreeMap::new();
        for entry in meta.scan_prefix(b"r") {
            let (key, value) = entry?;
            runs.insert(fixed(key.get(1..).unwrap_or_default())?, i64::from_be_bytes(fixed(&value)?));
        }
        let evicted =
            meta.get(EVICTED)?.map(|bytes| fixed(&bytes).map(u64::from_be_bytes)).transpose()?.unwrap_or(0);
        if heads.last_key_value().is_some_and(|(&last, _)| last >= next) {
            return Err(DiskError::Corrupt("a block is numbered above the next one".into()));
        }
        let bytes = heads.values().map(|head| u64::from(head.len)).sum();
        // What is read back came from the disk; whether it would survive a power cut is known only after a sync.
        db.flush()?;
        sync::database(path)?;
        Ok(DiskLog {
            path: PathBuf::from(path),
            db,
            log,
            series,
            meta,
            epoch,
            heads,
            bytes,
            next,
            confirmed: next,
            evicted,
            runs,
        })
    })
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DiskError> {
    bytes.try_into().map_err(|_| DiskError::Corrupt(format!("{} bytes where {N} belong", bytes.len())))
}
