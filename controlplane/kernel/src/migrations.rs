//! One folder and one history for both databases; see `migrations/README.md` for the rules.
//!
//! Scripts are compiled in. Each runs once, in a transaction of its own, under a lock that two migrators cannot both
//! hold; the digest of what ran is kept, so a script edited after it landed is found. A database newer than the
//! program is refused.

use crate::{
    Error,
    db::{Db, Dialect, PlatformDb, sql},
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
    /// The database's own error.
    #[error(transparent)]
    Store(#[from] Error),
}
impl From<crate::db::DbError> for MigrationError {
    fn from(error: crate::db::DbError) -> Self {
        Self::Store(error.into())
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

async fn applied(db: &Db) -> Result<Vec<Applied>, MigrationError> {
    let platform = PlatformDb::new(db.clone());
    let mut tx = platform.begin_write().await?;
    if db.dialect() == Dialect::Postgres {
        let (found,): (String,) =
            sql("SELECT CAST(datcollate AS TEXT) FROM pg_database WHERE datname = current_database()")
                .fetch_one(&mut tx)
                .await?;
        if !matches!(found.as_str(), "C" | "POSIX") {
            return Err(MigrationError::Collation { found });
        }
    }
    sql("CREATE TABLE IF NOT EXISTS kernel_migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, applied_at BIGINT NOT NULL)")
        .execute(&mut tx)
        .await?;
    let rows = sql("SELECT number, digest FROM kernel_migration ORDER BY number").fetch_all(&mut tx).await?;
    tx.commit().await?;
    Ok(rows)
}

/// What a database still lacks; changes nothing but the history table.
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
    Ok(Status { applied: found, pending })
}

/// Brings a database to this program's schema; the steps that ran. A second migrator waits for the first and then
/// finds nothing to do.
///
/// # Errors
/// As [`status`], or a script's own; the step is then undone as a whole.
pub async fn migrate(db: &Db, now: Timestamp) -> Result<Vec<Migration>, MigrationError> {
    migrate_to(db, i64::MAX, now).await
}

/// The same, up to the schema of a copy that is about to be put in.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_to(db: &Db, number: i64, now: Timestamp) -> Result<Vec<Migration>, MigrationError> {
    let pending = status(db).await?.pending;
    let mut ran = Vec::new();
    for step in pending.into_iter().filter(|step| step.number <= number) {
        let mut tx = PlatformDb::new(db.clone()).begin_write().await?;
        if db.dialect() == Dialect::Postgres {
            // On SQLite the writer's turn is the lock; across processes BEGIN IMMEDIATE is.
            sql("LOCK TABLE kernel_migration IN ACCESS EXCLUSIVE MODE").execute(&mut tx).await?;
        }
        let known: Option<(i64,)> = sql("SELECT number FROM kernel_migration WHERE number = $1")
            .bind(step.number)
            .fetch_optional(&mut tx)
            .await?;
        if known.is_some() {
            tx.rollback().await?;
            continue;
        }
        run(&mut tx, &step).await?;
        sql("INSERT INTO kernel_migration (number, name, digest, applied_at) VALUES ($1, $2, $3, $4)")
            .bind(step.number)
            .bind(step.name)
            .bind(step.digest())
            .bind(now)
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        tracing::info!(number = step.number, name = step.name, "migrated");
        ran.push(step);
    }
    Ok(ran)
}

async fn run(tx: &mut crate::db::PlatformTx, step: &Migration) -> Result<(), MigrationError> {
    Ok(Db::run_script(tx.raw(), step.script.clone()).await?)
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
