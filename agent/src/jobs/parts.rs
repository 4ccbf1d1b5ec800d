//! What running jobs say, kept until headquarters has it.
//!
//! Tree of the journal's database: `jobs_parts` (number, big endian → time, protobuf part). Numbers grow over all jobs, so
//! that the uplink reads the parts of all of them in the order in which they were said. They are not confirmed one by
//! one: what a crash loses is the end of an output whose job is then told as `unknown`.

use std::sync::Arc;

use async_trait::async_trait;
use atalaya_protocol::wire;
use parking_lot::Mutex;
use prost::Message;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::driver::{DeviceError, Output};
use crate::fault;
use crate::journal::{Database, StorageError};

pub(super) const TREE: &str = "jobs_parts";
/// Most that one job may say: parts, and bytes of them.
const MOST_PARTS: u64 = 10_000;
const MOST_BYTES: usize = 8 << 20;
/// Bytes of one part: it shares its lane with everybody's results.
const MOST_OF_ONE: usize = 256 << 10;

pub(super) struct Parts {
    database: Arc<Database>,
    clock: Arc<dyn Clock>,
    /// Number of the next part. Held while one is kept: a reader that has seen a number has seen all below it.
    next: Mutex<u64>,
    fresh: Notify,
}

impl Parts {
    pub(super) fn open(database: Arc<Database>, clock: Arc<dyn Clock>) -> Result<Self, StorageError> {
        let last = database.run(|db| {
            let tree = db.open_tree(TREE)?;
            Ok(tree.last()?.and_then(|(key, _)| key.as_ref().try_into().ok()).map_or(0, u64::from_be_bytes))
        })?;
        Ok(Self { database, clock, next: Mutex::new(last.saturating_add(1)), fresh: Notify::new() })
    }

    /// The number that the next part will have.
    pub(super) fn end(&self) -> u64 {
        *self.next.lock()
    }

    /// The first part behind `after`. One that cannot be read is skipped: headquarters sees the gap.
    pub(super) fn next(&self, after: u64) -> Result<Option<(u64, wire::JobPart)>, StorageError> {
        self.database.run(|db| {
            for row in db.open_tree(TREE)?.range(after.saturating_add(1).to_be_bytes()..) {
                let (key, value) = row?;
                let number = key.as_ref().try_into().ok().map(u64::from_be_bytes);
                let part = value.get(8..).and_then(|bytes| wire::JobPart::decode(bytes).ok());
                if let (Some(number), Some(part)) = (number, part) {
                    return Ok(Some((number, part)));
                }
            }
            Ok(None)
        })
    }

    /// Waits until something may have been said since the last call returned.
    pub(super) async fn said(&self) {
        self.fresh.notified().await;
    }

    pub(super) fn remove(&self, number: u64) -> Result<(), StorageError> {
        self.database.run(|db| db.open_tree(TREE)?.remove(number.to_be_bytes()).map(drop))
    }

    fn keep(&self, part: &wire::JobPart) -> Result<(), StorageError> {
        let mut value = self.clock.now_ms().to_be_bytes().to_vec();
        value.extend(part.encode_to_vec());
        let mut next = self.next.lock();
        self.database.run(|db| db.open_tree(TREE)?.insert(next.to_be_bytes(), value).map(drop))?;
        *next = next.saturating_add(1);
        drop(next);
        self.fresh.notify_one();
        Ok(())
    }
}

/// The output of one job.
pub(super) struct Said<'a> {
    parts: &'a Parts,
    job_id: &'a str,
    /// Parts so far, and their bytes. Held while one is kept, so that they are kept in order.
    so_far: tokio::sync::Mutex<(u64, usize)>,
}

impl<'a> Said<'a> {
    pub(super) fn new(parts: &'a Parts, job_id: &'a str) -> Self {
        Self { parts, job_id, so_far: tokio::sync::Mutex::new((0, 0)) }
    }
}

#[async_trait]
impl Output for Said<'_> {
    async fn put(&self, content: wire::job_part::Content) -> Result<(), DeviceError> {
        let mut so_far = self.so_far.lock().await;
        let part = wire::JobPart {
            job_id: self.job_id.to_owned(),
            sequence: so_far.0.saturating_add(1),
            content: Some(content),
        };
        let size = part.encoded_len();
        let bytes = so_far.1.saturating_add(size);
        if part.sequence > MOST_PARTS || bytes > MOST_BYTES || size > MOST_OF_ONE {
            return Err(DeviceError::Local { words: "more output than one job may have".into() });
        }
        self.parts.keep(&part).map_err(|error| DeviceError::Local { words: error.to_string() })?;
        *so_far = (part.sequence, bytes);
        drop(so_far);
        fault::point("jobs.after_part");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::AgentClock;

    fn content() -> wire::job_part::Content {
        wire::job_part::Content::Echoes(wire::EchoReplies::default())
    }

    fn parts(dir: &std::path::Path) -> Parts {
        Parts::open(Database::open(dir).unwrap(), Arc::new(AgentClock::start())).unwrap()
    }

    #[tokio::test]
    async fn parts_are_numbered_from_one_and_kept_until_they_are_acknowledged() {
        let dir = tempfile::tempdir().unwrap();
        {
            let parts = parts(dir.path());
            let (first, other) = (Said::new(&parts, "job_1"), Said::new(&parts, "job_2"));
            for said in [&first, &other, &first] {
                said.put(content()).await.unwrap();
            }
            let mut seen = Vec::new();
            let mut after = 0;
            while let Some((number, part)) = parts.next(after).unwrap() {
                seen.push((part.job_id, part.sequence));
                after = number;
            }
            let name = |job: &str, sequence| (job.to_owned(), sequence);
            assert_eq!(seen, [name("job_1", 1), name("job_2", 1), name("job_1", 2)]);
            parts.remove(1).unwrap();
            parts.database.confirm().await.unwrap();
        }
        let again = parts(dir.path());
        assert_eq!(again.next(0).unwrap().map(|(number, _)| number), Some(2), "what was not acknowledged");
        assert_eq!(again.end(), 4, "no number is given twice while its part is there");
    }

    #[tokio::test]
    async fn an_output_has_an_end() {
        let dir = tempfile::tempdir().unwrap();
        let parts = parts(dir.path());
        let said = Said::new(&parts, "job_1");
        let of_size = |bytes: usize| {
            let reply = wire::EchoReply { words: "x".repeat(bytes), ..Default::default() };
            wire::job_part::Content::Echoes(wire::EchoReplies { replies: vec![reply] })
        };
        assert!(said.put(of_size(MOST_OF_ONE)).await.is_err(), "one part too large");
        for _ in 0..32 {
            said.put(of_size(250 << 10)).await.unwrap();
        }
        assert!(matches!(said.put(of_size(250 << 10)).await, Err(DeviceError::Local { .. })));
        said.put(content()).await.unwrap();
    }
}
