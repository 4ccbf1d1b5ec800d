//! Durable jobs, leased with a fencing token.
//!
//! A job is a kind, a JSON payload and a key that makes asking twice the same as asking once. A claim raises the
//! job's *fence*; completion demands the fence of the claim, so a holder that stalled past its lease cannot commit
//! over the one that took the job from it. [`complete`] runs in the transaction of the work itself.
//!
//! A lease is short, so that after a crash the work goes on soon. Long work is done in steps, each in a transaction that
//! calls [`hold`]: it commits only for the holder, and renews the lease.
//!
//! A job that is done stays for a while, so that its key is known when it is asked for again ([`forget_done`]).

mod retention;

pub use retention::forget_done;

use crate::{
    Error,
    db::{DbError, Handle, PlatformTx, sql},
    ids::{JobId, TenantId},
    runtime::Runtime,
    spans,
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Code of the error of a holder whose lease ran out.
pub const LEASE_LOST: &str = "lease_lost";
/// Attempts before a job is dead and waits for a person.
pub const MAX_ATTEMPTS: i64 = 10;
/// A crash delays a job by this much at most; a step of a job has to take less.
const LEASE_MS: i64 = 15_000;

/// A job to be done.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Which handler.
    pub kind: &'static str,
    /// Whose, none for the platform's own.
    pub tenant: Option<TenantId>,
    /// What the handler needs; nothing secret.
    pub payload: serde_json::Value,
    /// One job per (kind, key).
    pub dedupe_key: String,
    /// Not before.
    pub run_at: Timestamp,
}

/// A claimed job.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Job {
    /// Which.
    pub id: JobId,
    /// Whose.
    pub tenant_id: Option<TenantId>,
    /// Handler.
    pub kind: String,
    /// JSON.
    pub payload: String,
    /// This attempt, from 1.
    pub attempts: i64,
    /// Token of this claim.
    pub fence: i64,
}

/// Does one kind of job; idempotent, because a crash runs it again.
#[async_trait::async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Kind handled.
    fn kind(&self) -> &'static str;
    /// Does the work. What it writes commits together with [`complete`] where exactly-once matters.
    ///
    /// # Errors
    /// Any error means: again later.
    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error>;
}

/// Asks for a job in the transaction of the change that wants it; asking again with the same key changes nothing.
///
/// # Errors
/// The database's.
pub async fn enqueue(tx: &mut impl Handle, job: NewJob, now: Timestamp) -> Result<(), DbError> {
    tx.job_asked();
    sql("INSERT INTO kernel_job (id, tenant_id, kind, payload, dedupe_key, state, attempts, run_at, fence, created_at) \
         VALUES ($1, $2, $3, $4, $5, 'pending', 0, $6, 0, $7) ON CONFLICT (kind, dedupe_key) DO NOTHING")
    .bind(JobId::new(now))
    .bind(job.tenant)
    .bind(job.kind)
    .bind(job.payload.to_string())
    .bind(job.dedupe_key)
    .bind(job.run_at)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Claims the next due job of the kinds given.
///
/// # Errors
/// The database's.
pub async fn claim(
    tx: &mut PlatformTx,
    kinds: &[&'static str],
    now: Timestamp,
) -> Result<Option<Job>, DbError> {
    sql("UPDATE kernel_job SET state = 'leased', attempts = attempts + 1, fence = fence + 1, lease_until = ")
        .push_bind(now.plus_millis(LEASE_MS))
        .push(" WHERE id = (SELECT id FROM kernel_job WHERE ((state = 'pending' AND run_at <= ")
        .push_bind(now)
        .push(") OR (state = 'leased' AND lease_until < ")
        .push_bind(now)
        .push(")) AND kind IN ")
        .push_list(kinds.iter().copied())
        .push(" ORDER BY run_at, id LIMIT 1) AND (state = 'pending' OR lease_until < ")
        .push_bind(now)
        .push(") RETURNING id, tenant_id, kind, payload, attempts, fence")
        .fetch_optional(tx)
        .await
}

/// Asks again for a job that died after its last attempt; one that is alive or done stays as it is.
///
/// # Errors
/// The database's.
pub async fn revive(
    tx: &mut impl Handle,
    kind: &str,
    dedupe_key: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.job_asked();
    sql("UPDATE kernel_job SET state = 'pending', attempts = 0, run_at = $1, error = NULL, dead_at = NULL \
         WHERE kind = $2 AND dedupe_key = $3 AND state = 'dead'")
    .bind(now)
    .bind(kind)
    .bind(dedupe_key)
    .execute(tx)
    .await?;
    Ok(())
}

/// Jobs not done yet, counted by state (`pending`, `leased`, `dead`), of all tenants and of nobody's; for the installation's
/// own health figures.
///
/// # Errors
/// The database's.
pub async fn undone(tx: &mut PlatformTx) -> Result<Vec<(String, i64)>, DbError> {
    sql("SELECT state, CAST(COUNT(*) AS BIGINT) FROM kernel_job WHERE state <> 'done' GROUP BY state")
        .fetch_all(tx)
        .await
}

/// Demands that a claim still holds its job and renews the lease; in the transaction of a step, before its work.
///
/// # Errors
/// [`Error::Conflict`] `lease_lost` when another holder took it over: the transaction must not commit.
pub async fn hold(tx: &mut impl Handle, job: &Job, now: Timestamp) -> Result<(), Error> {
    let rows =
        sql("UPDATE kernel_job SET lease_until = $1 WHERE id = $2 AND fence = $3 AND state = 'leased'")
            .bind(now.plus_millis(LEASE_MS))
            .bind(&job.id)
            .bind(job.fence)
            .execute(tx)
            .await?;
    held(job, rows)
}

fn held(job: &Job, rows: u64) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(lease_lost(job)) }
}

