//! SQL of the rows that name blobs.

use crate::{
    db::{DbError, PlatformTx, TenantTx, sql},
    ids::BlobId,
    time::Timestamp,
};

/// A blob, as its tenant knows it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct BlobRow {
    pub(super) kind: String,
    pub(super) content_sha256: String,
    pub(super) content_bytes: i64,
    pub(super) sealed_key: Vec<u8>,
}

/// What a sweep has to know of a blob.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Named {
    pub(super) id: BlobId,
    pub(super) missing_since: Option<Timestamp>,
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    id: &BlobId,
    row: BlobRow,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO kernel_blob (tenant_id, id, kind, content_sha256, content_bytes, sealed_key, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(tenant)
        .bind(id)
        .bind(row.kind)
        .bind(row.content_sha256)
        .bind(row.content_bytes)
        .bind(row.sealed_key)
        .bind(now)
        .execute(tx)
        .await
        .map(drop)
}

/// One that was not removed.
pub(super) async fn find(tx: &mut TenantTx, id: &BlobId) -> Result<Option<BlobRow>, DbError> {
    let tenant = tx.tenant().clone();
    sql("SELECT kind, content_sha256, content_bytes, sealed_key FROM kernel_blob \
         WHERE tenant_id = $1 AND id = $2 AND removed_at IS NULL")
    .bind(tenant)
    .bind(id)
    .fetch_optional(tx)
    .await
}

/// Whether it was there.
pub(super) async fn remove(tx: &mut TenantTx, id: &BlobId, now: Timestamp) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows =
        sql("UPDATE kernel_blob SET removed_at = $1 WHERE tenant_id = $2 AND id = $3 AND removed_at IS NULL")
            .bind(now)
            .bind(tenant)
            .bind(id)
            .execute(tx)
            .await?;
    Ok(rows == 1)
}

/// Forgets those that were removed before an instant.
pub(super) async fn forget(tx: &mut TenantTx, removed_before: Timestamp) -> Result<u64, DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM kernel_blob WHERE tenant_id = $1 AND removed_at < $2")
        .bind(tenant)
        .bind(removed_before)
        .execute(tx)
        .await
}

/// The next ones behind an id, in order.
pub(super) async fn page(tx: &mut TenantTx, after: &str, limit: i64) -> Result<Vec<Named>, DbError> {
    let tenant = tx.tenant().clone();
    sql("SELECT id, missing_since FROM kernel_blob WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3")
        .bind(tenant)
        .bind(after.to_owned())
        .bind(limit)
        .fetch_all(tx)
        .await
}

/// Those of some ids that there are.
pub(super) async fn there(tx: &mut TenantTx, ids: &[BlobId]) -> Result<Vec<BlobId>, DbError> {
    let tenant = tx.tenant().clone();
    sql("SELECT id FROM kernel_blob WHERE tenant_id = ")
        .push_bind(tenant)
        .push(" AND id IN ")
        .push_list(ids.iter())
        .fetch_column(tx)
        .await
}

/// Notes since when a blob's bytes are missing, or that they are there again.
pub(super) async fn missing_set(
    tx: &mut TenantTx,
    id: &BlobId,
    since: Option<Timestamp>,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE kernel_blob SET missing_since = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(since)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// How many blobs of all tenants there are, their bytes of content, and how many have none.
pub(super) async fn figures(tx: &mut PlatformTx) -> Result<(i64, i64, i64), DbError> {
    sql("SELECT CAST(COUNT(*) AS BIGINT), CAST(COALESCE(SUM(content_bytes), 0) AS BIGINT), CAST(COUNT(missing_since) AS BIGINT) \
         FROM kernel_blob WHERE removed_at IS NULL")
        .fetch_one(tx)
        .await
}
