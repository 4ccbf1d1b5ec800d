//! Two databases, one SQL text.
//!
//! - Statements are written once, in the subset that SQLite and PostgreSQL share, and run by the native driver
//!   ([`sql`], [`Query`]). Ids and dates are TEXT, money and instants BIGINT, JSON is TEXT and never filtered in SQL.
//! - There is no way to a tenant's tables but a [`TenantTx`], which carries the tenant and the scope; a
//!   [`PlatformTx`] reaches kernel tables and look-ups (host → tenant, certificate → agent, job claims). Every
//!   statement on a tenant's table names `tenant_id`, and PostgreSQL holds it to that: see [`crate::row_security`].
//! - SQLite has one writer: `BEGIN IMMEDIATE` behind a queue in which people go ahead of bulk work. A write
//!   transaction awaits nothing but the database. A read there is no transaction: see `readers.rs`.

pub(crate) mod bulk;
mod error;
mod gate;
mod handle;
mod query;
pub(crate) mod reach;
mod readers;
mod tx;
mod value;

pub(crate) use bulk::{Kind, fetch_cells};
pub use error::DbError;
pub use gate::{Priority, WriterWaits};
pub use handle::{PlatformDb, PlatformTx, TenantDb, TenantTx};
pub use query::{Handle, Query, Row, sql};
pub use value::{Column, Value};

use gate::Gate;
use log::LevelFilter;
pub(crate) use query::SealedHandle;
pub(crate) use reach::Reach;
use readers::Readers;
use sqlx::{
    AssertSqlSafe, ConnectOptions, PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{str::FromStr, sync::Arc, time::Duration};
use tx::SqliteTx;
pub(crate) use tx::Tx;

/// A statement that takes longer is worth a line in the log.
const SLOW: Duration = Duration::from_secs(1);

/// Which of the two databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, the default.
    Sqlite,
    /// PostgreSQL 14 or newer.
    Postgres,
}

/// An open database; cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

enum Inner {
    Sqlite { writer: SqlitePool, readers: Box<Readers>, gate: Box<Gate> },
    Postgres(PgPool),
}

impl Db {
    /// Opens by URL: `sqlite:/path/file.db` (made when absent) or `postgres://user@host/name`.
    ///
    /// # Errors
    /// A URL of neither kind, or a database that cannot be reached.
    pub async fn open(url: &str) -> Result<Self, DbError> {
        Self::open_noting(url, SLOW).await
    }

