use super::{Channel, Notice, NoticeFilter, NoticeKind, NoticeReason, NoticeState, TemplateName};
use atalaya_kernel::{
    Error,
    db::{DbError, TenantTx, sql},
    ids::{NoticeId, PushSubscriptionId, UserId},
    time::Timestamp,
};

const SHOWN: &str = "id, user_id, kind, template, channel, state, reason, detail, address, attempts, send_at, sent_at, created_at";

/// A notice about to be written.
pub(super) struct NewNotice<'n> {
    pub(super) id: &'n NoticeId,
    pub(super) user_id: &'n UserId,
    pub(super) kind: NoticeKind,
    pub(super) template: TemplateName,
    pub(super) channel: Channel,
    /// Which browser, on the channel `push`.
    pub(super) subscription_id: Option<&'n PushSubscriptionId>,
    pub(super) dedupe_key: &'n str,
    pub(super) sealed_values: &'n [u8],
    pub(super) send_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) now: Timestamp,
}

/// Writes a notice; whether there was none with its key for its recipient and channel.
pub(super) async fn notice_insert(tx: &mut TenantTx, new: &NewNotice<'_>) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("INSERT INTO people_notice (tenant_id, id, user_id, kind, template, channel, dedupe_key, state, sealed_values, \
         attempts, send_at, expires_at, created_at, updated_at, subscription_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12, $12, $13) \
         ON CONFLICT (tenant_id, dedupe_key, user_id, channel) DO NOTHING")
    .bind(tenant)
    .bind(new.id)
    .bind(new.user_id)
    .bind(new.kind)
    .bind(new.template)
    .bind(new.channel)
    .bind(new.dedupe_key)
    .bind(NoticeState::Waiting)
    .bind(new.sealed_values)
    .bind(new.send_at)
    .bind(new.expires_at)
    .bind(new.now)
    .bind(new.subscription_id.cloned())
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// Whether a recipient has a notice with this key.
pub(super) async fn notice_known(
    tx: &mut TenantTx,
    user: &UserId,
    dedupe_key: &str,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let found: Option<(NoticeId,)> =
        sql("SELECT id FROM people_notice WHERE tenant_id = $1 AND dedupe_key = $2 AND user_id = $3 LIMIT 1")
            .bind(tenant)
            .bind(dedupe_key)
            .bind(user)
            .fetch_optional(tx)
            .await?;
    Ok(found.is_some())
}

/// What the job that sends it wants to know.
#[derive(sqlx::FromRow)]
pub(super) struct Pending {
    pub(super) id: NoticeId,
    pub(super) user_id: UserId,
    pub(super) kind: NoticeKind,
    pub(super) template: TemplateName,
    pub(super) channel: Channel,
    pub(super) subscription_id: Option<PushSubscriptionId>,
    pub(super) state: NoticeState,
    pub(super) attempts: i64,
    pub(super) sealed_values: Option<Vec<u8>>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) created_at: Timestamp,
}

pub(super) async fn notice_pending(tx: &mut TenantTx, id: &NoticeId) -> Result<Pending, DbError> {
    sql("SELECT id, user_id, kind, template, channel, subscription_id, state, attempts, sealed_values, expires_at, created_at \
         FROM people_notice WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND id = ")
        .push_bind(id)
        .fetch_one(tx)
        .await
}

/// What became of a notice.
pub(super) struct Outcome<'o> {
    pub(super) state: NoticeState,
    pub(super) reason: Option<NoticeReason>,
    pub(super) detail: Option<&'o str>,
    /// Where it went.
    pub(super) address: Option<&'o str>,
    /// Whether it may still be tried: what it is filled with stays.
    pub(super) keep: bool,
    /// Whether somebody at the other end was asked.
    pub(super) tried: bool,
    pub(super) now: Timestamp,
}

