//! Frames on a QUIC stream.

use atalaya_protocol::{Frame, FrameDecoder, FrameError, FrameLimits, Lane, Message, MessageError};
use bytes::Bytes;
use quinn::{ReadError, RecvStream, SendStream, WriteError};

/// Bytes asked of a stream at once.
const READ_BYTES: usize = 64 << 10;

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The peer ended the stream; a session's streams last as long as it.
    #[error("the gateway ended the {} lane", lane.name())]
    Finished {
        /// Which.
        lane: Lane,
    },
    /// The connection is gone.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The connection is gone.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The peer does not speak our protocol.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The peer does not speak our protocol.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// A frame of another lane than the stream's.
    #[error("a frame of lane {} on the {} lane", found.name(), lane.name())]
    Lane {
        /// The stream's.
        lane: Lane,
        /// The frame's.
        found: Lane,
    },
}

/// The receiving half of a lane. [`FramedRecv::next`] may be cancelled between frames without loss.
#[derive(Debug)]
pub struct FramedRecv {
    lane: Lane,
    stream: RecvStream,
    decoder: FrameDecoder,
}

impl FramedRecv {
    /// Reads frames of `lane` from a stream.
    pub fn new(lane: Lane, stream: RecvStream, limits: FrameLimits) -> Self {
        Self { lane, stream, decoder: FrameDecoder::new(limits) }
    }

    /// The next message.
    ///
    /// # Errors
    /// [`StreamError`]; the stream is of no more use.
    pub async fn next(&mut self) -> Result<Message, StreamError> {
        loop {
            if let Some(frame) = self.decoder.next_frame()? {
                return self.message(frame);
            }
            match self.stream.read_chunk(READ_BYTES, true).await? {
                Some(chunk) => self.decoder.extend(&chunk.bytes),
                None => return Err(StreamError::Finished { lane: self.lane }),
            }
        }
    }

    fn message(&self, frame: Frame) -> Result<Message, StreamError> {
        if frame.lane == self.lane {
            Ok(Message::decode(frame)?)
        } else {
            Err(StreamError::Lane { lane: self.lane, found: frame.lane })
        }
    }
}

/// The sending half of a lane.
#[derive(Debug)]
pub struct FramedSend(SendStream);

impl FramedSend {
    /// Writes whole frames to a stream.
    pub fn new(stream: SendStream) -> Self {
        Self(stream)
    }

    /// Writes the bytes of a frame.
    ///
    /// # Errors
    /// [`StreamError::Write`].
    pub async fn send(&mut self, frame: &Bytes) -> Result<(), StreamError> {
        Ok(self.0.write_all(frame).await?)
    }

    /// Writes a frame in two halves, so that a test can cut between them.
    ///
    /// # Errors
    /// [`StreamError::Write`].
    pub async fn send_in_halves(&mut self, frame: &Bytes) -> Result<(), StreamError> {
        let (first, second) = frame.split_at(frame.len() / 2);
        self.0.write_all(first).await?;
        crate::fault::point_on_the_wire("uplink.mid_frame").await;
        Ok(self.0.write_all(second).await?)
    }

    /// Nothing more will be written.
    pub fn finish(&mut self) {
        // Fails only when the stream is closed already, which is the aim.
        let _ = self.0.finish();
    }
}
