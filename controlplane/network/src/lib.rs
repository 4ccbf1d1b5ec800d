//! How a service reaches the network: agents, devices, attachments, desired and observed state.
//!
//! # Words
//! An *agent* is the daemon at a site, a *device* anything it talks to. A service has *attachments*; each is enforced at
//! one or more *points* (device, method). *Desired* is what must be true of a point, ordered by (timeline, generation);
//! *observed* is what its agent read back.
//!
//! # Invariants
//! - Desired state is computed from the service as it is now ([`provisioning`]); an event is only a hint to look. Order
//!   and repetition of events cannot cut anybody.
//! - A cut that no person asked for passes the brake or waits for a person. Giving service back never waits.
//! - Nothing is "done" before it was read back: `attachment.cut` and `attachment.reconnected` follow observations.
//! - Generations come from one counter per tenant; an agent that holds a higher one proves that this database is a
//!   restored copy, and the timeline is raised before anything is sent.
//!
//! # What it must never do
//! Talk to a device or speak the wire protocol (the server's adapters map messages to these calls), know about
//! certificates more than their bytes, or show a credential again.

pub mod agents;
pub mod attachments;
pub mod comparison;
pub mod devices;
mod erased;
mod findable;
pub mod imports;
pub mod inventory;
pub mod jobs;
mod personal;
pub mod provisioning;
mod scope;
mod sealed;

use atalaya_kernel::{Permission, events::EventType};
pub use erased::ERASED;
pub use findable::{FOUND, Services};
pub use personal::HELD;
pub use sealed::SEALED;
use utoipa_axum::router::OpenApiRouter;

/// Rights that this domain asks for.
pub const PERMISSIONS: &[(Permission, &str)] = &[
    (agents::READ, "See agents"),
    (agents::ENROLL, "Make join strings for new agents; rename agents and change their sites"),
    (agents::REVOKE, "Revoke the certificate of an agent"),
    (devices::READ, "See devices"),
    (devices::WRITE, "Add, change, test and remove devices"),
    (devices::ENFORCE, "Let the system change a device, or stop it"),
    (jobs::DIAGNOSE, "Ping and trace routes from a device"),
    (attachments::WRITE, "Attach services to the network and detach them"),
    (imports::RUN, "Take over what stands on a router, with the names and numbers that are written there"),
];

/// Facts that this domain publishes.
pub const EVENTS: &[EventType] = &[
    agents::events::CONNECTED,
    agents::events::SILENT,
    agents::events::ENROLLED,
    agents::events::ENROLMENT_REFUSED,
    agents::events::REVOKED,
    agents::events::DUPLICATE,
    devices::events::CREATED,
    devices::events::UPDATED,
    devices::events::REMOVED,
    devices::events::STATE_CHANGED,
    devices::events::MODE_CHANGED,
    imports::DONE,
    imports::UNDONE,
    attachments::events::CREATED,
    attachments::events::REMOVED,
    provisioning::events::CUT,
    provisioning::events::RECONNECTED,
    provisioning::events::APPLY_FAILED,
    provisioning::events::SESSION_SEEN,
    provisioning::events::HELD,
    provisioning::events::RELEASED,
    provisioning::events::TIMELINE_RAISED,
];

/// All routes of the domain, below `/api/v1`.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(agents::http::router())
        .merge(devices::http::router())
        .merge(jobs::http::router())
        .merge(attachments::http::router())
        .merge(inventory::http::router())
        .merge(imports::http::router())
        .merge(comparison::http::router())
        .merge(provisioning::http::router())
}
