use super::{TokenFamily, model::Kept};
use crate::identity::Origin;
use atalaya_kernel::{
    Error,
    db::{DbError, PlatformTx, TenantTx, sql},
    ids::{TenantId, TokenFamilyId, UserId},
    time::Timestamp,
};

/// A signing key as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct KeyRow {
    pub(super) id: String,
    pub(super) public_key: String,
    pub(super) sealed_key: Vec<u8>,
    pub(super) created_at: Timestamp,
}

pub(super) async fn keys_list(tx: &mut PlatformTx) -> Result<Vec<KeyRow>, DbError> {
    sql("SELECT id, public_key, sealed_key, created_at FROM people_token_key ORDER BY id").fetch_all(tx).await
}

pub(super) async fn key_insert(tx: &mut PlatformTx, key: &KeyRow) -> Result<(), DbError> {
    sql("INSERT INTO people_token_key (id, public_key, sealed_key, created_at) VALUES ($1, $2, $3, $4)")
        .bind(&key.id)
        .bind(&key.public_key)
        .bind(key.sealed_key.clone())
        .bind(key.created_at)
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets every key but these.
pub(super) async fn keys_retain(tx: &mut PlatformTx, kept: &[String]) -> Result<(), DbError> {
    sql("DELETE FROM people_token_key WHERE id NOT IN ").push_list(kept).execute(tx).await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct FamilyRow {
    id: TokenFamilyId,
    user_id: UserId,
    name: String,
    permissions: Option<String>,
    address: String,
    user_agent: String,
    created_at: Timestamp,
    last_used_at: Timestamp,
    expires_at: Timestamp,
    revoked_at: Option<Timestamp>,
}

impl FamilyRow {
    fn kept(self) -> Result<Kept, Error> {
        // What cannot be read is an error, never everything.
        let permissions = self.permissions.map(|text| serde_json::from_str(&text).map_err(Error::internal));
        let family = TokenFamily {
            id: self.id,
            name: self.name,
            permissions: permissions.transpose()?,
            address: self.address,
            user_agent: self.user_agent,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            expires_at: self.expires_at,
        };
        Ok(Kept { family, user_id: self.user_id, revoked_at: self.revoked_at })
    }
}

const SELECT: &str = "SELECT id, user_id, name, permissions, address, user_agent, created_at, last_used_at, expires_at, \
     revoked_at FROM people_token_family WHERE tenant_id = ";

pub(super) async fn family_find(tx: &mut TenantTx, id: &TokenFamilyId) -> Result<Option<Kept>, Error> {
    let query = sql(SELECT).push_bind(tx.tenant()).push(" AND id = ").push_bind(id);
    let row: Option<FamilyRow> = query.fetch_optional(tx).await?;
    row.map(FamilyRow::kept).transpose()
}

/// Families of a user that have not ended, newest first.
pub(super) async fn families_of(
    tx: &mut TenantTx,
    user: &UserId,
    now: Timestamp,
) -> Result<Vec<TokenFamily>, Error> {
    let rows: Vec<FamilyRow> = sql(SELECT)
        .push_bind(tx.tenant())
        .push(" AND user_id = ")
        .push_bind(user)
        .push(" AND revoked_at IS NULL AND expires_at > ")
        .push_bind(now)
        .push(" ORDER BY id DESC")
        .fetch_all(tx)
        .await?;
    rows.into_iter().map(|row| Ok(row.kept()?.family)).collect()
}

pub(super) async fn family_insert(
    tx: &mut TenantTx,
    user: &UserId,
    family: &TokenFamily,
) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    let permissions = family.permissions.as_ref().map(serde_json::to_string).transpose();
    sql("INSERT INTO people_token_family (tenant_id, id, user_id, name, permissions, address, user_agent, created_at, \
         last_used_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(tenant)
    .bind(&family.id)
    .bind(user)
    .bind(&family.name)
    .bind(permissions.map_err(Error::internal)?)
    .bind(&family.address)
    .bind(&family.user_agent)
    .bind(family.created_at)
    .bind(family.last_used_at)
    .bind(family.expires_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Holds a family's row until the transaction ends: two of its refresh tokens are taken one after the other.
pub(super) async fn family_hold(tx: &mut TenantTx, id: &TokenFamilyId) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_token_family SET last_used_at = last_used_at WHERE tenant_id = $1 AND id = $2")
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn family_touch(
    tx: &mut TenantTx,
    id: &TokenFamilyId,
    origin: &Origin,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_token_family SET last_used_at = $1, address = $2, user_agent = $3 WHERE tenant_id = $4 AND id = $5")
        .bind(now)
        .bind(&origin.address)
        .bind(&origin.user_agent)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Ends families of a user, one or all; which of them went on.
pub(super) async fn families_revoke(
    tx: &mut TenantTx,
    user: &UserId,
    only: Option<&TokenFamilyId>,
    now: Timestamp,
) -> Result<Vec<TokenFamilyId>, DbError> {
    let query = sql("UPDATE people_token_family SET revoked_at = ")
        .push_bind(now)
        .push(" WHERE revoked_at IS NULL AND expires_at > ")
        .push_bind(now)
        .push(" AND tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND user_id = ")
        .push_bind(user);
    let query = match only {
        Some(id) => query.push(" AND id = ").push_bind(id),
        None => query,
    };
    query.push(" RETURNING id").fetch_column(tx).await
}

/// Forgets families of a user that ended before an instant, with their tokens.
pub(super) async fn families_forget(
    tx: &mut TenantTx,
    user: &UserId,
    before: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_refresh_token WHERE tenant_id = $1 AND family_id IN (SELECT id FROM people_token_family \
         WHERE tenant_id = $1 AND user_id = $2 AND (revoked_at < $3 OR expires_at < $3))")
    .bind(&tenant)
    .bind(user)
    .bind(before)
    .execute(tx)
    .await?;
    sql("DELETE FROM people_token_family WHERE tenant_id = $1 AND user_id = $2 AND (revoked_at < $3 OR expires_at < $3)")
        .bind(&tenant)
        .bind(user)
        .bind(before)
        .execute(tx)
        .await?;
    Ok(())
}

/// Whose a refresh token is, before anything else is known.
pub(super) async fn refresh_tenant(
    tx: &mut PlatformTx,
    token_hash: &str,
) -> Result<Option<TenantId>, DbError> {
    let query = sql("SELECT tenant_id FROM people_refresh_token WHERE token_hash = ").push_bind(token_hash);
    Ok(query.fetch_column(tx).await?.pop())
}

/// A refresh token as it is kept.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct RefreshRow {
    pub(super) family_id: TokenFamilyId,
    pub(super) expires_at: Timestamp,
    pub(super) spent_at: Option<Timestamp>,
    pub(super) spent_from: String,
}

pub(super) async fn refresh_get(tx: &mut TenantTx, token_hash: &str) -> Result<RefreshRow, DbError> {
    sql("SELECT family_id, expires_at, spent_at, spent_from FROM people_refresh_token WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND token_hash = ")
        .push_bind(token_hash)
        .fetch_one(tx)
        .await
}

pub(super) async fn refresh_insert(
    tx: &mut TenantTx,
    token_hash: &str,
    family: &TokenFamilyId,
    follows: Option<&str>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_refresh_token (tenant_id, token_hash, family_id, follows, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)")
    .bind(tenant)
    .bind(token_hash)
    .bind(family)
    .bind(follows.map(str::to_owned))
    .bind(now)
    .bind(expires_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Spends a refresh token, from somewhere.
pub(super) async fn refresh_spend(
    tx: &mut TenantTx,
    token_hash: &str,
    from: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_refresh_token SET spent_at = $1, spent_from = $2 WHERE tenant_id = $3 AND token_hash = $4")
        .bind(now)
        .bind(from)
        .bind(tenant)
        .bind(token_hash)
        .execute(tx)
        .await?;
    Ok(())
}

/// Makes the unused successor of a refresh token worthless; whether there was one.
pub(super) async fn successor_void(tx: &mut TenantTx, of: &str, now: Timestamp) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE people_refresh_token SET spent_at = $1 WHERE tenant_id = $2 AND follows = $3 AND spent_at IS NULL")
        .bind(now)
        .bind(tenant)
        .bind(of)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

/// Forgets tokens of a family that ended: nobody is let in with them, whoever has them.
pub(super) async fn refresh_forget(
    tx: &mut TenantTx,
    family: &TokenFamilyId,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_refresh_token WHERE tenant_id = $1 AND family_id = $2 AND expires_at <= $3")
        .bind(tenant)
        .bind(family)
        .bind(now)
        .execute(tx)
        .await?;
    Ok(())
}
