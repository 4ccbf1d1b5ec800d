//! The sled database under the journal: opened, confirmed, set aside when it is corrupt, opened anew when it failed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use crate::buffer::sync;

/// Small: a 5,000-subscriber site is 3 MB, and towers have little memory.
const CACHE_BYTES: u64 = 1 << 20;

/// The disk, or the database on it, refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("journal: {0}")]
pub struct StorageError(pub String);

/// The database of the journal and its health.
pub struct Database {
    path: PathBuf,
    // None while it could not be opened again after a failure.
    db: RwLock<Option<sled::Db>>,
    failure: Mutex<Option<String>>,
    quarantined: bool,
}

impl Database {
    /// Opens the database in `dir`. One that does not open is set aside beside it, and a fresh one takes its place:
    /// headquarters sends the desired state again, and `restore` brings the before-images.
    ///
    /// # Errors
    /// When not even a fresh one can be made.
    pub fn open(dir: &Path) -> Result<Arc<Self>, StorageError> {
        let path = dir.join("db");
        std::fs::create_dir_all(dir).map_err(|error| StorageError(format!("{}: {error}", dir.display())))?;
        let (db, quarantined) = match open_sled(&path) {
            Ok(db) => (db, false),
            Err(OpenError::Refused(error)) => return Err(error),
            Err(OpenError::Corrupt(error)) => {
                let aside = free_name(dir)?;
                tracing::error!(%error, aside = %aside.display(), "the journal does not open and is set aside");
                std::fs::rename(&path, &aside).map_err(|error| StorageError(error.to_string()))?;
                (open_sled(&path).map_err(OpenError::into_inner)?, true)
            }
        };
        let database = Self { path, db: RwLock::new(Some(db)), failure: Mutex::new(None), quarantined };
        Ok(Arc::new(database))
    }

    /// Whether the database found at start was corrupt and set aside.
    pub fn was_quarantined(&self) -> bool {
        self.quarantined
    }

    /// Why it cannot be written at present; `None` = it can.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    /// Runs `work` on the database. A failure is remembered until [`Database::recover`] succeeds.
    ///
    /// # Errors
    /// What sled said, also when it panicked.
    pub(crate) fn run<T>(
        &self,
        work: impl FnOnce(&sled::Db) -> Result<T, sled::Error>,
    ) -> Result<T, StorageError> {
        let guard = self.db.read();
        let outcome = match guard.as_ref() {
            Some(db) => guarded(|| work(db)),
            None => Err(StorageError("not open".into())),
        };
        if let Err(error) = &outcome {
            *self.failure.lock() = Some(error.0.clone());
        }
        outcome
    }

    /// Makes everything written so far durable: flush and `fdatasync`.
    ///
    /// # Errors
    /// What the disk said; the database then counts as failed.
    pub async fn confirm(self: &Arc<Self>) -> Result<(), StorageError> {
        let this = self.clone();
        let outcome = tokio::task::spawn_blocking(move || this.confirm_blocking()).await;
        outcome.unwrap_or_else(|join| Err(StorageError(join.to_string())))
    }

    fn confirm_blocking(&self) -> Result<(), StorageError> {
        self.run(|db| db.flush())?;
        sync::database(&self.path).map_err(|error| {
            *self.failure.lock() = Some(error.to_string());
            StorageError(error.to_string())
        })
    }

    /// Tries to leave a failure behind: opens the database anew and writes to it. True when it can be written.
    pub async fn recover(self: &Arc<Self>) -> bool {
        if self.failure().is_none() {
            return true;
        }
        let this = self.clone();
        let recovered = tokio::task::spawn_blocking(move || {
            {
                let mut guard = this.db.write();
                // sled holds a lock on its file: the old handle has to go first.
                *guard = None;
                *guard = Some(open_sled(&this.path).map_err(OpenError::into_inner)?);
            }
            this.run(|db| db.insert("probe", b"written").map(drop))?;
            this.confirm_blocking()
        });
        match recovered.await.unwrap_or_else(|join| Err(StorageError(join.to_string()))) {
            Ok(()) => {
                *self.failure.lock() = None;
                tracing::info!("the journal can be written again");
                true
            }
            Err(error) => {
                tracing::debug!(%error, "the journal still cannot be written");
                false
            }
        }
    }
}

/// Why a database did not open.
enum OpenError {
    /// It contradicts itself: nothing will ever open it.
    Corrupt(StorageError),
    /// The file system refuses, or another process has it open: it is as good as before.
    Refused(StorageError),
}

impl OpenError {
    fn into_inner(self) -> StorageError {
        match self {
            Self::Corrupt(error) | Self::Refused(error) => error,
        }
    }
}

fn open_sled(path: &Path) -> Result<sled::Db, OpenError> {
    use std::io::ErrorKind;
    let config = sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(None);
    match catch_unwind(AssertUnwindSafe(|| sync::open(&config))) {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(sled::Error::Io(error)))
            if !matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
        {
            Err(OpenError::Refused(StorageError(error.to_string())))
        }
        Ok(Err(error)) => Err(OpenError::Corrupt(StorageError(error.to_string()))),
        Err(_) => Err(OpenError::Corrupt(StorageError("the database is corrupt".into()))),
    }
}

/// Runs sled and turns its panics, which some damaged files cause, into errors.
fn guarded<T>(work: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, StorageError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(|error| StorageError(error.to_string())),
        Err(_) => Err(StorageError("the database is corrupt".into())),
    }
}

fn free_name(dir: &Path) -> Result<PathBuf, StorageError> {
    (1..10_000_u32)
        .map(|number| dir.join(format!("quarantine-{number:04}")))
        .find(|path| !path.exists())
        .ok_or_else(|| StorageError("no free name for a database to set aside".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_corrupt_database_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("db")).unwrap();
        std::fs::write(dir.path().join("db/conf"), b"not a configuration of sled").unwrap();
        std::fs::write(dir.path().join("db/db"), vec![0xAB; 100_000]).unwrap();
        let database = Database::open(dir.path()).unwrap();
        assert!(database.was_quarantined());
        assert!(dir.path().join("quarantine-0001").exists());
        database.run(|db| db.insert("a", "b").map(drop)).unwrap();
        database.confirm().await.unwrap();
    }

    #[test]
    fn a_database_that_another_process_holds_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let held = Database::open(dir.path()).unwrap();
        assert!(Database::open(dir.path()).is_err());
        assert!(!dir.path().join("quarantine-0001").exists());
        held.run(|db| db.insert("a", "b").map(drop)).unwrap();
    }

    #[tokio::test]
    async fn what_failed_is_opened_anew() {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(dir.path()).unwrap();
        database.run(|db| db.insert("kept", "x").map(drop)).unwrap();
        database.confirm().await.unwrap();
        database.run(|_| Err::<(), _>(sled::Error::Unsupported("test".into()))).unwrap_err();
        assert!(database.failure().is_some());
        assert!(database.recover().await);
        assert_eq!(database.failure(), None);
        assert!(database.run(|db| db.contains_key("kept")).unwrap());
    }
}
