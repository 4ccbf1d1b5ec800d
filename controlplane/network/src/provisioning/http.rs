//! Cuts that wait, and services held open.

use super::{HeldCuts, Released, ServiceNetwork, held};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem},
    ids::{AgentId, ServiceId},
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of desired state.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(held_cuts))
        .routes(routes!(held_cuts_release))
        .routes(routes!(hold_open))
}

/// Cuts of an agent that wait for a person.
#[utoipa::path(get, path = "/agents/{id}/held-cuts", tag = "agents", params(("id" = AgentId, Path)),
    responses((status = 200, body = HeldCuts), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("agent.read"))))]
async fn held_cuts(ctx: Ctx, Path(id): Path<AgentId>) -> Result<Json<HeldCuts>, Error> {
    held::held_cuts_list(&ctx, &id).await.map(Json)
}

/// Lets held cuts pass; what still waits is answered.
#[utoipa::path(post, path = "/agents/{id}/held-cuts/release", tag = "agents", params(("id" = AgentId, Path)),
    request_body(content = Released, example = json!({"point_ids": ["enp_01jd3k5m7nf8v9q0r1s2t3w4x5"]})),
    responses((status = 200, body = HeldCuts), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("service.suspend"))))]
async fn held_cuts_release(
    ctx: Ctx,
    Path(id): Path<AgentId>,
    Json(released): Json<Released>,
) -> Result<Json<HeldCuts>, Error> {
    held::held_cuts_release(&ctx, &id, &released.point_ids).await.map(Json)
}

/// For how long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HoldOpen {
    /// 1 to 72; 0 ends it.
    hours: i64,
}

/// Keeps a cut service open for some hours.
#[utoipa::path(post, path = "/services/{id}/hold-open", tag = "services", params(("id" = ServiceId, Path)),
    request_body(content = HoldOpen, example = json!({"hours": 4})),
    responses((status = 200, body = ServiceNetwork), (status = 404, body = Problem), (status = 409, description = "`not_cut`: the service is not cut: there is nothing to hold open", body = Problem)),
    extensions(("x-permission" = json!("service.reconnect"))))]
async fn hold_open(
    ctx: Ctx,
    Path(id): Path<ServiceId>,
    Json(body): Json<HoldOpen>,
) -> Result<Json<ServiceNetwork>, Error> {
    held::hold_open(&ctx, &id, body.hours).await.map(Json)
}
