use atalaya_kernel::{
    db::{DbError, TenantTx, sql},
    ids::UserId,
    time::Timestamp,
};

/// The app of a user as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct AppRow {
    pub(super) sealed_secret: Vec<u8>,
    pub(super) confirmed_at: Option<Timestamp>,
    pub(super) last_step: i64,
}

pub(super) async fn app_get(tx: &mut TenantTx, user: &UserId) -> Result<Option<AppRow>, DbError> {
    sql("SELECT sealed_secret, confirmed_at, last_step FROM people_totp WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND user_id = ")
        .push_bind(user)
        .fetch_optional(tx)
        .await
}

/// Writes an app that is still to be confirmed, in the place of one that was never.
pub(super) async fn app_put(
    tx: &mut TenantTx,
    user: &UserId,
    sealed_secret: &[u8],
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_totp (tenant_id, user_id, sealed_secret, last_step, created_at) VALUES ($1, $2, $3, 0, $4) \
         ON CONFLICT (tenant_id, user_id) DO UPDATE SET sealed_secret = $3, confirmed_at = NULL, last_step = 0, created_at = $4")
    .bind(tenant)
    .bind(user)
    .bind(sealed_secret)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that the code of a step was taken; whether none of this step or a later one was before.
pub(super) async fn app_step_take(
    tx: &mut TenantTx,
    user: &UserId,
    step: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE people_totp SET last_step = $1, confirmed_at = COALESCE(confirmed_at, $2) \
                    WHERE tenant_id = $3 AND user_id = $4 AND last_step < $1")
    .bind(step)
    .bind(now)
    .bind(tenant)
    .bind(user)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

pub(super) async fn app_delete(tx: &mut TenantTx, user: &UserId) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_totp WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant)
        .bind(user)
        .execute(tx)
        .await?;
    Ok(())
}

/// Replaces every recovery code of a user.
pub(super) async fn codes_put(tx: &mut TenantTx, user: &UserId, hashes: &[String]) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_recovery_code WHERE tenant_id = $1 AND user_id = $2")
        .bind(&tenant)
        .bind(user)
        .execute(tx)
        .await?;
    for hash in hashes {
        sql("INSERT INTO people_recovery_code (tenant_id, user_id, code_hash) VALUES ($1, $2, $3)")
            .bind(&tenant)
            .bind(user)
            .bind(hash)
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Takes a recovery code; whether there was one that nobody took before.
pub(super) async fn code_take(
    tx: &mut TenantTx,
    user: &UserId,
    hash: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE people_recovery_code SET used_at = $1 \
                    WHERE tenant_id = $2 AND user_id = $3 AND code_hash = $4 AND used_at IS NULL")
    .bind(now)
    .bind(tenant)
    .bind(user)
    .bind(hash)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

pub(super) async fn codes_left(tx: &mut TenantTx, user: &UserId) -> Result<i64, DbError> {
    let (left,): (i64,) = sql(
        "SELECT CAST(COUNT(*) AS BIGINT) FROM people_recovery_code WHERE used_at IS NULL AND tenant_id = ",
    )
    .push_bind(tx.tenant())
    .push(" AND user_id = ")
    .push_bind(user)
    .fetch_one(tx)
    .await?;
    Ok(left)
}
