//! Frames on a QUIC stream, and the farewell of a connection.

use atalaya_protocol::{
    Frame, FrameDecoder, FrameError, FrameLimits, Lane, Message, MessageError, WireMessage, version,
    wire::Goodbye,
};
use prost::Message as _;
use quinn::{Connection, ReadError, RecvStream, SendStream, VarInt, WriteError};

use super::backend::Refusal;

const READ_BYTES: usize = 64 << 10;

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    #[error("the agent ended the stream")]
    Finished,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Message(#[from] MessageError),
    #[error("a frame of lane {} on the {} lane", found.name(), lane.name())]
    Lane { lane: Lane, found: Lane },
}

impl StreamError {
    /// Whether the peer broke the protocol, as opposed to the network breaking.
    pub(super) fn is_peers_fault(&self) -> bool {
        matches!(self, Self::Frame(_) | Self::Message(_) | Self::Lane { .. })
    }
}

/// The receiving half of a stream. The first frame decides which lane it is. May be cancelled between frames.
pub(super) struct FramedRecv {
    lane: Option<Lane>,
    stream: RecvStream,
    decoder: FrameDecoder,
}

impl FramedRecv {
    pub(super) fn new(stream: RecvStream, limits: FrameLimits) -> Self {
        Self { lane: None, stream, decoder: FrameDecoder::new(limits) }
    }

    /// The lane, once a frame came.
    pub(super) fn lane(&self) -> Option<Lane> {
        self.lane
    }

    pub(super) async fn next(&mut self) -> Result<Message, StreamError> {
        loop {
            if let Some(frame) = self.decoder.next_frame()? {
                return self.message(frame);
            }
            match self.stream.read_chunk(READ_BYTES, true).await? {
                Some(chunk) => self.decoder.extend(&chunk.bytes),
                None => return Err(StreamError::Finished),
            }
        }
    }

    fn message(&mut self, frame: Frame) -> Result<Message, StreamError> {
        let lane = *self.lane.get_or_insert(frame.lane);
        if frame.lane == lane {
            Ok(Message::decode(frame)?)
        } else {
            Err(StreamError::Lane { lane, found: frame.lane })
        }
    }
}

/// The sending half of a stream.
pub(super) struct FramedSend {
    lane: Lane,
    stream: SendStream,
}

impl FramedSend {
    pub(super) fn new(lane: Lane, stream: SendStream) -> Self {
        Self { lane, stream }
    }

    pub(super) async fn send<M: WireMessage>(&mut self, message: &M) -> Result<(), StreamError> {
        let frame = version::encode_on(self.lane, message)?;
        Ok(self.stream.write_all(&frame).await?)
    }

    /// Sends a message in two halves, so that a test can cut between them.
    pub(super) async fn send_in_halves<M: WireMessage>(&mut self, message: &M) -> Result<(), StreamError> {
        let frame = version::encode_on(self.lane, message)?;
        let (first, second) = frame.split_at(frame.len() / 2);
        self.stream.write_all(first).await?;
        atalaya_kernel::fault::point_on_the_wire("gateway.mid_frame").await;
        Ok(self.stream.write_all(second).await?)
    }

    /// Nothing more will be written; waits until the peer has it all or is gone.
    pub(super) async fn finish(mut self) {
        if self.stream.finish().is_ok() {
            let _ = self.stream.stopped().await;
        }
    }
}

/// Closes a connection with the reason in the close itself, which no stream can overtake.
pub(super) fn close(connection: &Connection, refusal: &Refusal) {
    let goodbye = Goodbye {
        reason: refusal.reason.into(),
        // A close fits one packet.
        detail: refusal.detail.chars().take(200).collect(),
        retry_after_ms: u32::try_from(refusal.retry_after.as_millis()).unwrap_or(u32::MAX),
    };
    let code = u32::try_from(i32::from(refusal.reason)).unwrap_or(0);
    connection.close(VarInt::from_u32(code), &goodbye.encode_to_vec());
}
