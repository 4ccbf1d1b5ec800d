//! One folder and one history for both databases; see `migrations/README.md` for the rules.
//!
//! Scripts are compiled in. Each runs once, in a transaction of its own, under a lock that two migrators cannot both
//! hold; the digest of what ran is kept, so a script edited after it landed is found. A database newer than the
//! program is refused. On PostgreSQL the same transaction puts new tables under row security
//! ([`crate::row_security`]), so there is no moment at which one is without it.
//!
//! Whoever serves need not be able to migrate: looking changes nothing, and a database that lacks nothing is left alone.

use crate::{
    Error,
    db::{Db, DbError, Dialect, MAX_ATTEMPTS, PlatformDb, PlatformTx, retry_pause, sql},
    row_security::{self, Lack, Unprotected},
    time::Timestamp,
};
use sha2::{Digest, Sha256};

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// A step of the history, for a dialect.
#[derive(Debug, Clone)]
pub struct Migration {
    /// `NNNN`.
    pub number: i64,
    /// `domain_change`.
    pub name: &'static str,
    script: String,
}

impl Migration {
    fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.script.as_bytes()))
    }
}

/// What a database still lacks.
#[derive(Debug, Clone)]
pub struct Status {
    /// Number of the newest step that ran.
    pub applied: i64,
    /// Steps to run, in order.
    pub pending: Vec<Migration>,
    /// What row security lacks on the tables that are there; see [`crate::row_security`].
    pub unprotected: Vec<Lack>,
}

impl Status {
    /// Whether nothing is to be done.
    pub fn is_complete(&self) -> bool {
        self.pending.is_empty() && self.unprotected.is_empty()
    }
}

/// Why the history does not fit.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database was migrated by a newer program.
    #[error("the database is at schema {found}, newer than this program's {known}: install a newer atalaya")]
    Newer {
        /// Newest step in the database.
        found: i64,
        /// Newest step known here.
        known: i64,
    },
    /// A step that ran is not the step known here.
    #[error("migration {number:04} was changed after it ran: restore its text and add a new one")]
    Changed {
        /// Which.
        number: i64,
    },
    /// The database sorts text by a language's rules.
    #[error(
        "the PostgreSQL database must be created with LC_COLLATE \"C\" (createdb -T template0 --locale=C -E UTF8), found {found}: pages of sorted lists would skip rows otherwise"
    )]
    Collation {
        /// Collation found.
        found: String,
    },
    /// The role may not change the schema.
    #[error(
        "the schema is behind ({pending} steps, {unprotected} of row security) and the database role {role} may not change \
         it: run `atalaya migrate` as the role that owns the tables (`database_owner`)"
    )]
    NotOwner {
        /// Which role.
        role: String,
        /// Steps to run.
        pending: usize,
        /// Statements that row security needs.
        unprotected: usize,
    },
    /// The role may not even look.
    #[error(
        "the database role {role} may not read the schema's history: run `atalaya migrate` with `database_owner` and \
         `database` set, which gives it the rights"
    )]
    NotGranted {
        /// Which role.
        role: String,
    },
    /// Row security could not be put in force.
    #[error(transparent)]
    Unprotected(#[from] Unprotected),
    /// The database's own error.
    #[error(transparent)]
    Store(#[from] Error),
}
impl From<DbError> for MigrationError {
    fn from(error: DbError) -> Self {
        Self::Store(error.into())
    }
}
impl MigrationError {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) | Self::Unprotected(Unprotected::Store(error)) => error.is_retryable(),
            _ => false,
        }
    }
}

/// The history for a dialect: the common script, then the dialect's own of the same number.
pub fn history(dialect: Dialect) -> Vec<Migration> {
    let wanted = match dialect {
        Dialect::Sqlite => "sqlite",
        Dialect::Postgres => "postgres",
    };
    let mut steps: Vec<Migration> = Vec::new();
    for (file, text) in FILES {
        let stem = file.trim_end_matches(".sql");
        let (stem, only) = stem.split_once('.').map_or((stem, None), |(stem, only)| (stem, Some(only)));
        let Some((number, name)) = stem.split_once('_') else { continue };
        let Ok(number) = number.parse() else { continue };
        if only.is_some_and(|only| only != wanted) {
            continue;
        }
        match steps.last_mut() {
            Some(step) if step.number == number => step.script.push_str(text),
            _ => steps.push(Migration { number, name, script: (*text).to_owned() }),
        }
    }
    steps
}

