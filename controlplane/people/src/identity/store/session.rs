use crate::identity::SessionInfo;
use atalaya_kernel::{
    db::{DbError, Handle, TenantTx, sql},
    ids::{SessionId, UserId},
    time::Timestamp,
};

/// Ends every session of a user, but for the one to be kept.
pub(crate) async fn sessions_delete(
    tx: &mut TenantTx,
    user: &UserId,
    keep: Option<&SessionId>,
) -> Result<u64, DbError> {
    let query = sql("DELETE FROM people_session WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND user_id = ")
        .push_bind(user);
    match keep {
        Some(keep) => query.push(" AND id <> ").push_bind(keep).execute(tx).await,
        None => query.execute(tx).await,
    }
}

/// Ends one session of a user; whether there was one.
pub(crate) async fn session_delete_of(
    tx: &mut TenantTx,
    user: &UserId,
    id: &SessionId,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("DELETE FROM people_session WHERE tenant_id = $1 AND user_id = $2 AND id = $3")
        .bind(tenant)
        .bind(user)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

/// Sessions of a user that have not ended, the last used first.
pub(crate) async fn sessions_of(
    tx: &mut TenantTx,
    user: &UserId,
    now: Timestamp,
) -> Result<Vec<SessionInfo>, DbError> {
    sql("SELECT id, created_at, last_seen_at, user_agent, address, false AS current FROM people_session WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND user_id = ")
        .push_bind(user)
        .push(" AND expires_at > ")
        .push_bind(now)
        .push(" ORDER BY last_seen_at DESC, id")
        .fetch_all(tx)
        .await
}

/// A log-in session as it is kept.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct SessionRow {
    pub(crate) session_id: SessionId,
    pub(crate) csrf_token: String,
    pub(crate) last_seen_at: Timestamp,
    pub(crate) proved_at: Timestamp,
}

pub(crate) struct NewSession<'s> {
    pub(crate) id: &'s SessionId,
    pub(crate) token_hash: &'s str,
    pub(crate) user: &'s UserId,
    pub(crate) csrf_token: &'s str,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) user_agent: &'s str,
    pub(crate) address: &'s str,
    /// When its user last showed us who they are.
    pub(crate) proved_at: Timestamp,
}

pub(crate) async fn session_insert(tx: &mut TenantTx, session: NewSession<'_>) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_session (token_hash, tenant_id, id, user_id, csrf_token, created_at, last_seen_at, expires_at, \
         user_agent, address, proved_at) VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10)")
    .bind(session.token_hash)
    .bind(tenant)
    .bind(session.id)
    .bind(session.user)
    .bind(session.csrf_token)
    .bind(session.now)
    .bind(session.expires_at)
    .bind(session.user_agent)
    .bind(session.address)
    .bind(session.proved_at)
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) async fn session_touch(
    tx: &mut TenantTx,
    token_hash: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_session SET last_seen_at = $1, expires_at = $2 WHERE token_hash = $3 AND tenant_id = $4")
        .bind(now)
        .bind(expires_at)
        .bind(token_hash)
        .bind(tenant)
        .execute(tx)
        .await?;
    Ok(())
}

/// Gives a session another token and notes that its user has just shown who they are; whether there was one.
pub(crate) async fn session_prove(
    tx: &mut TenantTx,
    id: &SessionId,
    token_hash: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows =
        sql("UPDATE people_session SET token_hash = $1, proved_at = $2 WHERE tenant_id = $3 AND id = $4")
            .bind(token_hash)
            .bind(now)
            .bind(tenant)
            .bind(id)
            .execute(tx)
            .await?;
    Ok(rows == 1)
}

pub(crate) async fn session_delete(tx: &mut impl Handle, token_hash: &str) -> Result<(), DbError> {
    sql("DELETE FROM people_session WHERE token_hash = $1").bind(token_hash).execute(tx).await?;
    Ok(())
}
