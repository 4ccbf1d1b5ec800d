//! Who people are: the tenant and its settings, the staff and how they log in, the customers.
//!
//! - A *tenant* is one ISP. A *user* works for one tenant; a *customer* pays it.
//! - Nothing of one tenant is reachable from another: every use case but log-in goes through a tenant's handle.

pub mod access;
pub mod approvals;
pub mod customers;
mod erased;
pub mod factors;
pub mod identity;
pub mod keys;
pub mod links;
pub mod messaging;
pub mod openid;
pub mod passkeys;
mod personal;
pub mod platform;
pub mod push;
pub mod quota;
mod sealed;
pub mod tenancy;
pub mod tokens;

use atalaya_kernel::{Permission, events::EventType};
pub use erased::ERASED;
pub use personal::HELD;
pub use sealed::SEALED;
use utoipa_axum::router::OpenApiRouter;

/// Rights that this domain asks for.
pub const PERMISSIONS: &[&[(Permission, &str)]] = &[
    tenancy::PERMISSIONS,
    identity::PERMISSIONS,
    access::PERMISSIONS,
    approvals::PERMISSIONS,
    keys::PERMISSIONS,
    openid::PERMISSIONS,
    customers::PERMISSIONS,
    messaging::PERMISSIONS,
    platform::visits::PERMISSIONS,
];
/// Facts that this domain publishes.
pub const EVENTS: &[&[EventType]] = &[
    tenancy::EVENTS,
    identity::EVENTS,
    access::EVENTS,
    approvals::EVENTS,
    keys::EVENTS,
    openid::EVENTS,
    tokens::EVENTS,
    factors::EVENTS,
    customers::EVENTS,
    messaging::EVENTS,
    platform::visits::EVENTS,
];

/// Routes that demand a log-in, below `/api/v1`.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(tenancy::http::router())
        .merge(identity::http::router())
        .merge(access::http::router())
        .merge(approvals::http::router())
        .merge(factors::http::router())
        .merge(passkeys::http::router())
        .merge(openid::http::router())
        .merge(keys::http::router())
        .merge(tokens::http::router())
        .merge(links::http::router())
        .merge(customers::http::router())
        .merge(messaging::http::router())
        .merge(push::http::router())
        .merge(platform::visits::http::router())
}

/// Routes before log-in.
pub fn public_router() -> OpenApiRouter {
    identity::http::public_router()
        .merge(tokens::http::public_router())
        .merge(passkeys::http::public_router())
        .merge(openid::http::public_router())
        .merge(links::http::public_router())
        .merge(platform::http::public_router())
}
