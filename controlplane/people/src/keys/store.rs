use super::ApiKey;
use crate::access::AccessScope;
use atalaya_kernel::{
    Error,
    db::{DbError, PlatformTx, TenantTx, sql},
    ids::{ApiKeyId, TenantId, UserId},
    time::Timestamp,
};

/// A key as it is kept.
#[derive(sqlx::FromRow)]
pub(super) struct KeyRow {
    id: ApiKeyId,
    name: String,
    pub(super) secret_hash: String,
    permissions: String,
    scope: Option<String>,
    made_by: UserId,
    requests_per_minute: Option<i64>,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl KeyRow {
    pub(super) fn shown(self) -> Result<ApiKey, Error> {
        Ok(ApiKey {
            permissions: serde_json::from_str(&self.permissions).map_err(Error::internal)?,
            scope: AccessScope::from_column(self.scope.as_deref())?,
            id: self.id,
            name: self.name,
            made_by: self.made_by,
            requests_per_minute: self.requests_per_minute,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            last_used_at: self.last_used_at,
            created_at: self.created_at,
        })
    }
}

const SELECT: &str = "SELECT id, name, secret_hash, permissions, scope, made_by, requests_per_minute, expires_at, revoked_at, last_used_at, created_at \
     FROM people_api_key WHERE tenant_id = ";

/// Whose a key is, before anything else is known.
pub(super) async fn key_tenant(tx: &mut PlatformTx, id: &ApiKeyId) -> Result<Option<TenantId>, DbError> {
    let row: Option<(TenantId,)> =
        sql("SELECT tenant_id FROM people_api_key WHERE id = $1").bind(id).fetch_optional(tx).await?;
    Ok(row.map(|(tenant,)| tenant))
}

pub(super) async fn key_row(tx: &mut TenantTx, id: &ApiKeyId) -> Result<KeyRow, DbError> {
    sql(SELECT).push_bind(tx.tenant()).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn keys_list(
    tx: &mut TenantTx,
    below: Option<ApiKeyId>,
    limit: i64,
) -> Result<Vec<KeyRow>, DbError> {
    let mut query = sql(SELECT).push_bind(tx.tenant());
    if let Some(below) = below {
        query = query.push(" AND id < ").push_bind(below);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(limit).fetch_all(tx).await
}

pub(super) async fn key_insert(tx: &mut TenantTx, key: &ApiKey, secret_hash: &str) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_api_key (tenant_id, id, name, secret_hash, permissions, scope, made_by, expires_at, version, created_at, \
         updated_at, requests_per_minute) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9, $10)")
    .bind(tenant)
    .bind(&key.id)
    .bind(&key.name)
    .bind(secret_hash)
    .bind(serde_json::to_string(&key.permissions).map_err(Error::internal)?)
    .bind(key.scope.to_column()?)
    .bind(&key.made_by)
    .bind(key.expires_at)
    .bind(key.created_at)
    .bind(key.requests_per_minute)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn key_revoke(tx: &mut TenantTx, id: &ApiKeyId, now: Timestamp) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_api_key SET revoked_at = $1, version = version + 1, updated_at = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(now)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn key_touch(tx: &mut TenantTx, id: &ApiKeyId, now: Timestamp) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_api_key SET last_used_at = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(now)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}
