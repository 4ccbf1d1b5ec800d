//! Use cases that cross domains: the home page, the list of sites with what stands and who is served there, the list of
//! customers with what they owe and how they are connected, one customer as a whole, a service with its state on the
//! network, the search over all of it, notes and files that people leave with a thing, what happened to it, what is held of a
//! person and the end of it, which events a caller may see, and what an operator of the installation sees of its tenants.
//!
//! Nothing is stored here (notes, files and exports are kept by the kernel) and no rule of the business is decided here: each figure is asked of the domain that owns it.
//! A figure that the caller has no right to see is left out, never shown as zero.

pub mod backups;
pub mod console;
pub mod customers;
pub mod erasure;
pub mod feed;
pub mod home;
pub mod notes;
pub mod personal;
pub mod search;
pub mod services;
pub mod sites;
mod subject;
pub mod timeline;

use atalaya_kernel::{Permission, events::EventType};
use utoipa_axum::router::OpenApiRouter;

/// Rights that the domain asks for.
pub const PERMISSIONS: &[(Permission, &str)] = &[
    (home::BACKUP_READ, "See when the installation was last copied"),
    notes::PERMISSIONS[0],
    notes::PERMISSIONS[1],
    personal::PERMISSIONS[0],
    personal::PERMISSIONS[1],
    erasure::PERMISSIONS[0],
    erasure::PERMISSIONS[1],
];

/// Facts that the domain publishes.
pub const EVENTS: &[&[EventType]] = &[&notes::EVENTS, &personal::EVENTS, &erasure::EVENTS];

/// All routes of the domain, below `/api/v1`.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(home::http::router())
        .merge(backups::http::router())
        .merge(console::http::router())
        .merge(customers::http::router())
        .merge(erasure::http::router())
        .merge(notes::http::router())
        .merge(personal::http::router())
        .merge(search::http::router())
        .merge(services::http::router())
        .merge(sites::http::router())
        .merge(timeline::http::router())
}

/// Routes that demand an operator of the installation, below `/api/v1`.
pub fn operator_router() -> OpenApiRouter {
    console::http::operator_router().merge(backups::http::operator_router())
}
