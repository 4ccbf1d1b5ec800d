//! `/stream`: server-sent events for live pages.
//!
//! One task per process looks for new events of all tenants and hands each to the connections of its tenant that may see
//! it. It looks back some seconds each time and remembers what it sent, because two transactions may commit in another
//! order than their ids; so it looks for ids only, and reads whole what it did not know. A connection that comes back names the last event it got and receives what it missed;
//! when that is more than is sent again, a `reset` tells it to read anew what it shows.

use super::feed::EVENT_READ;
use atalaya_kernel::{
    Ctx, Error, Principal, Scope,
    events::{self, Event, EventFilter, Sighting, TenantEvent},
    ids::{EventId, TenantId},
    runtime::Runtime,
    time::Timestamp,
};
use atalaya_operations::feed;
use atalaya_people::platform::visits::Visiting;
use axum::{
    Extension,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Events waiting for a slow connection; beyond it the connection is told to come back and resume.
const BACKLOG: usize = 1_024;
/// How far each look reaches back, ms.
const LOOK_BACK_MS: i64 = 10_000;
/// Pause between two looks: many commits are one look.
const BREATH: Duration = Duration::from_millis(50);
/// Events that one look finds at most; ten thousand a second.
const MOST: i64 = 100_000;
/// Events that are read at once.
const AT_ONCE: usize = 500;
/// Events sent again at most when a connection resumes.
const RESUME: i64 = 1_000;
/// Sent instead of them when there are more: what the page shows may be older than what it would be told.
const RESET: &str = "reset";

/// Hands events to connections.
pub struct Hub {
    sender: broadcast::Sender<Arc<TenantEvent>>,
    /// Ends the connections when the process stops: by themselves they never do.
    closing: CancellationToken,
}

impl Default for Hub {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0, closing: CancellationToken::new() }
    }
}

impl Hub {
    /// Looks for new events for ever, until told to stop.
    ///
    /// # Errors
    /// The database's, when it stays away.
    pub async fn run(self: Arc<Self>, runtime: Arc<Runtime>, stop: CancellationToken) -> Result<(), Error> {
        let mut seen: HashMap<EventId, Timestamp> = HashMap::new();
        let mut first = true;
        while !stop.is_cancelled() {
            let rung = runtime.committed.notified();
            let since = runtime.clock.now().plus_millis(-LOOK_BACK_MS);
            let mut tx = runtime.platform().begin_read().await?;
            let mut new: BTreeMap<TenantId, BTreeSet<EventId>> = BTreeMap::new();
            for Sighting { tenant_id, id, occurred_at } in events::sighted(&mut tx, since, MOST).await? {
                if seen.insert(id.clone(), occurred_at).is_none() && !first {
                    new.entry(tenant_id).or_default().insert(id);
                }
            }
            for (tenant, ids) in &new {
                let ids: Vec<EventId> = ids.iter().cloned().collect();
                for ids in ids.chunks(AT_ONCE) {
                    for event in events::of_tenant(&mut tx, tenant, ids).await? {
                        // Nobody listening is fine.
                        let _ = self.sender.send(Arc::new(event));
                    }
                }
            }
            tx.rollback().await?;
            first = false;
            seen.retain(|_, at| *at >= since);
            tokio::select! {
                () = async { tokio::time::sleep(BREATH).await; rung.await } => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = stop.cancelled() => {}
            }
        }
        self.closing.cancel();
        Ok(())
    }
}

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(connect))
}

/// Live events, as server-sent events; resumes after `Last-Event-ID`, or sends `reset` when too much was missed.
#[utoipa::path(get, path = "/stream", tag = "events", params(("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = Event)),
    extensions(("x-permission" = json!("event.read"))))]
async fn connect(
    ctx: Ctx,
    Extension(hub): Extension<Arc<Hub>>,
    visiting: Option<Extension<Visiting>>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    ctx.authorize(EVENT_READ)?;
    // Listening starts before the missed ones are read, so that none falls between.
    let live = hub.sender.subscribe();
    let missed = match headers.get("last-event-id") {
        None => Missed::default(),
        Some(last) => {
            let last = last.to_str().ok().and_then(|text| text.parse::<EventId>().ok());
            missed(&ctx, last).await?
        }
    };
    let closing = hub.closing.clone().cancelled_owned();
    // A visit ends by itself, and what it looks at with it.
    let left_ms =
        visiting.map(|Extension(visiting)| visiting.visit.until.as_millis() - ctx.now().as_millis());
    let left = left_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
    let over = async move {
        match left {
            Some(left) => tokio::time::sleep(left).await,
            None => std::future::pending().await,
        }
    };
    let events = Connection { ctx, sent: HashSet::new(), missed, live }
        .into_stream()
        .take_until(closing)
        .take_until(over);
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(5)).text("alive");
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

/// What a connection that comes back did not get.
#[derive(Debug, Default)]
struct Missed {
    /// The newest event there is, when what was missed is not sent again: the connection goes on after it.
    reset_at: Option<EventId>,
    /// What is sent again, oldest first.
    events: VecDeque<Event>,
}

/// Events after the last one that a connection got; an id that is none stands for one that is not known any more.
async fn missed(ctx: &Ctx, last: Option<EventId>) -> Result<Missed, Error> {
    let mut tx = ctx.begin_read().await?;
    let known = last.is_some();
    let filter = EventFilter { after: last, limit: RESUME + 1, ..EventFilter::default() };
    let events = events::list(&mut tx, &filter).await?;
    drop(tx);
    let too_many = i64::try_from(events.len()).is_ok_and(|count| count > RESUME);
    if too_many || !known {
        let reset_at = events.into_iter().next().map(|newest| newest.id);
        return Ok(Missed { reset_at, events: VecDeque::new() });
    }
    let mut events = feed::visible(ctx, events).await?;
    events.reverse();
    Ok(Missed { reset_at: None, events: events.into() })
}

