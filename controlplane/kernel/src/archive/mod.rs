//! A copy of everything: the rows of a database and its blobs, as a stream of [`Record`]s that knows no dialect.
//!
//! One mechanism serves backups (records into a sealed [`file`]), restores and their rehearsal (back again), and moving
//! between SQLite and PostgreSQL (from one straight into the other). A copy is read in one snapshot while people work,
//! and is written into an empty database in one transaction, which is compared with the copy's own counts and digests
//! before it commits.
//!
//! Secrets stay sealed in it under the tenants' keys, which are wrapped by the installation key; the file as a whole is
//! sealed too, since names and telephone numbers are nobody else's business either.

mod copy;
mod export;
pub mod file;
mod import;
pub mod journal;
mod output;

pub use copy::{Saved, load, rehearse, save, transfer};
pub use export::export;
pub use import::{Imported, import};
pub use output::{FileCopy, Unfinished};

use crate::{
    db::{DbError, Value},
    migrations::MigrationError,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, io};

/// Version of the stream.
pub const FORMAT: u32 = 1;
/// Records under way between the reader and the writer of a copy.
pub const IN_FLIGHT: usize = 8;

/// A piece of a copy. The first is [`Record::Head`], the last is [`Record::End`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Record {
    /// What was copied, and when.
    Head(Head),
    /// Rows of a table.
    Rows {
        /// Which table.
        table: String,
        /// Whose, none for the platform's own.
        tenant: Option<String>,
        /// Names of the values in each row.
        columns: Vec<String>,
        /// The rows.
        rows: Vec<Vec<Value>>,
    },
    /// A file, whole.
    Blob {
        /// Its key.
        key: String,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// What the whole copy holds: without it a copy is cut off.
    End(Totals),
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the program.
    pub program: String,
    /// Newest migration of the database.
    pub schema: i64,
    /// When the snapshot was taken.
    pub taken_at: Timestamp,
}

/// Counts and digests of a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// By table, those without rows left out.
    pub tables: BTreeMap<String, TableTotal>,
    /// Files.
    pub blobs: u64,
    /// Bytes of all files.
    pub blob_bytes: u64,
}

impl Totals {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.values().map(|table| table.rows).sum()
    }
    fn count(&mut self, table: &str, row: &[Value]) -> Result<(), ArchiveError> {
        let bytes = postcard::to_stdvec(row).map_err(ArchiveError::malformed)?;
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let (half, _) = digest.split_at(16);
        let half = half.try_into().map_or(0, u128::from_le_bytes);
        let total = self.tables.entry(table.to_owned()).or_default();
        total.rows += 1;
        total.digest = total.digest.wrapping_add(half);
        Ok(())
    }
}

/// Rows of a table and what they hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableTotal {
    /// How many.
    pub rows: u64,
    /// Sum of the rows' hashes (128 bits of SHA-256 over columns by name): the same in whatever order they come.
    pub digest: u128,
}

/// Why a copy could not be made or put back.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The database's own.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The schema's.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// The disk's, or that of whoever took the records.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Not one of our files, changed, or made under another installation key.
    #[error("{0}")]
    Unreadable(String),
    /// Whoever took the records stopped; its own error says why.
    #[error("the other end of the copy stopped")]
    ReceiverGone,
    /// It ends before its end.
    #[error("the copy is cut off: it has no end record; use another one")]
    CutOff,
    /// The database to be filled holds something.
    #[error("the database is not empty ({0} has rows): a copy is put into an empty one only")]
    NotEmpty(String),
    /// The copy's schema cannot be made here.
    #[error(
        "the copy is of schema {copied:04} and the database at {found:04}: a newer copy needs its newer atalaya, an older one a database without any tables"
    )]
    Schema {
        /// Of the copy.
        copied: i64,
        /// Of the database.
        found: i64,
    },
    /// The copy has rows of a table or column that its own schema does not know.
    #[error("the copy holds {0}, which schema {1:04} does not have")]
    Unknown(String, i64),
    /// What was written is not what was copied.
    #[error("{table}: the copy holds {copied} rows, the database {found}, or their contents differ")]
    Differs {
        /// The first table that differs.
        table: String,
        /// Rows by the copy's own count.
        copied: u64,
        /// Rows read back.
        found: u64,
    },
}

impl ArchiveError {
    fn malformed(error: impl std::fmt::Display) -> Self {
        Self::Unreadable(format!("the copy is malformed: {error}"))
    }
}

/// Checks that a table's contents are those that were copied.
fn compare(copied: &Totals, found: &Totals) -> Result<(), ArchiveError> {
    let none = TableTotal::default();
    let names = copied.tables.keys().chain(found.tables.keys());
    for name in names {
        let ours = copied.tables.get(name).unwrap_or(&none);
        let theirs = found.tables.get(name).unwrap_or(&none);
        if ours != theirs {
            return Err(ArchiveError::Differs { table: name.clone(), copied: ours.rows, found: theirs.rows });
        }
    }
    Ok(())
}
