//! Facts about devices.

use atalaya_kernel::events::EventType;

/// A device was added.
pub const CREATED: EventType = EventType {
    name: "device.created",
    version: 1,
    public: true,
    doc: "A device was added. Payload: the device, without credentials.",
};
/// A device was changed.
pub const UPDATED: EventType = EventType {
    name: "device.updated",
    version: 1,
    public: true,
    doc: "A device was changed. Payload: the device, without credentials.",
};
/// A device was removed.
pub const REMOVED: EventType = EventType {
    name: "device.removed",
    version: 1,
    public: true,
    doc: "A device was removed. Payload: name.",
};
/// A device answers, is silent, or refuses.
pub const STATE_CHANGED: EventType = EventType {
    name: "device.state_changed",
    version: 1,
    public: true,
    doc: "A device began or stopped answering. Payload: name, from, to, detail, finding (code and facts of detail, or null), since.",
};
/// A device observes or enforces from now on.
pub const MODE_CHANGED: EventType = EventType {
    name: "device.mode_changed",
    version: 1,
    public: true,
    doc: "A person switched a device between observe and enforce. Payload: name, mode.",
};
