//! Control lane: greeting, heartbeats, configuration.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use atalaya_protocol::{
    Message, version,
    wire::{AgentConfig, Heartbeat, Hello, HelloAck},
};
use bytes::Bytes;
use tokio::sync::mpsc;

use super::{GREETING_TIMEOUT, Half, QUEUE, Session, SessionEnd, enqueue};
use crate::uplink::framed::{FramedRecv, FramedSend};

/// Heartbeats unanswered before the gateway counts as stuck though its QUIC answers.
const MISSED_HEARTBEATS: u32 = 4;
/// Bounds of the interval that headquarters may ask for.
const HEARTBEAT_BOUNDS: std::ops::RangeInclusive<u32> = 500..=300_000;

pub(super) struct Control<'a> {
    session: &'a Session<'a>,
    send: FramedSend,
    recv: FramedRecv,
}

impl<'a> Control<'a> {
    pub(super) fn new(session: &'a Session<'a>, send: FramedSend, recv: FramedRecv) -> Self {
        Self { session, send, recv }
    }

    /// `Hello` and its answer, which brings the time.
    pub(super) async fn greet(&mut self) -> Result<HelloAck, SessionEnd> {
        let ports = self.session.ports;
        let sent_ms = ports.clock.local_ms();
        let hello = Hello {
            protocol_version: version::CURRENT,
            agent_version: env!("CARGO_PKG_VERSION").into(),
            run_id: Bytes::copy_from_slice(&self.session.settings.run_id),
            agent_time_ms: sent_ms,
            sealing_key: Bytes::copy_from_slice(&self.session.settings.sealing_key),
            config_version: ports.config.version(),
            highest_order: Some(ports.desired.highest_order()),
            desired_digest: Bytes::copy_from_slice(&ports.desired.digest()),
            buffer_epoch: Bytes::copy_from_slice(&ports.samples.end().epoch),
        };
        self.send.send(&version::encode(&hello)?).await?;
        let answer = tokio::time::timeout(GREETING_TIMEOUT, self.recv.next());
        match answer.await.map_err(|_| SessionEnd::Silent)?? {
            Message::HelloAck(ack) => {
                version::negotiate(ack.protocol_version)
                    .map_err(|error| SessionEnd::Protocol(error.to_string()))?;
                learn(self.session, sent_ms, ack.server_time_ms);
                Ok(ack)
            }
            Message::Goodbye(goodbye) => Err(SessionEnd::Goodbye(goodbye)),
            other => Err(SessionEnd::Protocol(format!("{} before HelloAck", other.name()))),
        }
    }

    /// Heartbeats out, configuration in.
    pub(super) async fn serve(self, ack: &HelloAck) -> Half {
        let interval_ms = ack.heartbeat_interval_ms.clamp(*HEARTBEAT_BOUNDS.start(), *HEARTBEAT_BOUNDS.end());
        let interval = Duration::from_millis(interval_ms.into());
        let sent_ms = AtomicI64::new(0);
        let (queue, answers) = mpsc::channel(QUEUE);
        tokio::try_join!(
            write(self.session, self.send, answers, interval, &sent_ms),
            read(self.session, self.recv, queue, interval * MISSED_HEARTBEATS, &sent_ms),
        )
        .map(|(never, _)| never)
    }
}

/// The server's clock at the middle of the round trip.
fn learn(session: &Session<'_>, sent_ms: i64, server_time_ms: i64) {
    let clock = &session.ports.clock;
    let received_ms = clock.local_ms();
    let round_trip_ms = received_ms.saturating_sub(sent_ms).max(0);
    let offset_ms = server_time_ms.saturating_sub(sent_ms.saturating_add(round_trip_ms / 2));
    clock.learn_offset(offset_ms, round_trip_ms);
}

async fn write(
    session: &Session<'_>,
    mut send: FramedSend,
    mut answers: mpsc::Receiver<Bytes>,
    interval: Duration,
    sent_ms: &AtomicI64,
) -> Half {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(frame) = answers.recv() => send.send(&frame).await?,
            _ = ticks.tick() => {
                let frame = version::encode(&heartbeat(session))?;
                sent_ms.store(session.ports.clock.local_ms(), Ordering::Relaxed);
                send.send(&frame).await?;
            }
        }
    }
}

async fn read(
    session: &Session<'_>,
    mut recv: FramedRecv,
    queue: mpsc::Sender<Bytes>,
    patience: Duration,
    sent_ms: &AtomicI64,
) -> Half {
    loop {
        let message = tokio::time::timeout(patience, recv.next()).await.map_err(|_| SessionEnd::Silent)??;
        match message {
            Message::HeartbeatAck(ack) => {
                learn(session, sent_ms.load(Ordering::Relaxed), ack.server_time_ms);
            }
            Message::AgentConfig(config) => apply(session, config, &queue).await?,
            Message::Goodbye(goodbye) => return Err(SessionEnd::Goodbye(goodbye)),
            other => session.unexpected(&other)?,
        }
    }
}

async fn apply(
    session: &Session<'_>,
    config: AgentConfig,
    queue: &mpsc::Sender<Bytes>,
) -> Result<(), SessionEnd> {
    let applied = session.ports.config.received(config).await;
    if !applied.error.is_empty() {
        tracing::warn!(version = applied.version, error = applied.error, "configuration refused");
    }
    enqueue(queue, version::encode(&applied)?).await
}

fn heartbeat(session: &Session<'_>) -> Heartbeat {
    let ports = session.ports;
    let backlog = ports.samples.stats();
    Heartbeat {
        agent_time_ms: ports.clock.local_ms(),
        backlog_batches: backlog.batches,
        backlog_bytes: backlog.bytes,
        oldest_unsent_ms: backlog.oldest_unsent_ms,
        buffer_state: backlog.state.into(),
        evicted_samples: backlog.evicted_samples,
        quarantined_databases: backlog.quarantined_databases,
        clock_offset_ms: ports.clock.offset_ms(),
        unknown_frames: session.unknown_frames.load(Ordering::Relaxed),
        devices: ports.health.devices(),
        cuts_held_reason: ports.health.cuts_held_reason(),
    }
}