#[derive(sqlx::FromRow)]
struct Applied {
    number: i64,
    digest: String,
}

/// What the role of a connection may do.
#[derive(sqlx::FromRow)]
struct Rights {
    role: String,
    reads_history: bool,
    makes_tables: bool,
}

async fn rights(tx: &mut PlatformTx) -> Result<Rights, DbError> {
    sql("SELECT CAST(current_user AS TEXT) AS role, \
         COALESCE(has_table_privilege(to_regclass('kernel_migration'), 'SELECT'), true) AS reads_history, \
         has_schema_privilege(current_schema(), 'CREATE') AS makes_tables")
    .fetch_one(tx)
    .await
}

async fn has_history(tx: &mut PlatformTx, dialect: Dialect) -> Result<bool, DbError> {
    let look = match dialect {
        Dialect::Sqlite => "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'kernel_migration')",
        Dialect::Postgres => "SELECT to_regclass('kernel_migration') IS NOT NULL",
    };
    let (has,): (bool,) = sql(look).fetch_one(tx).await?;
    Ok(has)
}

/// The steps that ran; changes nothing.
async fn applied(db: &Db) -> Result<Vec<Applied>, MigrationError> {
    let mut tx = PlatformDb::new(db.clone()).begin_read().await?;
    if db.dialect() == Dialect::Postgres {
        let (found,): (String,) =
            sql("SELECT CAST(datcollate AS TEXT) FROM pg_database WHERE datname = current_database()")
                .fetch_one(&mut tx)
                .await?;
        if !matches!(found.as_str(), "C" | "POSIX") {
            return Err(MigrationError::Collation { found });
        }
        let Rights { role, reads_history, .. } = rights(&mut tx).await?;
        if !reads_history {
            return Err(MigrationError::NotGranted { role });
        }
    }
    if !has_history(&mut tx, db.dialect()).await? {
        return Ok(Vec::new());
    }
    Ok(sql("SELECT number, digest FROM kernel_migration ORDER BY number").fetch_all(&mut tx).await?)
}

/// What a database still lacks; changes nothing.
///
/// # Errors
/// A newer or changed history, a wrong collation, or the database's own.
pub async fn status(db: &Db) -> Result<Status, MigrationError> {
    let history = history(db.dialect());
    let known = history.last().map_or(0, |step| step.number);
    let rows = applied(db).await?;
    let found = rows.last().map_or(0, |row| row.number);
    if found > known {
        return Err(MigrationError::Newer { found, known });
    }
    for row in &rows {
        match history.iter().find(|step| step.number == row.number) {
            Some(step) if step.digest() == row.digest => {}
            _ => return Err(MigrationError::Changed { number: row.number }),
        }
    }
    let pending =
        history.into_iter().filter(|step| rows.iter().all(|row| row.number != step.number)).collect();
    let unprotected = match db.dialect() {
        Dialect::Sqlite => Vec::new(),
        Dialect::Postgres => {
            row_security::lacking(&mut PlatformDb::new(db.clone()).begin_read().await?).await?
        }
    };
    Ok(Status { applied: found, pending, unprotected })
}

/// Brings a database to this program's schema; the steps that ran. A second migrator waits for the first and then
/// finds nothing to do. `serving` is the role that will serve, where it is not the one of this connection: it is given
/// its rights.
///
/// # Errors
/// As [`status`], a role that may not change the schema, or a script's own; the step is then undone as a whole.
pub async fn migrate(
    db: &Db,
    now: Timestamp,
    serving: Option<&str>,
) -> Result<Vec<Migration>, MigrationError> {
    migrate_to(db, i64::MAX, now, serving).await
}

