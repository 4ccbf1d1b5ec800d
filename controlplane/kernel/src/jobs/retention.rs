//! Jobs that are done and long ago are forgotten.

use crate::{Error, db::sql, ids::JobId, runtime::Runtime, time::Timestamp, write_tx};

/// Jobs of one transaction: SQLite has one writer, for whom others wait.
const BATCH: usize = 500;

/// Removes what is done and was asked for, and last due, before an instant; how many. Batch by batch, each in a transaction of
/// its own.
///
/// What was given up stays until somebody settles it. Of each kind and tenant the last that was done stays too: whoever asks
/// again by a key that names a day ([`crate::schedule`], up to a month back) or a version of something must find that it was done.
///
/// # Errors
/// The database's.
pub async fn forget_done(runtime: &Runtime, before: Timestamp) -> Result<u64, Error> {
    forget(runtime, before, BATCH).await
}

async fn forget(runtime: &Runtime, before: Timestamp, batch: usize) -> Result<u64, Error> {
    let platform = runtime.platform();
    let limit = i64::try_from(batch).map_err(Error::internal)?;
    let mut forgotten = 0;
    loop {
        // Looking is a read: the writer's turn is for the removal. What is done stays so.
        let mut look = platform.begin_read().await?;
        let old = sql("SELECT id FROM kernel_job WHERE state = 'done' AND created_at < $1 AND run_at < $2 \
                       AND id NOT IN (SELECT MAX(id) FROM kernel_job WHERE state = 'done' GROUP BY kind, tenant_id) \
                       ORDER BY id LIMIT $3")
        .bind(before)
        .bind(before)
        .bind(limit)
        .fetch_column::<JobId>(&mut look)
        .await?;
        look.rollback().await?;
        if !old.is_empty() {
            forgotten += write_tx!(platform, tx => {
                Ok(sql("DELETE FROM kernel_job WHERE state = 'done' AND id IN ")
                    .push_list(old.iter())
                    .execute(&mut tx)
                    .await?)
            })?;
        }
        if old.len() < batch {
            return Ok(forgotten);
        }
    }
}

#[cfg(test)]
mod tests;
