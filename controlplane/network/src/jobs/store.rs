use super::{AGENT_SILENT, Finding, JobKind, JobOutcome, JobStatus};
use crate::scope::within_sites;
use atalaya_kernel::{
    Error,
    db::{DbError, PlatformTx, TenantTx, sql},
    ids::{AgentId, DeviceId, JobId, TenantId},
    time::Timestamp,
};

/// A job as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct JobRow {
    pub(crate) id: JobId,
    pub(crate) agent_id: AgentId,
    pub(crate) kind: JobKind,
    pub(crate) sealed_order: Option<Vec<u8>>,
    pub(crate) status: JobStatus,
    pub(crate) deadline_at: Timestamp,
    pub(crate) detail: String,
    pub(crate) finding: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) device_id: Option<DeviceId>,
    /// The order as JSON, where people may see it.
    pub(crate) asked: Option<String>,
    /// None of orders written before there was a difference.
    pub(crate) start_by: Option<Timestamp>,
    pub(crate) limit_ms: Option<i64>,
    pub(crate) cancelled_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
}

impl JobRow {
    /// What `detail` says.
    pub(crate) fn finding(&self) -> Result<Option<Finding>, Error> {
        match (&self.finding, self.status) {
            (Some(json), _) => serde_json::from_str(json).map(Some).map_err(Error::internal),
            (None, JobStatus::TimedOut) => Ok(Some(Finding::bare(AGENT_SILENT))),
            (None, _) => Ok(None),
        }
    }
}

const SELECT: &str = "SELECT id, agent_id, kind, sealed_order, status, deadline_at, detail, finding, result, created_at, \
                      device_id, asked, start_by, limit_ms, cancelled_at, finished_at FROM network_agent_job WHERE tenant_id = ";

pub(super) async fn job_insert(tx: &mut TenantTx, row: &JobRow) -> Result<(), DbError> {
    sql("INSERT INTO network_agent_job (tenant_id, id, agent_id, kind, device_id, sealed_order, status, deadline_at, detail, \
         created_at, asked, start_by, limit_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $10, $11, $12)")
    .bind(tx.tenant())
    .bind(&row.id)
    .bind(&row.agent_id)
    .bind(row.kind)
    .bind(row.device_id.clone())
    .bind(row.sealed_order.clone())
    .bind(row.status)
    .bind(row.deadline_at)
    .bind(row.created_at)
    .bind(row.asked.clone())
    .bind(row.start_by)
    .bind(row.limit_ms)
    .execute(tx)
    .await
    .map(drop)
}

/// A job of an agent that the scope lets see.
pub(super) async fn job_get(tx: &mut TenantTx, id: &JobId) -> Result<JobRow, DbError> {
    let query = sql(SELECT).push_bind(tx.tenant()).push(" AND id = ").push_bind(id);
    within_sites(
        query,
        tx.scope(),
        " AND EXISTS (SELECT 1 FROM network_agent_site x WHERE x.tenant_id = network_agent_job.tenant_id \
         AND x.agent_id = network_agent_job.agent_id AND x.site_id IN ",
        ")",
    )
    .fetch_one(tx)
    .await
}

pub(super) async fn jobs_waiting(
    tx: &mut TenantTx,
    agent: &AgentId,
    now: Timestamp,
) -> Result<Vec<JobRow>, DbError> {
    sql(SELECT)
        .push_bind(tx.tenant())
        .push(" AND status = 'waiting' AND agent_id = ")
        .push_bind(agent)
        .push(" AND deadline_at > ")
        .push_bind(now)
        .push(" ORDER BY id LIMIT 64")
        .fetch_all(tx)
        .await
}

pub(super) async fn job_of_device(
    tx: &mut TenantTx,
    device: &DeviceId,
    kind: JobKind,
) -> Result<Option<JobRow>, DbError> {
    sql(SELECT)
        .push_bind(tx.tenant())
        .push(" AND device_id = ")
        .push_bind(device)
        .push(" AND kind = ")
        .push_bind(kind)
        .push(" ORDER BY id DESC LIMIT 1")
        .fetch_optional(tx)
        .await
}

