//! Facts, named `noun.verb_past`, written in the transaction of the change that they tell of.
//!
//! [`emit`] writes the event, its entries on the timelines of what it names ([`crate::timeline`]), and one delivery row per
//! subscriber that wants it; see [`crate::outbox`] for how they are delivered. Which events a domain publishes stands in
//! its `events.rs`, from which `docs/events.md` is made.

use crate::{
    Ctx, Error,
    db::{PlatformTx, TenantTx, sql},
    ids::{EventId, TenantId},
    time::Timestamp,
    timeline,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What an event or an audit row is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EntityRef {
    /// `service`, `invoice`, …
    #[schema(example = "service")]
    pub kind: String,
    /// Typed id.
    #[schema(example = "svc_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub id: String,
}

impl EntityRef {
    /// A thing of a kind.
    pub fn new(kind: &str, id: impl ToString) -> Self {
        Self { kind: kind.to_owned(), id: id.to_string() }
    }
}

/// A kind of event that a domain declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventType {
    /// `noun.verb_past`.
    pub name: &'static str,
    /// Version of the payload's shape.
    pub version: i64,
    /// Whether webhooks and integrations may have it.
    pub public: bool,
    /// One line for `docs/events.md`: when it happens and what the payload holds.
    pub doc: &'static str,
}

/// An event about to be written.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Which.
    pub kind: EventType,
    /// About what; deliveries are in order per entity.
    pub entity: EntityRef,
    /// Ids a reader may want beside the entity: `customer_id`, `service_id`, `device_id`, …
    pub related: BTreeMap<String, String>,
    /// The facts.
    pub payload: serde_json::Value,
}

impl NewEvent {
    /// An event about a thing, without related ids.
    pub fn new(kind: EventType, entity: EntityRef, payload: serde_json::Value) -> Self {
        Self { kind, entity, related: BTreeMap::new(), payload }
    }
    /// Adds a related id.
    #[must_use]
    pub fn related(mut self, name: &str, id: impl ToString) -> Self {
        self.related.insert(name.to_owned(), id.to_string());
        self
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Actor {
    /// `user`, `agent`, `system`, `command_line`.
    #[schema(example = "user")]
    pub kind: String,
    /// Typed id, or the name of the job.
    #[schema(example = "usr_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub id: String,
    /// Name at the time.
    #[schema(example = "Rosa Quispe")]
    pub name: String,
}

/// An event as it is read back and as API and stream show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Event {
    /// Id, sortable by time.
    pub id: EventId,
    /// `noun.verb_past`.
    #[serde(rename = "type")]
    #[schema(example = "service.suspended")]
    pub kind: String,
    /// Version of the payload's shape.
    pub version: i64,
    /// When.
    pub occurred_at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// About what.
    pub entity: EntityRef,
    /// The event that caused it.
    pub causation_id: Option<EventId>,
    /// Other ids a reader may want.
    pub related: BTreeMap<String, String>,
    /// The facts.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
}

/// A row of `kernel_event`.
#[derive(sqlx::FromRow)]
pub(crate) struct EventRow {
    id: EventId,
    kind: String,
    version: i64,
    occurred_at: Timestamp,
    actor_kind: String,
    actor_id: String,
    actor_name: String,
    entity_kind: String,
    entity_id: String,
    causation_id: Option<EventId>,
    related: String,
    payload: String,
}

impl TryFrom<EventRow> for Event {
    type Error = Error;
    fn try_from(row: EventRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id,
            kind: row.kind,
            version: row.version,
            occurred_at: row.occurred_at,
            actor: Actor { kind: row.actor_kind, id: row.actor_id, name: row.actor_name },
            entity: EntityRef { kind: row.entity_kind, id: row.entity_id },
            causation_id: row.causation_id,
            related: serde_json::from_str(&row.related).map_err(Error::internal)?,
            payload: serde_json::from_str(&row.payload).map_err(Error::internal)?,
        })
    }
}

pub(crate) const COLUMNS: &str = "id, kind, version, occurred_at, actor_kind, actor_id, actor_name, entity_kind, entity_id, causation_id, related, payload";

