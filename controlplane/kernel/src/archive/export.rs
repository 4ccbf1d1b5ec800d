//! Reading everything in one snapshot.

use super::{ArchiveError, FORMAT, Head, Record, Totals};
use crate::{
    blobs::{BlobStore, sweep::is_copied},
    db::{
        Db, Tx, Value,
        bulk::{self, Rows, Sink, Table},
    },
    ids::TenantId,
    migrations,
    time::Timestamp,
};
use tokio::sync::mpsc::Sender;

/// Rows of one record, and keys of one list of blobs.
const BATCH: usize = 500;

/// Reads the rows of all tenants and of the platform, then the blobs, and sends them on; what was sent, in numbers.
///
/// The database must be at this program's schema. `tenants` are all there are: on PostgreSQL nobody sees the rows of one
/// that is not named.
///
/// # Errors
/// The database's or the blobs', and a receiver that went away.
pub async fn export(
    db: &Db,
    tenants: &[TenantId],
    blobs: &dyn BlobStore,
    now: Timestamp,
    records: Sender<Record>,
) -> Result<Totals, ArchiveError> {
    let schema = migrations::status(db).await?.applied;
    let head = Head { format: FORMAT, program: env!("CARGO_PKG_VERSION").to_owned(), schema, taken_at: now };
    send(&records, Record::Head(head)).await?;
    let mut tx = db.begin_snapshot().await?;
    let mut totals = Totals::default();
    let tables = bulk::tables(&mut tx).await?;
    for table in &tables {
        copy(&mut tx, table, Rows::Platform, &mut totals, &records).await?;
    }
    for tenant in tenants.iter().map(ToString::to_string) {
        bulk::enter_tenant(&mut tx, &tenant).await?;
        for table in tables.iter().filter(|table| table.is_tenants()) {
            copy(&mut tx, table, Rows::Tenant(&tenant), &mut totals, &records).await?;
        }
    }
    tx.rollback().await?;
    // After the rows: a blob is written before the row that names it, so every one that the rows name is there.
    let mut after = String::new();
    loop {
        let page = blobs.list("", &after, BATCH).await?;
        let is_last = page.len() < BATCH;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.key);
        for key in page.into_iter().map(|listed| listed.key).filter(|key| is_copied(key)) {
            let Some(bytes) = blobs.get(&key).await? else { continue };
            totals.blobs += 1;
            totals.blob_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            send_alone(&records, Record::Blob { key, bytes }).await?;
        }
        if is_last {
            break;
        }
    }
    send(&records, Record::End(totals.clone())).await?;
    Ok(totals)
}

async fn copy(
    tx: &mut Tx,
    table: &Table,
    rows: Rows<'_>,
    totals: &mut Totals,
    records: &Sender<Record>,
) -> Result<(), ArchiveError> {
    let mut batch = Batch { table, rows, totals, records, kept: Vec::new() };
    bulk::read(tx, table, rows, &mut batch).await?;
    batch.flush().await
}

/// Gathers rows into records.
struct Batch<'a> {
    table: &'a Table,
    rows: Rows<'a>,
    totals: &'a mut Totals,
    records: &'a Sender<Record>,
    kept: Vec<Vec<Value>>,
}

impl Batch<'_> {
    async fn flush(&mut self) -> Result<(), ArchiveError> {
        if self.kept.is_empty() {
            return Ok(());
        }
        let tenant = match self.rows {
            Rows::Tenant(tenant) => Some(tenant.to_owned()),
            Rows::Platform => None,
        };
        let record = Record::Rows {
            table: self.table.name.clone(),
            tenant,
            columns: self.table.columns.keys().cloned().collect(),
            rows: std::mem::take(&mut self.kept),
        };
        send(self.records, record).await
    }
}

impl Sink for Batch<'_> {
    type Error = ArchiveError;

    async fn take(&mut self, row: Vec<Value>) -> Result<(), ArchiveError> {
        self.totals.count(&self.table.name, &row)?;
        self.kept.push(row);
        if self.kept.len() >= BATCH { self.flush().await } else { Ok(()) }
    }
}

/// Sends a record that may be large once all others were taken: one waits in memory and not as many as the channel holds.
async fn send_alone(records: &Sender<Record>, record: Record) -> Result<(), ArchiveError> {
    let mut places =
        records.reserve_many(records.max_capacity()).await.map_err(|_| ArchiveError::ReceiverGone)?;
    let place = places.next().ok_or(ArchiveError::ReceiverGone)?;
    place.send(record);
    Ok(())
}

async fn send(records: &Sender<Record>, record: Record) -> Result<(), ArchiveError> {
    records.send(record).await.map_err(|_| ArchiveError::ReceiverGone)
}