/// The same, up to the schema of a copy that is about to be put in.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_to(
    db: &Db,
    number: i64,
    now: Timestamp,
    serving: Option<&str>,
) -> Result<Vec<Migration>, MigrationError> {
    let status = status(db).await?;
    let complete = status.is_complete();
    if !complete && db.dialect() == Dialect::Postgres {
        let Rights { role, makes_tables, .. } =
            rights(&mut PlatformDb::new(db.clone()).begin_read().await?).await?;
        if !makes_tables {
            let (pending, unprotected) = (status.pending.len(), status.unprotected.len());
            return Err(MigrationError::NotOwner { role, pending, unprotected });
        }
    }
    let mut ran = Vec::new();
    for step in status.pending.into_iter().filter(|step| step.number <= number) {
        if step_run(db, &step, now, serving).await? {
            tracing::info!(number = step.number, name = step.name, "migrated");
            ran.push(step);
        }
    }
    if !complete || serving.is_some() {
        protect(db, serving).await?;
    }
    Ok(ran)
}

/// The migrators' lock, until the transaction's end. On SQLite it is the writer's turn, across processes too.
async fn locked(db: &Db) -> Result<PlatformTx, DbError> {
    /// Any number that nobody else takes; the letters "atalaya".
    const LOCK: i64 = 0x0061_7461_6c61_7961;
    let mut tx = PlatformDb::new(db.clone()).begin_migration().await?;
    if db.dialect() == Dialect::Postgres {
        sql("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut tx).await?;
    }
    Ok(tx)
}

/// Runs a step unless another migrator did; again when a transaction of a running server was in the way.
async fn step_run(
    db: &Db,
    step: &Migration,
    now: Timestamp,
    serving: Option<&str>,
) -> Result<bool, MigrationError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match step_once(db, step, now, serving).await {
            Err(error) if error.is_retryable() && attempt < MAX_ATTEMPTS => retry_pause(attempt).await,
            outcome => return outcome,
        }
    }
}

async fn step_once(
    db: &Db,
    step: &Migration,
    now: Timestamp,
    serving: Option<&str>,
) -> Result<bool, MigrationError> {
    let mut tx = locked(db).await?;
    sql("CREATE TABLE IF NOT EXISTS kernel_migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, applied_at BIGINT NOT NULL)")
        .execute(&mut tx)
        .await?;
    let known: Option<(i64,)> = sql("SELECT number FROM kernel_migration WHERE number = $1")
        .bind(step.number)
        .fetch_optional(&mut tx)
        .await?;
    if known.is_some() {
        tx.rollback().await?;
        return Ok(false);
    }
    Db::run_script(tx.raw(), step.script.clone()).await?;
    sql("INSERT INTO kernel_migration (number, name, digest, applied_at) VALUES ($1, $2, $3, $4)")
        .bind(step.number)
        .bind(step.name)
        .bind(step.digest())
        .bind(now)
        .execute(&mut tx)
        .await?;
    if db.dialect() == Dialect::Postgres {
        row_security::enforce(&mut tx, serving).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Row security and rights of what was there before: an older release had none, and the list of look-ups changes.
async fn protect(db: &Db, serving: Option<&str>) -> Result<(), MigrationError> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    let mut tx = locked(db).await?;
    let statements = row_security::enforce(&mut tx, serving).await?;
    tx.commit().await?;
    if statements > 0 {
        tracing::info!(statements, "row security and rights brought up to date");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_grow() {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let numbers: Vec<_> = history(dialect).iter().map(|step| (step.number, step.name)).collect();
            assert!(!numbers.is_empty());
            assert!(numbers.windows(2).all(|pair| pair[0].0 < pair[1].0), "{numbers:?}");
        }
        let mut common: Vec<_> = FILES
            .iter()
            .filter(|(file, _)| file.matches('.').count() == 1)
            .map(|(file, _)| &file[..4])
            .collect();
        let all = common.len();
        common.dedup();
        assert_eq!(common.len(), all, "two migrations share a number");
    }
}
