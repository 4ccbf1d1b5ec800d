use super::LinkKind;
use atalaya_kernel::{
    db::{DbError, PlatformTx, TenantTx, sql},
    ids::{LinkId, TenantId, UserId},
    time::Timestamp,
};

/// A link as it is kept.
#[derive(sqlx::FromRow)]
pub(super) struct LinkRow {
    pub(super) id: LinkId,
    pub(super) user_id: UserId,
    pub(super) kind: LinkKind,
    pub(super) expires_at: Timestamp,
    pub(super) used_at: Option<Timestamp>,
}

/// Whose a link is, before anything else is known.
pub(super) async fn link_tenant(tx: &mut PlatformTx, token_hash: &str) -> Result<Option<TenantId>, DbError> {
    let row: Option<(TenantId,)> = sql("SELECT tenant_id FROM people_link WHERE token_hash = $1")
        .bind(token_hash)
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|(tenant,)| tenant))
}

pub(super) async fn link_get(tx: &mut TenantTx, token_hash: &str) -> Result<LinkRow, DbError> {
    sql("SELECT id, user_id, kind, expires_at, used_at FROM people_link WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND token_hash = ")
        .push_bind(token_hash)
        .fetch_one(tx)
        .await
}

pub(super) async fn link_insert(
    tx: &mut TenantTx,
    link: &LinkRow,
    token_hash: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_link (tenant_id, id, user_id, kind, token_hash, expires_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(tenant)
        .bind(&link.id)
        .bind(&link.user_id)
        .bind(link.kind)
        .bind(token_hash)
        .bind(link.expires_at)
        .bind(now)
        .execute(tx)
        .await?;
    Ok(())
}

/// Uses a link; whether nobody did before.
pub(super) async fn link_use(tx: &mut TenantTx, id: &LinkId, now: Timestamp) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows =
        sql("UPDATE people_link SET used_at = $1 WHERE tenant_id = $2 AND id = $3 AND used_at IS NULL")
            .bind(now)
            .bind(tenant)
            .bind(id)
            .execute(tx)
            .await?;
    Ok(rows == 1)
}

/// Makes every link of a user worthless that was not used.
pub(super) async fn links_void(tx: &mut TenantTx, user: &UserId, now: Timestamp) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_link SET expires_at = $1 WHERE tenant_id = $2 AND user_id = $3 AND used_at IS NULL AND expires_at > $1")
        .bind(now)
        .bind(tenant)
        .bind(user)
        .execute(tx)
        .await?;
    Ok(())
}
