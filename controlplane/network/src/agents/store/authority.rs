use atalaya_kernel::{
    db::{DbError, PlatformTx, TenantTx, sql},
    ids::TenantId,
    time::Timestamp,
};

#[derive(sqlx::FromRow)]
pub(crate) struct SealedPair {
    pub(crate) certificate: Vec<u8>,
    pub(crate) sealed_key: Vec<u8>,
}

/// The one row of the root.
const ROOT: &str = "root";

pub(crate) async fn root_get(tx: &mut PlatformTx) -> Result<Option<SealedPair>, DbError> {
    sql("SELECT certificate, sealed_key FROM network_root WHERE id = $1").bind(ROOT).fetch_optional(tx).await
}

pub(crate) async fn root_insert(
    tx: &mut PlatformTx,
    certificate: &[u8],
    sealed_key: Vec<u8>,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("INSERT INTO network_root (id, certificate, sealed_key, created_at) VALUES ($1, $2, $3, $4)")
        .bind(ROOT)
        .bind(certificate)
        .bind(sealed_key)
        .bind(now)
        .execute(tx)
        .await
        .map(drop)
}

/// The newest authority of the tenant.
pub(crate) async fn authority_get(tx: &mut TenantTx) -> Result<Option<SealedPair>, DbError> {
    sql("SELECT certificate, sealed_key FROM network_authority WHERE tenant_id = $1 ORDER BY number DESC LIMIT 1")
        .bind(tx.tenant())
        .fetch_optional(tx)
        .await
}

pub(crate) async fn authority_insert(
    tx: &mut TenantTx,
    certificate: &[u8],
    sealed_key: Vec<u8>,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("INSERT INTO network_authority (tenant_id, number, certificate, sealed_key, created_at) VALUES ($1, 1, $2, $3, $4)")
        .bind(tx.tenant())
        .bind(certificate)
        .bind(sealed_key)
        .bind(now)
        .execute(tx)
        .await
        .map(drop)
}

pub(crate) async fn authorities_list(tx: &mut PlatformTx) -> Result<Vec<(TenantId, Vec<u8>)>, DbError> {
    sql("SELECT tenant_id, certificate FROM network_authority ORDER BY tenant_id, number").fetch_all(tx).await
}
