//! The journal of changes: STARTED → WRITTEN → DONE, FAILED or UNKNOWN.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{Database, StorageError};
use crate::core::enforcement::Action;
use crate::desired::Order;
use crate::driver::SessionKey;

const TREE: &str = "entries";

/// How far a change came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Decided; the device may or may not have it. Resolved by reading the device, never by doing it again.
    Started,
    /// The device took the configuration; what is live may not follow it yet.
    Written,
    /// Read back as wanted.
    Done,
    /// Not as wanted, with the reason.
    Failed(String),
    /// Whether the device did it cannot be known, with the reason.
    Unknown(String),
}

impl Stage {
    /// Whether nothing is left to find out.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Started | Self::Written)
    }
}

/// A change about to be started. Secrets are left out of the fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The point.
    pub point: String,
    /// Its device.
    pub device: String,
    /// Site of the device, for the brake after a restart.
    pub site: String,
    /// The desired state that it applies.
    pub order: Order,
    /// What kind of change.
    pub action: Action,
    /// Whether it is the first application of a cut that passed the brake.
    pub first_cut: bool,
    /// The row before: (name, value).
    pub before: Vec<(String, String)>,
    /// What is to differ after: (name, value).
    pub after: Vec<(String, String)>,
    /// Sessions that have to go for it to take effect.
    pub drop: Vec<SessionKey>,
}

/// One change in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number; grows by one.
    pub number: u64,
    /// When it was started, Unix ms, corrected.
    pub started_ms: i64,
    /// When its last stage was reached, Unix ms.
    pub changed_ms: i64,
    /// How far it came.
    pub stage: Stage,
    /// What it is.
    pub start: Start,
}

/// The journal. Entries without an end are also kept in memory, by number.
pub struct Journal {
    database: Arc<Database>,
    next: AtomicU64,
    open: Mutex<BTreeMap<u64, Entry>>,
}

