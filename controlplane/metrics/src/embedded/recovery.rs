//! From what a crash left to an opened store.

use std::collections::{HashMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::disk::{make_dir, replace, sync_dir};
use super::manifest::{Manifest, SegmentEntry, TenantEntry};
use super::num::long;
use super::received::Received;
use super::resolution::Resolution;
use super::segment::Segment;
use super::stats::Counters;
use super::tenant::{SERIES_LOG, TenantState, directory, is_tenant};
use super::wal::{self, BatchRecord, Record, scan};
use crate::model::{Labels, SeriesKind, SeriesSpec, TenantKey};

/// Directory for what is damaged, kept for a person to look at.
pub(crate) const QUARANTINE: &str = "quarantine";
/// Directory of the log.
pub(crate) const LOG: &str = "log";

/// State of a store as its files tell it.
pub(crate) struct Recovered {
    pub(crate) manifest: Manifest,
    pub(crate) tenants: HashMap<u32, (TenantKey, TenantState)>,
    pub(crate) next_tenant: u32,
    /// Number for the next log file.
    pub(crate) log_file: u64,
    /// Something was damaged: seal soon, so that it is not met again.
    pub(crate) damaged: bool,
}

struct Recovery<'a> {
    dir: &'a Path,
    counters: &'a Counters,
    state: Recovered,
}

/// Reads the store in `dir` (its lock is held) and removes left-overs.
pub(crate) fn recover(dir: &Path, counters: &Counters) -> io::Result<Recovered> {
    make_dir(&dir.join(LOG))?;
    make_dir(&dir.join(QUARANTINE))?;
    let manifest = match Manifest::load(dir)? {
        Some(manifest) => manifest,
        None => first_manifest(dir)?,
    };
    let state = Recovered {
        next_tenant: manifest.next_tenant,
        log_file: manifest.log_floor,
        manifest,
        tenants: HashMap::new(),
        damaged: false,
    };
    let mut recovery = Recovery { dir, counters, state };
    recovery.load_tenants()?;
    recovery.remove_leftovers()?;
    recovery.replay()?;
    Ok(recovery.state)
}

/// The manifest of a new store. What it does not name is removed, so a store that merely lost its manifest is refused.
fn first_manifest(dir: &Path) -> io::Result<Manifest> {
    let mut has_tenants = false;
    for entry in fs::read_dir(dir)? {
        has_tenants |= is_tenant(&entry?.path());
    }
    if has_tenants || !wal::list(&dir.join(LOG))?.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "there is data, but no manifest"));
    }
    let mut manifest = Manifest::default();
    manifest.save(dir)?;
    Ok(manifest)
}

