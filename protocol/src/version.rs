//! Which versions are spoken, and which number each message has: the one registry.
//!
//! Versions: both ends say the highest they speak and use the lower of the two; headquarters speaks with agents two
//! versions old. Numbers: given once, never reused, each family in its range; a removed message leaves its number
//! reserved. A number that this program does not know is a message of a newer peer: skipped and counted.
//!
//! | range | family |
//! |---|---|
//! | `0x0001`–`0x00ff` | enrolment |
//! | `0x0100`–`0x01ff` | control: greeting, health, configuration |
//! | `0x0200`–`0x02ff` | state |
//! | `0x0300`–`0x03ff` | jobs |
//! | `0x0400`–`0x04ff` | metrics |
//! | `0x0500`–`0x05ff` | bulk (reserved) |
//! | `0xf000`–`0xffff` | experiments, never in a release |

use bytes::{Bytes, BytesMut};

use crate::{
    frame::{Frame, FrameError, Lane, put_header},
    wire,
};

/// Highest version that this program speaks.
pub const CURRENT: u32 = 1;
/// Lowest version that this program speaks: at most two below [`CURRENT`].
pub const OLDEST: u32 = 1;

/// The peer speaks only versions that this program has left behind, or none.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
#[error("protocol version {peer} is older than {OLDEST}, the oldest spoken here")]
pub struct VersionUnsupported {
    /// Highest version of the peer.
    pub peer: u32,
}

/// The version to speak with a peer whose highest is `peer`.
///
/// # Errors
/// [`VersionUnsupported`] when there is none in common.
pub fn negotiate(peer: u32) -> Result<u32, VersionUnsupported> {
    if peer < OLDEST { Err(VersionUnsupported { peer }) } else { Ok(peer.min(CURRENT)) }
}

/// A message with its place on the wire.
pub trait WireMessage: prost::Message + Default {
    /// Its number in the registry.
    const TYPE: u16;
    /// The lanes it may travel on; the first is its usual one.
    const LANES: &'static [Lane];
    /// Its name, for logs.
    const NAME: &'static str;
}

/// Bytes of a framed message on one of its lanes.
///
/// # Errors
/// [`MessageError::WrongLane`]; [`MessageError::Frame`] beyond 4 GiB.
pub fn encode_on<M: WireMessage>(lane: Lane, message: &M) -> Result<Bytes, MessageError> {
    if !M::LANES.contains(&lane) {
        return Err(MessageError::WrongLane { name: M::NAME, lane });
    }
    let length = message.encoded_len();
    let mut out = BytesMut::new();
    put_header(&mut out, lane, M::TYPE, length)?;
    message.encode_raw(&mut out);
    Ok(out.freeze())
}

/// As [`encode_on`], on the message's usual lane.
///
/// # Errors
/// [`MessageError::Frame`] beyond 4 GiB.
pub fn encode<M: WireMessage>(message: &M) -> Result<Bytes, MessageError> {
    encode_on(M::LANES[0], message)
}

/// A frame was read but is no message of ours.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageError {
    /// The message does not belong on this lane.
    #[error("{name} does not travel on lane {}", lane.name())]
    WrongLane {
        /// The message.
        name: &'static str,
        /// Where it was found.
        lane: Lane,
    },
    /// The body is not the protobuf message that its number promises.
    #[error("{name} cannot be read")]
    Body {
        /// The message.
        name: &'static str,
        /// Why.
        #[source]
        source: prost::DecodeError,
    },
    /// The frame around it.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Ties each message to its number and lanes, once.
macro_rules! registry {
    ($($number:literal $name:ident on $($lane:ident)|+;)+) => {
        $(impl WireMessage for wire::$name {
            const TYPE: u16 = $number;
            const LANES: &'static [Lane] = &[$(Lane::$lane),+];
            const NAME: &'static str = stringify!($name);
        })+

        /// Any message of the protocol.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs, reason = "each variant is the wire message of its name")]
        #[allow(clippy::large_enum_variant, reason = "short-lived: decoded, matched, gone")]
        pub enum Message {
            $($name(wire::$name),)+
            /// A number that this program does not know: skip it and count it.
            Unknown(u16),
        }

        $(impl From<wire::$name> for Message {
            fn from(message: wire::$name) -> Self {
                Self::$name(message)
            }
        })+

        impl Message {
            /// Reads the body of a frame.
            ///
            /// # Errors
            /// [`MessageError::WrongLane`], [`MessageError::Body`].
            pub fn decode(frame: Frame) -> Result<Self, MessageError> {
                match frame.type_number {
                    $($number => decode_body::<wire::$name>(frame).map(Self::$name),)+
                    unknown => Ok(Self::Unknown(unknown)),
                }
            }

            /// Its name, for logs.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)+
                    Self::Unknown(_) => "unknown",
                }
            }
        }

        /// Number and name of every message, in order.
        pub const REGISTRY: &[(u16, &str)] = &[$(($number, stringify!($name))),+];
    };
}

