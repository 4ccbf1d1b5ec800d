use super::User;
use atalaya_kernel::{
    Error,
    db::{DbError, Handle, PlatformTx, TenantTx, sql},
    ids::{SessionId, TenantId, UserId},
    time::Timestamp,
};

const COLUMNS: &str = "id, name, email, role, disabled, version, created_at, updated_at";

pub(super) async fn user_get(tx: &mut TenantTx, id: &UserId) -> Result<User, DbError> {
    sql("SELECT ")
        .push(COLUMNS)
        .push(" FROM people_user WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND id = ")
        .push_bind(id)
        .fetch_one(tx)
        .await
}

/// A user by e-mail; for log-in and the command line.
pub(super) async fn user_by_email(tx: &mut TenantTx, email: &str) -> Result<Option<User>, DbError> {
    sql("SELECT ")
        .push(COLUMNS)
        .push(" FROM people_user WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND email = ")
        .push_bind(email)
        .fetch_optional(tx)
        .await
}

pub(super) async fn password_hash(tx: &mut TenantTx, id: &UserId) -> Result<String, DbError> {
    let (hash,): (String,) = sql("SELECT password_hash FROM people_user WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND id = ")
        .push_bind(id)
        .fetch_one(tx)
        .await?;
    Ok(hash)
}

pub(super) async fn users_list(
    tx: &mut TenantTx,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>, DbError> {
    let mut query =
        sql("SELECT ").push(COLUMNS).push(" FROM people_user WHERE tenant_id = ").push_bind(tx.tenant());
    if let Some(after) = after {
        query = query.push(" AND id > ").push_bind(after);
    }
    query.push(" ORDER BY id LIMIT ").push_bind(limit).fetch_all(tx).await
}

pub(super) async fn enabled_owners(tx: &mut TenantTx) -> Result<i64, DbError> {
    let (count,): (i64,) = sql("SELECT CAST(COUNT(*) AS BIGINT) FROM people_user WHERE role = 'owner' AND disabled = false AND tenant_id = ")
        .push_bind(tx.tenant())
        .fetch_one(tx)
        .await?;
    Ok(count)
}

pub(super) async fn user_insert(tx: &mut TenantTx, user: &User, password_hash: &str) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_user (tenant_id, id, email, name, role, password_hash, disabled, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(tenant)
    .bind(&user.id)
    .bind(&user.email)
    .bind(&user.name)
    .bind(user.role)
    .bind(password_hash)
    .bind(user.disabled)
    .bind(user.version)
    .bind(user.created_at)
    .bind(user.updated_at)
    .execute(tx)
    .await
    .map_err(|error| {
        if error.violates_unique("people_user", &["tenant_id", "email"]) {
            return Error::invalid("/email", "taken", "another user has this e-mail");
        }
        error.into()
    })?;
    Ok(())
}

/// Writes the user if `expected` is still its version.
pub(super) async fn user_write(tx: &mut TenantTx, user: &User, expected: i64) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows =
        sql("UPDATE people_user SET name = $1, role = $2, disabled = $3, version = $4, updated_at = $5 \
                    WHERE tenant_id = $6 AND id = $7 AND version = $8")
        .bind(&user.name)
        .bind(user.role)
        .bind(user.disabled)
        .bind(user.version)
        .bind(user.updated_at)
        .bind(tenant)
        .bind(&user.id)
        .bind(expected)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

pub(super) async fn password_write(tx: &mut TenantTx, id: &UserId, hash: &str) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_user SET password_hash = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(hash)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn sessions_delete(tx: &mut TenantTx, user: &UserId) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_session WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant)
        .bind(user)
        .execute(tx)
        .await?;
    Ok(())
}

/// A log-in session as it is kept.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct SessionRow {
    pub(super) tenant_id: TenantId,
    pub(super) user_id: UserId,
    pub(super) csrf_token: String,
    pub(super) last_seen_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

pub(super) struct NewSession<'s> {
    pub(super) token_hash: &'s str,
    pub(super) user: &'s UserId,
    pub(super) csrf_token: &'s str,
    pub(super) now: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) user_agent: &'s str,
    pub(super) address: &'s str,
}

pub(super) async fn session_insert(tx: &mut TenantTx, session: NewSession<'_>) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_session (token_hash, tenant_id, id, user_id, csrf_token, created_at, last_seen_at, expires_at, \
         user_agent, address) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(session.token_hash)
    .bind(tenant)
    .bind(SessionId::new(session.now))
    .bind(session.user)
    .bind(session.csrf_token)
    .bind(session.now)
    .bind(session.now)
    .bind(session.expires_at)
    .bind(session.user_agent)
    .bind(session.address)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn session_find(
    tx: &mut PlatformTx,
    token_hash: &str,
) -> Result<Option<SessionRow>, DbError> {
    sql("SELECT tenant_id, user_id, csrf_token, last_seen_at, expires_at FROM people_session WHERE token_hash = $1")
        .bind(token_hash)
        .fetch_optional(tx)
        .await
}

pub(super) async fn session_touch(
    tx: &mut impl Handle,
    token_hash: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE people_session SET last_seen_at = $1, expires_at = $2 WHERE token_hash = $3")
        .bind(now)
        .bind(expires_at)
        .bind(token_hash)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn session_delete(tx: &mut impl Handle, token_hash: &str) -> Result<(), DbError> {
    sql("DELETE FROM people_session WHERE token_hash = $1").bind(token_hash).execute(tx).await?;
    Ok(())
}
