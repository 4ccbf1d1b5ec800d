//! Attachments: how a service reaches the network, at one or more points.
//!
//! Invariants: what an attachment takes on a device (a PPP user, an address) is taken once there; a password is sealed
//! before it reaches a table and is never shown. Detaching is an order like any other: the points are terminated, read
//! back, and only then forgotten.

pub mod events;
pub mod http;
mod model;
mod service;
mod store;

pub use model::{Attachment, NewAttachment, NewAttachmentPoint};
pub(crate) use service::{access_key, password_context};
pub use service::{
    attachment_create, attachment_let_go, attachment_make, attachment_remove, attachment_take_over,
    attachments_of_services, let_go_tell,
};

use atalaya_kernel::Permission;

/// See how services reach the network: the right to see services.
pub const READ: Permission = atalaya_money::services::READ;
/// Attach and detach services.
pub const WRITE: Permission = Permission::new("attachment.write");