pub(super) async fn notice_settle(
    tx: &mut TenantTx,
    id: &NoticeId,
    outcome: &Outcome<'_>,
) -> Result<(), DbError> {
    let sent_at = (outcome.state == NoticeState::Sent).then_some(outcome.now);
    let query = sql("UPDATE people_notice SET state = ")
        .push_bind(outcome.state)
        .push(", reason = ")
        .push_bind(outcome.reason)
        .push(", detail = ")
        .push_bind(outcome.detail)
        .push(", address = COALESCE(")
        .push_bind(outcome.address)
        .push(", address), sent_at = ")
        .push_bind(sent_at)
        .push(", updated_at = ")
        .push_bind(outcome.now);
    let query = if outcome.tried { query.push(", attempts = attempts + 1") } else { query };
    let query = if outcome.keep { query } else { query.push(", sealed_values = NULL") };
    query
        .push(" WHERE tenant_id = ")
        .push_bind(tx.tenant().clone())
        .push(" AND id = ")
        .push_bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Puts a notice off.
pub(super) async fn notice_postpone(
    tx: &mut TenantTx,
    id: &NoticeId,
    send_at: Timestamp,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_notice SET send_at = $1, updated_at = $2 WHERE tenant_id = $3 AND id = $4")
        .bind(send_at)
        .bind(now)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Notices, newest first.
pub(super) async fn notices_list(
    tx: &mut TenantTx,
    filter: &NoticeFilter,
    only: Option<&UserId>,
    below: Option<NoticeId>,
    limit: i64,
) -> Result<Vec<Notice>, DbError> {
    let mut query =
        sql("SELECT ").push(SHOWN).push(" FROM people_notice WHERE tenant_id = ").push_bind(tx.tenant());
    for user in filter.user.iter().chain(only) {
        query = query.push(" AND user_id = ").push_bind(user);
    }
    if let Some(state) = filter.state {
        query = query.push(" AND state = ").push_bind(state);
    }
    if let Some(below) = below {
        query = query.push(" AND id < ").push_bind(below);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(limit).fetch_all(tx).await
}

/// Removes what failed notices are filled with once it is worthless or nobody had them tried again, and rows that are old.
pub(super) async fn notices_forget(
    tx: &mut TenantTx,
    values_before: Timestamp,
    rows_before: Timestamp,
    now: Timestamp,
) -> Result<u64, DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_notice SET sealed_values = NULL WHERE tenant_id = $1 AND state = 'failed' AND sealed_values IS NOT NULL \
         AND (expires_at <= $2 OR updated_at < $3)")
    .bind(&tenant)
    .bind(now)
    .bind(values_before)
    .execute(tx)
    .await?;
    sql("DELETE FROM people_notice WHERE tenant_id = $1 AND state <> 'waiting' AND created_at < $2")
        .bind(&tenant)
        .bind(rows_before)
        .execute(tx)
        .await
}

/// Holds every notice that waits; how many did.
pub(super) async fn notices_hold(tx: &mut TenantTx, now: Timestamp) -> Result<u64, DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_notice SET state = $1, reason = $2, sealed_values = NULL, updated_at = $3 WHERE tenant_id = $4 AND state = $5")
        .bind(NoticeState::Held)
        .bind(NoticeReason::SafeMode)
        .bind(now)
        .bind(tenant)
        .bind(NoticeState::Waiting)
        .execute(tx)
        .await
}

/// What a user wants, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct PreferenceRow {
    pub(super) locale: Option<String>,
    pub(super) refused: String,
    pub(super) version: i64,
}

pub(super) async fn preference_get(
    tx: &mut TenantTx,
    user: &UserId,
) -> Result<Option<PreferenceRow>, DbError> {
    sql("SELECT locale, refused, version FROM people_notice_preference WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND user_id = ")
        .push_bind(user)
        .fetch_optional(tx)
        .await
}

/// Writes what a user wants if `expected` is still its version; of a row that is not there yet it is 1.
pub(super) async fn preference_write(
    tx: &mut TenantTx,
    user: &UserId,
    row: &PreferenceRow,
    expected: i64,
    now: Timestamp,
) -> Result<bool, Error> {
    let tenant = tx.tenant().clone();
    let rows = sql("INSERT INTO people_notice_preference (tenant_id, user_id, locale, refused, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (tenant_id, user_id) \
         DO UPDATE SET locale = $3, refused = $4, version = $5, updated_at = $6 WHERE people_notice_preference.version = $7")
    .bind(tenant)
    .bind(user)
    .bind(&row.locale)
    .bind(&row.refused)
    .bind(row.version)
    .bind(now)
    .bind(expected)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}
