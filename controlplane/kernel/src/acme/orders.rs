//! The rows of certificates: wanted, claimed, kept.

use super::{Issued, LEASE, Standing, Wanted, certificate_context, pause};
use crate::{
    Error, Principal,
    audit::{self, Entry},
    db::{PlatformTx, sql},
    events::EntityRef,
    jobs::LEASE_LOST,
    runtime::Runtime,
    secrets::SecretBytes,
    time::Timestamp,
};
use serde_json::json;
use std::time::Duration;

/// How long a certificate that no process wants any more is shown among the others.
const WANTED_WITHIN: Duration = Duration::from_secs(2 * 60 * 60);
/// How long its row stays after that.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Longest reason of a failure that is kept, characters: an authority's words are not ours.
const LONGEST_ERROR: usize = 1_000;

const STANDING: &str =
    "directory, names, issue, not_after, issued_at, next_at, failures, error, failed_at, lease_until";

/// Writes down that a certificate is wanted, and how it stands. Rows that nobody wanted for long go.
///
/// # Errors
/// The database's.
pub async fn want(tx: &mut PlatformTx, wanted: &Wanted, now: Timestamp) -> Result<Standing, Error> {
    // An installation that was off for long still has a use for its own.
    sql("DELETE FROM kernel_acme_certificate WHERE wanted_at < $1 AND NOT (directory = $2 AND names = $3)")
        .bind(before(now, FORGOTTEN_AFTER))
        .bind(&wanted.directory)
        .bind(&wanted.names)
        .execute(tx)
        .await?;
    sql(
        "INSERT INTO kernel_acme_certificate (directory, names, wanted_at, issue, next_at, failures, fence) \
         VALUES ($1, $2, $3, 0, $3, 0, 0) \
         ON CONFLICT (directory, names) DO UPDATE SET wanted_at = excluded.wanted_at",
    )
    .bind(&wanted.directory)
    .bind(&wanted.names)
    .bind(now)
    .execute(tx)
    .await?;
    find(tx, wanted).await
}

/// How a certificate stands.
///
/// # Errors
/// [`Error::NotFound`] for one that nobody wanted, or the database's.
pub async fn find(tx: &mut PlatformTx, wanted: &Wanted) -> Result<Standing, Error> {
    sql("SELECT ")
        .push(STANDING)
        .push(" FROM kernel_acme_certificate WHERE directory = ")
        .push_bind(&wanted.directory)
        .push(" AND names = ")
        .push_bind(&wanted.names)
        .fetch_optional(tx)
        .await?
        .ok_or(Error::NotFound)
}

/// Those that some process wants, by name.
///
/// # Errors
/// The database's.
pub async fn list(tx: &mut PlatformTx, now: Timestamp) -> Result<Vec<Standing>, Error> {
    Ok(sql("SELECT ")
        .push(STANDING)
        .push(" FROM kernel_acme_certificate WHERE wanted_at > ")
        .push_bind(before(now, WANTED_WITHIN))
        .push(" ORDER BY names, directory")
        .fetch_all(tx)
        .await?)
}

/// The certificate and its key (PEM), and the number of its issue; none before it is issued.
///
/// # Errors
/// The database's, or a key of the platform that is not known.
pub async fn issued(
    runtime: &Runtime,
    tx: &mut PlatformTx,
    wanted: &Wanted,
) -> Result<Option<(i64, SecretBytes)>, Error> {
    let row: Option<(i64, Vec<u8>)> =
        sql("SELECT issue, sealed FROM kernel_acme_certificate WHERE directory = ")
            .push_bind(&wanted.directory)
            .push(" AND names = ")
            .push_bind(&wanted.names)
            .push(" AND sealed IS NOT NULL")
            .fetch_optional(tx)
            .await?;
    let Some((issue, sealed)) = row else { return Ok(None) };
    let context = certificate_context(&wanted.directory, &wanted.names);
    Ok(Some((issue, runtime.secrets.open_platform(&context, &sealed)?)))
}

/// Claims the order of a certificate that is due; the fence of the claim, or none when it is not due or another has it.
/// Answers that nobody asks for any more go.
///
/// # Errors
/// The database's.
pub async fn claim(tx: &mut PlatformTx, wanted: &Wanted, now: Timestamp) -> Result<Option<i64>, Error> {
    sql("DELETE FROM kernel_acme_answer WHERE expires_at < $1").bind(now).execute(tx).await?;
    let row: Option<(i64,)> =
        sql("UPDATE kernel_acme_certificate SET fence = fence + 1, lease_until = $1 WHERE directory = $2 \
         AND names = $3 AND next_at <= $4 AND (lease_until IS NULL OR lease_until < $4) RETURNING fence")
        .bind(now.plus(LEASE))
        .bind(&wanted.directory)
        .bind(&wanted.names)
        .bind(now)
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|(fence,)| fence))
}

