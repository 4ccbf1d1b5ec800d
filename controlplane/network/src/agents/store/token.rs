use crate::{agents::AgentToken, scope::within_sites};
use atalaya_kernel::{
    db::{DbError, PlatformTx, TenantTx, sql},
    ids::{AgentId, AgentTokenId, TenantId},
    time::Timestamp,
};

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct TokenRow {
    pub(crate) id: AgentTokenId,
    pub(crate) agent_id: AgentId,
    pub(crate) expires_at: Timestamp,
    pub(crate) withdrawn_at: Option<Timestamp>,
    pub(crate) public_key_hash: Option<String>,
    pub(crate) certificate: Option<Vec<u8>>,
}

pub(crate) async fn token_owner(tx: &mut PlatformTx, hash: &str) -> Result<Option<TenantId>, DbError> {
    let row: Option<(TenantId,)> = sql("SELECT tenant_id FROM network_agent_token WHERE token_hash = $1")
        .bind(hash)
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|(tenant,)| tenant))
}

pub(crate) async fn token_by_hash(tx: &mut TenantTx, hash: &str) -> Result<TokenRow, DbError> {
    sql("SELECT id, agent_id, expires_at, withdrawn_at, public_key_hash, certificate FROM network_agent_token \
         WHERE tenant_id = $1 AND token_hash = $2")
    .bind(tx.tenant())
    .bind(hash)
    .fetch_one(tx)
    .await
}

pub(crate) async fn token_insert(tx: &mut TenantTx, token: &AgentToken, hash: &str) -> Result<(), DbError> {
    sql("INSERT INTO network_agent_token (tenant_id, id, agent_id, site_id, token_hash, expires_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind(tx.tenant())
    .bind(&token.id)
    .bind(&token.agent_id)
    .bind(&token.site_id)
    .bind(hash)
    .bind(token.expires_at)
    .bind(token.created_at)
    .execute(tx)
    .await
    .map(drop)
}

pub(crate) async fn token_bind(
    tx: &mut TenantTx,
    id: &AgentTokenId,
    public_key_hash: &str,
    certificate: &[u8],
    now: Timestamp,
) -> Result<(), DbError> {
    let rows = sql("UPDATE network_agent_token SET public_key_hash = $1, certificate = $2, used_at = $3 \
         WHERE tenant_id = $4 AND id = $5 AND public_key_hash IS NULL")
    .bind(public_key_hash)
    .bind(certificate)
    .bind(now)
    .bind(tx.tenant())
    .bind(id)
    .execute(tx)
    .await?;
    // Redeemed by another connection meanwhile: run again, and find it used.
    if rows == 1 { Ok(()) } else { Err(DbError::Retry(sqlx::Error::RowNotFound)) }
}

/// Tokens not withdrawn, newest first; those of a site.
pub(crate) async fn tokens_list(
    tx: &mut TenantTx,
    after: Option<AgentTokenId>,
    limit: i64,
) -> Result<Vec<AgentToken>, DbError> {
    let query =
        sql("SELECT id, agent_id, site_id, expires_at, used_at, created_at FROM network_agent_token \
         WHERE withdrawn_at IS NULL AND tenant_id = ")
        .push_bind(tx.tenant());
    let mut query = within_sites(query, tx.scope(), " AND site_id IN ", "");
    if let Some(after) = after {
        query = query.push(" AND id < ").push_bind(after);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(limit).fetch_all(tx).await
}

pub(crate) async fn token_get(tx: &mut TenantTx, id: &AgentTokenId) -> Result<AgentToken, DbError> {
    let query =
        sql("SELECT id, agent_id, site_id, expires_at, used_at, created_at FROM network_agent_token \
         WHERE withdrawn_at IS NULL AND tenant_id = ")
        .push_bind(tx.tenant());
    within_sites(query, tx.scope(), " AND site_id IN ", "")
        .push(" AND id = ")
        .push_bind(id)
        .fetch_one(tx)
        .await
}

pub(crate) async fn token_withdraw(
    tx: &mut TenantTx,
    id: &AgentTokenId,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE network_agent_token SET withdrawn_at = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(now)
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// Withdraws what an agent has not redeemed.
pub(crate) async fn tokens_withdraw_of(
    tx: &mut TenantTx,
    agent: &AgentId,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE network_agent_token SET withdrawn_at = $1 WHERE tenant_id = $2 AND agent_id = $3 AND used_at IS NULL")
        .bind(now)
        .bind(tx.tenant())
        .bind(agent)
        .execute(tx)
        .await
        .map(drop)
}
