use crate::agents::{Heartbeat, sessions::Arrival};
use atalaya_kernel::{
    db::{DbError, TenantTx, sql},
    ids::AgentId,
    time::Timestamp,
};

pub(crate) async fn status_arrived(
    tx: &mut TenantTx,
    arrival: &Arrival,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE network_agent_status SET connected = true, last_seen_at = $1, agent_version = $2, config_applied = $3 \
         WHERE tenant_id = $4 AND agent_id = $5")
    .bind(now)
    .bind(&arrival.version)
    .bind(arrival.config_version)
    .bind(tx.tenant())
    .bind(&arrival.agent)
    .execute(tx)
    .await
    .map(drop)
}

/// True when it was connected before.
pub(crate) async fn status_silent(tx: &mut TenantTx, agent: &AgentId) -> Result<bool, DbError> {
    let rows = sql("UPDATE network_agent_status SET connected = false WHERE tenant_id = $1 AND agent_id = $2 AND connected = true")
        .bind(tx.tenant())
        .bind(agent)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

pub(crate) async fn status_duplicate(
    tx: &mut TenantTx,
    agent: &AgentId,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE network_agent_status SET duplicate_identity_at = $1 WHERE tenant_id = $2 AND agent_id = $3")
        .bind(now)
        .bind(tx.tenant())
        .bind(agent)
        .execute(tx)
        .await
        .map(drop)
}

pub(crate) async fn status_heartbeat(
    tx: &mut TenantTx,
    agent: &AgentId,
    beat: &Heartbeat,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE network_agent_status SET last_seen_at = $1, backlog_batches = $2, backlog_bytes = $3, oldest_unsent_at = $4, \
         buffer_state = COALESCE($5, buffer_state), evicted_samples = $6, clock_offset_ms = $7, cuts_held_reason = $8 \
         WHERE tenant_id = $9 AND agent_id = $10")
    .bind(now)
    .bind(beat.backlog_batches)
    .bind(beat.backlog_bytes)
    .bind(beat.oldest_unsent_at)
    .bind(beat.buffer_state)
    .bind(beat.evicted_samples)
    .bind(beat.clock_offset_ms)
    .bind(&beat.cuts_held_reason)
    .bind(tx.tenant())
    .bind(agent)
    .execute(tx)
    .await
    .map(drop)
}

pub(crate) async fn status_config(
    tx: &mut TenantTx,
    agent: &AgentId,
    version: i64,
    error: &str,
) -> Result<(), DbError> {
    sql("UPDATE network_agent_status SET config_applied = CASE WHEN $1 = '' THEN $2 ELSE config_applied END, config_error = $1 \
         WHERE tenant_id = $3 AND agent_id = $4")
    .bind(error)
    .bind(version)
    .bind(tx.tenant())
    .bind(agent)
    .execute(tx)
    .await
    .map(drop)
}
