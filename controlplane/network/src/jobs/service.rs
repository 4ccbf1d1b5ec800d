use super::{JobKind, JobOrder, JobOutcome, JobRow, JobStatus, PendingJob, store};
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    ids::{AgentId, DeviceId, JobId},
    runtime::Runtime,
    time::Timestamp,
    write_tx,
};
use std::{fmt::Display, sync::Arc};

/// An answer that is under way when the deadline passes still counts, ms.
const GRACE_MS: i64 = 2_000;
/// What a job said is kept this long after its end, ms: addresses of subscribers are among it.
const OUTPUT_KEPT_MS: i64 = 7 * 86_400_000;

/// Context under which an order is sealed.
pub(crate) fn order_context(id: impl Display) -> String {
    format!("agent_job/{id}/order")
}

/// How long an order may wait for its start, and run.
pub(super) struct Times {
    /// Not started later, ms from now.
    pub(super) start_within_ms: i64,
    /// Longest run, ms.
    pub(super) limit_ms: i64,
}

/// Writes an order that should be over within `timeout_ms`, and wakes the agent's session after the commit.
pub(crate) async fn job_create(
    tx: &mut TenantTx,
    agent: &AgentId,
    order: &JobOrder,
    timeout_ms: i64,
    now: Timestamp,
) -> Result<JobId, Error> {
    let times = Times { start_within_ms: timeout_ms, limit_ms: 0 };
    job_put(tx, agent, order, (&times, None), now).await
}

/// As [`job_create`], for an order that may run long; it is shown to people as it is, for it holds no secret.
pub(super) async fn job_create_shown(
    tx: &mut TenantTx,
    agent: &AgentId,
    order: &JobOrder,
    times: &Times,
    now: Timestamp,
) -> Result<JobId, Error> {
    let asked = serde_json::to_string(order).map_err(Error::internal)?;
    job_put(tx, agent, order, (times, Some(asked)), now).await
}

async fn job_put(
    tx: &mut TenantTx,
    agent: &AgentId,
    order: &JobOrder,
    (times, asked): (&Times, Option<String>),
    now: Timestamp,
) -> Result<JobId, Error> {
    let id = JobId::new(now);
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(order).map_err(Error::internal)?);
    let runtime = tx.runtime().clone();
    let sealed_order = Some(runtime.secrets.seal(tx, &order_context(&id), &plain).await?);
    let row = JobRow {
        id: id.clone(),
        agent_id: agent.clone(),
        device_id: order.device().cloned(),
        kind: order.kind(),
        sealed_order,
        status: JobStatus::Waiting,
        deadline_at: now.plus_millis(times.start_within_ms.saturating_add(times.limit_ms)),
        detail: String::new(),
        finding: None,
        result: None,
        created_at: now,
        asked,
        start_by: Some(now.plus_millis(times.start_within_ms)),
        limit_ms: (times.limit_ms > 0).then_some(times.limit_ms),
        cancelled_at: None,
        finished_at: None,
    };
    store::job_insert(tx, &row).await?;
    crate::agents::job_signal(tx, agent).await?;
    tx.ring();
    Ok(id)
}

/// A job; one whose deadline has passed is shown as timed out before the sweep says so.
pub(crate) async fn job_read(tx: &mut TenantTx, id: &JobId, now: Timestamp) -> Result<JobRow, Error> {
    Ok(shown(store::job_get(tx, id).await?, now))
}

/// The latest job of a kind about a device.
pub(crate) async fn job_of_device(
    tx: &mut TenantTx,
    device: &DeviceId,
    kind: JobKind,
    now: Timestamp,
) -> Result<Option<JobRow>, Error> {
    Ok(store::job_of_device(tx, device, kind).await?.map(|row| shown(row, now)))
}

fn shown(mut row: JobRow, now: Timestamp) -> JobRow {
    if row.status == JobStatus::Waiting && row.deadline_at.plus_millis(GRACE_MS) < now {
        row.status = JobStatus::TimedOut;
        row.detail = "the agent did not answer in time".to_owned();
    }
    row
}

/// What an agent should do, oldest first.
///
/// # Errors
/// The database's.
pub async fn jobs_waiting(ctx: &Ctx, agent: &AgentId) -> Result<Vec<PendingJob>, Error> {
    let mut tx = ctx.begin_read().await?;
    let runtime = tx.runtime().clone();
    let mut jobs = Vec::new();
    for row in store::jobs_waiting(&mut tx, agent, ctx.now()).await? {
        let Some(sealed) = &row.sealed_order else { continue };
        let plain = runtime.secrets.open(&mut tx, &order_context(&row.id), sealed).await?;
        let order = serde_json::from_slice(plain.expose()).map_err(Error::internal)?;
        jobs.push(PendingJob {
            start_by: row.start_by.unwrap_or(row.deadline_at),
            limit_ms: row.limit_ms,
            cancelled: row.cancelled_at.is_some(),
            id: row.id,
            order,
        });
    }
    Ok(jobs)
}

/// Takes an agent's answer in; a repeated one changes nothing.
///
/// # Errors
/// The database's.
pub async fn job_finish(ctx: &Ctx, agent: &AgentId, id: &JobId, outcome: &JobOutcome) -> Result<(), Error> {
    let finding = outcome.finding.as_ref().map(serde_json::to_string).transpose().map_err(Error::internal)?;
    let result = match (&outcome.connection, &outcome.plan) {
        (Some(report), _) => Some(serde_json::to_string(report).map_err(Error::internal)?),
        (None, Some(plan)) => Some(serde_json::to_string(plan).map_err(Error::internal)?),
        (None, None) => None,
    };
    write_tx!(ctx, tx => {
        store::job_finish(&mut tx, agent, id, outcome, finding.clone(), result.clone(), ctx.now()).await?;
        Ok(())
    })
}

/// Jobs that nobody answered are over; how many. What jobs said long ago is forgotten.
///
/// # Errors
/// The database's.
pub async fn jobs_expire(runtime: &Arc<Runtime>) -> Result<u64, Error> {
    let now = runtime.clock.now();
    let before = now.plus_millis(-GRACE_MS);
    let forget_before = now.plus_millis(-OUTPUT_KEPT_MS);
    let mut look = runtime.platform().begin_read().await?;
    let tenants = store::tenants_overdue(&mut look, before).await?;
    let talkative = store::tenants_with_old_output(&mut look, forget_before).await?;
    look.rollback().await?;
    for tenant in talkative {
        let ctx = Ctx::system(runtime.tenant(tenant), "network.jobs");
        write_tx!(ctx, tx => { Ok(store::output_forget(&mut tx, forget_before).await?) })?;
    }
    let mut expired = 0;
    for tenant in tenants {
        let ctx = Ctx::system(runtime.tenant(tenant), "network.jobs");
        expired += write_tx!(ctx, tx => { Ok(store::jobs_expire(&mut tx, before, now).await?) })?;
    }
    Ok(expired)
}
