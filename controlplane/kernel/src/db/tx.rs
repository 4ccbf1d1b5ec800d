//! Transactions over either database.

use super::{DbError, gate::Turn};
use sqlx::{Postgres, Sqlite, Transaction};

/// A transaction on SQLite, and the writer's turn while it writes.
pub(crate) struct SqliteTx {
    pub(crate) inner: Transaction<'static, Sqlite>,
    /// Held until the transaction ends: one writer at a time, people before bulk work.
    pub(crate) _turn: Option<Turn>,
}

/// A transaction of one of the two.
pub(crate) enum Tx {
    Sqlite(SqliteTx),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(crate) async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => tx.inner.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => tx.inner.rollback().await?,
            Self::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}
