//! Frames: the unit that travels, on a QUIC stream per lane or, with the same bytes, on one TLS/TCP connection.
//!
//! `length u32 | lane u8 | type u16 | body`, big endian; the length covers everything after itself. The lane stands
//! in every frame so that a single byte stream can carry them all; over QUIC it must equal the lane of its stream.
//!
//! The decoder looks at the seven bytes of the header, decides, and only then takes memory for the body.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Bytes before the body.
pub const HEADER_BYTES: usize = 7;
/// Bytes that the length field itself takes.
const LENGTH_BYTES: usize = 4;
/// Bytes that the length counts besides the body: lane and type.
const COUNTED_HEADER_BYTES: usize = HEADER_BYTES - LENGTH_BYTES;

/// An independent flow of frames: none waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Lane {
    /// Greeting, health, configuration, farewell; on the enrolment ALPN its requests and answers.
    Control = 0,
    /// Desired and observed state.
    State = 1,
    /// One-off orders and their results.
    Jobs = 2,
    /// Metrics measured since the connection stood.
    Live = 3,
    /// Metrics measured before.
    Backlog = 4,
    /// Large transfers. Reserved: no message of version 1 uses it.
    Bulk = 5,
}

impl Lane {
    /// Every lane, by number.
    pub const ALL: [Self; 6] =
        [Self::Control, Self::State, Self::Jobs, Self::Live, Self::Backlog, Self::Bulk];

    /// Its number on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The lane of a number, `None` when there is none.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Its name for logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::State => "state",
            Self::Jobs => "jobs",
            Self::Live => "live",
            Self::Backlog => "backlog",
            Self::Bulk => "bulk",
        }
    }
}

/// Largest body accepted on each lane, bytes.
#[derive(Debug, Clone, Copy)]
pub struct FrameLimits([usize; Lane::ALL.len()]);

impl FrameLimits {
    /// What an agent accepts from headquarters: a configuration may name a thousand devices.
    pub const fn for_agent() -> Self {
        Self([4 << 20, 1 << 20, 1 << 20, 64 << 10, 64 << 10, 64 << 10])
    }

    /// What headquarters accepts from an agent: batches and reports, in parts.
    pub const fn for_gateway() -> Self {
        Self([1 << 20, 1 << 20, 4 << 20, 2 << 20, 2 << 20, 64 << 10])
    }

    /// Enrolment, either way: certificates and requests only, by peers not yet known.
    pub const fn for_enrolment() -> Self {
        Self([32 << 10, 0, 0, 0, 0, 0])
    }

    /// The bound of one lane.
    pub const fn of(&self, lane: Lane) -> usize {
        self.0[lane as usize]
    }
}

/// One frame. The type is a number of [`crate::version`] or one that this program does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its flow.
    pub lane: Lane,
    /// What the body is.
    pub type_number: u16,
    /// Protobuf bytes of the message.
    pub body: Bytes,
}

impl Frame {
    /// The bytes that travel.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] when the body's length does not fit the length field.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), FrameError> {
        put_header(out, self.lane, self.type_number, self.body.len())?;
        out.extend_from_slice(&self.body);
        Ok(())
    }
}

/// Writes the header of a body that follows.
pub(crate) fn put_header(
    out: &mut BytesMut,
    lane: Lane,
    type_number: u16,
    body: usize,
) -> Result<(), FrameError> {
    let counted = body
        .checked_add(COUNTED_HEADER_BYTES)
        .and_then(|counted| u32::try_from(counted).ok())
        .ok_or(FrameError::TooLarge { lane, length: body, limit: u32::MAX as usize })?;
    out.reserve(HEADER_BYTES + body);
    out.put_u32(counted);
    out.put_u8(lane.number());
    out.put_u16(type_number);
    Ok(())
}

/// Why a byte stream cannot be read on. After one of these the connection has no meaning left.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The length leaves no room for lane and type.
    #[error("frame of {0} bytes is too short for its header")]
    TooShort(u32),
    /// The lane number is none of ours.
    #[error("lane {0} does not exist")]
    UnknownLane(u8),
    /// The body is larger than its lane allows.
    #[error("frame of {length} bytes on lane {} exceeds {limit}", lane.name())]
    TooLarge {
        /// Its lane.
        lane: Lane,
        /// Bytes of the body, as declared.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
}

/// Cuts a byte stream into frames, however it arrives.
#[derive(Debug)]
pub struct FrameDecoder {
    limits: FrameLimits,
    buffer: BytesMut,
}

