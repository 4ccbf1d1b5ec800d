use super::PushSubscription;
use atalaya_kernel::{
    db::{DbError, PlatformTx, TenantTx, sql},
    ids::{PushSubscriptionId, UserId},
    time::Timestamp,
};

/// Id of the installation's one key.
pub(super) const KEY: &str = "vapid";

/// The installation's key as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct KeyRow {
    pub(super) id: String,
    pub(super) sealed_key: Vec<u8>,
}

pub(super) async fn key_get(tx: &mut PlatformTx) -> Result<Option<KeyRow>, DbError> {
    sql("SELECT id, sealed_key FROM people_push_key WHERE id = ").push_bind(KEY).fetch_optional(tx).await
}

/// Keeps the key; whether there was none.
pub(super) async fn key_insert(
    tx: &mut PlatformTx,
    key: &KeyRow,
    public_key: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let rows =
        sql("INSERT INTO people_push_key (id, public_key, sealed_key, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (id) DO NOTHING")
        .bind(&key.id)
        .bind(public_key)
        .bind(key.sealed_key.clone())
        .bind(now)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

/// A browser as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct SubscriptionRow {
    pub(super) id: PushSubscriptionId,
    pub(super) user_id: UserId,
    pub(super) name: String,
    pub(super) endpoint_hash: String,
    pub(super) sealed_receiver: Vec<u8>,
    pub(super) created_at: Timestamp,
    pub(super) last_used_at: Option<Timestamp>,
}

impl SubscriptionRow {
    pub(super) fn shown(&self) -> PushSubscription {
        PushSubscription {
            id: self.id.clone(),
            name: self.name.clone(),
            endpoint_hash: self.endpoint_hash.clone(),
            created_at: self.created_at,
            last_used_at: self.last_used_at,
        }
    }
}

const SELECT: &str = "SELECT id, user_id, name, endpoint_hash, sealed_receiver, created_at, last_used_at \
     FROM people_push_subscription WHERE tenant_id = ";

/// Browsers of a user, oldest first.
pub(super) async fn subscriptions_of(
    tx: &mut TenantTx,
    user: &UserId,
) -> Result<Vec<SubscriptionRow>, DbError> {
    let query = sql(SELECT).push_bind(tx.tenant()).push(" AND user_id = ").push_bind(user);
    query.push(" ORDER BY id").fetch_all(tx).await
}

pub(super) async fn subscription_get(
    tx: &mut TenantTx,
    id: &PushSubscriptionId,
) -> Result<Option<SubscriptionRow>, DbError> {
    sql(SELECT).push_bind(tx.tenant()).push(" AND id = ").push_bind(id).fetch_optional(tx).await
}

/// The browser at an address, whoever's it is.
pub(super) async fn subscription_at(
    tx: &mut TenantTx,
    endpoint_hash: &str,
) -> Result<Option<SubscriptionRow>, DbError> {
    let query = sql(SELECT).push_bind(tx.tenant()).push(" AND endpoint_hash = ").push_bind(endpoint_hash);
    query.fetch_optional(tx).await
}

/// Keeps a browser; one with its id is what it says from now on.
pub(super) async fn subscription_put(tx: &mut TenantTx, row: &SubscriptionRow) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_push_subscription (tenant_id, id, user_id, name, endpoint_hash, sealed_receiver, created_at, last_used_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant_id, id) DO UPDATE SET name = $4, sealed_receiver = $6")
    .bind(tenant)
    .bind(&row.id)
    .bind(&row.user_id)
    .bind(&row.name)
    .bind(&row.endpoint_hash)
    .bind(row.sealed_receiver.clone())
    .bind(row.created_at)
    .bind(row.last_used_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that a push service took something for a browser.
pub(super) async fn subscription_used(
    tx: &mut TenantTx,
    id: &PushSubscriptionId,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_push_subscription SET last_used_at = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(now)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn subscription_delete(tx: &mut TenantTx, id: &PushSubscriptionId) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_push_subscription WHERE tenant_id = $1 AND id = $2")
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}
