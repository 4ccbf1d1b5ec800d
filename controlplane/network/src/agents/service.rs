use super::{
    Agent, AgentChange, AgentList, AgentToken, ENROLL, Heartbeat, JoinStrings, NewToken, NewTokenMade, READ,
    REVOKE, events, store,
};
use crate::scope;
use atalaya_kernel::{
    Ctx, Error, Scope, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self as facts, EntityRef, NewEvent},
    ids::{AgentId, AgentTokenId, SiteId},
    list::ListQuery,
    page::{Page, PageQuery},
    write_tx,
};
use serde_json::json;
use std::collections::BTreeSet;

/// How long a join string is good for, ms.
const TOKEN_LIFE_MS: i64 = 24 * 3_600_000;

/// Agents, by name unless another order is asked for.
///
/// # Errors
/// Without `agent.read`, or a cursor of another list or order.
pub async fn agents_list(ctx: &Ctx, asked: &ListQuery<AgentList>) -> Result<Page<Agent>, Error> {
    ctx.authorize(READ)?;
    let mut tx = ctx.begin_read().await?;
    let page = store::agents_list(&mut tx, asked).await?;
    let mut sites = store::sites_of(&mut tx, page.items.iter().map(|row| &row.id)).await?;
    Ok(page.map(|row| {
        let of_it = sites.remove(&row.id).unwrap_or_default();
        row.into_agent(seen(ctx.scope(), of_it))
    }))
}

async fn read(tx: &mut TenantTx, id: &AgentId) -> Result<Agent, Error> {
    let row = store::agent_row(tx, id).await?;
    let sites = store::agent_site_ids(tx, id).await?;
    let sites = seen(tx.scope(), sites);
    Ok(row.into_agent(sites))
}

/// The sites among these that the scope lets see.
fn seen(scope: &Scope, sites: Vec<SiteId>) -> Vec<SiteId> {
    sites.into_iter().filter(|site| scope::sees_site(scope, site)).collect()
}

/// One agent.
///
/// # Errors
/// Not found, or without `agent.read`.
pub async fn agent_get(ctx: &Ctx, id: &AgentId) -> Result<Agent, Error> {
    ctx.authorize(READ)?;
    read(&mut ctx.begin_read().await?, id).await
}

/// Renames an agent or gives it other sites, if it is still at `version`.
///
/// # Errors
/// Not found, changed meanwhile, wrong fields, or without `agent.enroll`.
pub async fn agent_update(
    ctx: &Ctx,
    id: &AgentId,
    version: i64,
    change: AgentChange,
) -> Result<Agent, Error> {
    ctx.authorize(ENROLL)?;
    let mut validation = Validation::new();
    let name = change.name.as_deref().map(|name| validation.text(name, "/name", 80));
    if let Some(sites) = &change.site_ids {
        validation.check(!sites.is_empty(), "/site_ids", "required", "an agent serves one site at least");
        validation.check(sites.len() <= 200, "/site_ids", "too_long", "at most 200 sites");
    }
    validation.finish()?;
    let sites: Option<BTreeSet<SiteId>> = change.site_ids.map(|sites| sites.into_iter().collect());
    write_tx!(ctx, tx => {
        let before = read(&mut tx, id).await?;
        if let Some(sites) = &sites {
            for site in sites {
                atalaya_places::sites::site_exists(&mut tx, site, "/site_ids").await?;
            }
            // Sites that the caller does not see stay as they are.
            let others = store::agent_site_ids(&mut tx, id).await?.into_iter();
            let others = others.filter(|site| !scope::sees_site(ctx.scope(), site));
            store::agent_sites_put(&mut tx, id, &sites.iter().cloned().chain(others).collect()).await?;
        }
        let name = name.as_deref().unwrap_or(&before.name);
        if before.revision != version || !store::agent_rename(&mut tx, id, version, name, ctx.now()).await? {
            return Err(Error::VersionConflict { current: before.revision });
        }
        let after = read(&mut tx, id).await?;
        let entry = Entry::new("agent.update", EntityRef::new("agent", id)).before(&before)?.after(&after)?;
        audit::record(ctx, &mut tx, entry).await?;
        tx.ring();
        Ok(after)
    })
}

/// Takes an agent's right to come back; its live connection closes.
///
/// # Errors
/// Not found, revoked before, or without `agent.revoke`.
pub async fn agent_revoke(ctx: &Ctx, id: &AgentId, reason: &str) -> Result<Agent, Error> {
    ctx.authorize(REVOKE)?;
    let mut validation = Validation::new();
    let reason = validation.text(reason, "/reason", 500);
    validation.finish()?;
    write_tx!(ctx, tx => {
        let before = read(&mut tx, id).await?;
        if before.revoked_reason.is_some() {
            return Err(Error::conflict("already_revoked", "this agent was revoked before"));
        }
        store::agent_revoke(&mut tx, id, &reason, ctx.now()).await?;
        store::tokens_withdraw_of(&mut tx, id, ctx.now()).await?;
        store::status_silent(&mut tx, id).await?;
        let after = read(&mut tx, id).await?;
        let entity = EntityRef::new("agent", id);
        let entry = Entry::new(REVOKE.0, entity.clone()).before(&before)?.after(&after)?.reason(&reason);
        audit::record(ctx, &mut tx, entry).await?;
        let payload = json!({"name": after.name, "reason": reason});
        facts::emit(ctx, &mut tx, NewEvent::new(events::REVOKED, entity, payload)).await?;
        Ok(after)
    })
}