fn lease_lost(job: &Job) -> Error {
    Error::conflict(LEASE_LOST, format!("job {} was taken over", job.id))
}

/// Marks a job done, in the transaction of its work.
///
/// # Errors
/// [`Error::Conflict`] `lease_lost` when another holder took it over: the transaction must not commit.
pub async fn complete(tx: &mut impl Handle, job: &Job) -> Result<(), Error> {
    let rows = sql("UPDATE kernel_job SET state = 'done', lease_until = NULL, error = NULL WHERE id = $1 AND fence = $2 AND state = 'leased'")
        .bind(&job.id)
        .bind(job.fence)
        .execute(tx)
        .await?;
    held(job, rows)
}

async fn fail(tx: &mut PlatformTx, job: &Job, error: &Error, now: Timestamp) -> Result<(), DbError> {
    let state = if job.attempts >= MAX_ATTEMPTS { "dead" } else { "pending" };
    sql("UPDATE kernel_job SET state = $1, error = $2, run_at = $3, dead_at = $4, lease_until = NULL \
         WHERE id = $5 AND fence = $6 AND state = 'leased'")
    .bind(state)
    .bind(crate::outbox::chain(error))
    .bind(now.plus_millis(1000_i64 << job.attempts.clamp(0, 10)))
    .bind((state == "dead").then_some(now))
    .bind(&job.id)
    .bind(job.fence)
    .execute(tx)
    .await?;
    Ok(())
}

/// Runs one due job; whether there was one.
///
/// # Errors
/// The database's; a handler's error is kept with its job.
pub async fn run_due(runtime: &Arc<Runtime>, handlers: &[Arc<dyn Handler>]) -> Result<bool, Error> {
    let kinds: Vec<_> = handlers.iter().map(|handler| handler.kind()).collect();
    let platform = runtime.platform();
    let now = runtime.clock.now();
    // Looking is a read: the writer's turn is for work.
    let mut look = platform.begin_read().await?;
    let due: Option<(i64,)> =
        sql("SELECT CAST(1 AS BIGINT) FROM kernel_job WHERE ((state = 'pending' AND run_at <= ")
            .push_bind(now)
            .push(") OR (state = 'leased' AND lease_until < ")
            .push_bind(now)
            .push(")) AND kind IN ")
            .push_list(kinds.iter().copied())
            .push(" LIMIT 1")
            .fetch_optional(&mut look)
            .await?;
    look.rollback().await?;
    if due.is_none() {
        return Ok(false);
    }
    let Some(job) = crate::write_tx!(platform, tx => { Ok(claim(&mut tx, &kinds, now).await?) })? else {
        return Ok(false);
    };
    let Some(handler) = handlers.iter().find(|handler| handler.kind() == job.kind) else { return Ok(true) };
    let outcome = spans::within(spans::of_job(&job), handler.run(runtime, &job)).await;
    let now = runtime.clock.now();
    match outcome {
        Ok(()) => match crate::write_tx!(platform, tx => { complete(&mut tx, &job).await }) {
            // The handler completed it itself, or another holder took it over: both are settled.
            Ok(()) | Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error),
        },
        Err(error) => {
            tracing::warn!(job = %job.id, kind = %job.kind, attempts = job.attempts, error = crate::outbox::chain(&error), "job failed");
            crate::write_tx!(platform, tx => { Ok(fail(&mut tx, &job, &error, now).await?) })?;
        }
    }
    Ok(true)
}

/// Runs jobs for ever, until told to stop. What is under way then is left: its transaction is undone, and the job is taken
/// up again when its lease has run out.
///
/// # Errors
/// The database's, when it stays away.
pub async fn run(
    runtime: Arc<Runtime>,
    handlers: Vec<Arc<dyn Handler>>,
    stop: CancellationToken,
) -> Result<(), Error> {
    while !stop.is_cancelled() {
        // Heard from before the look on, so that what is asked for meanwhile is not waited for.
        let rung = runtime.job_asked.notified();
        let any = tokio::select! {
            any = run_due(&runtime, &handlers) => any?,
            () = stop.cancelled() => return Ok(()),
        };
        if any {
            continue;
        }
        tokio::select! {
            () = rung => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}
