//! Reports of observed state, kept until headquarters has them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use atalaya_protocol::wire;
use parking_lot::Mutex;
use prost::Message;
use tokio::sync::Notify;

use super::{Database, StorageError};
use crate::uplink::ports::{ObservedSource, PortError};

const TREE: &str = "reports";
const NEXT: &str = "report_next";
/// Reports kept in memory while the disk refuses; the oldest goes first, a sweep reports anew.
const MEMORY_REPORTS: usize = 256;

/// The durable outbox. While the disk refuses, reports wait in memory: that service came back is news also then.
pub struct Outbox {
    database: Arc<Database>,
    next: AtomicU64,
    in_memory: Mutex<BTreeMap<u64, wire::ObservedReport>>,
    fresh: Notify,
}

impl Outbox {
    /// Opens the outbox. A new one starts its numbers at `now_ms`, above those of one that was lost.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn open(database: Arc<Database>, now_ms: i64) -> Result<Self, StorageError> {
        let next = database.run(|db| {
            let kept = db.get(NEXT)?.and_then(|bytes| bytes.as_ref().try_into().ok()).map(u64::from_be_bytes);
            Ok(kept.unwrap_or_else(|| u64::try_from(now_ms).unwrap_or(0).max(1)))
        })?;
        Ok(Self { database, next: AtomicU64::new(next), in_memory: Mutex::default(), fresh: Notify::new() })
    }

    /// Puts reports of at most [`atalaya_protocol::desired::MAX_POINTS`] points each into the box and confirms them.
    pub async fn push(&self, points: Vec<wire::ObservedPoint>) {
        for chunk in points.chunks(atalaya_protocol::desired::MAX_POINTS) {
            let report_id = self.next.fetch_add(1, Ordering::Relaxed);
            let report = wire::ObservedReport { report_id, points: chunk.to_vec() };
            let bytes = report.encode_to_vec();
            let stored = self.database.run(|db| {
                db.insert(NEXT, &report_id.saturating_add(1).to_be_bytes())?;
                db.open_tree(TREE)?.insert(report_id.to_be_bytes(), bytes).map(drop)
            });
            if stored.is_err() {
                self.remember(report);
            }
        }
        if self.database.confirm().await.is_err() {
            tracing::warn!("reports could not be confirmed on disk; they are sent all the same");
        }
        self.fresh.notify_one();
    }

    fn remember(&self, report: wire::ObservedReport) {
        let mut kept = self.in_memory.lock();
        kept.insert(report.report_id, report);
        while kept.len() > MEMORY_REPORTS {
            kept.pop_first();
        }
    }

    fn first_after(&self, after: u64) -> Result<Option<wire::ObservedReport>, StorageError> {
        let in_memory =
            self.in_memory.lock().range(after.saturating_add(1)..).next().map(|(_, report)| report.clone());
        let on_disk = self.database.run(|db| {
            let tree = db.open_tree(TREE)?;
            let row = tree.range(after.saturating_add(1).to_be_bytes()..).next().transpose()?;
            Ok(row.map(|(_, bytes)| bytes))
        });
        let on_disk = match on_disk {
            Ok(Some(bytes)) => Some(
                wire::ObservedReport::decode(bytes.as_ref())
                    .map_err(|error| StorageError(error.to_string()))?,
            ),
            Ok(None) => None,
            // A disk that fails must not keep the uplink from carrying what waits in memory, now or later.
            Err(error) => {
                tracing::debug!(%error, "reports on disk cannot be read");
                None
            }
        };
        Ok([in_memory, on_disk].into_iter().flatten().min_by_key(|report| report.report_id))
    }
}

#[async_trait]
impl ObservedSource for Outbox {
    async fn next(&self, after: u64) -> Result<Option<wire::ObservedReport>, PortError> {
        self.first_after(after).map_err(|error| PortError::Storage(error.to_string()))
    }

    async fn reported(&self) {
        self.fresh.notified().await;
    }

    async fn acknowledged(&self, report_id: u64) -> Result<(), PortError> {
        self.in_memory.lock().remove(&report_id);
        // Neither confirmed nor insisted on: a report that is sent twice is the same report.
        if let Err(error) =
            self.database.run(|db| db.open_tree(TREE)?.remove(report_id.to_be_bytes()).map(drop))
        {
            tracing::debug!(%error, report_id, "an acknowledged report stays on disk for now");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(id: &str) -> wire::ObservedPoint {
        wire::ObservedPoint { point_id: id.into(), ..Default::default() }
    }

    #[tokio::test]
    async fn a_report_stays_until_it_is_acknowledged() {
        let dir = tempfile::tempdir().unwrap();
        {
            let outbox = Outbox::open(Database::open(dir.path()).unwrap(), 1_000).unwrap();
            outbox.push(vec![point("a")]).await;
            outbox.push(vec![point("b")]).await;
            outbox.reported().await;
            outbox.acknowledged(1_000).await.unwrap();
        }
        let outbox = Outbox::open(Database::open(dir.path()).unwrap(), 0).unwrap();
        let report = outbox.next(0).await.unwrap().unwrap();
        assert_eq!((report.report_id, report.points[0].point_id.as_str()), (1_001, "b"));
        assert_eq!(outbox.next(1_001).await.unwrap(), None);
        outbox.push(vec![point("c")]).await;
        assert_eq!(outbox.next(1_001).await.unwrap().unwrap().report_id, 1_002);
    }

    #[tokio::test]
    async fn many_points_are_several_reports() {
        let dir = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(Database::open(dir.path()).unwrap(), 1).unwrap();
        let most = atalaya_protocol::desired::MAX_POINTS;
        outbox.push((0..=most).map(|number| point(&number.to_string())).collect()).await;
        assert_eq!(outbox.next(0).await.unwrap().unwrap().points.len(), most);
        assert_eq!(outbox.next(1).await.unwrap().unwrap().points.len(), 1);
    }
}
