//! What was tried until the last attempt failed, and waits for a person: deliveries of events, and jobs.
//!
//! A person looks at the error, mends its cause, and has it tried again ([`replay`]); or gives it up for good ([`discard`]),
//! with a reason. A dead delivery holds back the later ones of its entity for its subscriber, so either sets them free. Both
//! leave an audit row. What failed is not shown, only what it was about: a payload may hold more than its reader may see.

use crate::{
    Ctx, Error, Permission, Validation,
    audit::{self, Entry},
    db::{DbError, SealedHandle, TenantTx, sql},
    events::EntityRef,
    ids::{EventId, JobId},
    page::{Page, PageQuery},
    time::Timestamp,
    write_tx,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{fmt, str::FromStr};
use utoipa::ToSchema;

/// See what waits.
pub const READ: Permission = Permission::new("dead_letter.read");
/// Try it again, or give it up.
pub const SETTLE: Permission = Permission::new("dead_letter.settle");

/// Which one: a job by its id, a delivery by `EVENT.SUBSCRIBER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetterId {
    /// A job.
    Job(JobId),
    /// An event that a subscriber could not take.
    Delivery(EventId, String),
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(id) => id.fmt(f),
            Self::Delivery(event, subscriber) => write!(f, "{event}.{subscriber}"),
        }
    }
}

impl FromStr for DeadLetterId {
    type Err = crate::ids::IdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('.') {
            Some((event, subscriber)) => Ok(Self::Delivery(event.parse()?, subscriber.to_owned())),
            None => text.parse().map(Self::Job),
        }
    }
}

impl<'de> Deserialize<'de> for DeadLetterId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What kind of work it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterKind {
    /// An event for a subscriber inside the system.
    Delivery,
    /// Work to be done in the background.
    Job,
}

/// Something that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeadLetter {
    /// Which.
    #[schema(example = "evt_01jd3k5m7nf8v9q0r1s2t3w4x5.network.services")]
    pub id: String,
    /// What kind of work.
    pub kind: DeadLetterKind,
    /// Type of the event, or kind of the job.
    #[schema(example = "service.suspended")]
    pub what: String,
    /// Who could not take the event; null for a job.
    #[schema(example = "network.services")]
    pub subscriber: Option<String>,
    /// What the event is about; null for a job.
    pub entity: Option<EntityRef>,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last attempt failed.
    pub last_error: String,
    /// When it was first asked for.
    pub created_at: Timestamp,
    /// Since when it waits for a person.
    pub dead_at: Timestamp,
}

/// Why something is given up.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Discard {
    /// For the audit trail.
    #[schema(example = "The service was terminated meanwhile")]
    pub reason: String,
}

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    event_id: EventId,
    subscriber: String,
    kind: String,
    entity_kind: String,
    entity_id: String,
    attempts: i64,
    error: Option<String>,
    occurred_at: Timestamp,
    since: Timestamp,
}

#[derive(sqlx::FromRow)]
struct JobRow {
    id: JobId,
    kind: String,
    attempts: i64,
    error: Option<String>,
    created_at: Timestamp,
    since: Timestamp,
}

impl From<DeliveryRow> for DeadLetter {
    fn from(row: DeliveryRow) -> Self {
        Self {
            id: DeadLetterId::Delivery(row.event_id, row.subscriber.clone()).to_string(),
            kind: DeadLetterKind::Delivery,
            what: row.kind,
            subscriber: Some(row.subscriber),
            entity: Some(EntityRef { kind: row.entity_kind, id: row.entity_id }),
            attempts: row.attempts,
            last_error: row.error.unwrap_or_default(),
            created_at: row.occurred_at,
            dead_at: row.since,
        }
    }
}

impl From<JobRow> for DeadLetter {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id.to_string(),
            kind: DeadLetterKind::Job,
            what: row.kind,
            subscriber: None,
            entity: None,
            attempts: row.attempts,
            last_error: row.error.unwrap_or_default(),
            created_at: row.created_at,
            dead_at: row.since,
        }
    }
}

/// Where a page ended.
type After = (Timestamp, String);

