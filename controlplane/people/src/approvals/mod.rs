//! Two-person approval: an operation that one person asks for and another lets run.
//!
//! - Whoever asks leaves a row with the operation's name and what it runs with; nothing is done.
//! - Another *person* who has the operation's own right approves: the operation runs in the same transaction that notes the
//!   approval, hence once or not at all. If it cannot run, nothing is noted and the request goes on waiting.
//! - Nobody approves what they asked for, no program approves anything, and a request is good for a day. Whoever asked may
//!   take the request back.
//! - Domains above implement [`Operation`]; the server hands all of them to the routes. A request for an operation that no
//!   domain knows any more can only be rejected.

pub mod http;
mod list;
mod model;
mod service;
mod store;

pub use list::ApprovalList;
pub use model::{Approval, ApprovalState, NewApproval, Operation, Operations};
pub(crate) use service::approval_row;
pub use service::{approval_approve, approval_get, approval_reject, approval_request, approvals_list};
pub use store::pending_by_entity;

use atalaya_kernel::{Permission, events::EventType};

/// See what waits for a second person.
pub const READ: Permission = Permission::new("approval.read");
/// Decide what somebody else asked for; the operation's own right is asked for too.
pub const DECIDE: Permission = Permission::dangerous("approval.decide");

pub(crate) const PERMISSIONS: &[(Permission, &str)] = &[
    (READ, "See what waits for a second person"),
    (DECIDE, "Approve or reject what somebody else asked for"),
];

const REQUESTED: EventType = EventType {
    name: "approval.requested",
    version: 1,
    public: false,
    doc: "An operation waits for a second person. Payload: id, operation, summary.",
};
const DECIDED: EventType = EventType {
    name: "approval.decided",
    version: 1,
    public: false,
    doc: "A second person approved or rejected, or the first took the request back. Payload: id, operation, summary, state.",
};

pub(crate) const EVENTS: &[EventType] = &[REQUESTED, DECIDED];