/// The first answer counts; one that comes after the deadline is better than none.
pub(super) async fn job_finish(
    tx: &mut TenantTx,
    agent: &AgentId,
    id: &JobId,
    outcome: &JobOutcome,
    finding: Option<String>,
    result: Option<String>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let rows = sql("UPDATE network_agent_job SET status = $1, detail = $2, finding = $3, result = $4, finished_at = $5, \
         sealed_order = NULL WHERE tenant_id = $6 AND id = $7 AND agent_id = $8 AND status IN ('waiting', 'timed_out')")
    .bind(outcome.status)
    .bind(&outcome.detail)
    .bind(finding)
    .bind(result)
    .bind(now)
    .bind(tx.tenant())
    .bind(id)
    .bind(agent)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// Tenants with jobs that nobody answered before an instant.
pub(super) async fn tenants_overdue(
    tx: &mut PlatformTx,
    before: Timestamp,
) -> Result<Vec<TenantId>, DbError> {
    sql("SELECT DISTINCT tenant_id FROM network_agent_job WHERE status = 'waiting' AND deadline_at < $1 ORDER BY tenant_id")
        .bind(before)
        .fetch_column(tx)
        .await
}

/// Jobs of the tenant past their deadline by a grace in which an answer may still be under way.
pub(super) async fn jobs_expire(
    tx: &mut TenantTx,
    before: Timestamp,
    now: Timestamp,
) -> Result<u64, DbError> {
    sql("UPDATE network_agent_job SET status = 'timed_out', finished_at = $1, sealed_order = NULL, \
         detail = 'the agent did not answer in time' WHERE tenant_id = $2 AND status = 'waiting' AND deadline_at < $3")
    .bind(now)
    .bind(tx.tenant())
    .bind(before)
    .execute(tx)
    .await
}

/// Tenants with jobs that ended before an instant and whose output is still there.
pub(super) async fn tenants_with_old_output(
    tx: &mut PlatformTx,
    before: Timestamp,
) -> Result<Vec<TenantId>, DbError> {
    sql("SELECT DISTINCT tenant_id FROM network_agent_job WHERE has_output AND finished_at < $1 ORDER BY tenant_id")
        .bind(before)
        .fetch_column(tx)
        .await
}

/// Drops what jobs said that ended before an instant.
pub(super) async fn output_forget(tx: &mut TenantTx, before: Timestamp) -> Result<(), DbError> {
    sql("DELETE FROM network_agent_job_part WHERE tenant_id = $1 AND job_id IN \
         (SELECT id FROM network_agent_job WHERE tenant_id = $1 AND has_output AND finished_at < $2)")
    .bind(tx.tenant())
    .bind(before)
    .execute(tx)
    .await?;
    sql("UPDATE network_agent_job SET has_output = false WHERE tenant_id = $1 AND has_output AND finished_at < $2")
        .bind(tx.tenant())
        .bind(before)
        .execute(tx)
        .await
        .map(drop)
}

/// Whether a job is an agent's own; whatever the scope, for agents.
pub(super) async fn job_is_of(tx: &mut TenantTx, agent: &AgentId, id: &JobId) -> Result<bool, DbError> {
    let found: Option<(JobId,)> =
        sql("SELECT id FROM network_agent_job WHERE tenant_id = $1 AND id = $2 AND agent_id = $3")
            .bind(tx.tenant())
            .bind(id)
            .bind(agent)
            .fetch_optional(tx)
            .await?;
    Ok(found.is_some())
}

/// Keeps a part; one that is there stays as it is.
pub(super) async fn part_put(
    tx: &mut TenantTx,
    id: &JobId,
    sequence: i64,
    content: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("INSERT INTO network_agent_job_part (tenant_id, job_id, sequence, content, received_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant_id, job_id, sequence) DO NOTHING")
    .bind(tx.tenant())
    .bind(id)
    .bind(sequence)
    .bind(content)
    .bind(now)
    .execute(tx)
    .await?;
    sql("UPDATE network_agent_job SET has_output = true WHERE tenant_id = $1 AND id = $2 AND has_output = false")
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// Parts behind a number, in order: (number, JSON).
pub(super) async fn parts_after(
    tx: &mut TenantTx,
    id: &JobId,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, String)>, DbError> {
    sql("SELECT sequence, content FROM network_agent_job_part WHERE tenant_id = $1 AND job_id = $2 AND sequence > $3 \
         ORDER BY sequence LIMIT $4")
    .bind(tx.tenant())
    .bind(id)
    .bind(after)
    .bind(limit)
    .fetch_all(tx)
    .await
}

/// Writes that a person wants a job to stop, once, while it is not over. Whether that is news.
pub(super) async fn job_cancel(tx: &mut TenantTx, id: &JobId, now: Timestamp) -> Result<bool, DbError> {
    let rows = sql("UPDATE network_agent_job SET cancelled_at = $1 WHERE tenant_id = $2 AND id = $3 AND status = 'waiting' \
         AND cancelled_at IS NULL")
    .bind(now)
    .bind(tx.tenant())
    .bind(id)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}