/// Keeps what was issued, for whoever holds the claim.
///
/// # Errors
/// [`Error::Conflict`] `lease_lost` when another holder took it over: nothing is kept; or the database's.
pub async fn keep(
    runtime: &Runtime,
    tx: &mut PlatformTx,
    (wanted, fence): (&Wanted, i64),
    issued: &Issued,
    now: Timestamp,
) -> Result<(), Error> {
    let context = certificate_context(&wanted.directory, &wanted.names);
    let sealed = runtime.secrets.seal_platform(tx, &context, issued.bundle.expose()).await?;
    let rows = sql(
        "UPDATE kernel_acme_certificate SET issue = issue + 1, sealed = $1, not_after = $2, issued_at = $3, \
         next_at = $4, failures = 0, error = NULL, failed_at = NULL, lease_until = NULL \
         WHERE directory = $5 AND names = $6 AND fence = $7 AND lease_until IS NOT NULL",
    )
    .bind(sealed)
    .bind(issued.not_after)
    .bind(now)
    .bind(issued.next_at)
    .bind(&wanted.directory)
    .bind(&wanted.names)
    .bind(fence)
    .execute(tx)
    .await?;
    held(wanted, rows)?;
    let after =
        json!({"directory": wanted.directory, "names": wanted.names(), "not_after": issued.not_after});
    let entry =
        Entry::new("certificate.issue", EntityRef::new("certificate", &wanted.names)).after(&after)?;
    audit::record_platform(tx, &Principal::System("certificates"), &format!("acme-{fence}"), now, entry).await
}

/// Writes down that an order failed, for whoever holds the claim: when it is tried again, which is later by up to a quarter
/// of the pause. `jitter` is any random number.
///
/// # Errors
/// [`Error::Conflict`] `lease_lost`, or the database's.
pub async fn failed(
    tx: &mut PlatformTx,
    (wanted, fence): (&Wanted, i64),
    error: &str,
    jitter: u32,
    now: Timestamp,
) -> Result<Timestamp, Error> {
    let failures = find(tx, wanted).await?.failures.saturating_add(1);
    let next_at = now.plus(pause(failures, jitter));
    let rows =
        sql("UPDATE kernel_acme_certificate SET failures = $1, error = $2, failed_at = $3, next_at = $4, \
         lease_until = NULL WHERE directory = $5 AND names = $6 AND fence = $7 AND lease_until IS NOT NULL")
        .bind(failures)
        .bind(error.chars().take(LONGEST_ERROR).collect::<String>())
        .bind(now)
        .bind(next_at)
        .bind(&wanted.directory)
        .bind(&wanted.names)
        .bind(fence)
        .execute(tx)
        .await?;
    held(wanted, rows)?;
    Ok(next_at)
}

/// Gives a claim back without an outcome: the process stops.
///
/// # Errors
/// The database's.
pub async fn release(tx: &mut PlatformTx, wanted: &Wanted, fence: i64) -> Result<(), Error> {
    sql("UPDATE kernel_acme_certificate SET lease_until = NULL WHERE directory = $1 AND names = $2 AND fence = $3")
        .bind(&wanted.directory)
        .bind(&wanted.names)
        .bind(fence)
        .execute(tx)
        .await?;
    Ok(())
}

/// Has those whose last order failed ordered again at once, because a person mended what was wrong; their names. Audited.
///
/// # Errors
/// The database's.
pub async fn retry(
    tx: &mut PlatformTx,
    who: &Principal,
    request_id: &str,
    now: Timestamp,
) -> Result<Vec<String>, Error> {
    let names: Vec<String> =
        sql("UPDATE kernel_acme_certificate SET next_at = $1 WHERE failures > 0 AND next_at > $1 AND wanted_at > $2 \
             RETURNING names")
            .bind(now)
            .bind(before(now, WANTED_WITHIN))
            .fetch_column(tx)
            .await?;
    for names in &names {
        let entry = Entry::new("certificate.retry", EntityRef::new("certificate", names));
        audit::record_platform(tx, who, request_id, now, entry).await?;
    }
    Ok(names)
}

fn before(now: Timestamp, duration: Duration) -> Timestamp {
    now.plus_millis(i64::try_from(duration.as_millis()).map_or(i64::MIN, |ms| -ms))
}

fn held(wanted: &Wanted, rows: u64) -> Result<(), Error> {
    if rows == 1 {
        return Ok(());
    }
    Err(Error::conflict(
        LEASE_LOST,
        format!("the order of the certificate of {} was taken over", wanted.shown()),
    ))
}
