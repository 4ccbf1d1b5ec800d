//! Facts about attachments; the effects on devices are in [`crate::provisioning::events`].

use atalaya_kernel::events::EventType;

/// A service was attached.
pub const CREATED: EventType = EventType {
    name: "attachment.created",
    version: 1,
    public: true,
    doc: "A service was attached to the network. Payload: the attachment, without password.",
};
/// A service was detached.
pub const REMOVED: EventType = EventType {
    name: "attachment.removed",
    version: 1,
    public: true,
    doc: "A person detached a service; the devices follow. Payload: the attachment, without password.",
};
