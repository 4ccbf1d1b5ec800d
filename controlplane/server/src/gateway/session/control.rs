//! Control lane: greeting, heartbeats, configuration.

use std::time::Duration;

use atalaya_pki::AgentIdentity;
use atalaya_protocol::{
    FrameLimits, Lane, Message,
    version::{self, VersionUnsupported},
    wire::{GoodbyeReason, HeartbeatAck, Hello, HelloAck, LaneCredit},
};
use quinn::Connection;

use super::{End, LaneEnd, Lanes, METRIC_CREDIT, REPORT_CREDIT, Stream, protocol_error, unexpected};
use crate::gateway::{
    backend::{Refusal, Session, SessionGrant},
    framed::{FramedRecv, FramedSend},
    listener::Shared,
};

/// An admitted agent, told so.
pub(super) struct Greeted {
    pub(super) session: Session,
    pub(super) grant: SessionGrant,
    /// Version of the configuration that the agent came with.
    pub(super) config_held: u64,
    pub(super) stream: Stream,
}

/// `Hello` and its answer.
pub(super) async fn greet(
    shared: &Shared,
    connection: &Connection,
    identity: AgentIdentity,
) -> Result<Greeted, End> {
    let (send, recv) = connection.accept_bi().await.map_err(|error| End::Gone(error.to_string()))?;
    let mut recv = FramedRecv::new(recv, FrameLimits::for_gateway());
    let mut send = FramedSend::new(Lane::Control, send);
    let hello = match recv.next().await? {
        Message::Hello(hello) => hello,
        other => return Err(protocol_error(&format!("{} before Hello", other.name()))),
    };
    let spoken = check(&hello)?;
    let from = connection.remote_address().ip().to_canonical();
    let grant = shared.backend.sessions.hello(&identity, from, &hello).await.map_err(End::Refused)?;
    let ack = HelloAck {
        protocol_version: spoken,
        server_time_ms: shared.now_ms(),
        session_epoch: grant.epoch,
        timeline: grant.timeline,
        heartbeat_interval_ms: u32::try_from(grant.heartbeat_interval.as_millis()).unwrap_or(u32::MAX),
        credit: [
            (Lane::Live, METRIC_CREDIT),
            (Lane::Backlog, METRIC_CREDIT),
            (Lane::State, REPORT_CREDIT),
            (Lane::Jobs, REPORT_CREDIT),
        ]
        .map(|(lane, credit)| LaneCredit { lane: lane.number().into(), credit })
        .to_vec(),
    };
    send.send(&ack).await?;
    let session = Session { identity, epoch: grant.epoch };
    Ok(Greeted { session, grant, config_held: hello.config_version, stream: Stream { send, recv } })
}

/// Version, and the lengths of what is stored as keys.
fn check(hello: &Hello) -> Result<u32, End> {
    let spoken = version::negotiate(hello.protocol_version).map_err(|error: VersionUnsupported| {
        End::Refused(Refusal {
            reason: GoodbyeReason::VersionUnsupported,
            detail: error.to_string(),
            retry_after: Duration::from_secs(3_600),
        })
    })?;
    for (name, length, bytes) in [
        ("run_id", 16, &hello.run_id),
        ("buffer_epoch", 16, &hello.buffer_epoch),
        ("sealing_key", 32, &hello.sealing_key),
        ("desired_digest", 32, &hello.desired_digest),
    ] {
        if bytes.len() != length {
            return Err(protocol_error(&format!("Hello.{name} has {} bytes, not {length}", bytes.len())));
        }
    }
    Ok(spoken)
}

/// Heartbeats in, configuration out.
pub(super) async fn serve(lanes: &Lanes<'_>, stream: Stream, config_held: u64) -> LaneEnd {
    let Stream { mut send, mut recv } = stream;
    let backend = &lanes.shared.backend;
    let mut standing = lanes.standing.clone();
    let mut sent = config_held;
    loop {
        let wanted = standing.borrow_and_update().config_version;
        // Not "higher": a restored backup may have fallen behind what the agent got from it earlier.
        if wanted != sent {
            let config = lanes.durably("config", || backend.network.config(&lanes.session)).await;
            sent = wanted.max(config.version);
            send.send(&config).await?;
        }
        tokio::select! {
            changed = standing.changed() => {
                changed.map_err(|_| End::Gone("the session was dropped".into()))?;
            }
            message = recv.next() => match message? {
                Message::Heartbeat(heartbeat) => {
                    // Answered even if it could not be kept: the agent is alive, the database is not.
                    if let Err(error) = backend.sessions.heartbeat(&lanes.session, heartbeat).await {
                        tracing::warn!(agent = lanes.session.identity.agent, %error, "heartbeat not kept");
                    }
                    send.send(&HeartbeatAck { server_time_ms: lanes.shared.now_ms() }).await?;
                }
                Message::ConfigApplied(applied) => {
                    let call = || backend.network.config_applied(&lanes.session, applied.clone());
                    lanes.durably("config applied", call).await;
                }
                Message::Goodbye(goodbye) => {
                    return Err(End::Gone(format!("{}: {}", goodbye.reason().as_str_name(), goodbye.detail)));
                }
                other => unexpected(&other)?,
            }
        }
    }
}
