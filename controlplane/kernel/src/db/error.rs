//! What a database can answer, sorted by what the caller should do.

/// A failed statement, transaction or connection.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A row was expected and there was none.
    #[error("no such row")]
    NoRow,
    /// A UNIQUE constraint; see [`DbError::violates_unique`].
    #[error("unique constraint {0}")]
    Unique(String),
    /// A FOREIGN KEY: the other row does not exist, or is still referred to.
    #[error("foreign key constraint")]
    ForeignKey,
    /// The database asks for the transaction to be run again from its start.
    #[error("the transaction must be run again")]
    Retry(#[source] sqlx::Error),
    /// Another transaction changed what this one has read: run it again.
    #[error("the transaction met another one")]
    Conflict,
    /// Cannot be reached, or shut down.
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// Anything else: a defect of ours.
    #[error("database error")]
    Other(#[source] sqlx::Error),
}

impl DbError {
    /// Whether this is the UNIQUE constraint over exactly these columns of a table, declared inline so that
    /// PostgreSQL names it `table_column_column_key`.
    pub fn violates_unique(&self, table: &str, columns: &[&str]) -> bool {
        let Self::Unique(what) = self else { return false };
        let postgres = format!("{table}_{}_key", columns.join("_"));
        let sqlite = columns.iter().map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", ");
        // PostgreSQL cuts names at 63 bytes.
        what.ends_with(&sqlite)
            || *what == postgres
            || (what.len() == 63 && postgres.starts_with(what.as_str()))
    }

    /// Whether running the whole transaction again may help.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Retry(_) | Self::Conflict)
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        match &error {
            sqlx::Error::RowNotFound => Self::NoRow,
            sqlx::Error::Database(database) => match database.kind() {
                ErrorKind::UniqueViolation => Self::Unique(
                    database.constraint().map_or_else(|| database.message().to_owned(), str::to_owned),
                ),
                ErrorKind::ForeignKeyViolation => Self::ForeignKey,
                // PostgreSQL: serialization failure, deadlock. SQLite: BUSY and its kin.
                _ if matches!(database.code().as_deref(), Some("40001" | "40P01" | "5" | "261" | "517")) => {
                    Self::Retry(error)
                }
                _ => Self::Other(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Tls(_) => Self::Unavailable(error),
            _ => Self::Other(error),
        }
    }
}
