//! One connection, from `Hello` to its end.
//!
//! Every lane has two halves, a reader and a writer, which never wait for each other longer than a bounded queue
//! allows; all run in one task, and the first that ends ends the session.

mod control;
mod jobs;
mod metrics;
mod state;

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use atalaya_protocol::{
    FrameLimits, Lane, Message, MessageError, version,
    wire::{Goodbye, GoodbyeReason, HelloAck, LaneOpen},
};
use prost::Message as _;
use quinn::ConnectionError;
use tokio_util::sync::CancellationToken;

use super::{
    Ports, UplinkSettings,
    framed::{FramedRecv, FramedSend, StreamError},
    ports::PortError,
    quic::{ConnectError, Link, is_certificate_expired},
};

/// Frames queued between the halves of a lane: more than the credit of any lane we receive on.
const QUEUE: usize = 32;

/// Why there is no session any more, or was none.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionEnd {
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Headquarters ended it on purpose.
    #[error("headquarters ended the connection ({}): {}", .0.reason().as_str_name(), .0.detail)]
    Goodbye(Goodbye),
    /// The gateway says that our certificate ended.
    #[error("the certificate ended")]
    CertificateExpired,
    /// No answer to `Hello`, or none to heartbeats.
    #[error("headquarters does not answer")]
    Silent,
    /// The network.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The peer does not follow the protocol.
    #[error("protocol error: {0}")]
    Protocol(String),
    /// Our own disk or buffer.
    #[error(transparent)]
    Port(PortError),
    /// We were asked to stop.
    #[error("stopping")]
    Stopped,
}

impl From<StreamError> for SessionEnd {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Read(_) | StreamError::Write(_) | StreamError::Finished { .. } => {
                Self::Lost(error.to_string())
            }
            StreamError::Frame(_) | StreamError::Message(_) | StreamError::Lane { .. } => {
                Self::Protocol(error.to_string())
            }
        }
    }
}

impl From<MessageError> for SessionEnd {
    fn from(error: MessageError) -> Self {
        Self::Protocol(error.to_string())
    }
}

/// Halves of lanes end only by failing.
type Half = Result<Infallible, SessionEnd>;

/// A connection and all it serves.
pub(super) struct Session<'a> {
    pub(super) link: &'a Link,
    pub(super) ports: &'a Ports,
    pub(super) settings: &'a UplinkSettings,
    pub(super) unknown_frames: &'a AtomicU64,
}

impl Session<'_> {
    /// Greets, then serves every lane until one ends. `greeted` is called once headquarters answered.
    pub(super) async fn run(&self, stop: &CancellationToken, greeted: impl FnOnce()) -> SessionEnd {
        let serving = async {
            let (send, recv) = self.open_stream(Lane::Control).await?;
            let mut control = control::Control::new(self, send, recv);
            let ack = control.greet().await?;
            greeted();
            self.serve(control, &ack).await
        };
        let end = tokio::select! {
            () = stop.cancelled() => return SessionEnd::Stopped,
            ended = serving => match ended {
                Ok(never) => match never {},
                Err(end) => end,
            },
        };
        self.explain(end).await
    }

    /// Tells the peer why we go.
    pub(super) async fn farewell(&self, end: &SessionEnd) {
        let (reason, detail) = match end {
            SessionEnd::Stopped => (GoodbyeReason::Shutdown, String::new()),
            SessionEnd::Protocol(detail) => (GoodbyeReason::ProtocolError, detail.clone()),
            _ => (GoodbyeReason::Unspecified, end.to_string()),
        };
        // A close fits one packet.
        let detail = detail.chars().take(200).collect();
        let goodbye = Goodbye { reason: reason.into(), detail, retry_after_ms: 0 };
        let code = u32::try_from(i32::from(reason)).unwrap_or(0);
        self.link.close(code, &goodbye.encode_to_vec()).await;
    }

    async fn serve(&self, control: control::Control<'_>, ack: &HelloAck) -> Half {
        let credit = |lane: Lane| {
            ack.credit
                .iter()
                .find(|granted| granted.lane == u32::from(lane.number()))
                .map_or(1, |granted| granted.credit)
        };
        // What is confirmed from here on is live.
        let end = self.ports.samples.end();
        let live = metrics::MetricLane::live(self, end, credit(Lane::Live));
        let backlog = metrics::MetricLane::backlog(self, end, credit(Lane::Backlog));
        tokio::try_join!(
            control.serve(ack),
            state::serve(self, credit(Lane::State)),
            jobs::serve(self, credit(Lane::Jobs)),
            live.serve(),
            backlog.serve(),
        )
        .map(|(never, ..)| never)
    }

    /// Opens the stream of a lane; all but control say at once which they are.
    async fn open_stream(&self, lane: Lane) -> Result<(FramedSend, FramedRecv), SessionEnd> {
        let (send, recv) =
            self.link.connection.open_bi().await.map_err(|error| SessionEnd::Lost(error.to_string()))?;
        let mut send = FramedSend::new(send);
        if lane != Lane::Control {
            send.send(&version::encode_on(lane, &LaneOpen {})?).await?;
        }
        Ok((send, FramedRecv::new(lane, recv, FrameLimits::for_agent())))
    }

    /// A message that does not belong where it came: of a newer peer (counted) or out of place (an error).
    fn unexpected(&self, message: &Message) -> Result<(), SessionEnd> {
        match message {
            Message::Unknown(number) => {
                self.unknown_frames.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(number, "frame of an unknown type skipped");
                Ok(())
            }
            known => Err(SessionEnd::Protocol(format!("unexpected {}", known.name()))),
        }
    }

    /// A broken stream says little; the connection's own end says why, and may come a moment after its streams'.
    async fn explain(&self, end: SessionEnd) -> SessionEnd {
        if !matches!(end, SessionEnd::Lost(_)) {
            return end;
        }
        match tokio::time::timeout(CLOSE_FOLLOWS, self.link.connection.closed()).await.ok() {
            Some(ConnectionError::ApplicationClosed(close)) => match Goodbye::decode(close.reason.clone()) {
                Ok(goodbye) => SessionEnd::Goodbye(goodbye),
                Err(_) => SessionEnd::Lost(close.to_string()),
            },
            Some(error) if is_certificate_expired(&error) => SessionEnd::CertificateExpired,
            Some(error) => SessionEnd::Lost(error.to_string()),
            None => end,
        }
    }
}

/// Puts a frame into a lane's queue.
async fn enqueue(
    queue: &tokio::sync::mpsc::Sender<bytes::Bytes>,
    frame: bytes::Bytes,
) -> Result<(), SessionEnd> {
    queue.send(frame).await.map_err(|_| SessionEnd::Lost("the lane ended".into()))
}

/// How long after its streams a connection's close may come.
const CLOSE_FOLLOWS: Duration = Duration::from_secs(1);
/// How long headquarters may take to answer `Hello`.
const GREETING_TIMEOUT: Duration = Duration::from_secs(20);