struct Connection {
    ctx: Ctx,
    sent: HashSet<EventId>,
    missed: Missed,
    live: broadcast::Receiver<Arc<TenantEvent>>,
}

impl Connection {
    fn into_stream(self) -> impl Stream<Item = Result<sse::Event, Infallible>> {
        stream::unfold(self, |mut connection| async move {
            let event = connection.next().await?;
            Some((Ok(event), connection))
        })
    }

    /// The next event for this connection; `None` closes it.
    async fn next(&mut self) -> Option<sse::Event> {
        if let Some(newest) = self.missed.reset_at.take() {
            return Some(sse::Event::default().id(newest.to_string()).event(RESET).data("{}"));
        }
        loop {
            let event = match self.missed.events.pop_front() {
                Some(event) => event,
                None => match self.live.recv().await {
                    Ok(event)
                        if event.tenant == *self.ctx.tenant() && changes_rights(&self.ctx, &event.event) =>
                    {
                        // What may be seen was decided when the connection began: the browser comes back, and it is
                        // decided anew.
                        return None;
                    }
                    Ok(event) if event.tenant == *self.ctx.tenant() => {
                        match feed::visible(&self.ctx, vec![event.event.clone()]).await {
                            Ok(visible) => match visible.into_iter().next() {
                                Some(event) => event,
                                None => continue,
                            },
                            // What cannot be judged is not shown; the browser comes back and resumes.
                            Err(error) => {
                                tracing::warn!(%error, "a live stream ends");
                                return None;
                            }
                        }
                    }
                    Ok(_) => continue,
                    // Too slow: the browser comes back with its last id.
                    Err(_) => return None,
                },
            };
            if !self.sent.insert(event.id.clone()) {
                continue;
            }
            if self.sent.len() > BACKLOG * 4 {
                self.sent.clear();
            }
            let Ok(data) = serde_json::to_string(&event) else { continue };
            return Some(sse::Event::default().id(event.id.to_string()).event(event.kind).data(data));
        }
    }
}

/// Whether an event may change what a connection may see: another role or scope, the end of its session, another tree of
/// sites.
fn changes_rights(ctx: &Ctx, event: &Event) -> bool {
    let about_the_caller = event.entity.id == ctx.principal().parts().1;
    // A key may what its maker may, whoever that is.
    let is_key = matches!(ctx.principal(), Principal::ApiKey { .. });
    match event.kind.as_str() {
        // Of the settings, whose log-in needs a second factor.
        "role.updated" | "role.deleted" | "tenant.updated" => true,
        "user.updated" => about_the_caller || is_key,
        "session.ended" | "api_key.revoked" => about_the_caller,
        "token.revoked" | "token.reused" => {
            matches!(ctx.principal(), Principal::Token { family, .. } if family.as_str() == event.entity.id)
        }
        // Of any visit: whose is still good comes back.
        "operator_visit.ended" => matches!(ctx.principal(), Principal::Operator { .. }),
        "site.created" | "site.updated" => *ctx.scope() != Scope::All,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::{
        events::{EntityRef, NewEvent},
        ids::TenantId,
        on_both,
        testing::{START, World},
        write_tx,
    };
    use atalaya_network::agents::events::SILENT;
    use axum::{body::Body, http::HeaderValue};
    use futures::StreamExt;

    /// So many events; the id of the first.
    async fn happened(ctx: &Ctx, count: i64) -> EventId {
        write_tx!(ctx, tx => {
            let mut first = None;
            for number in 0..count {
                let event = NewEvent::new(SILENT, EntityRef::new("agent", number), serde_json::json!({}));
                let id = events::emit(ctx, &mut tx, event).await?;
                first.get_or_insert(id);
            }
            first.ok_or(Error::NotFound)
        })
        .unwrap()
    }

    /// What a connection that comes back is sent first, in `messages` pieces.
    async fn resumed(ctx: &Ctx, last: &str, messages: usize) -> String {
        let headers = HeaderMap::from_iter([(
            axum::http::HeaderName::from_static("last-event-id"),
            HeaderValue::from_str(last).unwrap(),
        )]);
        let hub = Arc::new(Hub::default());
        let answer = connect(ctx.clone(), Extension(hub.clone()), None, headers).await.unwrap();
        let body: Body = answer.into_body();
        let pieces: Vec<_> = body.into_data_stream().take(messages).collect().await;
        let text = pieces.into_iter().map(|piece| String::from_utf8(piece.unwrap().to_vec()).unwrap());
        text.collect()
    }

    on_both!(who_missed_too_much_is_told_to_read_anew, |world: World| async move {
        // The whole of the world, whose folder holds the database.
        let world = world;
        let ctx = Ctx::system(world.runtime.tenant(TenantId::new(START)), "test");
        let first = happened(&ctx, RESUME + 1).await;
        world.clock.advance_millis(1);
        let sent = resumed(&ctx, first.as_str(), 2).await;
        assert!(sent.contains("event: agent.silent") && !sent.contains("reset"), "{sent}");
        let newest = happened(&ctx, 1).await;
        let sent = resumed(&ctx, first.as_str(), 1).await;
        assert!(sent.contains("event: reset") && sent.contains(newest.as_str()), "{sent}");
        let sent = resumed(&ctx, "not-an-event", 1).await;
        assert!(sent.contains("event: reset"), "{sent}");
    });
}
