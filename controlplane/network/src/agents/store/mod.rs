//! SQL of agents: the agents themselves here, what surrounds them in the files beside.

mod authority;
mod session;
mod status;
mod token;

pub(super) use authority::*;
pub use session::Signal;
pub(super) use session::*;
pub(super) use status::*;
pub(super) use token::*;

use super::{Agent, AgentState, BufferState, enrolment::Certificate};
use crate::scope::within_sites;
use atalaya_kernel::{
    Error,
    db::{DbError, Query, TenantTx, sql},
    ids::{AgentId, SiteId},
    list::{Asked, Select},
    page::Page,
    text::normalise,
    time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// An agent with its status, without its sites.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct AgentRow {
    pub(super) id: AgentId,
    pub(super) name: String,
    pub(super) enrolled_at: Option<Timestamp>,
    pub(super) certificate_fingerprint: Option<String>,
    pub(super) certificate_expires_at: Option<Timestamp>,
    pub(super) revoked_at: Option<Timestamp>,
    pub(super) revoked_reason: Option<String>,
    pub(super) config_version: i64,
    pub(super) version: i64,
    pub(super) connected: bool,
    pub(super) last_seen_at: Option<Timestamp>,
    agent_version: String,
    backlog_batches: i64,
    backlog_bytes: i64,
    oldest_unsent_at: Option<Timestamp>,
    buffer_state: BufferState,
    evicted_samples: i64,
    clock_offset_ms: i64,
    config_applied: i64,
    config_error: String,
    cuts_held_reason: String,
    duplicate_identity_at: Option<Timestamp>,
}

impl AgentRow {
    pub(super) fn state(&self) -> AgentState {
        match (self.revoked_at, self.enrolled_at, self.connected) {
            (Some(_), ..) => AgentState::Revoked,
            (None, None, _) => AgentState::NeverEnrolled,
            (None, Some(_), true) => AgentState::Connected,
            (None, Some(_), false) => AgentState::Silent,
        }
    }
    pub(super) fn into_agent(self, site_ids: Vec<SiteId>) -> Agent {
        Agent {
            state: self.state(),
            id: self.id,
            name: self.name,
            site_ids,
            last_seen_at: self.last_seen_at,
            version: self.agent_version,
            backlog_batches: self.backlog_batches,
            backlog_bytes: self.backlog_bytes,
            oldest_unsent_at: self.oldest_unsent_at,
            buffer_state: self.buffer_state,
            evicted_samples: self.evicted_samples,
            clock_offset_ms: self.clock_offset_ms,
            certificate_expires_at: self.certificate_expires_at,
            config_version: self.config_applied,
            config_version_wanted: self.config_version,
            config_error: self.config_error,
            cuts_held_reason: self.cuts_held_reason,
            duplicate_identity_at: self.duplicate_identity_at,
            revoked_reason: self.revoked_reason,
            revision: self.version,
        }
    }
}

const ROWS: Select = Select {
    columns: "a.id, a.name, a.enrolled_at, a.certificate_fingerprint, a.certificate_expires_at, a.revoked_at, a.revoked_reason, \
              a.config_version, a.version, s.connected, s.last_seen_at, s.agent_version, s.backlog_batches, s.backlog_bytes, \
              s.oldest_unsent_at, s.buffer_state, s.evicted_samples, s.clock_offset_ms, s.config_applied, s.config_error, \
              s.cuts_held_reason, s.duplicate_identity_at",
    from: "network_agent a JOIN network_agent_status s ON s.tenant_id = a.tenant_id AND s.agent_id = a.id WHERE a.tenant_id = ",
};

/// Agents with their status; scope applied.
fn select(tx: &TenantTx) -> Query {
    within(ROWS.query(tx), tx)
}

fn within(query: Query, tx: &TenantTx) -> Query {
    within_sites(
        query,
        tx.scope(),
        " AND EXISTS (SELECT 1 FROM network_agent_site x WHERE x.tenant_id = a.tenant_id AND x.agent_id = a.id AND x.site_id IN ",
        ")",
    )
}

