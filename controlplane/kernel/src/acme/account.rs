//! The account with an authority, and what it is answered.

use super::{LEASE, account_context};
use crate::{
    Error,
    db::{PlatformTx, sql},
    runtime::Runtime,
    secrets::SecretBytes,
    time::Timestamp,
};

/// The account with a directory, as [`account_keep`] kept it.
///
/// # Errors
/// The database's, or a key of the platform that is not known.
pub async fn account(
    runtime: &Runtime,
    tx: &mut PlatformTx,
    directory: &str,
) -> Result<Option<SecretBytes>, Error> {
    let sealed: Option<(Vec<u8>,)> = sql("SELECT sealed FROM kernel_acme_account WHERE directory = $1")
        .bind(directory)
        .fetch_optional(tx)
        .await?;
    let Some((sealed,)) = sealed else { return Ok(None) };
    runtime.secrets.open_platform(&account_context(directory), &sealed).map(Some)
}

/// Keeps an account; one that another process kept first stays.
///
/// # Errors
/// The database's.
pub async fn account_keep(
    runtime: &Runtime,
    tx: &mut PlatformTx,
    directory: &str,
    account: &SecretBytes,
    now: Timestamp,
) -> Result<(), Error> {
    let sealed = runtime.secrets.seal_platform(tx, &account_context(directory), account.expose()).await?;
    sql("INSERT INTO kernel_acme_account (directory, sealed, created_at) VALUES ($1, $2, $3) \
         ON CONFLICT (directory) DO NOTHING")
    .bind(directory)
    .bind(sealed)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets an account that the authority no longer knows.
///
/// # Errors
/// The database's.
pub async fn account_forget(tx: &mut PlatformTx, directory: &str) -> Result<(), Error> {
    sql("DELETE FROM kernel_acme_account WHERE directory = $1").bind(directory).execute(tx).await?;
    Ok(())
}

/// Has every process answer an authority, for as long as an order takes.
///
/// # Errors
/// The database's.
pub async fn answer_put(tx: &mut PlatformTx, token: &str, answer: &str, now: Timestamp) -> Result<(), Error> {
    sql("INSERT INTO kernel_acme_answer (token, answer, expires_at) VALUES ($1, $2, $3) \
         ON CONFLICT (token) DO UPDATE SET answer = excluded.answer, expires_at = excluded.expires_at")
    .bind(token)
    .bind(answer)
    .bind(now.plus(LEASE))
    .execute(tx)
    .await?;
    Ok(())
}

/// What an authority is answered that names a token.
///
/// # Errors
/// The database's.
pub async fn answer(tx: &mut PlatformTx, token: &str, now: Timestamp) -> Result<Option<String>, Error> {
    let row: Option<(String,)> =
        sql("SELECT answer FROM kernel_acme_answer WHERE token = $1 AND expires_at >= $2")
            .bind(token)
            .bind(now)
            .fetch_optional(tx)
            .await?;
    Ok(row.map(|(answer,)| answer))
}
