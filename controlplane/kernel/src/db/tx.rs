//! Transactions over either database.

use super::{DbError, gate::Turn, readers::Reader};
use sqlx::{Postgres, Sqlite, SqliteConnection, Transaction};
use std::ops::{Deref, DerefMut};

/// What holds SQLite's connection.
pub(crate) enum SqliteTx {
    /// Changes, which become one at the commit.
    Writing {
        inner: Transaction<'static, Sqlite>,
        /// Held until the transaction ends: one writer at a time, people before bulk work.
        _turn: Turn,
    },
    /// Statements that read, each by itself or all of one moment.
    Reading(Reader),
}

impl Deref for SqliteTx {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        match self {
            Self::Writing { inner, .. } => inner,
            Self::Reading(reader) => reader,
        }
    }
}

impl DerefMut for SqliteTx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        match self {
            Self::Writing { inner, .. } => inner,
            Self::Reading(reader) => reader,
        }
    }
}

/// A transaction of one of the two.
pub(crate) enum Tx {
    Sqlite(SqliteTx),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(crate) async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(SqliteTx::Writing { inner, _turn }) => inner.commit().await?,
            Self::Sqlite(SqliteTx::Reading(_)) => {}
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub(crate) async fn rollback(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(SqliteTx::Writing { inner, _turn }) => inner.rollback().await?,
            Self::Sqlite(SqliteTx::Reading(_)) => {}
            Self::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    /// What became of a statement; whoever lent the connection learns that it is free again.
    pub(crate) fn ended<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, DbError> {
        if let (Self::Sqlite(SqliteTx::Reading(reader)), true) = (self, outcome.is_ok()) {
            reader.settle();
        }
        outcome.map_err(DbError::from)
    }
}
