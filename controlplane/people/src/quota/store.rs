use atalaya_kernel::db::{DbError, TenantTx, sql};

/// What was handed out of a minute; until the transaction ends nobody else hands out of it. Minutes before are forgotten.
pub(super) async fn window_lock(tx: &mut TenantTx, subject: &str, minute: i64) -> Result<i64, DbError> {
    let tenant = tx.tenant().clone();
    let made =
        sql("INSERT INTO people_request_window (tenant_id, subject, minute, taken) VALUES ($1, $2, $3, 0) \
                    ON CONFLICT (tenant_id, subject, minute) DO NOTHING")
        .bind(&tenant)
        .bind(subject)
        .bind(minute)
        .execute(tx)
        .await?;
    if made == 1 {
        sql("DELETE FROM people_request_window WHERE tenant_id = $1 AND subject = $2 AND minute < $3")
            .bind(&tenant)
            .bind(subject)
            .bind(minute - 1)
            .execute(tx)
            .await?;
    }
    window_take(tx, subject, minute, 0).await?;
    let (taken,): (i64,) =
        sql("SELECT taken FROM people_request_window WHERE tenant_id = $1 AND subject = $2 AND minute = $3")
            .bind(&tenant)
            .bind(subject)
            .bind(minute)
            .fetch_one(tx)
            .await?;
    Ok(taken)
}

pub(super) async fn window_take(
    tx: &mut TenantTx,
    subject: &str,
    minute: i64,
    count: i64,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_request_window SET taken = taken + $1 WHERE tenant_id = $2 AND subject = $3 AND minute = $4")
        .bind(count)
        .bind(tenant)
        .bind(subject)
        .bind(minute)
        .execute(tx)
        .await
        .map(drop)
}
