//! Who holds an agent's connection: one row per agent, a lease, and an epoch that fences.

use super::{Signal, events, store};
use atalaya_kernel::{
    Ctx, Error,
    events::{self as facts, EntityRef, NewEvent},
    ids::{AgentId, TenantId},
    runtime::Runtime,
    time::Timestamp,
    write_tx,
};
use serde_json::json;
use std::sync::Arc;

/// How long a session counts as alive without a renewal, ms. Three heartbeats of five seconds.
pub const LEASE_MS: i64 = 15_000;

/// Who comes.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The agent of the certificate.
    pub agent: AgentId,
    /// Process of the control plane that took the connection.
    pub instance: String,
    /// Start of the agent's process, hexadecimal.
    pub run_id: String,
    /// Version of the agent's program.
    pub version: String,
    /// X25519 key for credentials.
    pub sealing_key: Vec<u8>,
    /// Configuration in force there.
    pub config_version: i64,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The session's epoch.
    Open(i64),
    /// The agent was revoked.
    Revoked,
    /// No such agent: the database may be older than the certificate.
    Unknown,
}

/// Takes an agent's connection in; whoever held it before is fenced.
///
/// # Errors
/// The database's.
pub async fn session_open(ctx: &Ctx, arrival: &Arrival) -> Result<Admission, Error> {
    write_tx!(ctx, tx => {
        let agent = match store::agent_row(&mut tx, &arrival.agent).await {
            Ok(agent) => agent,
            Err(atalaya_kernel::db::DbError::NoRow) => return Ok(Admission::Unknown),
            Err(error) => return Err(error.into()),
        };
        if agent.revoked_at.is_some() {
            return Ok(Admission::Revoked);
        }
        let now = ctx.now();
        let held = store::session_get(&mut tx, &arrival.agent).await?;
        let epoch = held.as_ref().map_or(0, |held| held.epoch) + 1;
        let taken_over = held.as_ref().filter(|held| held.run_id != arrival.run_id);
        let previous = match (taken_over, &held) {
            (Some(other), _) => other.run_id.clone(),
            (None, Some(same)) => same.previous_run_id.clone(),
            (None, None) => String::new(),
        };
        store::session_put(&mut tx, arrival, epoch, &previous, now).await?;
        let entity = EntityRef::new("agent", &arrival.agent);
        let returned = taken_over.is_some_and(|held| held.previous_run_id == arrival.run_id);
        if returned {
            duplicate(ctx, &mut tx, &arrival.agent, &agent.name).await?;
        }
        if !agent.connected {
            let payload = json!({"name": agent.name, "version": arrival.version});
            facts::emit(ctx, &mut tx, NewEvent::new(events::CONNECTED, entity, payload)).await?;
        }
        store::status_arrived(&mut tx, arrival, now).await?;
        Ok(Admission::Open(epoch))
    })
}

/// A session was superseded while the machine that held it was still there.
///
/// # Errors
/// The database's.
pub async fn session_duplicated(ctx: &Ctx, agent: &AgentId) -> Result<(), Error> {
    write_tx!(ctx, tx => {
        let row = store::agent_row(&mut tx, agent).await?;
        duplicate(ctx, &mut tx, agent, &row.name).await
    })
}

async fn duplicate(
    ctx: &Ctx,
    tx: &mut atalaya_kernel::db::TenantTx,
    agent: &AgentId,
    name: &str,
) -> Result<(), Error> {
    store::status_duplicate(tx, agent, ctx.now()).await?;
    let entity = EntityRef::new("agent", agent);
    facts::emit(ctx, tx, NewEvent::new(events::DUPLICATE, entity, json!({"name": name}))).await?;
    Ok(())
}

/// Whether a session may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its lease was renewed.
    Valid,
    /// A newer connection took over.
    Superseded,
    /// The agent was revoked.
    Revoked,
}