fn decode_body<M: WireMessage>(frame: Frame) -> Result<M, MessageError> {
    if !M::LANES.contains(&frame.lane) {
        return Err(MessageError::WrongLane { name: M::NAME, lane: frame.lane });
    }
    M::decode(frame.body).map_err(|source| MessageError::Body { name: M::NAME, source })
}

registry! {
    0x0001 EnrollRequest on Control;
    0x0002 RenewRequest on Control;
    0x0003 CertificateIssued on Control;
    0x0004 EnrollError on Control;

    0x0100 Hello on Control;
    0x0101 HelloAck on Control;
    0x0102 Heartbeat on Control;
    0x0103 HeartbeatAck on Control;
    0x0104 Goodbye on Control;
    0x0105 LaneOpen on State | Jobs | Live | Backlog | Bulk;
    0x0110 AgentConfig on Control;
    0x0111 ConfigApplied on Control;

    0x0200 DesiredSnapshot on State;
    0x0201 DesiredUpdate on State;
    0x0202 DesiredAck on State;
    0x0210 ObservedReport on State;
    0x0211 ObservedAck on State;

    0x0300 Job on Jobs;
    0x0301 JobResult on Jobs;
    0x0302 JobResultAck on Jobs;
    0x0303 JobPart on Jobs;
    0x0304 JobPartAck on Jobs;
    0x0305 JobCancel on Jobs;

    0x0400 SeriesTable on Live | Backlog;
    0x0401 MetricBatch on Live | Backlog;
    0x0402 MetricAck on Live | Backlog;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;
    use crate::frame::{FrameDecoder, FrameLimits};

    #[test]
    fn numbers_are_unique_ordered_and_outside_the_experiments() {
        for pair in REGISTRY.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} before {}", pair[0].1, pair[1].1);
        }
        assert!(REGISTRY.iter().all(|(number, _)| (1..0x0500).contains(number)));
    }

    #[test]
    fn the_lower_version_is_spoken_and_the_past_refused() {
        assert_eq!(negotiate(CURRENT), Ok(CURRENT));
        assert_eq!(negotiate(CURRENT + 7), Ok(CURRENT));
        assert_eq!(negotiate(OLDEST - 1), Err(VersionUnsupported { peer: OLDEST - 1 }));
        assert!((OLDEST..OLDEST + 3).contains(&CURRENT), "agents two versions old keep working");
    }

    #[test]
    fn a_message_of_a_newer_peer_is_unknown_not_an_error() {
        let frame = Frame { lane: Lane::State, type_number: 0x02fe, body: Bytes::from_static(b"\xff\xff") };
        assert_eq!(Message::decode(frame), Ok(Message::Unknown(0x02fe)));
    }

    #[test]
    fn a_field_of_a_newer_peer_is_ignored() {
        let mut body = BytesMut::from(&wire::HeartbeatAck { server_time_ms: 5 }.encode_to_vec()[..]);
        body.extend_from_slice(&[0xfa, 0x3f, 2, 1, 2]); // field 1023, two bytes
        let frame = Frame { lane: Lane::Control, type_number: 0x0103, body: body.freeze() };
        assert_eq!(
            Message::decode(frame),
            Ok(Message::HeartbeatAck(wire::HeartbeatAck { server_time_ms: 5 }))
        );
    }

    #[test]
    fn a_message_on_the_wrong_lane_is_refused_both_ways() {
        let error = encode_on(Lane::Live, &wire::Hello::default()).unwrap_err();
        assert_eq!(error, MessageError::WrongLane { name: "Hello", lane: Lane::Live });
        let frame = Frame { lane: Lane::Live, type_number: wire::Hello::TYPE, body: Bytes::new() };
        assert_eq!(Message::decode(frame), Err(error));
    }

    proptest! {
        #[test]
        fn arbitrary_bodies_never_panic(
            entry in 0..REGISTRY.len(),
            lane in 0..Lane::ALL.len(),
            body in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let _ = Message::decode(Frame { lane: Lane::ALL[lane], type_number: REGISTRY[entry].0, body: body.into() });
        }

        #[test]
        fn a_batch_survives_the_wire(
            epoch in any::<[u8; 16]>(), sequence in any::<u64>(), correction_ms in any::<i64>(),
            sample_count in any::<u32>(), block in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let batch = wire::MetricBatch {
                epoch: Bytes::copy_from_slice(&epoch), sequence, block: block.into(), sample_count, correction_ms,
            };
            let mut decoder = FrameDecoder::new(FrameLimits::for_gateway());
            decoder.extend(&encode_on(Lane::Backlog, &batch).unwrap());
            let frame = decoder.next_frame().unwrap().unwrap();
            prop_assert_eq!(frame.lane, Lane::Backlog);
            prop_assert_eq!(Message::decode(frame).unwrap(), Message::MetricBatch(batch));
        }
    }
}
