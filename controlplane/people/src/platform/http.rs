//! Routes of operators, put together.

use super::{operators, plans, visits};
use utoipa_axum::router::OpenApiRouter;

/// Routes that demand an operator, below `/api/v1`.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(operators::http::router())
        .merge(plans::http::router())
        .merge(visits::http::operator_router())
}

/// Where an operator logs in.
pub fn public_router() -> OpenApiRouter {
    operators::http::public_router()
}