/// Renews a session's lease.
///
/// # Errors
/// The database's.
pub async fn session_renew(ctx: &Ctx, agent: &AgentId, epoch: i64) -> Result<Standing, Error> {
    write_tx!(ctx, tx => {
        if store::agent_row(&mut tx, agent).await?.revoked_at.is_some() {
            return Ok(Standing::Revoked);
        }
        let until = ctx.now().plus_millis(LEASE_MS);
        let held = store::session_renew(&mut tx, agent, epoch, until).await?;
        Ok(if held { Standing::Valid } else { Standing::Superseded })
    })
}

/// Whether a session may go on, read only.
///
/// # Errors
/// The database's.
pub async fn session_standing(ctx: &Ctx, agent: &AgentId, epoch: i64) -> Result<Standing, Error> {
    let mut tx = ctx.begin_read().await?;
    if store::agent_row(&mut tx, agent).await?.revoked_at.is_some() {
        return Ok(Standing::Revoked);
    }
    let held = store::session_get(&mut tx, agent).await?;
    Ok(if held.is_some_and(|held| held.epoch == epoch) { Standing::Valid } else { Standing::Superseded })
}

/// The connection of an epoch is gone. When a newer one holds the agent this changes nothing.
///
/// # Errors
/// The database's.
pub async fn session_close(ctx: &Ctx, agent: &AgentId, epoch: i64) -> Result<(), Error> {
    write_tx!(ctx, tx => {
        if !store::session_end(&mut tx, agent, epoch, ctx.now()).await? {
            return Ok(());
        }
        silence(ctx, &mut tx, agent).await
    })
}

async fn silence(ctx: &Ctx, tx: &mut atalaya_kernel::db::TenantTx, agent: &AgentId) -> Result<(), Error> {
    if !store::status_silent(tx, agent).await? {
        return Ok(());
    }
    let row = store::agent_row(tx, agent).await?;
    let payload = json!({"name": row.name, "last_seen_at": row.last_seen_at});
    facts::emit(ctx, tx, NewEvent::new(events::SILENT, EntityRef::new("agent", agent), payload)).await?;
    Ok(())
}

/// The context of this module's own work in a tenant.
fn system(runtime: &Arc<Runtime>, tenant: &TenantId) -> Ctx {
    Ctx::system(runtime.tenant(tenant.clone()), "network.sessions")
}

/// Agents whose lease ran out become silent: the process that held them died. How many.
///
/// # Errors
/// The database's.
pub async fn leases_sweep(runtime: &Arc<Runtime>) -> Result<usize, Error> {
    let now: Timestamp = runtime.clock.now();
    let mut look = runtime.platform().begin_read().await?;
    let tenants = store::tenants_with_lapsed(&mut look, now).await?;
    look.rollback().await?;
    let mut silenced = 0;
    for tenant in &tenants {
        let ctx = system(runtime, tenant);
        let overdue = store::leases_overdue(&mut ctx.begin_read().await?, now).await?;
        for agent in &overdue {
            write_tx!(ctx, tx => {
                let held = store::session_get(&mut tx, agent).await?;
                // It may have been renewed since we looked.
                if held.is_some_and(|held| held.lease_until > now) {
                    return Ok(());
                }
                silence(&ctx, &mut tx, agent).await
            })?;
        }
        silenced += overdue.len();
    }
    Ok(silenced)
}

/// Signals of all agents that a process holds, in one read for each tenant. Whoever compares them with what it saw last
/// learns of changes made by anybody, also by another process.
///
/// # Errors
/// The database's.
pub async fn signals(runtime: &Arc<Runtime>, instance: &str) -> Result<Vec<Signal>, Error> {
    let mut look = runtime.platform().begin_read().await?;
    let tenants = store::tenants_held(&mut look, instance).await?;
    look.rollback().await?;
    let mut signals = Vec::new();
    for tenant in &tenants {
        let mut tx = system(runtime, tenant).begin_read().await?;
        signals.extend(store::signals_of(&mut tx, instance, runtime.clock.now()).await?);
    }
    Ok(signals)
}
