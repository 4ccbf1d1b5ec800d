use crate::agents::sessions::{Arrival, LEASE_MS};
use atalaya_kernel::{
    db::{DbError, PlatformTx, TenantTx, sql},
    ids::{AgentId, TenantId},
    time::Timestamp,
};

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct SessionRow {
    pub(crate) epoch: i64,
    pub(crate) lease_until: Timestamp,
    pub(crate) run_id: String,
    pub(crate) previous_run_id: String,
}

pub(crate) async fn session_get(tx: &mut TenantTx, agent: &AgentId) -> Result<Option<SessionRow>, DbError> {
    sql("SELECT epoch, lease_until, run_id, previous_run_id FROM network_agent_session \
         WHERE tenant_id = $1 AND agent_id = $2")
    .bind(tx.tenant())
    .bind(agent)
    .fetch_optional(tx)
    .await
}

pub(crate) async fn session_put(
    tx: &mut TenantTx,
    arrival: &Arrival,
    epoch: i64,
    previous_run_id: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("INSERT INTO network_agent_session (tenant_id, agent_id, instance, epoch, lease_until, connected_at, run_id, \
         previous_run_id, sealing_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (tenant_id, agent_id) DO UPDATE SET instance = $3, epoch = $4, lease_until = $5, connected_at = $6, \
         run_id = $7, previous_run_id = $8, sealing_key = $9")
    .bind(tx.tenant())
    .bind(&arrival.agent)
    .bind(&arrival.instance)
    .bind(epoch)
    .bind(now.plus_millis(LEASE_MS))
    .bind(now)
    .bind(&arrival.run_id)
    .bind(previous_run_id)
    .bind(arrival.sealing_key.as_slice())
    .execute(tx)
    .await
    .map(drop)
}

pub(crate) async fn session_renew(
    tx: &mut TenantTx,
    agent: &AgentId,
    epoch: i64,
    until: Timestamp,
) -> Result<bool, DbError> {
    let rows = sql("UPDATE network_agent_session SET lease_until = $1 WHERE tenant_id = $2 AND agent_id = $3 AND epoch = $4")
        .bind(until)
        .bind(tx.tenant())
        .bind(agent)
        .bind(epoch)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

pub(crate) async fn session_end(
    tx: &mut TenantTx,
    agent: &AgentId,
    epoch: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    session_renew(tx, agent, epoch, now).await
}

/// Tenants that have a session whose lease ran out, ended ones included.
pub(crate) async fn tenants_with_lapsed(
    tx: &mut PlatformTx,
    now: Timestamp,
) -> Result<Vec<TenantId>, DbError> {
    sql("SELECT DISTINCT tenant_id FROM network_agent_session WHERE lease_until <= $1 ORDER BY tenant_id")
        .bind(now)
        .fetch_column(tx)
        .await
}

/// Agents of the tenant that count as connected without a valid lease.
pub(crate) async fn leases_overdue(tx: &mut TenantTx, now: Timestamp) -> Result<Vec<AgentId>, DbError> {
    sql("SELECT x.agent_id FROM network_agent_session x JOIN network_agent_status s \
         ON s.tenant_id = x.tenant_id AND s.agent_id = x.agent_id WHERE x.tenant_id = $1 AND x.lease_until <= $2 \
         AND s.connected = true")
    .bind(tx.tenant())
    .bind(now)
    .fetch_column(tx)
    .await
}

/// What tells a session that it should look at the database.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Signal {
    /// Whose agent.
    pub tenant_id: TenantId,
    /// Which.
    pub agent_id: AgentId,
    /// Epoch of the session in force.
    pub epoch: i64,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Grows when its configuration may have changed.
    pub config: i64,
    /// Highest generation over its points, and those that were let go.
    pub generation: i64,
    /// Whether jobs wait for it.
    pub has_jobs: bool,
    /// Version of its configuration.
    pub config_version: i64,
}

/// Tenants whose agents a process holds.
pub(crate) async fn tenants_held(tx: &mut PlatformTx, instance: &str) -> Result<Vec<TenantId>, DbError> {
    sql("SELECT DISTINCT tenant_id FROM network_agent_session WHERE instance = $1 ORDER BY tenant_id")
        .bind(instance)
        .fetch_column(tx)
        .await
}

/// Signals of the tenant's agents that a process holds.
pub(crate) async fn signals_of(
    tx: &mut TenantTx,
    instance: &str,
    now: Timestamp,
) -> Result<Vec<Signal>, DbError> {
    sql("SELECT a.tenant_id, a.id AS agent_id, x.epoch, CASE WHEN a.revoked_at IS NULL THEN false ELSE true END AS revoked, \
         a.config_signal AS config, a.config_version, \
         COALESCE((SELECT MAX(p.generation) FROM network_point p JOIN network_device d ON d.tenant_id = p.tenant_id \
         AND d.id = p.device_id WHERE p.tenant_id = a.tenant_id AND d.agent_id = a.id AND (p.forgotten_at IS NULL OR p.let_go)), 0) AS generation, \
         EXISTS (SELECT 1 FROM network_agent_job j WHERE j.tenant_id = a.tenant_id AND j.agent_id = a.id \
         AND j.status = 'waiting' AND j.deadline_at > $3) AS has_jobs \
         FROM network_agent_session x JOIN network_agent a ON a.tenant_id = x.tenant_id AND a.id = x.agent_id \
         WHERE x.tenant_id = $1 AND x.instance = $2")
    .bind(tx.tenant())
    .bind(instance)
    .bind(now)
    .fetch_all(tx)
    .await
}