pub(super) async fn agent_row(tx: &mut TenantTx, id: &AgentId) -> Result<AgentRow, DbError> {
    select(tx).push(" AND a.id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn agents_list(tx: &mut TenantTx, asked: &Asked) -> Result<Page<AgentRow>, Error> {
    asked.fetch(tx, ROWS, within).await
}

/// Fails unless the agent can be seen.
pub(crate) async fn agent_exists(tx: &mut TenantTx, id: &AgentId, pointer: &str) -> Result<(), Error> {
    match agent_row(tx, id).await {
        Ok(row) if row.revoked_at.is_none() => Ok(()),
        Ok(_) => Err(Error::invalid(pointer, "revoked", "this agent was revoked")),
        Err(DbError::NoRow) => Err(Error::invalid(pointer, "unknown", "no such agent")),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn agent_insert(
    tx: &mut TenantTx,
    id: &AgentId,
    name: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let inserted = sql("INSERT INTO network_agent (tenant_id, id, name, name_key, config_version, config_digest, config_signal, \
         job_signal, version, created_at, updated_at) VALUES ($1, $2, $3, $4, 0, '', 0, 0, 1, $5, $5)")
    .bind(tx.tenant())
    .bind(id)
    .bind(name)
    .bind(normalise(name))
    .bind(now)
    .execute(tx)
    .await;
    name_taken(inserted)?;
    sql("INSERT INTO network_agent_status (tenant_id, agent_id, connected, agent_version, backlog_batches, backlog_bytes, \
         buffer_state, evicted_samples, clock_offset_ms, config_applied, config_error, cuts_held_reason) \
         VALUES ($1, $2, false, '', 0, 0, 'unknown', 0, 0, 0, '', '')")
    .bind(tx.tenant())
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn agent_rename(
    tx: &mut TenantTx,
    id: &AgentId,
    version: i64,
    name: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let changed =
        sql("UPDATE network_agent SET name = $1, name_key = $2, version = version + 1, updated_at = $3, \
         config_signal = config_signal + 1 WHERE tenant_id = $4 AND id = $5 AND version = $6")
        .bind(name)
        .bind(normalise(name))
        .bind(now)
        .bind(tx.tenant())
        .bind(id)
        .bind(version)
        .execute(tx)
        .await;
    Ok(name_taken(changed)? == 1)
}

fn name_taken(outcome: Result<u64, DbError>) -> Result<u64, Error> {
    outcome.map_err(|error| {
        if error.violates_unique("network_agent", &["tenant_id", "name_key"]) {
            Error::invalid("/name", "taken", "another agent has this name")
        } else {
            error.into()
        }
    })
}

pub(super) async fn agent_revoke(
    tx: &mut TenantTx,
    id: &AgentId,
    reason: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE network_agent SET revoked_at = $1, revoked_reason = $2, version = version + 1, updated_at = $1, \
         config_signal = config_signal + 1 WHERE tenant_id = $3 AND id = $4")
    .bind(now)
    .bind(reason)
    .bind(tx.tenant())
    .bind(id)
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn agent_certified(
    tx: &mut TenantTx,
    id: &AgentId,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE network_agent SET certificate_fingerprint = $1, certificate_expires_at = $2, \
         enrolled_at = COALESCE(enrolled_at, $3), updated_at = $3 WHERE tenant_id = $4 AND id = $5")
    .bind(&certificate.fingerprint)
    .bind(certificate.expires_at)
    .bind(now)
    .bind(tx.tenant())
    .bind(id)
    .execute(tx)
    .await
    .map(drop)
}

/// Sites of agents, by agent.
pub(super) async fn sites_of(
    tx: &mut TenantTx,
    agents: impl IntoIterator<Item = &AgentId>,
) -> Result<BTreeMap<AgentId, Vec<SiteId>>, DbError> {
    let query =
        sql("SELECT agent_id, site_id FROM network_agent_site WHERE tenant_id = ").push_bind(tx.tenant());
    let rows: Vec<(AgentId, SiteId)> = query
        .push(" AND agent_id IN ")
        .push_list(agents)
        .push(" ORDER BY agent_id, site_id")
        .fetch_all(tx)
        .await?;
    let mut sites: BTreeMap<AgentId, Vec<SiteId>> = BTreeMap::new();
    for (agent, site) in rows {
        sites.entry(agent).or_default().push(site);
    }
    Ok(sites)
}

/// Sites of one agent.
pub(crate) async fn agent_site_ids(tx: &mut TenantTx, id: &AgentId) -> Result<Vec<SiteId>, DbError> {
    Ok(sites_of(tx, [id]).await?.remove(id).unwrap_or_default())
}

pub(super) async fn agent_sites_put(
    tx: &mut TenantTx,
    id: &AgentId,
    sites: &BTreeSet<SiteId>,
) -> Result<(), DbError> {
    sql("DELETE FROM network_agent_site WHERE tenant_id = $1 AND agent_id = $2")
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await?;
    for site in sites {
        sql("INSERT INTO network_agent_site (tenant_id, agent_id, site_id) VALUES ($1, $2, $3)")
            .bind(tx.tenant())
            .bind(id)
            .bind(site)
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Every agent of the scope, by name.
pub(super) async fn agents_all(tx: &mut TenantTx) -> Result<Vec<AgentRow>, DbError> {
    select(tx).push(" ORDER BY a.name_key, a.id").fetch_all(tx).await
}

/// (agents, connected agents) that are enrolled and not revoked.
///
/// # Errors
/// The database's.
pub async fn agent_counts(tx: &mut TenantTx) -> Result<(i64, i64), Error> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN s.connected THEN 1 ELSE 0 END), 0) AS BIGINT) \
         FROM network_agent a JOIN network_agent_status s ON s.tenant_id = a.tenant_id AND s.agent_id = a.id \
         WHERE a.enrolled_at IS NOT NULL AND a.revoked_at IS NULL AND a.tenant_id = ")
    .push_bind(tx.tenant());
    let query = within_sites(
        query,
        tx.scope(),
        " AND EXISTS (SELECT 1 FROM network_agent_site x WHERE x.tenant_id = a.tenant_id AND x.agent_id = a.id AND x.site_id IN ",
        ")",
    );
    Ok(query.fetch_one(tx).await?)
}

/// Batches of samples that agents of the tenant still hold, as they last said.
///
/// # Errors
/// The database's.
pub async fn agents_backlog(tx: &mut TenantTx) -> Result<i64, Error> {
    let query = sql(
        "SELECT CAST(COALESCE(SUM(backlog_batches), 0) AS BIGINT) FROM network_agent_status WHERE tenant_id = ",
    );
    let (batches,): (i64,) = query.push_bind(tx.tenant()).fetch_one(tx).await?;
    Ok(batches)
}

/// The configuration of an agent may have changed: its session should look.
pub(crate) async fn config_signal(tx: &mut TenantTx, id: &AgentId) -> Result<(), DbError> {
    sql("UPDATE network_agent SET config_signal = config_signal + 1 WHERE tenant_id = $1 AND id = $2")
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// An agent has a new job: its session should look.
pub(crate) async fn job_signal(tx: &mut TenantTx, id: &AgentId) -> Result<(), DbError> {
    sql("UPDATE network_agent SET job_signal = job_signal + 1 WHERE tenant_id = $1 AND id = $2")
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}
