//! Which copies were tried, and how they went.

use crate::{
    Error,
    db::{PlatformTx, sql},
    ids::BackupId,
    jobs::NewJob,
    time::Timestamp,
};

/// A copy that was tried.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Backup {
    /// Which.
    pub id: BackupId,
    /// When it was begun.
    pub started_at: Timestamp,
    /// When it was whole, or failed; none while it runs.
    pub finished_at: Option<Timestamp>,
    /// When a rehearsed restore of it held what was copied.
    pub verified_at: Option<Timestamp>,
    /// Where it lies: a path of the machine that made it, or `s3://BUCKET/KEY`.
    pub path: String,
    /// Size of the file, bytes.
    pub bytes: Option<i64>,
    /// Rows in it.
    pub total_rows: Option<i64>,
    /// Why there is none.
    pub error: Option<String>,
}

const COLUMNS: &str = "id, started_at, finished_at, verified_at, path, bytes, total_rows, error";

/// Writes down that a copy was begun.
///
/// # Errors
/// The database's.
pub async fn begun(tx: &mut PlatformTx, id: &BackupId, path: &str, now: Timestamp) -> Result<(), Error> {
    sql("INSERT INTO kernel_backup (id, started_at, path) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(now)
        .bind(path)
        .execute(tx)
        .await?;
    Ok(())
}

/// Writes down how it went: `saved` is (bytes, rows) of a copy whose restore was rehearsed, or why there is none.
///
/// # Errors
/// The database's.
pub async fn ended(
    tx: &mut PlatformTx,
    id: &BackupId,
    saved: Result<(i64, i64), &str>,
    now: Timestamp,
) -> Result<(), Error> {
    let (bytes, rows, verified) = match saved {
        Ok((bytes, rows)) => (Some(bytes), Some(rows), Some(now)),
        Err(_) => (None, None, None),
    };
    sql("UPDATE kernel_backup SET finished_at = $1, bytes = $2, total_rows = $3, verified_at = $4, error = $5 WHERE id = $6")
        .bind(now)
        .bind(bytes)
        .bind(rows)
        .bind(verified)
        .bind(saved.err())
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Kind of the job that makes a copy.
pub const JOB: &str = "backup";

/// A job that makes a copy at once; one for each key.
pub fn job(dedupe_key: String, now: Timestamp) -> NewJob {
    NewJob { kind: JOB, tenant: None, payload: serde_json::json!({}), dedupe_key, run_at: now }
}

/// Up to `limit` that were begun before one, newest first.
///
/// # Errors
/// The database's.
pub async fn page(
    tx: &mut PlatformTx,
    before: Option<&(Timestamp, BackupId)>,
    limit: i64,
) -> Result<Vec<Backup>, Error> {
    let mut query = sql("SELECT ").push(COLUMNS).push(" FROM kernel_backup");
    if let Some((at, id)) = before {
        query = query.push(" WHERE started_at < ").push_bind(*at).push(" OR (started_at = ").push_bind(*at);
        query = query.push(" AND id < ").push_bind(id).push(")");
    }
    Ok(query.push(" ORDER BY started_at DESC, id DESC LIMIT ").push_bind(limit).fetch_all(tx).await?)
}

/// A daily copy that is missing for so long was not made, ms.
pub const OVERDUE_MS: i64 = 36 * 3_600_000;

/// The newest good one.
///
/// # Errors
/// The database's.
pub async fn last_good(tx: &mut PlatformTx) -> Result<Option<Backup>, Error> {
    Ok(sql("SELECT ")
        .push(COLUMNS)
        .push(" FROM kernel_backup WHERE verified_at IS NOT NULL ORDER BY started_at DESC, id DESC LIMIT 1")
        .fetch_optional(tx)
        .await?)
}

/// Forgets copies begun before an instant; the files are the caller's business.
///
/// # Errors
/// The database's.
pub async fn forget(tx: &mut PlatformTx, before: Timestamp) -> Result<(), Error> {
    sql("DELETE FROM kernel_backup WHERE started_at < $1").bind(before).execute(tx).await?;
    Ok(())
}