impl Journal {
    /// Reads the journal: its end, and the entries that were never brought to theirs.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open(database: Arc<Database>) -> Result<Self, StorageError> {
        let (next, open) = database.run(|db| {
            let tree = db.open_tree(TREE)?;
            let mut open = BTreeMap::new();
            for row in &tree {
                let (_, bytes) = row?;
                if let Some(entry) = read_entry(&bytes).filter(|entry| !entry.stage.is_final()) {
                    open.insert(entry.number, entry);
                }
            }
            let last =
                tree.last()?.and_then(|(key, _)| key.as_ref().try_into().ok()).map_or(0, u64::from_be_bytes);
            Ok((last.saturating_add(1), open))
        })?;
        Ok(Self { database, next: AtomicU64::new(next), open: Mutex::new(open) })
    }

    /// Writes STARTED entries and confirms them. Only then may the device be changed.
    ///
    /// # Errors
    /// When they are not on disk: nothing may be started then.
    pub async fn start(&self, now_ms: i64, starts: Vec<Start>) -> Result<Vec<u64>, StorageError> {
        let entries: Vec<Entry> = starts
            .into_iter()
            .map(|start| Entry {
                number: self.next.fetch_add(1, Ordering::Relaxed),
                started_ms: now_ms,
                changed_ms: now_ms,
                stage: Stage::Started,
                start,
            })
            .collect();
        self.store(&entries)?;
        self.database.confirm().await?;
        let numbers = entries.iter().map(|entry| entry.number).collect();
        self.open.lock().extend(entries.into_iter().map(|entry| (entry.number, entry)));
        Ok(numbers)
    }

    /// Brings entries to a stage. Not confirmed: a stage that a crash loses is found again by reading the device.
    ///
    /// # Errors
    /// When the database refuses; the stage holds in memory all the same.
    pub fn advance(&self, now_ms: i64, stages: Vec<(u64, Stage)>) -> Result<(), StorageError> {
        let mut changed = Vec::with_capacity(stages.len());
        {
            let mut open = self.open.lock();
            for (number, stage) in stages {
                let Some(entry) = open.get_mut(&number) else { continue };
                entry.stage = stage;
                entry.changed_ms = now_ms;
                changed.push(entry.clone());
                if entry.stage.is_final() {
                    open.remove(&number);
                }
            }
        }
        self.store(&changed)
    }

    /// Entries of a device that were not brought to their end, oldest first.
    pub fn unfinished(&self, device: &str) -> Vec<Entry> {
        self.open.lock().values().filter(|entry| entry.start.device == device).cloned().collect()
    }

    /// First cuts started after `since_ms`, for the brake.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn first_cuts_since(&self, since_ms: i64) -> Result<Vec<Entry>, StorageError> {
        self.newest(|entry| entry.started_ms >= since_ms)
            .map(|entries| entries.into_iter().filter(|entry| entry.start.first_cut).collect())
    }

    /// Changes that dropped sessions of subscribers who passed, started after `since_ms`, for their hold.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn changes_since(&self, since_ms: i64) -> Result<Vec<Entry>, StorageError> {
        let is_one = |entry: &Entry| entry.start.action == Action::Adjust && !entry.start.drop.is_empty();
        self.newest(|entry| entry.started_ms >= since_ms)
            .map(|entries| entries.into_iter().filter(is_one).collect())
    }

    /// Every entry of a point, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn of_point(&self, point: &str) -> Result<Vec<Entry>, StorageError> {
        let mut entries = self.newest(|_| true)?;
        entries.retain(|entry| entry.start.point == point);
        entries.reverse();
        Ok(entries)
    }

    /// Entries from the newest on for as long as `wanted`.
    fn newest(&self, wanted: impl Fn(&Entry) -> bool) -> Result<Vec<Entry>, StorageError> {
        self.database.run(|db| {
            let mut entries = Vec::new();
            for row in db.open_tree(TREE)?.iter().rev() {
                let Some(entry) = read_entry(&row?.1) else { continue };
                if !wanted(&entry) {
                    break;
                }
                entries.push(entry);
            }
            Ok(entries)
        })
    }

    fn store(&self, entries: &[Entry]) -> Result<(), StorageError> {
        let mut batch = sled::Batch::default();
        for entry in entries {
            let bytes = postcard::to_stdvec(entry).map_err(|error| StorageError(error.to_string()))?;
            batch.insert(&entry.number.to_be_bytes(), bytes);
        }
        self.database.run(|db| db.open_tree(TREE)?.apply_batch(batch))
    }
}

fn read_entry(bytes: &[u8]) -> Option<Entry> {
    match postcard::from_bytes(bytes) {
        Ok(entry) => Some(entry),
        Err(error) => {
            tracing::error!(%error, "an entry of the journal cannot be read");
            None
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn start(point: &str) -> Start {
        Start {
            point: point.into(),
            device: "dev_1".into(),
            site: "sit_1".into(),
            order: Order { timeline: 1, generation: 1 },
            action: Action::Cut,
            first_cut: true,
            before: vec![("profile".into(), "10M".into())],
            after: vec![("profile".into(), "cut".into())],
            drop: vec![SessionKey { id: "0x81".into(), caller_id: "02:00".into(), since_ms: 5 }],
        }
    }

    #[tokio::test]
    async fn what_was_started_is_there_after_a_restart_until_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        {
            let journal = Journal::open(Database::open(dir.path()).unwrap()).unwrap();
            let numbers = journal.start(100, vec![start("a"), start("b")]).await.unwrap();
            assert_eq!(numbers, [1, 2]);
            journal.advance(110, vec![(1, Stage::Done)]).unwrap();
            journal.database.confirm().await.unwrap();
        }
        let journal = Journal::open(Database::open(dir.path()).unwrap()).unwrap();
        let open = journal.unfinished("dev_1");
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].number, &open[0].stage, &open[0].start), (2, &Stage::Started, &start("b")));
        assert!(journal.unfinished("dev_2").is_empty());
        assert_eq!(journal.start(200, vec![start("c")]).await.unwrap(), [3]);
        assert_eq!(journal.of_point("a").unwrap()[0].stage, Stage::Done);
        assert_eq!(journal.first_cuts_since(150).unwrap().len(), 1);
    }
}
