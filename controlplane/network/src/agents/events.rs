//! Facts about agents.

use atalaya_kernel::events::EventType;

/// An agent's connection was taken in.
pub const CONNECTED: EventType = EventType {
    name: "agent.connected",
    version: 1,
    public: true,
    doc: "An agent connected after it was away. Payload: name, version.",
};
/// An agent's lease ran out.
pub const SILENT: EventType = EventType {
    name: "agent.silent",
    version: 1,
    public: true,
    doc: "An agent was connected and is no more. Payload: name, last_seen_at.",
};
/// A certificate was given out for a token.
pub const ENROLLED: EventType = EventType {
    name: "agent.enrolled",
    version: 1,
    public: true,
    doc: "An agent redeemed its token. Payload: name, token_id.",
};
/// A token came with a key that is not its own.
pub const ENROLMENT_REFUSED: EventType = EventType {
    name: "agent.enrolment_refused",
    version: 1,
    public: true,
    doc: "A token that was used came again with another key: somebody copied the join string. Payload: token_id.",
};
/// An agent may not come back.
pub const REVOKED: EventType = EventType {
    name: "agent.revoked",
    version: 1,
    public: true,
    doc: "A person revoked an agent's certificate. Payload: name, reason.",
};
/// Two machines speak as one agent.
pub const DUPLICATE: EventType = EventType {
    name: "agent.duplicate_identity",
    version: 1,
    public: true,
    doc: "Two machines take turns with one agent's identity: its state directory was copied. Payload: name.",
};