impl Recovery<'_> {
    fn load_tenants(&mut self) -> io::Result<()> {
        let mut entries = std::mem::take(&mut self.state.manifest.tenants);
        for entry in &mut entries {
            let key = TenantKey::new(&entry.key).map_err(io::Error::other)?;
            let state = self.load_tenant(entry)?;
            self.state.tenants.insert(entry.number, (key, state));
        }
        self.state.manifest.tenants = entries;
        Ok(())
    }

    fn load_tenant(&mut self, entry: &mut TenantEntry) -> io::Result<TenantState> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the manifest's batches are damaged");
        let received = Received::import(std::mem::take(&mut entry.received)).ok_or_else(damaged)?;
        let mut state = TenantState { received, ..TenantState::default() };
        let dir = directory(self.dir, entry.number);
        self.load_series(&dir, entry, &mut state)?;
        for resolution in Resolution::ALL {
            let listed = std::mem::take(&mut entry.segments[resolution.index()]);
            for segment in listed {
                if let Some(opened) = self.open_segment(&dir, &segment, resolution)? {
                    state.segments[resolution.index()].push(Arc::new(opened));
                    entry.segments[resolution.index()].push(segment);
                }
            }
        }
        entry.received = state.received.export();
        Ok(state)
    }

    fn load_series(&mut self, dir: &Path, entry: &TenantEntry, state: &mut TenantState) -> io::Result<()> {
        state.series_bytes = entry.series_bytes;
        if entry.series_bytes == 0 {
            return Ok(());
        }
        let mut bytes = fs::read(dir.join(SERIES_LOG))?;
        bytes.truncate(usize::try_from(entry.series_bytes).unwrap_or(usize::MAX));
        let found = scan(&bytes);
        for payload in &found.payloads {
            match Record::decode(payload) {
                Some(Record::Series { local, spec, .. }) => insert_series(state, local, spec),
                _ => self.count_damaged_record(),
            }
        }
        if !found.damaged.is_empty() || long(found.end) < entry.series_bytes {
            tracing::error!(dir = %dir.display(), "the series log is damaged: some series have lost their labels");
            self.count_damaged_record();
        }
        state.series_logged = state.index.len();
        Ok(())
    }

    fn open_segment(
        &mut self,
        dir: &Path,
        entry: &SegmentEntry,
        resolution: Resolution,
    ) -> io::Result<Option<Segment>> {
        let path = dir.join(&entry.file);
        match Segment::open(&path, resolution, entry.level) {
            Ok(segment) => Ok(Some(segment)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
                tracing::error!(path = %path.display(), %error, "a segment is lost");
                self.counters.damaged_segments.fetch_add(1, Ordering::Relaxed);
                self.state.damaged = true;
                quarantine_file(self.dir, &path)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Removes tenants' directories and files that the manifest does not name.
    fn remove_leftovers(&mut self) -> io::Result<()> {
        let tenants = &self.state.manifest.tenants;
        let known: HashMap<_, _> = tenants.iter().map(|t| (directory(self.dir, t.number), t)).collect();
        for entry in fs::read_dir(self.dir)? {
            let path = entry?.path();
            match known.get(&path) {
                Some(tenant) => {
                    let named: HashSet<&str> = tenant
                        .segments
                        .iter()
                        .flatten()
                        .map(|s| s.file.as_str())
                        .chain([SERIES_LOG])
                        .collect();
                    for file in fs::read_dir(&path)? {
                        let file = file?;
                        if !file.file_name().to_str().is_some_and(|n| named.contains(n)) {
                            fs::remove_file(file.path())?;
                        }
                    }
                }
                None if is_tenant(&path) => fs::remove_dir_all(&path)?,
                None => {}
            }
        }
        Ok(())
    }

    fn replay(&mut self) -> io::Result<()> {
        let log = self.dir.join(LOG);
        for (number, path) in wal::list(&log)? {
            if number < self.state.manifest.log_floor {
                fs::remove_file(&path)?;
                continue;
            }
            self.state.log_file = number + 1;
            let bytes = fs::read(&path)?;
            let found = scan(&bytes);
            for payload in &found.payloads {
                match Record::decode(payload) {
                    Some(record) => self.apply(record),
                    None => {
                        self.count_damaged_record();
                        self.quarantine_bytes(number, "unknown", payload)?;
                    }
                }
            }
            for range in &found.damaged {
                self.count_damaged_record();
                self.quarantine_bytes(number, &range.start.to_string(), &bytes[range.clone()])?;
            }
            if found.end < bytes.len() {
                let torn = long(bytes.len() - found.end);
                tracing::warn!(path = %path.display(), bytes = torn, "the log's end was torn; cut off");
                self.counters.torn_bytes.fetch_add(torn, Ordering::Relaxed);
                let file = OpenOptions::new().write(true).open(&path)?;
                file.set_len(long(found.end))?;
                file.sync_all()?;
            }
        }
        sync_dir(&log)
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Tenant { number, key } => {
                self.state.next_tenant = self.state.next_tenant.max(number.saturating_add(1));
                self.state.tenants.entry(number).or_insert_with(|| (key, TenantState::default()));
            }
            Record::Series { tenant, local, spec } => {
                if let Some((_, state)) = self.state.tenants.get_mut(&tenant) {
                    insert_series(state, local, spec);
                }
            }
            Record::Batch(batch) => {
                if let Some((_, state)) = self.state.tenants.get_mut(&batch.tenant) {
                    apply_batch(state, batch);
                }
            }
            Record::TenantDeleted { number } => {
                self.state.tenants.remove(&number);
            }
        }
    }

    fn count_damaged_record(&mut self) {
        self.state.damaged = true;
        self.counters.damaged_records.fetch_add(1, Ordering::Relaxed);
    }

    fn quarantine_bytes(&self, log_file: u64, what: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.dir.join(QUARANTINE).join(format!("log-{log_file:016}-{what}"));
        tracing::error!(path = %path.display(), bytes = bytes.len(), "a log record is damaged; set aside");
        replace(&path, bytes)
    }
}

/// Moves a file to the quarantine, if it is there.
pub(crate) fn quarantine_file(store: &Path, path: &Path) -> io::Result<()> {
    let parent = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match fs::rename(path, store.join(QUARANTINE).join(format!("{parent}-{name}"))) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Inserts a series at its number. Numbers whose record was lost get a name that says so; their samples stay readable.
fn insert_series(state: &mut TenantState, local: u32, spec: SeriesSpec) {
    fill_series(state, local);
    if local == state.index.len() {
        state.index.insert(spec);
    }
}

fn fill_series(state: &mut TenantState, up_to: u32) {
    while state.index.len() < up_to {
        let number = state.index.len().to_string();
        let labels = Labels::new("damaged_series", [("number", number)]).expect("a valid name and value");
        state.index.insert(SeriesSpec { labels, kind: SeriesKind::Gauge });
    }
}

fn apply_batch(state: &mut TenantState, batch: BatchRecord) {
    if !state.received.insert(&batch.identity) {
        return;
    }
    for (local, rows) in batch.columns {
        fill_series(state, local.saturating_add(1));
        state.head.push(local, rows.into_iter());
    }
}
