//! One agent's connection: greeting, then a loop per lane in one task, until one of them ends.
//!
//! The loops never starve each other, because an agent's reading does not depend on its writing: whatever we write is
//! read, so awaiting a write here cannot lock.

mod control;
mod jobs;
mod metrics;
mod state;

use std::{convert::Infallible, future::Future, time::Duration};

use atalaya_pki::AgentIdentity;
use atalaya_protocol::{FrameLimits, Lane, Message, MessageError, wire::GoodbyeReason};
use quinn::{Connection, SendStream};
use tokio::sync::watch;

use super::{
    backend::{BackendError, Refusal, Session, Standing, Verdict},
    framed::{FramedRecv, FramedSend, StreamError, close},
    listener::Shared,
};

/// From the handshake to `Hello`, and from there to the last lane's stream.
const OPENING_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a superseded connection may take to show that somebody is there, and how often that is looked at.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const ANSWER_POLL: Duration = Duration::from_millis(20);
/// Unacknowledged metric batches per lane.
const METRIC_CREDIT: u32 = 16;
/// Unacknowledged observed reports, and job results.
const REPORT_CREDIT: u32 = 8;
/// Lanes that an agent opens after `HelloAck`.
const LANES: [Lane; 4] = [Lane::State, Lane::Jobs, Lane::Live, Lane::Backlog];

/// Why a session ends.
#[derive(Debug)]
enum End {
    /// We send the agent away.
    Refused(Refusal),
    /// The connection is gone, or the agent went.
    Gone(String),
}

impl From<StreamError> for End {
    fn from(error: StreamError) -> Self {
        if error.is_peers_fault() { protocol_error(&error) } else { Self::Gone(error.to_string()) }
    }
}

impl From<MessageError> for End {
    fn from(error: MessageError) -> Self {
        protocol_error(&error)
    }
}

fn protocol_error(error: &dyn std::fmt::Display) -> End {
    End::Refused(Refusal {
        reason: GoodbyeReason::ProtocolError,
        detail: error.to_string(),
        retry_after: Duration::from_secs(30),
    })
}

fn unexpected(message: &Message) -> Result<(), End> {
    match message {
        // Of a newer agent: skipped. It counts what we skip by what it does not get answered.
        Message::Unknown(number) => {
            tracing::debug!(number, "frame of an unknown type skipped");
            Ok(())
        }
        known => Err(protocol_error(&format!("unexpected {}", known.name()))),
    }
}

/// Lanes end only by ending the session.
type LaneEnd = Result<Infallible, End>;

/// What the lanes of a session share.
struct Lanes<'a> {
    shared: &'a Shared,
    session: Session,
    standing: watch::Receiver<Standing>,
}

/// A stream that said which lane it is.
struct Stream {
    send: FramedSend,
    recv: FramedRecv,
}

/// Serves an agent to its end.
pub(super) async fn serve(shared: &Shared, connection: Connection, identity: AgentIdentity) {
    let agent = identity.agent.clone();
    let end = match greet_and_serve(shared, &connection, identity).await {
        Ok(never) => match never {},
        Err(end) => end,
    };
    match end {
        End::Refused(refusal) => {
            tracing::info!(agent, reason = ?refusal.reason, detail = refusal.detail, "agent sent away");
            close(&connection, &refusal);
        }
        End::Gone(reason) => {
            tracing::info!(agent, reason, "agent gone");
            connection.close(0u32.into(), b"");
        }
    }
}

async fn greet_and_serve(shared: &Shared, connection: &Connection, identity: AgentIdentity) -> LaneEnd {
    let opening = control::greet(shared, connection, identity);
    let greeted = tokio::time::timeout(OPENING_TIMEOUT, opening)
        .await
        .map_err(|_| protocol_error(&"no Hello in time"))??;
    let session = greeted.session.clone();
    let standing = shared.registry.enter(&session, greeted.grant.standing.clone());
    tracing::info!(agent = session.identity.agent, epoch = session.epoch, "agent connected");
    let lanes = Lanes { shared, session: session.clone(), standing };
    let mut running = std::pin::pin!(run_lanes(&lanes, connection, greeted));
    let end = tokio::select! {
        // First, because a superseded session's lanes see the registry drop them and would end without the reason.
        biased;
        end = lanes.closed() => {
            // The lanes stand still and are not dropped yet, so that the reason arrives before their streams' ends.
            send_away(&lanes, connection, &end).await;
            Err(end)
        }
        end = &mut running => end,
    };
    shared.registry.leave(&session);
    shared.backend.sessions.ended(&session).await;
    end
}

