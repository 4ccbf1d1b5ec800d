//! HTTP: the router, what every request passes through, and the routes that belong to no domain.

pub mod allowed;
mod answered;
mod auth;
mod body;
mod client;
pub mod countries;
mod crowded;
mod dead_letters;
mod docs;
mod feed;
mod headers;
mod health;
mod idempotent;
mod jwks;
pub(crate) mod metrics;
mod openapi;
mod patience;
mod quota;
mod request;
mod spa;
pub mod stream;
mod traced;

pub use openapi::document;

use crate::{config, traces::Traces, worker::audit::SealLag};
use atalaya_kernel::{
    Error, Permission,
    http::{MAX_BODY_BYTES, Problem},
    runtime::Runtime,
};
use atalaya_metrics::MetricStore;
use atalaya_network::agents::JoinStrings;
use atalaya_people::{
    access::Catalog, approvals::Operations, identity::http::Installation, messaging::Outbound,
    openid::Issuers,
};
use atalaya_pki::server::ShownCertificate;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{Extensions, Uri},
    middleware,
    routing::get,
};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tower::{ServiceBuilder, util::MapRequestLayer};
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;

/// Rights that the routes of no domain ask for.
pub const PERMISSIONS: &[(Permission, &str)] = &[
    (atalaya_kernel::dead_letters::READ, "See what failed until it was given up"),
    (atalaya_kernel::dead_letters::SETTLE, "Have it tried again, or give it up for good"),
    (feed::AUDIT_READ, "See who changed what"),
    (feed::EVENT_READ, "See what happened, also live"),
    (metrics::READ, "See measurements"),
];

/// Every right that something here asks for, with what it lets do.
pub fn permissions() -> Vec<(Permission, &'static str)> {
    let mut all = atalaya_places::PERMISSIONS.to_vec();
    all.extend(atalaya_people::PERMISSIONS.concat());
    all.extend(atalaya_money::PERMISSIONS.concat());
    all.extend(atalaya_network::PERMISSIONS);
    all.extend(atalaya_operations::PERMISSIONS);
    all.extend(PERMISSIONS);
    all
}

/// What the routes share beside the runtime.
pub struct Shared {
    /// Database, clock, secrets.
    pub runtime: Arc<Runtime>,
    /// Environment and safe mode, as the web app shows them.
    pub installation: Arc<Installation>,
    /// Live events.
    pub hub: Arc<stream::Hub>,
    /// Makes join strings.
    pub joins: Arc<dyn JoinStrings>,
    /// Measurements.
    pub metrics: Arc<dyn MetricStore>,
    /// What waits for a second person can be one of these.
    pub operations: Operations,
    /// How far the sealing of audit rows is behind.
    pub seal_lag: Arc<SealLag>,
    /// By which people log in.
    pub issuers: Arc<Issuers>,
    /// Where to listen, host names.
    pub config: config::Http,
    /// What can leave the process.
    pub outbound: Arc<Outbound>,
    /// Who is let in; everybody when absent.
    pub allowed: Option<Arc<allowed::Allowed>>,
    /// In which country an address is; nobody knows when absent.
    pub countries: Option<Arc<countries::Countries>>,
    /// What the door shows; none where it speaks no TLS.
    pub certificate: Option<Arc<ShownCertificate>>,
    /// The export of spans; none where no collector is named.
    pub traces: Option<Arc<Traces>>,
}

/// Routes of all domains below `/api/v1`, with their OpenAPI document.
pub(crate) fn api(extra: OpenApiRouter) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(atalaya_places::router())
        .merge(atalaya_people::router())
        .merge(atalaya_money::router())
        .merge(feed::router())
        .merge(dead_letters::router())
        .merge(stream::router())
        .merge(extra)
}

/// Routes that demand an operator of the installation, below `/api/v1`.
pub(crate) fn operator_api() -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(atalaya_people::platform::http::router())
        .merge(atalaya_operations::operator_router())
}

/// The whole site.
pub fn router(shared: Shared, extra: OpenApiRouter) -> Router {
    let requests = Arc::new(request::Requests::new(
        shared.config.clone(),
        shared.runtime.clock.clone(),
        shared.countries.clone(),
        shared.traces.as_ref().is_some_and(|traces| traces.continues_from_proxies()),
    ));
    let (private, _) = api(extra).split_for_parts();
    let (operators, _) = operator_api().split_for_parts();
    let (public, _) = atalaya_people::public_router().split_for_parts();
    let identified = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(shared.runtime.clone(), auth::authenticate))
        .layer(middleware::from_fn_with_state(Arc::new(quota::Quota::default()), quota::limit))
        .layer(middleware::from_fn_with_state(
            Arc::new(Semaphore::new(body::UPLOADS_AT_ONCE)),
            body::one_of_few,
        ))
        .layer(middleware::from_fn(idempotent::once));
    let as_operator = middleware::from_fn_with_state(shared.runtime.clone(), auth::authenticate_operator);
    let v1 = private
        .layer(identified)
        .merge(operators.layer(as_operator))
        .merge(public.layer(middleware::from_fn_with_state(requests.clone(), request::limit_log_in)))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method);
    let demand = |allowed| middleware::from_fn_with_state(allowed, allowed::demand);
    // One stack instead of layers on layers: the router boxes what each `layer` makes, and a request would clone every box once
    // for each that stands around it.
    let every_request = ServiceBuilder::new()
        .layer(CompressionLayer::new().gzip(true))
        .layer(middleware::from_fn_with_state(requests.clone(), request::describe))
        .option_layer(shared.allowed.clone().map(demand))
        .layer(middleware::from_fn_with_state(patience::ANSWER_WITHIN, patience::answer_in_time))
        .layer(middleware::from_fn(body::take_in))
        .layer(at_hand(shared, &requests))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    Router::new()
        .nest("/api/v1", v1)
        .route("/api/openapi.json", get(openapi::serve))
        .merge(docs::router())
        .merge(health::router())
        .merge(jwks::router())
        .fallback(spa::serve)
        .layer(every_request)
}

/// Puts what handlers may ask for beside their request into it.
fn at_hand(
    shared: Shared,
    requests: &request::Requests,
) -> MapRequestLayer<impl Fn(Request) -> Request + Clone + use<>> {
    let mut things = Extensions::new();
    things.insert(shared.runtime);
    things.insert(shared.installation);
    things.insert(shared.hub);
    things.insert(shared.joins);
    things.insert(shared.outbound);
    things.insert(shared.metrics);
    things.insert(Arc::new(shared.operations));
    things.insert(Arc::new(Catalog::new(permissions())));
    things.insert(shared.seal_lag);
    things.insert(requests.answered.clone());
    things.insert(shared.issuers);
    things.insert(health::Shown(shared.certificate));
    things.insert(health::Exported(shared.traces.map(|traces| traces.figures())));
    MapRequestLayer::new(move |mut request: Request| {
        request.extensions_mut().extend(things.clone());
        request
    })
}

async fn unknown(_: Uri) -> Error {
    Error::NotFound
}

async fn wrong_method() -> Problem {
    Problem::wrong_method()
}
