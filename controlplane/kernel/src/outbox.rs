//! Deliveries of events to subscribers inside the process.
//!
//! - One row per (event, subscriber): pending → leased → done, or dead after [`MAX_ATTEMPTS`]. Claimed by lease, never
//!   by a high-water id, so an event committed late is not passed over.
//! - In order per (subscriber, entity): an earlier delivery that is not done holds back the later ones of that entity
//!   for that subscriber and nothing else.
//! - A subscriber gets a delivery once at least: it re-reads the state and is idempotent.
//! - Commit rings a bell; a poll each second is the truth.

use crate::{
    Ctx, Error,
    db::{DbError, PlatformTx, sql},
    events::{Event, EventRow},
    ids::{EventId, TenantId},
    runtime::Runtime,
    spans,
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Attempts before a delivery is dead and waits for a person.
pub const MAX_ATTEMPTS: i64 = 12;
const LEASE_MS: i64 = 30_000;
const CLAIM: i64 = 32;

/// Deliveries not done yet, counted by state (`pending`, `leased`, `dead`), of all tenants; for the installation's own
/// health figures.
///
/// # Errors
/// The database's.
pub async fn undelivered(tx: &mut PlatformTx) -> Result<Vec<(String, i64)>, DbError> {
    sql("SELECT state, CAST(COUNT(*) AS BIGINT) FROM kernel_delivery WHERE state <> 'done' GROUP BY state")
        .fetch_all(tx)
        .await
}

/// Somebody who reacts to events. Handles each at least once, in order per entity.
#[async_trait::async_trait]
pub trait Subscriber: Send + Sync + 'static {
    /// Stable name, in delivery rows.
    fn name(&self) -> &'static str;
    /// Event types wanted, `*` for all.
    fn events(&self) -> &'static [&'static str];
    /// Reacts. The event is a hint: the state is read again.
    ///
    /// # Errors
    /// Any error means: try again later.
    async fn handle(&self, ctx: &Ctx, event: &Event) -> Result<(), Error>;
}

#[derive(Debug, sqlx::FromRow)]
struct Claimed {
    tenant_id: TenantId,
    event_id: EventId,
    subscriber: String,
    attempts: i64,
}

