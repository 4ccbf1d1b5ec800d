//! QUIC in: the only door for agents, and the only place on this side that knows the wire protocol.
//!
//! One UDP port, two ALPNs. On `atalaya-enroll/1` anybody may ask for a certificate, slowly; on `atalaya/1` a valid
//! certificate says which agent speaks, and the database says what it may (at `Hello`, and again every second for
//! as long as it stays). Each lane is a stream of its own; the gateway maps messages to the four small traits of
//! [`backend`] and knows no domain itself.
//!
//! Invariants:
//! - Nothing is acknowledged before the backend said that it is durable. While the backend fails nothing is
//!   acknowledged, the agent's credit runs out and it waits; the connection stands.
//! - Pushes are level-triggered: a *standing* (versions of what an agent should have) is polled, a hint only makes
//!   the poll come sooner, and what is behind is read anew. A lost hint costs a second, never a state.
//! - Of two connections of one agent the one with the higher session epoch lives, here or in another process.
//! - Tenant, site and agent of a sample come from the certificate and the database, never from the agent.
//! - A peer's bytes are bounded before they are held: frames by lane, blocks by columns and samples, batches by
//!   credit, series by number, connections by count, enrolments by rate.

pub mod backend;
mod enrol;
mod framed;
mod labels;
mod listener;
mod registry;
mod session;
mod transport;

pub use backend::{
    AppendError, Backend, BackendError, Desired, DesiredPush, Enrolment, NetworkState, ReceivedBatch,
    ReceivedColumn, Refusal, Session, SessionGrant, Sessions, Standing, Telemetry, Verdict, WaitingJob,
};
pub use labels::series_spec;
pub use listener::{Gateway, GatewayError, GatewayOptions};
pub use registry::SessionRegistry;
pub use transport::ResetKey;
