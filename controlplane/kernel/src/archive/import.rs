//! Filling an empty database.

use super::{ArchiveError, FORMAT, Head, Record, Totals, compare};
use crate::{
    blobs::BlobStore,
    db::{
        Db, Priority, Reach, Tx, Value,
        bulk::{self, ForeignKeys, Rows, Sink, Table},
    },
    migrations,
    time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc::Receiver;

/// What was put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What the copy said of itself.
    pub head: Head,
    /// What was read back from the database.
    pub totals: Totals,
}

/// Makes an empty database hold what the records say: schema of the copy, rows, then this program's schema. All rows are
/// read back and compared before they are committed; on any error the database stays empty. `db` is opened as the role
/// that owns it; `serving` is the role that will serve, where that is another.
///
/// # Errors
/// A database that holds something, a copy that is cut off or of a newer program, or contents that differ.
pub async fn import(
    db: &Db,
    serving: Option<&str>,
    blobs: &dyn BlobStore,
    now: Timestamp,
    mut records: Receiver<Record>,
) -> Result<Imported, ArchiveError> {
    let head = match records.recv().await {
        Some(Record::Head(head)) if head.format == FORMAT => head,
        Some(Record::Head(head)) => {
            return Err(ArchiveError::malformed(format!(
                "format {} is newer than this program",
                head.format
            )));
        }
        Some(_) => return Err(ArchiveError::malformed("it does not begin with its head")),
        None => return Err(ArchiveError::CutOff),
    };
    migrations::migrate_to(db, head.schema, now, serving).await?;
    let schema = migrations::status(db).await?.applied;
    if schema != head.schema {
        return Err(ArchiveError::Schema { copied: head.schema, found: schema });
    }
    let mut tx = db.begin_write(Reach::Migration, Priority::Bulk).await?;
    let tables: BTreeMap<String, Table> =
        bulk::tables(&mut tx).await?.into_iter().map(|table| (table.name.clone(), table)).collect();
    for table in tables.values() {
        if !bulk::is_empty(&mut tx, table).await? {
            return Err(ArchiveError::NotEmpty(table.name.clone()));
        }
    }
    let keys = ForeignKeys::put_off(&mut tx).await?;
    let mut tenants = BTreeSet::new();
    let copied = loop {
        match records.recv().await {
            Some(Record::Rows { table, tenant, columns, rows }) => {
                let known = tables.get(&table).filter(|known| columns.iter().eq(known.columns.keys()));
                let table = known.ok_or(ArchiveError::Unknown(table, head.schema))?;
                tenants.extend(tenant);
                bulk::insert(&mut tx, table, rows).await?;
            }
            Some(Record::Blob { key, bytes }) => blobs.put(&key, bytes).await?,
            Some(Record::End(totals)) => break totals,
            Some(Record::Head(_)) => return Err(ArchiveError::malformed("it has two heads")),
            None => return Err(ArchiveError::CutOff),
        }
    };
    keys.check(&mut tx).await?;
    let mut found = read_back(&mut tx, tables.values(), &tenants).await?;
    (found.blobs, found.blob_bytes) = (copied.blobs, copied.blob_bytes);
    compare(&copied, &found)?;
    tx.commit().await?;
    migrations::migrate(db, now, serving).await?;
    Ok(Imported { head, totals: found })
}

async fn read_back(
    tx: &mut Tx,
    tables: impl Iterator<Item = &Table> + Clone,
    tenants: &BTreeSet<String>,
) -> Result<Totals, ArchiveError> {
    let mut totals = Totals::default();
    for table in tables.clone() {
        bulk::read(tx, table, Rows::Platform, &mut Counter { table: &table.name, totals: &mut totals })
            .await?;
    }
    for tenant in tenants {
        for table in tables.clone().filter(|table| table.is_tenants()) {
            let mut counter = Counter { table: &table.name, totals: &mut totals };
            bulk::read(tx, table, Rows::Tenant(tenant), &mut counter).await?;
        }
    }
    Ok(totals)
}

/// Counts rows and forgets them.
struct Counter<'a> {
    table: &'a str,
    totals: &'a mut Totals,
}

impl Sink for Counter<'_> {
    type Error = ArchiveError;

    async fn take(&mut self, row: Vec<Value>) -> Result<(), ArchiveError> {
        self.totals.count(self.table, &row)
    }
}