async fn claim(
    tx: &mut PlatformTx,
    now: Timestamp,
    token: &str,
    subscribers: &[&'static str],
) -> Result<Vec<Claimed>, DbError> {
    sql("UPDATE kernel_delivery SET state = 'leased', attempts = attempts + 1, lease_token = ")
        .push_bind(token)
        .push(", lease_until = ")
        .push_bind(now.plus_millis(LEASE_MS))
        .push(" WHERE (tenant_id, event_id, subscriber) IN (SELECT d.tenant_id, d.event_id, d.subscriber FROM kernel_delivery d WHERE ((d.state = 'pending' AND d.next_at <= ")
        .push_bind(now)
        .push(") OR (d.state = 'leased' AND d.lease_until < ")
        .push_bind(now)
        .push(")) AND d.subscriber IN ")
        .push_list(subscribers.iter().copied())
        .push(" AND NOT EXISTS (SELECT 1 FROM kernel_delivery e WHERE e.tenant_id = d.tenant_id AND e.subscriber = d.subscriber AND e.entity_id = d.entity_id AND e.event_id < d.event_id AND e.state <> 'done') ORDER BY d.event_id LIMIT ")
        .push_bind(CLAIM)
        // The state is checked again: on PostgreSQL another process may have claimed it while we waited for its row.
        .push(") AND (state = 'pending' OR lease_until < ")
        .push_bind(now)
        .push(") RETURNING tenant_id, event_id, subscriber, attempts")
        .fetch_all(tx)
        .await
}

async fn settle(
    tx: &mut PlatformTx,
    claimed: &Claimed,
    token: &str,
    outcome: &Result<(), Error>,
    now: Timestamp,
) -> Result<u64, DbError> {
    let (state, error, next_at) = match outcome {
        Ok(()) => ("done", None, now),
        Err(error) => {
            let state = if claimed.attempts >= MAX_ATTEMPTS { "dead" } else { "pending" };
            let pause_ms = 500_i64 << claimed.attempts.clamp(0, 9);
            (state, Some(chain(error)), now.plus_millis(pause_ms))
        }
    };
    sql("UPDATE kernel_delivery SET state = $1, error = $2, next_at = $3, dead_at = $4, lease_token = NULL, lease_until = NULL \
         WHERE tenant_id = $5 AND event_id = $6 AND subscriber = $7 AND lease_token = $8")
    .bind(state)
    .bind(error)
    .bind(next_at)
    .bind((state == "dead").then_some(now))
    .bind(&claimed.tenant_id)
    .bind(&claimed.event_id)
    .bind(&claimed.subscriber)
    .bind(token)
    .execute(tx)
    .await
}

/// An error with its causes, for the list of dead deliveries.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

/// Delivers what is due once; how many deliveries were handled. [`run`] calls it for ever, tests until it is quiet.
///
/// # Errors
/// The database's; a subscriber's error is kept with its delivery instead.
pub async fn deliver_due(
    runtime: &Arc<Runtime>,
    subscribers: &[Arc<dyn Subscriber>],
) -> Result<usize, Error> {
    let names: Vec<_> = subscribers.iter().map(|subscriber| subscriber.name()).collect();
    let token = crate::secrets::random_token();
    let platform = runtime.platform();
    let now = runtime.clock.now();
    // Looking is a read: an idle installation does not take the writer's turn each second.
    let mut look = platform.begin_read().await?;
    let due: Option<(i64,)> = sql("SELECT CAST(1 AS BIGINT) FROM kernel_delivery WHERE (state = 'pending' AND next_at <= $1) OR (state = 'leased' AND lease_until < $1) LIMIT 1")
        .bind(now)
        .fetch_optional(&mut look)
        .await?;
    look.rollback().await?;
    if due.is_none() {
        return Ok(0);
    }
    let mut claimed = crate::write_tx!(platform, tx => { Ok(claim(&mut tx, now, &token, &names).await?) })?;
    claimed.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    let count = claimed.len();
    for delivery in claimed {
        let Claimed { tenant_id, event_id, subscriber, attempts } = &delivery;
        let span = spans::of_delivery(tenant_id, event_id, subscriber, *attempts);
        let outcome = spans::within(span, handle(runtime, subscribers, &delivery)).await;
        if let Err(error) = &outcome {
            tracing::warn!(event = %delivery.event_id, subscriber = %delivery.subscriber, attempts = delivery.attempts, error = chain(error), "delivery failed");
        }
        let now = runtime.clock.now();
        crate::write_tx!(platform, tx => { Ok(settle(&mut tx, &delivery, &token, &outcome, now).await?) })?;
    }
    Ok(count)
}

async fn handle(
    runtime: &Arc<Runtime>,
    subscribers: &[Arc<dyn Subscriber>],
    delivery: &Claimed,
) -> Result<(), Error> {
    let subscriber = subscribers.iter().find(|subscriber| subscriber.name() == delivery.subscriber);
    let Some(subscriber) = subscriber else {
        return Err(Error::Unavailable(format!("no subscriber {}", delivery.subscriber)));
    };
    let ctx = Ctx::system(runtime.tenant(delivery.tenant_id.clone()), subscriber.name())
        .caused_by(delivery.event_id.clone());
    let mut tx = ctx.begin_read().await?;
    let row: EventRow = sql("SELECT ")
        .push(crate::events::COLUMNS)
        .push(" FROM kernel_event WHERE tenant_id = ")
        .push_bind(&delivery.tenant_id)
        .push(" AND id = ")
        .push_bind(&delivery.event_id)
        .fetch_one(&mut tx)
        .await?;
    tx.rollback().await?;
    subscriber.handle(&ctx, &Event::try_from(row)?).await
}

/// Delivers for ever, until told to stop.
///
/// # Errors
/// The database's, when it stays away: the process then ends and is started again.
pub async fn run(
    runtime: Arc<Runtime>,
    subscribers: Vec<Arc<dyn Subscriber>>,
    stop: CancellationToken,
) -> Result<(), Error> {
    while !stop.is_cancelled() {
        let rung = runtime.committed.notified();
        if deliver_due(&runtime, &subscribers).await? > 0 {
            continue;
        }
        tokio::select! {
            () = rung => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}
