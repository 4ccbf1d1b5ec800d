use atalaya_kernel::{
    db::{DbError, TenantTx, sql},
    ids::UserId,
    time::Timestamp,
};

/// Failures in a row and when the last one was.
pub(crate) async fn guesses_get(
    tx: &mut TenantTx,
    subject: &str,
    source: &str,
) -> Result<Option<(i64, Timestamp)>, DbError> {
    let tenant = tx.tenant().clone();
    sql("SELECT failures, last_at FROM people_guess WHERE tenant_id = $1 AND subject = $2 AND source = $3")
        .bind(tenant)
        .bind(subject)
        .bind(source)
        .fetch_optional(tx)
        .await
}

pub(crate) async fn guesses_put(
    tx: &mut TenantTx,
    subject: &str,
    source: &str,
    failures: i64,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_guess (tenant_id, subject, source, failures, last_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant_id, subject, source) DO UPDATE SET failures = $4, last_at = $5")
    .bind(tenant)
    .bind(subject)
    .bind(source)
    .bind(failures)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) async fn guesses_clear(tx: &mut TenantTx, subject: &str, source: &str) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_guess WHERE tenant_id = $1 AND subject = $2 AND source = $3")
        .bind(tenant)
        .bind(subject)
        .bind(source)
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets what is older than an instant, so that invented e-mails do not pile up.
pub(crate) async fn guesses_forget(tx: &mut TenantTx, before: Timestamp) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_guess WHERE tenant_id = $1 AND last_at < $2")
        .bind(tenant)
        .bind(before)
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether a user has logged in completely from a browser.
pub(crate) async fn browser_known(
    tx: &mut TenantTx,
    token_hash: &str,
    user: &UserId,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let found: Option<(String,)> =
        sql("SELECT user_id FROM people_browser WHERE tenant_id = $1 AND token_hash = $2 AND user_id = $3")
            .bind(tenant)
            .bind(token_hash)
            .bind(user)
            .fetch_optional(tx)
            .await?;
    Ok(found.is_some())
}

/// Whether anybody of the tenant has logged in completely from a browser.
pub(crate) async fn browser_of_somebody(tx: &mut TenantTx, token_hash: &str) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let found: Option<(String,)> =
        sql("SELECT user_id FROM people_browser WHERE tenant_id = $1 AND token_hash = $2 LIMIT 1")
            .bind(tenant)
            .bind(token_hash)
            .fetch_optional(tx)
            .await?;
    Ok(found.is_some())
}

pub(crate) async fn browser_put(
    tx: &mut TenantTx,
    token_hash: &str,
    user: &UserId,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_browser (tenant_id, token_hash, user_id, created_at, last_seen_at) VALUES ($1, $2, $3, $4, $4) \
         ON CONFLICT (tenant_id, token_hash, user_id) DO UPDATE SET last_seen_at = $4")
    .bind(tenant)
    .bind(token_hash)
    .bind(user)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets every browser of a user.
pub(crate) async fn browsers_delete(tx: &mut TenantTx, user: &UserId) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_browser WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant)
        .bind(user)
        .execute(tx)
        .await?;
    Ok(())
}
