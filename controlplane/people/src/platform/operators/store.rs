use super::Operator;
use atalaya_kernel::{
    Error,
    db::{DbError, PlatformTx, sql},
    ids::OperatorId,
    time::Timestamp,
};

const SELECT: &str = "SELECT id, email, name, disabled, totp_confirmed_at, created_at FROM people_operator";

pub(super) async fn operators_list(tx: &mut PlatformTx) -> Result<Vec<Operator>, DbError> {
    sql(SELECT).push(" ORDER BY id").fetch_all(tx).await
}

pub(super) async fn operator_get(tx: &mut PlatformTx, id: &OperatorId) -> Result<Operator, DbError> {
    sql(SELECT).push(" WHERE id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn operator_by_email(tx: &mut PlatformTx, email: &str) -> Result<Option<Operator>, DbError> {
    sql(SELECT).push(" WHERE email = ").push_bind(email).fetch_optional(tx).await
}

/// What a log-in is judged by.
#[derive(sqlx::FromRow)]
pub(super) struct Credentials {
    pub(super) password_hash: String,
    pub(super) totp_sealed: Option<Vec<u8>>,
    pub(super) totp_confirmed_at: Option<Timestamp>,
    pub(super) totp_last_step: i64,
}

pub(super) async fn credentials(tx: &mut PlatformTx, id: &OperatorId) -> Result<Credentials, DbError> {
    sql("SELECT password_hash, totp_sealed, totp_confirmed_at, totp_last_step FROM people_operator WHERE id = $1")
        .bind(id)
        .fetch_one(tx)
        .await
}

pub(super) async fn operator_insert(
    tx: &mut PlatformTx,
    operator: &Operator,
    password_hash: &str,
) -> Result<(), Error> {
    sql("INSERT INTO people_operator (id, email, name, password_hash, disabled, totp_last_step, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, 0, 1, $6, $6)")
    .bind(&operator.id)
    .bind(&operator.email)
    .bind(&operator.name)
    .bind(password_hash)
    .bind(operator.disabled)
    .bind(operator.created_at)
    .execute(tx)
    .await
    .map_err(|error| {
        if error.violates_unique("people_operator", &["email"]) {
            return Error::invalid("/email", "taken", "another operator has this e-mail");
        }
        error.into()
    })?;
    Ok(())
}

pub(super) async fn password_write(
    tx: &mut PlatformTx,
    id: &OperatorId,
    hash: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE people_operator SET password_hash = $1, version = version + 1, updated_at = $2 WHERE id = $3")
        .bind(hash)
        .bind(now)
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

pub(super) async fn disabled_write(
    tx: &mut PlatformTx,
    id: &OperatorId,
    disabled: bool,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE people_operator SET disabled = $1, version = version + 1, updated_at = $2 WHERE id = $3")
        .bind(disabled)
        .bind(now)
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// Writes an app that is still to be confirmed, or takes it away.
pub(super) async fn app_put(
    tx: &mut PlatformTx,
    id: &OperatorId,
    sealed: Option<Vec<u8>>,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE people_operator SET totp_sealed = $1, totp_confirmed_at = NULL, totp_last_step = 0, version = version + 1, \
         updated_at = $2 WHERE id = $3")
    .bind(sealed)
    .bind(now)
    .bind(id)
    .execute(tx)
    .await
    .map(drop)
}

/// Notes that the code of a step was taken; whether none of this step or a later one was before.
pub(super) async fn app_step_take(
    tx: &mut PlatformTx,
    id: &OperatorId,
    step: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    let rows = sql(
        "UPDATE people_operator SET totp_last_step = $1, totp_confirmed_at = COALESCE(totp_confirmed_at, $2) \
                    WHERE id = $3 AND totp_last_step < $1",
    )
    .bind(step)
    .bind(now)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// A log-in as it is kept.
#[derive(sqlx::FromRow)]
pub(super) struct SessionRow {
    pub(super) operator_id: OperatorId,
    pub(super) csrf_token: String,
    pub(super) last_seen_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) proved_at: Timestamp,
}

/// A log-in that begins.
pub(super) struct NewSession<'s> {
    pub(super) token_hash: &'s str,
    pub(super) operator: &'s OperatorId,
    pub(super) csrf_token: &'s str,
    pub(super) now: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) user_agent: &'s str,
    pub(super) address: &'s str,
}

pub(super) async fn session_insert(tx: &mut PlatformTx, new: &NewSession<'_>) -> Result<(), DbError> {
    sql("INSERT INTO people_operator_session (token_hash, operator_id, csrf_token, created_at, last_seen_at, expires_at, \
         proved_at, user_agent, address) VALUES ($1, $2, $3, $4, $4, $5, $4, $6, $7)")
    .bind(new.token_hash)
    .bind(new.operator)
    .bind(new.csrf_token)
    .bind(new.now)
    .bind(new.expires_at)
    .bind(new.user_agent)
    .bind(new.address)
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn session_find(
    tx: &mut PlatformTx,
    token_hash: &str,
) -> Result<Option<SessionRow>, DbError> {
    sql("SELECT operator_id, csrf_token, last_seen_at, expires_at, proved_at FROM people_operator_session WHERE token_hash = $1")
        .bind(token_hash)
        .fetch_optional(tx)
        .await
}

pub(super) async fn session_touch(
    tx: &mut PlatformTx,
    token_hash: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE people_operator_session SET last_seen_at = $1, expires_at = $2 WHERE token_hash = $3")
        .bind(now)
        .bind(expires_at)
        .bind(token_hash)
        .execute(tx)
        .await
        .map(drop)
}

pub(super) async fn session_delete(tx: &mut PlatformTx, token_hash: &str) -> Result<(), DbError> {
    sql("DELETE FROM people_operator_session WHERE token_hash = $1")
        .bind(token_hash)
        .execute(tx)
        .await
        .map(drop)
}

pub(super) async fn sessions_delete(tx: &mut PlatformTx, id: &OperatorId) -> Result<(), DbError> {
    sql("DELETE FROM people_operator_session WHERE operator_id = $1").bind(id).execute(tx).await.map(drop)
}

/// Failures in a row and when the last one was.
pub(super) async fn guesses_get(
    tx: &mut PlatformTx,
    subject: &str,
    source: &str,
) -> Result<Option<(i64, Timestamp)>, DbError> {
    sql("SELECT failures, last_at FROM people_operator_guess WHERE subject = $1 AND source = $2")
        .bind(subject)
        .bind(source)
        .fetch_optional(tx)
        .await
}

pub(super) async fn guesses_put(
    tx: &mut PlatformTx,
    subject: &str,
    source: &str,
    failures: i64,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("INSERT INTO people_operator_guess (subject, source, failures, last_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (subject, source) DO UPDATE SET failures = $3, last_at = $4")
    .bind(subject)
    .bind(source)
    .bind(failures)
    .bind(now)
    .execute(tx)
    .await
    .map(drop)
}

/// Forgets the failures of one guesser.
pub(super) async fn guesses_clear(tx: &mut PlatformTx, subject: &str, source: &str) -> Result<(), DbError> {
    sql("DELETE FROM people_operator_guess WHERE subject = $1 AND source = $2")
        .bind(subject)
        .bind(source)
        .execute(tx)
        .await
        .map(drop)
}

/// Forgets what is older than an instant, so that invented e-mails do not pile up.
pub(super) async fn guesses_forget(tx: &mut PlatformTx, before: Timestamp) -> Result<(), DbError> {
    sql("DELETE FROM people_operator_guess WHERE last_at < $1").bind(before).execute(tx).await.map(drop)
}
