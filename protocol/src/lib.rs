//! What agent and control plane say to each other.
//!
//! No I/O, no clock, no runtime: bytes in, messages out. A *frame* is length, lane, type number and body; the body
//! is a protobuf message of [`wire`]. Fields may be added without breaking an agent two versions old; type numbers
//! are given once and never reused.

pub mod block;
mod control;
pub mod credit;
pub mod desired;
pub mod frame;
pub mod telemetry;
pub mod version;

pub use frame::{Frame, FrameDecoder, FrameError, FrameLimits, Lane};
pub use version::{Message, MessageError, WireMessage};

/// The protobuf messages, generated from `proto/*.proto`, where every field is explained.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod wire {
    include!(concat!(env!("OUT_DIR"), "/atalaya.v1.rs"));

    /// Messages that carry a secret in the clear are printed by their name alone.
    macro_rules! unprinted {
        ($($message:ident),+) => {$(
            impl std::fmt::Debug for $message {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.debug_struct(stringify!($message)).finish_non_exhaustive()
                }
            }
        )+};
    }
    unprinted!(EnrollRequest, UserPassword, SnmpCommunity);
}
