//! Facts about points: effects, after they were read back.

use atalaya_kernel::events::EventType;

/// A cut took effect.
pub const CUT: EventType = EventType {
    name: "attachment.cut",
    version: 1,
    public: true,
    doc: "A cut was read back on the device. Payload: device, at, detail.",
};
/// A subscriber is unblocked.
pub const RECONNECTED: EventType = EventType {
    name: "attachment.reconnected",
    version: 1,
    public: true,
    doc: "A reconnection was read back on the device; the customer's equipment may still be away. Payload: device, at.",
};
/// A change could not be applied.
pub const APPLY_FAILED: EventType = EventType {
    name: "attachment.apply_failed",
    version: 1,
    public: true,
    doc: "A device did not take a change, or took it without effect. Payload: device, outcome, detail in its own words.",
};
/// The customer's equipment is back.
pub const SESSION_SEEN: EventType = EventType {
    name: "attachment.session_seen",
    version: 1,
    public: true,
    doc: "After a reconnection the customer's session was seen: online again. Payload: device, at, address.",
};
/// A cut waits for a person.
pub const HELD: EventType = EventType {
    name: "attachment.cut_held",
    version: 1,
    public: true,
    doc: "A cut waits for a person. Payload: reason (brake, timeline).",
};
/// A person let a held cut pass.
pub const RELEASED: EventType = EventType {
    name: "attachment.cut_released",
    version: 1,
    public: true,
    doc: "A person let a held cut pass. Payload: reason it was held for.",
};
/// This database is an older copy.
pub const TIMELINE_RAISED: EventType = EventType {
    name: "network.timeline_raised",
    version: 1,
    public: true,
    doc: "An agent held newer state than this database: a backup was restored. All cuts wait for a person. Payload: timeline, agent's order.",
};
