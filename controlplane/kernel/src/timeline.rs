//! What happened to a thing: the events that are about it or name it, newest first, each with the event that caused it.
//!
//! Not to be mixed up with the timeline of orders to agents, a number that a restored backup raises
//! (`network::provisioning`).
//!
//! - An *entry* is a row (thing, event), written by [`events::emit`] in the transaction of the change: one for what the event is
//!   about, and one for each thing that it names beside. So a thing's entries are one range of one key, however many events the
//!   tenant has.
//! - The entry holds nothing of the event: that is read where it stands. A foreign key keeps an event as long as it is on a
//!   timeline, so nobody who clears old events away can empty a customer's page.
//! - Who may see which entry is decided by the caller, event by event, as everywhere.
//!
//! Decision 0031 says why not a copy, and why not a search in the events.

use crate::{
    Error,
    db::{DbError, TenantTx, sql},
    events::{self, COLUMNS, Event, EventRow, NewEvent},
    ids::EventId,
};
use std::collections::BTreeSet;

/// Which entries of a timeline a reader wants.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Types; `payment.*` takes a noun's all. Empty = all.
    pub kinds: Vec<String>,
    /// Only what this actor did, by id.
    pub actor: Option<String>,
    /// Only events with an id below this one.
    pub before: Option<EventId>,
    /// At most so many.
    pub limit: i64,
}

/// Enters an event with everything that it is about or names.
pub(crate) async fn enter(tx: &mut TenantTx, id: &EventId, event: &NewEvent) -> Result<(), DbError> {
    let named = event.related.values().map(String::as_str);
    let things: BTreeSet<&str> = named.chain([event.entity.id.as_str()]).collect();
    let mut query = sql("INSERT INTO kernel_timeline (tenant_id, subject, event_id) VALUES ");
    for (number, thing) in things.into_iter().enumerate() {
        query = query.push(if number == 0 { "" } else { ", " }).push_list([
            tx.tenant().as_str(),
            thing,
            id.as_str(),
        ]);
    }
    query.execute(tx).await.map(drop)
}

/// Events of a thing's timeline, newest first.
///
/// # Errors
/// The database's.
pub async fn events(tx: &mut TenantTx, subject: &str, filter: &Filter) -> Result<Vec<Event>, Error> {
    let mut query = sql("SELECT ")
        .push(COLUMNS)
        .push(
            " FROM kernel_timeline t JOIN kernel_event e ON e.tenant_id = t.tenant_id AND e.id = t.event_id WHERE t.tenant_id = ",
        )
        .push_bind(tx.tenant())
        .push(" AND t.subject = ")
        .push_bind(subject)
        .and_any_name("kind", &filter.kinds);
    if let Some(actor) = &filter.actor {
        query = query.push(" AND actor_id = ").push_bind(actor);
    }
    if let Some(before) = &filter.before {
        query = query.push(" AND t.event_id < ").push_bind(before);
    }
    let rows: Vec<EventRow> =
        query.push(" ORDER BY t.event_id DESC LIMIT ").push_bind(filter.limit).fetch_all(tx).await?;
    rows.into_iter().map(Event::try_from).collect()
}

/// The events that caused some of these, each once, in no order.
///
/// # Errors
/// The database's.
pub async fn causes(tx: &mut TenantTx, events: &[Event]) -> Result<Vec<Event>, Error> {
    let wanted: BTreeSet<EventId> = events.iter().filter_map(|event| event.causation_id.clone()).collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    events::by_ids(tx, &wanted.into_iter().collect::<Vec<_>>()).await
}