    /// The same; a statement that takes longer than `slow` is written to the log, with its text and without its values.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub async fn open_noting(url: &str, slow: Duration) -> Result<Self, DbError> {
        if is_postgres(url) {
            let options = PgConnectOptions::from_str(url)?
                .application_name("atalaya")
                .log_slow_statements(LevelFilter::Warn, slow);
            let pool = PgPoolOptions::new()
                .max_connections(16)
                .acquire_timeout(Duration::from_secs(10))
                .connect_with(options)
                .await?;
            return Ok(Self(Arc::new(Inner::Postgres(pool))));
        }
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: an acknowledged payment survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10))
            .pragma("trusted_schema", "off")
            .log_slow_statements(LevelFilter::Warn, slow);
        // What is deleted is overwritten: what was erased of a person is in no free page of the file.
        let writing = options.clone().pragma("secure_delete", "on");
        // A file does not go away as a server does: the connection is taken without asking first whether it still stands.
        let writer = SqlitePoolOptions::new()
            .test_before_acquire(false)
            .max_connections(1)
            .connect_with(writing)
            .await?;
        let readers = Box::new(Readers::open(options.pragma("query_only", "on")).await?);
        Ok(Self(Arc::new(Inner::Sqlite { writer, readers, gate: Box::default() })))
    }

    /// The role that a PostgreSQL URL connects as; none for SQLite, which has no roles.
    ///
    /// # Errors
    /// A URL that is none.
    pub fn role(url: &str) -> Result<Option<String>, DbError> {
        if !is_postgres(url) {
            return Ok(None);
        }
        Ok(Some(PgConnectOptions::from_str(url)?.get_username().to_owned()))
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        match &*self.0 {
            Inner::Sqlite { .. } => Dialect::Sqlite,
            Inner::Postgres(_) => Dialect::Postgres,
        }
    }

    /// How long work waited for SQLite's one writer; none on PostgreSQL, which has many.
    pub fn writer_waits(&self) -> Option<WriterWaits> {
        match &*self.0 {
            Inner::Sqlite { gate, .. } => Some(gate.waits()),
            Inner::Postgres(_) => None,
        }
    }

    pub(crate) async fn begin_write(&self, reach: Reach<'_>, priority: Priority) -> Result<Tx, DbError> {
        match &*self.0 {
            Inner::Sqlite { writer, gate, .. } => {
                let turn = gate.turn(priority).await;
                let inner = writer.begin_with("BEGIN IMMEDIATE").await?;
                Ok(Tx::Sqlite(SqliteTx::Writing { inner, _turn: turn }))
            }
            Inner::Postgres(pool) => Ok(Tx::Postgres(pool.begin_with(AssertSqlSafe(reach.begin())).await?)),
        }
    }

    /// For reading: each statement sees what is committed when it begins, unless the reach is a snapshot.
    pub(crate) async fn begin_read(&self, reach: Reach<'_>) -> Result<Tx, DbError> {
        match &*self.0 {
            Inner::Sqlite { readers, .. } => {
                let reader = match reach {
                    Reach::Snapshot => readers.snapshot().await?,
                    Reach::Tenant(_) | Reach::Platform | Reach::Migration => readers.reader().await?,
                };
                Ok(Tx::Sqlite(SqliteTx::Reading(reader)))
            }
            Inner::Postgres(pool) => Ok(Tx::Postgres(pool.begin_with(AssertSqlSafe(reach.begin())).await?)),
        }
    }

    /// Runs a script of several statements, for migrations only.
    pub(crate) async fn run_script(tx: &mut Tx, script: String) -> Result<(), DbError> {
        use sqlx::Executor;
        match tx {
            Tx::Sqlite(tx) => {
                (&mut **tx).execute(sqlx::raw_sql(AssertSqlSafe(script))).await.map(drop)?;
            }
            Tx::Postgres(tx) => (&mut **tx).execute(sqlx::raw_sql(AssertSqlSafe(script))).await.map(drop)?,
        }
        Ok(())
    }

    /// Folds SQLite's log into the file and empties it, so that no older state of a page stays in it. Where a reader that is still on an
    /// older state is in the way, or anything else, it is left to a later folding. Nothing on PostgreSQL, which keeps its log by
    /// rules of its own.
    pub async fn fold_log(&self) {
        let Inner::Sqlite { writer, gate, .. } = &*self.0 else { return };
        let _turn = gate.turn(Priority::Bulk).await;
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(writer).await {
            tracing::warn!(%error, "the database's log was not folded in; it is with the next folding");
        }
    }

    /// Closes all connections; on SQLite the log is folded into the file.
    pub async fn close(&self) {
        match &*self.0 {
            Inner::Sqlite { writer, readers, .. } => {
                readers.close().await;
                writer.close().await;
            }
            Inner::Postgres(pool) => pool.close().await,
        }
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Waits a little, longer each time, before a transaction is run again.
#[doc(hidden)]
pub async fn retry_pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(5 << attempt.min(6))).await;
}

/// How often a transaction is run before its conflict is reported.
#[doc(hidden)]
pub const MAX_ATTEMPTS: u32 = 8;

/// Runs a block in a write transaction and commits it; the whole block runs again when the database asks for it, so
/// it may use what stands outside by reference only. The block ends in `Result<_, kernel::Error>`.
///
/// `write_tx!(ctx, tx => { … Ok(value) })`, where the first word is anything with `begin_write()`.
#[macro_export]
macro_rules! write_tx {
    ($from:expr, $tx:ident => $body:block) => {
        async {
            let mut attempt: u32 = 0;
            loop {
                attempt += 1;
                let mut $tx = $from.begin_write().await.map_err($crate::Error::from)?;
                let outcome: ::core::result::Result<_, $crate::Error> = async { $body }.await;
                let error = match outcome {
                    Ok(value) => match $tx.commit().await {
                        Ok(()) => break ::core::result::Result::<_, $crate::Error>::Ok(value),
                        Err(error) => $crate::Error::from(error),
                    },
                    Err(error) => {
                        $tx.rollback().await.map_err($crate::Error::from)?;
                        error
                    }
                };
                if !error.is_retryable() || attempt >= $crate::db::MAX_ATTEMPTS {
                    break Err(error);
                }
                $crate::db::retry_pause(attempt).await;
            }
        }
        .await
    };
}
