//! SQL of the keys.

use crate::{
    db::{DbError, Handle, PlatformTx, TenantTx, sql},
    time::Timestamp,
};

/// A tenant's key.
#[derive(sqlx::FromRow)]
pub(super) struct TenantKeyRow {
    pub(super) number: i64,
    pub(super) wrapped: Vec<u8>,
}

/// A platform key, without what is in it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct PlatformKeyRow {
    pub(super) number: i64,
    pub(super) active_at: Option<Timestamp>,
    pub(super) retired_at: Option<Timestamp>,
}

impl PlatformKeyRow {
    pub(super) fn is_current(&self) -> bool {
        self.active_at.is_some() && self.retired_at.is_none()
    }
}

/// A platform key as one of the outside keys wrapped it.
#[derive(Debug, Clone)]
pub(super) struct WrapRow {
    pub(super) number: i64,
    pub(super) wrapped_by: String,
    pub(super) wrapped: Vec<u8>,
}

/// The key to seal with; nobody retires it before the transaction ends.
pub(super) async fn tenant_current(tx: &mut TenantTx) -> Result<Option<TenantKeyRow>, DbError> {
    let tenant = tx.tenant().clone();
    sql("SELECT number, wrapped FROM kernel_tenant_key WHERE tenant_id = $1 AND retired_at IS NULL")
        .bind(tenant)
        .fetch_held(tx)
        .await
}

pub(super) async fn tenant_key(tx: &mut TenantTx, number: u32) -> Result<Option<TenantKeyRow>, DbError> {
    let tenant = tx.tenant().clone();
    sql("SELECT number, wrapped FROM kernel_tenant_key WHERE tenant_id = $1 AND number = $2")
        .bind(tenant)
        .bind(number)
        .fetch_optional(tx)
        .await
}

/// All that are not destroyed, oldest first, with when each was retired.
pub(super) async fn tenant_keys(tx: &mut TenantTx) -> Result<Vec<(i64, Option<Timestamp>)>, DbError> {
    let tenant = tx.tenant().clone();
    sql("SELECT number, retired_at FROM kernel_tenant_key WHERE tenant_id = $1 ORDER BY number")
        .bind(tenant)
        .fetch_all(tx)
        .await
}

pub(super) async fn tenant_key_insert(
    tx: &mut TenantTx,
    number: u32,
    wrapped: Vec<u8>,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO kernel_tenant_key (tenant_id, number, wrapped, created_at) VALUES ($1, $2, $3, $4)")
        .bind(tenant)
        .bind(number)
        .bind(wrapped)
        .bind(now)
        .execute(tx)
        .await
        .map(drop)
}

/// Waits for whoever is sealing with it.
pub(super) async fn tenant_keys_retire(tx: &mut TenantTx, now: Timestamp) -> Result<u64, DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE kernel_tenant_key SET retired_at = $1 WHERE tenant_id = $2 AND retired_at IS NULL")
        .bind(now)
        .bind(tenant)
        .execute(tx)
        .await
}

pub(super) async fn tenant_keys_destroy(tx: &mut TenantTx) -> Result<u64, DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM kernel_tenant_key WHERE tenant_id = $1 AND retired_at IS NOT NULL")
        .bind(tenant)
        .execute(tx)
        .await
}

/// Number of the platform key to seal with; nobody retires it before the transaction ends.
pub(super) async fn platform_current(tx: &mut impl Handle) -> Result<Option<(i64,)>, DbError> {
    sql("SELECT number FROM kernel_platform_key WHERE active_at IS NOT NULL AND retired_at IS NULL")
        .fetch_held(tx)
        .await
}

pub(super) async fn platform_any(tx: &mut impl Handle) -> Result<bool, DbError> {
    let found: Option<(i64,)> =
        sql("SELECT number FROM kernel_platform_key LIMIT 1").fetch_optional(tx).await?;
    Ok(found.is_some())
}

/// A platform key beside one of what wraps it.
#[derive(sqlx::FromRow)]
struct KeyAndWrapRow {
    #[sqlx(flatten)]
    key: PlatformKeyRow,
    wrapped_by: Option<String>,
    wrapped: Option<Vec<u8>>,
}

