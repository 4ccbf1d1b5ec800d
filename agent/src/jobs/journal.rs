//! What the disk knows of jobs: which were started, and how they ended.
//!
//! Trees of the journal's database: `jobs_started` (job id → time), `jobs` (job id → time, protobuf result). A time is
//! Unix ms, eight bytes, big endian. Both, and parts that nobody took, are forgotten after a day, whenever a job ends: by
//! then headquarters asks for none of them, and the clock is known to be right.

use std::sync::Arc;

use atalaya_protocol::wire;
use prost::Message;

use crate::clock::Clock;
use crate::journal::{Database, StorageError};

const STARTED: &str = "jobs_started";
const ENDED: &str = "jobs";
const KEPT_MS: i64 = 86_400_000;

/// What is known of a job before it is run.
pub(super) enum Past {
    /// Nothing: it was never started here, or long ago.
    Unknown,
    /// It was started, and then the process ended.
    Started,
    /// It ended.
    Ended(Box<wire::JobResult>),
}

pub(super) struct JobJournal {
    database: Arc<Database>,
    clock: Arc<dyn Clock>,
}

impl JobJournal {
    pub(super) fn new(database: Arc<Database>, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }

    pub(super) fn past(&self, job_id: &str) -> Result<Past, StorageError> {
        let (ended, started) = self.database.run(|db| {
            let ended = db.open_tree(ENDED)?.get(job_id)?;
            Ok((ended, db.open_tree(STARTED)?.contains_key(job_id)?))
        })?;
        let ended = ended.and_then(|bytes| wire::JobResult::decode(bytes.get(8..)?).ok());
        Ok(match (ended, started) {
            (Some(result), _) => Past::Ended(Box::new(result)),
            (None, true) => Past::Started,
            (None, false) => Past::Unknown,
        })
    }

    /// Writes that a job is started, and confirms it. Only then may it have an effect.
    pub(super) async fn start(&self, job_id: &str) -> Result<(), StorageError> {
        let now_ms = self.clock.now_ms();
        self.database.run(|db| db.open_tree(STARTED)?.insert(job_id, &now_ms.to_be_bytes()).map(drop))?;
        self.database.confirm().await
    }

    /// Keeps a result, confirmed where the order must not be done again, and drops those of yesterday. A disk that
    /// refuses costs a second run of what may be run twice, and an `unknown` of what may not.
    pub(super) async fn end(&self, result: wire::JobResult, once: bool) -> wire::JobResult {
        let now_ms = self.clock.now_ms();
        let mut value = now_ms.to_be_bytes().to_vec();
        value.extend(result.encode_to_vec());
        let kept = self.database.run(|db| {
            for name in [STARTED, ENDED, super::parts::TREE] {
                forget_old(&db.open_tree(name)?, now_ms)?;
            }
            db.open_tree(ENDED)?.insert(result.job_id.as_bytes(), value).map(drop)
        });
        let kept = match kept {
            Ok(()) if once => self.database.confirm().await,
            other => other,
        };
        if let Err(error) = kept {
            tracing::warn!(%error, job = result.job_id, "the result of a job could not be kept");
        }
        result
    }
}

/// Removes rows whose time, the first eight bytes of their value, is more than a day away from now.
fn forget_old(tree: &sled::Tree, now_ms: i64) -> Result<(), sled::Error> {
    for row in tree {
        let (key, value) = row?;
        let at = value.get(..8).and_then(|bytes| bytes.try_into().ok()).map_or(0, i64::from_be_bytes);
        if now_ms.saturating_sub(at).saturating_abs() > KEPT_MS {
            tree.remove(key)?;
        }
    }
    Ok(())
}
