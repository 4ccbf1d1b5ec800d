//! The way to headquarters: one QUIC connection, made by the agent and made again for ever.
//!
//! Each lane is a stream of its own, opened by the agent, so that none waits for another: control (greeting, health,
//! configuration), state (desired in, observed out), jobs, live metrics, backlog. Live metrics are what was
//! confirmed after the connection stood; they leave at once, while the backlog drains beside them, oldest first, at
//! a bounded rate.
//!
//! Invariants:
//! - *Connected* means that `HelloAck` came: in TLS 1.3 a refused client still sees its handshake succeed.
//! - An acknowledgement leaves only after the port said `Ok` (on disk); a sample or report is removed only after
//!   headquarters acknowledged it.
//! - Nothing grows without a bound: at most the lane's credit is in flight, queues between the halves of a lane are
//!   bounded, and whoever does not read is not read to.
//! - A connection that ends for any reason loses nothing: everything unacknowledged is sent again on the next one.

pub mod framed;
mod gate;
mod pace;
mod policy;
pub mod ports;
pub mod quic;
mod runner;
mod session;
mod status;

pub use runner::{Ports, Uplink, UplinkSettings};
pub use status::{LinkState, UplinkStatus};
