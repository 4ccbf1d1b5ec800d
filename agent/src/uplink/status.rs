//! What the status page says of the connection.

use serde::Serialize;

/// Where the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// A connection is being made.
    Connecting,
    /// Headquarters greeted us.
    Connected,
    /// Between two attempts.
    Waiting,
    /// Another process speaks with this identity; the newer one won. Tried again rarely.
    Superseded,
    /// This agent was revoked: it does not try again until it is restarted.
    Revoked,
    /// Headquarters does not know this agent. Tried again rarely.
    NotEnrolled,
    /// Headquarters does not speak this agent's protocol any more: install a newer agent.
    VersionUnsupported,
    /// The process is ending.
    Stopped,
}

/// The connection, for people and for `status --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UplinkStatus {
    /// Where it stands.
    pub state: LinkState,
    /// The gateway of the connection, or of the last attempt.
    pub gateway: String,
    /// Since when, Unix ms, corrected.
    pub since_ms: i64,
    /// Why it is not connected, in words; empty when it is.
    pub detail: String,
    /// When the next attempt is made, Unix ms; 0 when none is planned.
    pub retry_at_ms: i64,
    /// Frames of a newer protocol that were skipped, since the start of the process.
    pub unknown_frames: u64,
}