/// What waits, newest first; of one kind where one is named.
///
/// # Errors
/// Without [`READ`] over the whole ISP, or a cursor of another list.
pub async fn list(
    ctx: &Ctx,
    kind: Option<DeadLetterKind>,
    page: &PageQuery,
) -> Result<Page<DeadLetter>, Error> {
    ctx.authorize_whole(READ)?;
    let limit = page.limit()?;
    let after = page.after::<After>()?;
    let mut tx = ctx.begin_read().await?;
    let mut found = Vec::new();
    if kind != Some(DeadLetterKind::Job) {
        found.extend(deliveries(&mut tx, after.as_ref(), None, limit + 1).await?);
    }
    if kind != Some(DeadLetterKind::Delivery) {
        found.extend(jobs(&mut tx, after.as_ref(), None, limit + 1).await?);
    }
    tx.rollback().await?;
    found.sort_by(|a, b| (b.dead_at, &b.id).cmp(&(a.dead_at, &a.id)));
    Page::of(found, limit, |letter| (letter.dead_at, letter.id.clone()))
}

/// One of them.
///
/// # Errors
/// Without [`READ`], or [`Error::NotFound`] for what does not wait (any more).
pub async fn get(ctx: &Ctx, id: &DeadLetterId) -> Result<DeadLetter, Error> {
    ctx.authorize_whole(READ)?;
    one(&mut ctx.begin_read().await?, id).await
}

/// Has it tried again, at once and as often as if it were new.
///
/// # Errors
/// Without [`SETTLE`], or [`Error::NotFound`] for what does not wait (any more).
pub async fn replay(ctx: &Ctx, id: &DeadLetterId) -> Result<DeadLetter, Error> {
    ctx.authorize_whole(SETTLE)?;
    write_tx!(ctx, tx => {
        let letter = one(&mut tx, id).await?;
        settle(&mut tx, id, "pending", ctx.now()).await?;
        tx.ring();
        let entry = Entry::new("dead_letter.replay", EntityRef::new("dead_letter", id)).before(&letter)?;
        audit::record(ctx, &mut tx, entry.after(&json!({"state": "pending"}))?).await?;
        Ok(letter)
    })
}

/// Gives it up: it is not tried again, and no longer in the way of others. Its error stays with its row.
///
/// # Errors
/// Without [`SETTLE`], without a reason, or [`Error::NotFound`] for what does not wait (any more).
pub async fn discard(ctx: &Ctx, id: &DeadLetterId, discard: &Discard) -> Result<(), Error> {
    ctx.authorize_whole(SETTLE)?;
    let mut validation = Validation::new();
    let reason = validation.text(&discard.reason, "/reason", 300);
    validation.finish()?;
    write_tx!(ctx, tx => {
        let letter = one(&mut tx, id).await?;
        settle(&mut tx, id, "done", ctx.now()).await?;
        // The later ones of its entity may go now.
        tx.ring();
        let entry = Entry::new("dead_letter.discard", EntityRef::new("dead_letter", id)).before(&letter)?;
        audit::record(ctx, &mut tx, entry.after(&json!({"state": "done"}))?.reason(&reason)).await
    })
}

async fn one(tx: &mut TenantTx, id: &DeadLetterId) -> Result<DeadLetter, Error> {
    let found = match id {
        DeadLetterId::Job(job) => jobs(tx, None, Some(job), 1).await?,
        DeadLetterId::Delivery(event, subscriber) => {
            deliveries(tx, None, Some((event, subscriber)), 1).await?
        }
    };
    found.into_iter().next().ok_or(Error::NotFound)
}

/// How many wait, of both kinds.
///
/// # Errors
/// See [`DbError`].
pub async fn count(tx: &mut TenantTx) -> Result<i64, DbError> {
    let tenant = tx.tenant().clone();
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT 1 AS one FROM kernel_delivery WHERE state = 'dead' AND tenant_id = ")
        .push_bind(&tenant)
        .push(" UNION ALL SELECT 1 AS one FROM kernel_job WHERE state = 'dead' AND tenant_id = ")
        .push_bind(&tenant)
        .push(") AS waiting");
    let (count,): (i64,) = query.fetch_one(tx).await?;
    Ok(count)
}