/// Closes the connection of a session that may not go on, with the reason.
async fn send_away(lanes: &Lanes<'_>, connection: &Connection, end: &End) {
    if let End::Refused(refusal) = end {
        if refusal.reason == GoodbyeReason::Superseded && answers(connection).await {
            lanes.shared.backend.sessions.duplicated(&lanes.session).await;
        }
        close(connection, refusal);
    }
}

/// Whether the other end of a connection is there: an agent that was killed and started again left its old connection
/// behind, a second machine with a copy of its identity did not. A new stream limit has to be acknowledged by whoever
/// still holds the connection.
async fn answers(connection: &Connection) -> bool {
    let heard = || connection.stats().frame_rx.acks;
    let before = heard();
    connection.set_max_concurrent_uni_streams(1u32.into());
    let answered = async {
        while heard() == before {
            tokio::time::sleep(ANSWER_POLL).await;
        }
    };
    tokio::time::timeout(ANSWER_WITHIN, answered).await.is_ok()
}

async fn run_lanes(lanes: &Lanes<'_>, connection: &Connection, greeted: control::Greeted) -> LaneEnd {
    let control::Greeted { grant, config_held, stream, .. } = greeted;
    let opening = async {
        let [state, jobs, live, backlog] = tokio::time::timeout(OPENING_TIMEOUT, open_lanes(connection))
            .await
            .map_err(|_| protocol_error(&"lanes missing"))??;
        tokio::try_join!(
            state::serve(lanes, state, grant.desired_held),
            jobs::serve(lanes, jobs),
            metrics::serve(lanes, live),
            metrics::serve(lanes, backlog),
        )
        .map(|(never, ..)| never)
    };
    tokio::try_join!(control::serve(lanes, stream, config_held), opening).map(|(never, _)| never)
}

/// Accepts the streams of [`LANES`], in whatever order they come.
async fn open_lanes(connection: &Connection) -> Result<[Stream; 4], End> {
    let mut found: [Option<Stream>; 4] = Default::default();
    while found.iter().any(Option::is_none) {
        let (send, recv) = connection.accept_bi().await.map_err(|error| End::Gone(error.to_string()))?;
        let (lane, stream) = open_lane(send, FramedRecv::new(recv, FrameLimits::for_gateway())).await?;
        let slot = LANES.iter().position(|expected| *expected == lane);
        match slot.and_then(|slot| found.get_mut(slot)) {
            Some(slot @ None) => *slot = Some(stream),
            _ => return Err(protocol_error(&format!("lane {} opened twice or out of place", lane.name()))),
        }
    }
    match found {
        [Some(state), Some(jobs), Some(live), Some(backlog)] => Ok([state, jobs, live, backlog]),
        _ => Err(protocol_error(&"lanes missing")),
    }
}

async fn open_lane(send: SendStream, mut recv: FramedRecv) -> Result<(Lane, Stream), End> {
    match recv.next().await? {
        Message::LaneOpen(_) => {
            let lane = recv.lane().ok_or_else(|| protocol_error(&"a stream without a lane"))?;
            Ok((lane, Stream { send: FramedSend::new(lane, send), recv }))
        }
        other => Err(protocol_error(&format!("{} before LaneOpen", other.name()))),
    }
}

impl Lanes<'_> {
    /// Waits until the session may not go on.
    async fn closed(&self) -> End {
        let mut standing = self.standing.clone();
        loop {
            if let Verdict::Close(refusal) = &standing.borrow_and_update().verdict {
                return End::Refused(refusal.clone());
            }
            if standing.changed().await.is_err() {
                return End::Gone("the session was dropped".into());
            }
        }
    }

    /// Repeats a call until it succeeds. What waits for it is not acknowledged meanwhile.
    async fn durably<T, F: Future<Output = Result<T, BackendError>>>(
        &self,
        what: &'static str,
        call: impl Fn() -> F,
    ) -> T {
        let mut wait = Duration::from_millis(200);
        loop {
            match call().await {
                Ok(value) => return value,
                Err(error) => {
                    tracing::warn!(agent = self.session.identity.agent, what, %error, "not durable: tried again");
                }
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(10));
        }
    }
}