/// All that are not destroyed, oldest first, and what wraps them. By one statement, so that both are of one moment: between two a
/// key may be destroyed, and stand there wrapped by nothing.
pub(super) async fn platform_keys(
    tx: &mut PlatformTx,
) -> Result<(Vec<PlatformKeyRow>, Vec<WrapRow>), DbError> {
    let rows: Vec<KeyAndWrapRow> = sql(
        "SELECT k.number, k.active_at, k.retired_at, w.wrapped_by, w.wrapped FROM kernel_platform_key k \
             LEFT JOIN kernel_platform_key_wrap w ON w.number = k.number ORDER BY k.number, w.wrapped_by",
    )
    .fetch_all(tx)
    .await?;
    let (mut keys, mut wraps) = (Vec::<PlatformKeyRow>::new(), Vec::new());
    for KeyAndWrapRow { key, wrapped_by, wrapped } in rows {
        if let (Some(wrapped_by), Some(wrapped)) = (wrapped_by, wrapped) {
            wraps.push(WrapRow { number: key.number, wrapped_by, wrapped });
        }
        if keys.last().is_none_or(|last| last.number != key.number) {
            keys.push(key);
        }
    }
    Ok((keys, wraps))
}

/// Whether it was not there yet.
pub(super) async fn platform_key_insert(
    tx: &mut PlatformTx,
    number: u32,
    active_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let inserted =
        sql("INSERT INTO kernel_platform_key (number, active_at, created_at) VALUES ($1, $2, $3) \
                        ON CONFLICT (number) DO NOTHING")
        .bind(number)
        .bind(active_at)
        .bind(now)
        .execute(tx)
        .await?;
    Ok(inserted == 1)
}

pub(super) async fn wrap_insert(
    tx: &mut PlatformTx,
    number: u32,
    wrapped: super::Wrapped,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("INSERT INTO kernel_platform_key_wrap (number, wrapped_by, wrapped, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (number, wrapped_by) DO NOTHING")
        .bind(number)
        .bind(wrapped.by)
        .bind(wrapped.bytes)
        .bind(now)
        .execute(tx)
        .await
        .map(drop)
}

/// Waits for whoever is sealing with it.
pub(super) async fn platform_keys_retire(tx: &mut PlatformTx, now: Timestamp) -> Result<u64, DbError> {
    sql("UPDATE kernel_platform_key SET retired_at = $1 WHERE active_at IS NOT NULL AND retired_at IS NULL")
        .bind(now)
        .execute(tx)
        .await
}

/// Whether it was still announced.
pub(super) async fn platform_key_activate(
    tx: &mut PlatformTx,
    number: u32,
    now: Timestamp,
) -> Result<bool, DbError> {
    let rows = sql("UPDATE kernel_platform_key SET active_at = $1 WHERE number = $2 AND active_at IS NULL")
        .bind(now)
        .bind(number)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

/// Removes keys, with all that wraps them: those announced and never taken into use, or the retired ones.
pub(super) async fn platform_keys_destroy(tx: &mut PlatformTx, which: Gone) -> Result<u64, DbError> {
    let (wraps, keys) = match which {
        Gone::Announced => (
            "DELETE FROM kernel_platform_key_wrap WHERE number IN (SELECT number FROM kernel_platform_key WHERE active_at IS NULL)",
            "DELETE FROM kernel_platform_key WHERE active_at IS NULL",
        ),
        Gone::Retired => (
            "DELETE FROM kernel_platform_key_wrap WHERE number IN (SELECT number FROM kernel_platform_key WHERE retired_at IS NOT NULL)",
            "DELETE FROM kernel_platform_key WHERE retired_at IS NOT NULL",
        ),
    };
    sql(wraps).execute(tx).await?;
    sql(keys).execute(tx).await
}

/// Which keys are removed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gone {
    Announced,
    Retired,
}

pub(super) async fn wrap_delete(tx: &mut PlatformTx, number: i64, by: &str) -> Result<u64, DbError> {
    sql("DELETE FROM kernel_platform_key_wrap WHERE number = $1 AND wrapped_by = $2")
        .bind(number)
        .bind(by)
        .execute(tx)
        .await
}