/// Makes an agent for a site and the one-time token with which it joins.
///
/// # Errors
/// Unknown site, a name that is taken, or without `agent.enroll`.
pub async fn token_create(ctx: &Ctx, joins: &dyn JoinStrings, new: NewToken) -> Result<NewTokenMade, Error> {
    ctx.authorize(ENROLL)?;
    let mut validation = Validation::new();
    let name = validation.optional_text(new.name.as_deref(), "/name", 80);
    validation.finish()?;
    let secret = joins.make()?;
    let now = ctx.now();
    write_tx!(ctx, tx => {
        atalaya_places::sites::site_exists(&mut tx, &new.site_id, "/site_id").await?;
        let name = match &name {
            Some(name) => name.clone(),
            None => site_name(&mut tx, &new.site_id).await?,
        };
        let token = AgentToken {
            id: AgentTokenId::new(now),
            agent_id: AgentId::new(now),
            site_id: new.site_id.clone(),
            expires_at: now.plus_millis(TOKEN_LIFE_MS),
            used_at: None,
            created_at: now,
        };
        store::agent_insert(&mut tx, &token.agent_id, &name, now).await?;
        store::agent_sites_put(&mut tx, &token.agent_id, &BTreeSet::from([new.site_id.clone()])).await?;
        store::token_insert(&mut tx, &token, &secret.hash).await?;
        let entry = Entry::new("agent_token.create", EntityRef::new("agent_token", &token.id)).after(&token)?;
        audit::record(ctx, &mut tx, entry).await?;
        Ok(NewTokenMade {
            id: token.id,
            agent_id: token.agent_id,
            join_string: secret.join_string.clone(),
            expires_at: token.expires_at,
        })
    })
}

async fn site_name(tx: &mut TenantTx, id: &SiteId) -> Result<String, Error> {
    let sites = atalaya_places::sites::sites_by_ids(tx, std::slice::from_ref(id)).await?;
    sites.into_iter().next().map(|site| site.name).ok_or(Error::NotFound)
}

/// Tokens that were not withdrawn, newest first.
///
/// # Errors
/// Without `agent.enroll`, or a cursor of another list.
pub async fn tokens_list(ctx: &Ctx, page: &PageQuery) -> Result<Page<AgentToken>, Error> {
    ctx.authorize(ENROLL)?;
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    let rows = store::tokens_list(&mut tx, page.after()?, limit + 1).await?;
    Page::of(rows, limit, |token| token.id.clone())
}

/// Makes a token worthless. One that was redeemed stays: revoke the agent instead.
///
/// # Errors
/// Not found, redeemed before, or without `agent.enroll`.
pub async fn token_withdraw(ctx: &Ctx, id: &AgentTokenId) -> Result<(), Error> {
    ctx.authorize(ENROLL)?;
    write_tx!(ctx, tx => {
        let token = store::token_get(&mut tx, id).await?;
        if token.used_at.is_some() {
            return Err(Error::conflict("token_used", "an agent has joined with it: revoke that agent instead"));
        }
        store::token_withdraw(&mut tx, id, ctx.now()).await?;
        let entry = Entry::new("agent_token.withdraw", EntityRef::new("agent_token", id)).before(&token)?;
        audit::record(ctx, &mut tx, entry).await?;
        Ok(())
    })
}

/// Keeps what an agent says of itself.
///
/// # Errors
/// The database's.
pub async fn heartbeat_record(ctx: &Ctx, agent: &AgentId, beat: &Heartbeat) -> Result<(), Error> {
    write_tx!(ctx, tx => { Ok(store::status_heartbeat(&mut tx, agent, beat, ctx.now()).await?) })
}

/// Keeps which configuration is in force at an agent, or why it refused a newer one.
///
/// # Errors
/// The database's.
pub async fn config_applied(ctx: &Ctx, agent: &AgentId, version: i64, error: &str) -> Result<(), Error> {
    write_tx!(ctx, tx => { Ok(store::status_config(&mut tx, agent, version, error).await?) })
}

/// The agents of each site of the scope, for lists of sites: each agent once for every site that it serves.
///
/// # Errors
/// The database's.
pub async fn agents_by_site(tx: &mut TenantTx) -> Result<Vec<(SiteId, Agent)>, Error> {
    let rows = store::agents_all(tx).await?;
    let mut sites = store::sites_of(tx, rows.iter().map(|row| &row.id)).await?;
    let mut by_site = Vec::new();
    for row in rows {
        let agent = row.into_agent(Vec::new());
        for site in sites.remove(&agent.id).unwrap_or_default() {
            if scope::sees_site(tx.scope(), &site) {
                by_site.push((site, agent.clone()));
            }
        }
    }
    Ok(by_site)
}
