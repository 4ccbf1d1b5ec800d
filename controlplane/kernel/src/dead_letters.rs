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
    list::{Field, Kind, List, ListQuery, Select, Shape},
    page::Page,
    text_enum,
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

text_enum! {
    /// What kind of work it was.
    pub enum DeadLetterKind {
        /// An event for a subscriber inside the system.
        Delivery = "delivery",
        /// Work to be done in the background.
        Job = "job",
    }
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
    #[schema(example = "the router did not answer within 10 s")]
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

/// The list of what waits.
#[derive(Debug)]
pub struct DeadLetterList;

impl List for DeadLetterList {
    const SHAPE: &'static Shape = &Shape {
        name: "dead_letters",
        fields: &[&[
            Field::of("dead_at", Kind::Instant, "letter.since").sorts().ranges(),
            Field::of("created_at", Kind::Instant, "letter.created_at").sorts().ranges(),
            Field::of("kind", Kind::Words(DeadLetterKind::WORDS), "letter.work").matches(),
            Field::of("what", Kind::Text, "letter.what").sorts().matches().such_as("service.suspended"),
            Field::of("subscriber", Kind::Text, "letter.subscriber").sorts().matches().or_missing(),
            Field::of("attempts", Kind::Int, "letter.attempts").sorts().ranges(),
        ]],
        order: "-dead_at",
        id: "letter.id",
    };
}

/// Deliveries and jobs as one list; what is dead is little, and has an index in either table.
const ROWS: Select = Select {
    columns: "letter.id, letter.work, letter.what, letter.subscriber, letter.entity_kind, letter.entity_id, letter.attempts, \
              letter.error, letter.created_at, letter.since",
    from: "(SELECT d.tenant_id, d.event_id || '.' || d.subscriber AS id, 'delivery' AS work, e.kind AS what, d.subscriber, \
           e.entity_kind, e.entity_id, d.attempts, d.error, e.occurred_at AS created_at, \
           COALESCE(d.dead_at, d.next_at) AS since FROM kernel_delivery d \
           JOIN kernel_event e ON e.tenant_id = d.tenant_id AND e.id = d.event_id WHERE d.state = 'dead' \
           UNION ALL \
           SELECT j.tenant_id, j.id, 'job' AS work, j.kind AS what, NULL AS subscriber, NULL AS entity_kind, \
           NULL AS entity_id, j.attempts, j.error, j.created_at, COALESCE(j.dead_at, j.run_at) AS since \
           FROM kernel_job j WHERE j.state = 'dead') AS letter WHERE letter.tenant_id = ",
};

#[derive(sqlx::FromRow)]
struct LetterRow {
    id: String,
    work: DeadLetterKind,
    what: String,
    subscriber: Option<String>,
    entity_kind: Option<String>,
    entity_id: Option<String>,
    attempts: i64,
    error: Option<String>,
    created_at: Timestamp,
    since: Timestamp,
}

impl From<LetterRow> for DeadLetter {
    fn from(row: LetterRow) -> Self {
        Self {
            id: row.id,
            kind: row.work,
            what: row.what,
            subscriber: row.subscriber,
            entity: row.entity_kind.zip(row.entity_id).map(|(kind, id)| EntityRef { kind, id }),
            attempts: row.attempts,
            last_error: row.error.unwrap_or_default(),
            created_at: row.created_at,
            dead_at: row.since,
        }
    }
}

/// What waits, newest first unless another order is asked for.
///
/// # Errors
/// Without [`READ`] over the whole ISP, or a cursor of another list or order.
pub async fn list(ctx: &Ctx, asked: &ListQuery<DeadLetterList>) -> Result<Page<DeadLetter>, Error> {
    ctx.authorize_whole(READ)?;
    let mut tx = ctx.begin_read().await?;
    let page = asked.fetch(&mut tx, ROWS, |query, _| query).await?;
    Ok(page.map(|row: LetterRow| row.into()))
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
    let row: LetterRow =
        ROWS.query(tx).push(" AND letter.id = ").push_bind(id.to_string()).fetch_one(tx).await?;
    Ok(row.into())
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