/// Who wants which events: subscriber name → event types (`*` = all).
#[derive(Debug, Clone, Default)]
pub struct Subscriptions(Vec<(&'static str, &'static [&'static str])>);

impl Subscriptions {
    /// From the subscribers that the process runs.
    pub fn of<'s>(
        subscribers: impl IntoIterator<Item = &'s std::sync::Arc<dyn crate::outbox::Subscriber>>,
    ) -> Self {
        Self(subscribers.into_iter().map(|subscriber| (subscriber.name(), subscriber.events())).collect())
    }
    fn wanting<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'static str> + 's {
        self.0
            .iter()
            .filter(move |(_, kinds)| kinds.iter().any(|k| *k == kind || *k == "*"))
            .map(|(name, _)| *name)
    }
}

/// Writes an event, its entries on timelines and its deliveries in the transaction of the change.
///
/// # Errors
/// The database's.
pub async fn emit(ctx: &Ctx, tx: &mut TenantTx, event: NewEvent) -> Result<EventId, Error> {
    let now = ctx.now();
    let id = EventId::new(now);
    let (actor_kind, actor_id, actor_name) = ctx.principal().parts();
    let tenant = tx.tenant().clone();
    sql("INSERT INTO kernel_event (tenant_id, id, kind, version, occurred_at, actor_kind, actor_id, actor_name, \
         entity_kind, entity_id, causation_id, related, payload) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
    .bind(&tenant)
    .bind(&id)
    .bind(event.kind.name)
    .bind(event.kind.version)
    .bind(now)
    .bind(actor_kind)
    .bind(actor_id)
    .bind(actor_name)
    .bind(&event.entity.kind)
    .bind(&event.entity.id)
    .bind(ctx.causation().cloned())
    .bind(serde_json::to_string(&event.related).map_err(Error::internal)?)
    .bind(event.payload.to_string())
    .execute(tx)
    .await?;
    timeline::enter(tx, &id, &event).await?;
    let wanting: Vec<_> = tx.runtime().subscriptions.wanting(event.kind.name).collect();
    for subscriber in wanting {
        sql("INSERT INTO kernel_delivery (tenant_id, event_id, subscriber, entity_id, state, attempts, next_at) \
             VALUES ($1, $2, $3, $4, 'pending', 0, $5)")
        .bind(&tenant)
        .bind(&id)
        .bind(subscriber)
        .bind(&event.entity.id)
        .bind(now)
        .execute(tx)
        .await?;
    }
    tx.wake = true;
    Ok(id)
}

/// Which events a reader wants.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Types; `payment.*` takes a noun's all. Empty = all.
    pub kinds: Vec<String>,
    /// Only events with an id below this one (for paging backwards in time).
    pub before: Option<EventId>,
    /// Only events with an id above this one (for the live stream).
    pub after: Option<EventId>,
    /// At most so many.
    pub limit: i64,
}

/// Newest events first.
///
/// # Errors
/// The database's.
pub async fn list(tx: &mut TenantTx, filter: &EventFilter) -> Result<Vec<Event>, Error> {
    let mut query =
        sql("SELECT ").push(COLUMNS).push(" FROM kernel_event WHERE tenant_id = ").push_bind(tx.tenant());
    query = query.and_any_name("kind", &filter.kinds);
    if let Some(before) = &filter.before {
        query = query.push(" AND id < ").push_bind(before);
    }
    if let Some(after) = &filter.after {
        query = query.push(" AND id > ").push_bind(after);
    }
    let rows: Vec<EventRow> =
        query.push(" ORDER BY id DESC LIMIT ").push_bind(filter.limit).fetch_all(tx).await?;
    rows.into_iter().map(Event::try_from).collect()
}

/// Events by their ids, in no order; ids that are none are left out.
///
/// # Errors
/// The database's.
pub(crate) async fn by_ids(tx: &mut TenantTx, ids: &[EventId]) -> Result<Vec<Event>, Error> {
    let query =
        sql("SELECT ").push(COLUMNS).push(" FROM kernel_event WHERE tenant_id = ").push_bind(tx.tenant());
    let rows: Vec<EventRow> = query.push(" AND id IN ").push_list(ids).fetch_all(tx).await?;
    rows.into_iter().map(Event::try_from).collect()
}

/// Whether this is the id of an event, of things of any sort.
pub fn is_id(thing: &str) -> bool {
    thing.parse::<EventId>().is_ok()
}

/// Whether some event among these things was not handed yet to everybody who reacts to it. One that was given up is not waited for.
///
/// # Errors
/// The database's.
pub async fn are_awaited(tx: &mut TenantTx, things: &BTreeSet<String>) -> Result<bool, Error> {
    let ids: Vec<&String> = things.iter().filter(|thing| is_id(thing)).collect();
    // SQLite binds at most 32,766 values.
    for chunk in ids.chunks(5_000) {
        let awaited: Option<(i64,)> =
            sql("SELECT CAST(1 AS BIGINT) FROM kernel_delivery WHERE state IN ('pending', 'leased') AND tenant_id = ")
                .push_bind(tx.tenant())
                .push(" AND event_id IN ")
                .push_list(chunk.iter().copied())
                .push(" LIMIT 1")
                .fetch_optional(tx)
                .await?;
        if awaited.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An event and whose it is.
#[derive(Debug, Clone)]
pub struct TenantEvent {
    /// Whose.
    pub tenant: TenantId,
    /// The event.
    pub event: Event,
}

/// That there is an event.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Sighting {
    /// Whose.
    pub tenant_id: TenantId,
    /// Which.
    pub id: EventId,
    /// When.
    pub occurred_at: Timestamp,
}

/// Which events of all tenants there are since an instant, the newest first; for the live stream, which looks many times a
/// second and reads only those whole that it has not handed out.
///
/// # Errors
/// The database's.
pub async fn sighted(tx: &mut PlatformTx, since: Timestamp, limit: i64) -> Result<Vec<Sighting>, Error> {
    Ok(sql("SELECT tenant_id, id, occurred_at FROM kernel_event WHERE occurred_at >= ")
        .push_bind(since)
        .push(" ORDER BY occurred_at DESC LIMIT ")
        .push_bind(limit)
        .fetch_all(tx)
        .await?)
}

/// Events of one tenant by their ids, in order of these.
///
/// # Errors
/// The database's.
pub async fn of_tenant(
    tx: &mut PlatformTx,
    tenant: &TenantId,
    ids: &[EventId],
) -> Result<Vec<TenantEvent>, Error> {
    let rows: Vec<EventRow> = sql("SELECT ")
        .push(COLUMNS)
        .push(" FROM kernel_event WHERE tenant_id = ")
        .push_bind(tenant)
        .push(" AND id IN ")
        .push_list(ids)
        .push(" ORDER BY id")
        .fetch_all(tx)
        .await?;
    let whole = |row: EventRow| Ok(TenantEvent { tenant: tenant.clone(), event: row.try_into()? });
    rows.into_iter().map(whole).collect()
}
