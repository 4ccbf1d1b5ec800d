//! `/stream`: server-sent events for live pages.
//!
//! One task per process looks at the newest events of all tenants and hands each to the connections of its tenant that
//! may see it. It looks back some seconds each time and remembers what it sent, because two transactions may commit in
//! another order than their ids. A connection that comes back names the last event it got and receives what it missed.

use super::feed::EVENT_READ;
use atalaya_kernel::{
    Ctx, Error, Permission, Permissions,
    events::{self, Event, EventFilter, TenantEvent},
    ids::EventId,
    runtime::Runtime,
    time::Timestamp,
};
use axum::{
    Extension,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use futures::{Stream, stream};
use std::{
    collections::{HashMap, HashSet, VecDeque},
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
/// Events sent again at most when a connection resumes.
const RESUME: i64 = 1_000;

/// Hands events to connections.
pub struct Hub {
    sender: broadcast::Sender<Arc<TenantEvent>>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0 }
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
            let events = events::since(&mut tx, since, 10_000).await?;
            tx.rollback().await?;
            for event in events {
                let is_new = seen.insert(event.event.id.clone(), event.event.occurred_at).is_none();
                if is_new && !first {
                    // Nobody listening is fine.
                    let _ = self.sender.send(Arc::new(event));
                }
            }
            first = false;
            seen.retain(|_, at| *at >= since);
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }
}

/// Which right the events of a noun ask for.
pub(super) fn may_see(permissions: &Permissions, kind: &str) -> bool {
    let noun = kind.split('.').next().unwrap_or_default();
    let right = match noun {
        "payment" => "payment.read",
        "invoice" => "invoice.read",
        "plan" => "plan.read",
        "service" | "attachment" | "point" | "timeline" => "service.read",
        "collections" => "collections.read",
        "customer" => "customer.read",
        "device" => "device.read",
        "agent" => "agent.read",
        "site" => "site.read",
        "user" => "user.read",
        _ => "audit.read",
    };
    permissions.allow(Permission(right))
}

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(connect))
}

/// Live events, as server-sent events; resumes after `Last-Event-ID`.
#[utoipa::path(get, path = "/stream", tag = "events", params(("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, content_type = "text/event-stream", body = Event)),
    extensions(("x-permission" = json!("event.read"))))]
async fn connect(
    ctx: Ctx,
    Extension(hub): Extension<Arc<Hub>>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    ctx.authorize(EVENT_READ)?;
    // Listening starts before the missed ones are read, so that none falls between.
    let live = hub.sender.subscribe();
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<EventId>().ok());
    let missed = match last {
        Some(last) => missed(&ctx, last).await?,
        None => VecDeque::new(),
    };
    let events = Connection { ctx, sent: HashSet::new(), missed, live }.into_stream();
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(5)).text("alive");
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

/// Events after the last one that a connection got, oldest first.
async fn missed(ctx: &Ctx, last: EventId) -> Result<VecDeque<Event>, Error> {
    let mut tx = ctx.begin_read().await?;
    let filter = EventFilter { after: Some(last), limit: RESUME, ..EventFilter::default() };
    let mut events = events::list(&mut tx, &filter).await?;
    events.reverse();
    Ok(events.into())
}

struct Connection {
    ctx: Ctx,
    sent: HashSet<EventId>,
    missed: VecDeque<Event>,
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
        loop {
            let event = match self.missed.pop_front() {
                Some(event) => event,
                None => match self.live.recv().await {
                    Ok(event) if event.tenant == *self.ctx.tenant() => event.event.clone(),
                    Ok(_) => continue,
                    // Too slow, or the process stops: the browser comes back with its last id.
                    Err(_) => return None,
                },
            };
            if !may_see(self.ctx.permissions(), &event.kind) || !self.sent.insert(event.id.clone()) {
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