async fn deliveries(
    tx: &mut TenantTx,
    after: Option<&After>,
    only: Option<(&EventId, &String)>,
    limit: i64,
) -> Result<Vec<DeadLetter>, DbError> {
    let tenant = tx.tenant().clone();
    let mut query = sql("SELECT d.event_id, d.subscriber, e.kind, e.entity_kind, e.entity_id, d.attempts, d.error, e.occurred_at, \
                         COALESCE(d.dead_at, d.next_at) AS since FROM kernel_delivery d \
                         JOIN kernel_event e ON e.tenant_id = d.tenant_id AND e.id = d.event_id \
                         WHERE d.state = 'dead' AND d.tenant_id = ")
        .push_bind(&tenant);
    if let Some((event, subscriber)) = only {
        query = query
            .push(" AND d.event_id = ")
            .push_bind(event)
            .push(" AND d.subscriber = ")
            .push_bind(subscriber);
    }
    if let Some((since, id)) = after {
        query = query
            .push(" AND (COALESCE(d.dead_at, d.next_at) < ")
            .push_bind(*since)
            .push(" OR (COALESCE(d.dead_at, d.next_at) = ")
            .push_bind(*since)
            .push(" AND d.event_id || '.' || d.subscriber < ")
            .push_bind(id)
            .push("))");
    }
    let query =
        query.push(" ORDER BY since DESC, d.event_id DESC, d.subscriber DESC LIMIT ").push_bind(limit);
    let rows: Vec<DeliveryRow> = query.fetch_all(tx).await?;
    Ok(rows.into_iter().map(DeadLetter::from).collect())
}

async fn jobs(
    tx: &mut TenantTx,
    after: Option<&After>,
    only: Option<&JobId>,
    limit: i64,
) -> Result<Vec<DeadLetter>, DbError> {
    let tenant = tx.tenant().clone();
    let mut query = sql(
        "SELECT id, kind, attempts, error, created_at, COALESCE(dead_at, run_at) AS since FROM kernel_job \
                         WHERE state = 'dead' AND tenant_id = ",
    )
    .push_bind(&tenant);
    if let Some(job) = only {
        query = query.push(" AND id = ").push_bind(job);
    }
    if let Some((since, id)) = after {
        query = query
            .push(" AND (COALESCE(dead_at, run_at) < ")
            .push_bind(*since)
            .push(" OR (COALESCE(dead_at, run_at) = ")
            .push_bind(*since)
            .push(" AND id < ")
            .push_bind(id)
            .push("))");
    }
    let rows: Vec<JobRow> =
        query.push(" ORDER BY since DESC, id DESC LIMIT ").push_bind(limit).fetch_all(tx).await?;
    Ok(rows.into_iter().map(DeadLetter::from).collect())
}

/// Takes it out of the dead. Of two people who do it at once, the second finds nothing.
async fn settle(
    tx: &mut TenantTx,
    id: &DeadLetterId,
    state: &'static str,
    now: Timestamp,
) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    tx.job_asked();
    let query = match id {
        DeadLetterId::Job(job) => sql("UPDATE kernel_job SET attempts = 0, dead_at = NULL, state = ")
            .push_bind(state)
            .push(", run_at = ")
            .push_bind(now)
            .push(" WHERE id = ")
            .push_bind(job),
        DeadLetterId::Delivery(event, subscriber) => {
            sql("UPDATE kernel_delivery SET attempts = 0, dead_at = NULL, state = ")
                .push_bind(state)
                .push(", next_at = ")
                .push_bind(now)
                .push(" WHERE event_id = ")
                .push_bind(event)
                .push(" AND subscriber = ")
                .push_bind(subscriber)
        }
    };
    let rows = query.push(" AND state = 'dead' AND tenant_id = ").push_bind(&tenant).execute(tx).await?;
    if rows == 1 { Ok(()) } else { Err(Error::NotFound) }
}
