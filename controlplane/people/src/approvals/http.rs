//! `/approvals`.

use super::{Approval, Operations, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem, Query},
    ids::ApprovalId,
    page::{Page, PageQuery},
};
use axum::Extension;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of approvals.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(approve))
        .routes(routes!(reject))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ApprovalQuery {
    /// Only those that wait for a second person.
    #[serde(default)]
    waiting: bool,
}

/// What waits or waited for a second person, newest first.
#[utoipa::path(get, path = "/approvals", tag = "approvals", params(ApprovalQuery, PageQuery), responses((status = 200, body = Page<Approval>)),
    extensions(("x-permission" = json!("approval.read"))))]
async fn list(
    ctx: Ctx,
    Query(query): Query<ApprovalQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Approval>>, Error> {
    service::approvals_list(&ctx, query.waiting, &page).await.map(Json)
}

/// One request for a second person.
#[utoipa::path(get, path = "/approvals/{id}", tag = "approvals", params(("id" = ApprovalId, Path)),
    responses((status = 200, body = Approval), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("approval.read"))))]
async fn get(ctx: Ctx, Path(id): Path<ApprovalId>) -> Result<Json<Approval>, Error> {
    service::approval_get(&ctx, &id).await.map(Json)
}

/// Approves what somebody else asked for; it runs at once. The operation's own right is asked for too.
#[utoipa::path(post, path = "/approvals/{id}/approve", tag = "approvals", params(("id" = ApprovalId, Path)),
    responses((status = 200, body = Approval), (status = 404, body = Problem), (status = 409, body = Problem)),
    extensions(("x-permission" = json!("approval.decide"))))]
async fn approve(
    ctx: Ctx,
    Extension(operations): Extension<Arc<Operations>>,
    Path(id): Path<ApprovalId>,
) -> Result<Json<Approval>, Error> {
    service::approval_approve(&ctx, &operations, &id).await.map(Json)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rejection {
    /// Why.
    #[schema(example = "These customers have a promise until Friday")]
    reason: String,
}

/// Rejects what somebody else asked for, or takes back what the caller asked for.
#[utoipa::path(post, path = "/approvals/{id}/reject", tag = "approvals", params(("id" = ApprovalId, Path)), request_body(content = Rejection, example = json!({"reason": "These customers have a promise until Friday"})),
    responses((status = 200, body = Approval), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("approval.read"))))]
async fn reject(
    ctx: Ctx,
    Path(id): Path<ApprovalId>,
    Json(body): Json<Rejection>,
) -> Result<Json<Approval>, Error> {
    service::approval_reject(&ctx, &id, &body.reason).await.map(Json)
}