impl FrameDecoder {
    /// An empty decoder.
    pub fn new(limits: FrameLimits) -> Self {
        Self { limits, buffer: BytesMut::new() }
    }

    /// Takes bytes as they came. The caller alternates with [`Self::next_frame`] until it answers `None`, so that
    /// no more than one frame and one read are held.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, `None` while more bytes are needed.
    ///
    /// # Errors
    /// [`FrameError`]; the stream cannot be read on.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(header) = self.buffer.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let [a, b, c, d, lane, e, f] = *header;
        let counted = u32::from_be_bytes([a, b, c, d]);
        let length = usize::try_from(counted)
            .ok()
            .and_then(|counted| counted.checked_sub(COUNTED_HEADER_BYTES))
            .ok_or(FrameError::TooShort(counted))?;
        let lane = Lane::from_number(lane).ok_or(FrameError::UnknownLane(lane))?;
        let limit = self.limits.of(lane);
        if length > limit {
            return Err(FrameError::TooLarge { lane, length, limit });
        }
        let whole = HEADER_BYTES + length;
        if self.buffer.len() < whole {
            self.buffer.reserve(whole - self.buffer.len());
            return Ok(None);
        }
        self.buffer.advance(HEADER_BYTES);
        let body = self.buffer.split_to(length).freeze();
        Ok(Some(Frame { lane, type_number: u16::from_be_bytes([e, f]), body }))
    }

    /// Whether bytes of an unfinished frame are held: a stream that ends then was cut.
    pub fn is_mid_frame(&self) -> bool {
        !self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame() -> impl Strategy<Value = Frame> {
        (0..Lane::ALL.len(), any::<u16>(), proptest::collection::vec(any::<u8>(), 0..300)).prop_map(
            |(lane, type_number, body)| Frame { lane: Lane::ALL[lane], type_number, body: body.into() },
        )
    }

    proptest! {
        #[test]
        fn any_cut_of_the_stream_gives_the_same_frames(
            frames in proptest::collection::vec(frame(), 0..8),
            pieces in proptest::collection::vec(1usize..50, 1..100),
        ) {
            let mut bytes = BytesMut::new();
            for frame in &frames {
                frame.encode(&mut bytes).unwrap();
            }
            let mut decoder = FrameDecoder::new(FrameLimits::for_gateway());
            let mut decoded = Vec::new();
            let mut sizes = pieces.into_iter().cycle();
            while !bytes.is_empty() {
                let size = sizes.next().unwrap().min(bytes.len());
                decoder.extend(&bytes.split_to(size));
                while let Some(frame) = decoder.next_frame().unwrap() {
                    decoded.push(frame);
                }
            }
            prop_assert!(!decoder.is_mid_frame());
            prop_assert_eq!(decoded, frames);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut decoder = FrameDecoder::new(FrameLimits::for_gateway());
            decoder.extend(&bytes);
            while let Ok(Some(_)) = decoder.next_frame() {}
        }
    }

    #[test]
    fn a_large_frame_is_refused_by_its_header_alone() {
        let mut decoder = FrameDecoder::new(FrameLimits::for_gateway());
        decoder.extend(&[0x7f, 0xff, 0xff, 0xff, Lane::Live.number(), 0, 1]);
        assert!(matches!(decoder.next_frame(), Err(FrameError::TooLarge { lane: Lane::Live, .. })));
        assert!(decoder.buffer.capacity() < 1024, "no memory is taken for what is refused");
    }

    #[test]
    fn enrolment_knows_only_the_control_lane() {
        let mut decoder = FrameDecoder::new(FrameLimits::for_enrolment());
        decoder.extend(&[0, 0, 0, 4, Lane::Live.number(), 0, 1, 9]);
        assert!(matches!(decoder.next_frame(), Err(FrameError::TooLarge { limit: 0, .. })));
    }

    #[test]
    fn short_lengths_and_unknown_lanes_are_errors() {
        for (bytes, error) in [
            ([0, 0, 0, 2, 0, 0, 1], FrameError::TooShort(2)),
            ([0, 0, 0, 3, 9, 0, 1], FrameError::UnknownLane(9)),
        ] {
            let mut decoder = FrameDecoder::new(FrameLimits::for_gateway());
            decoder.extend(&bytes);
            assert_eq!(decoder.next_frame(), Err(error));
        }
    }
}
