//! Where things are.
//!
//! A *site* is a POP, node or tower; sites form a tree without cycles. Sectors, boxes and address pools join here as
//! they are needed. Other domains refer to a site by id and ask this facade; they never read its tables.

pub mod sites;

use atalaya_kernel::{Permission, events::EventType};
use utoipa_axum::router::OpenApiRouter;

/// Rights that this domain asks for.
pub const PERMISSIONS: &[(Permission, &str)] = sites::PERMISSIONS;
/// Facts that this domain publishes.
pub const EVENTS: &[EventType] = sites::EVENTS;

/// All routes of the domain, below `/api/v1`.
pub fn router() -> OpenApiRouter {
    sites::http::router()
}
