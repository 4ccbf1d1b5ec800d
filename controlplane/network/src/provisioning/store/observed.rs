use crate::provisioning::Observed;
use atalaya_kernel::{
    db::{DbError, TenantTx, sql},
    ids::{AgentId, PointId},
    time::Timestamp,
};

pub(crate) async fn observed_put(
    tx: &mut TenantTx,
    point: &PointId,
    observed: &Observed,
    drift: bool,
) -> Result<(), DbError> {
    sql("INSERT INTO network_observed (tenant_id, point_id, status, outcome, timeline, generation, detail, drift, read_at, \
         applied_at, session_present, session_since, session_address, session_caller_id, cut_at, unblocked_at, session_seen_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
         ON CONFLICT (tenant_id, point_id) DO UPDATE SET status = $3, outcome = $4, timeline = $5, generation = $6, detail = $7, \
         drift = $8, read_at = $9, applied_at = $10, session_present = $11, session_since = $12, session_address = $13, \
         session_caller_id = $14, cut_at = $15, unblocked_at = $16, session_seen_at = $17")
    .bind(tx.tenant())
    .bind(point)
    .bind(observed.status)
    .bind(observed.outcome)
    .bind(observed.timeline)
    .bind(observed.generation)
    .bind(&observed.detail)
    .bind(drift)
    .bind(observed.read_at)
    .bind(observed.applied_at)
    .bind(observed.session.present)
    .bind(observed.session.since)
    .bind(&observed.session.address)
    .bind(&observed.session.caller_id)
    .bind(observed.cut_at)
    .bind(observed.unblocked_at)
    .bind(observed.session_seen_at)
    .execute(tx)
    .await
    .map(drop)
}

/// True when the report was not taken in before.
pub(crate) async fn report_insert(
    tx: &mut TenantTx,
    agent: &AgentId,
    report: i64,
    digest: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let rows = sql("INSERT INTO network_report (tenant_id, agent_id, report_id, digest, received_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant_id, agent_id, report_id, digest) DO NOTHING")
    .bind(tx.tenant())
    .bind(agent)
    .bind(report)
    .bind(digest)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// Forgets reports that no agent will send again.
pub(crate) async fn reports_prune(tx: &mut TenantTx, before: Timestamp) -> Result<u64, DbError> {
    sql("DELETE FROM network_report WHERE tenant_id = $1 AND received_at < $2")
        .bind(tx.tenant())
        .bind(before)
        .execute(tx)
        .await
}
