//! `/approvals`.

use super::{Approval, ApprovalList, Operations, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem},
    ids::ApprovalId,
    list::ListQuery,
    page::Page,
};
use axum::Extension;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of approvals.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(approve))
        .routes(routes!(reject))
}

/// What waits or waited for a second person, newest first unless another order is asked for.
#[utoipa::path(get, path = "/approvals", tag = "approvals", params(ListQuery<ApprovalList>),
    responses((status = 200, body = Page<Approval>), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("approval.read"))))]
async fn list(ctx: Ctx, asked: ListQuery<ApprovalList>) -> Result<Json<Page<Approval>>, Error> {
    service::approvals_list(&ctx, &asked).await.map(Json)
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
    responses((status = 200, body = Approval), (status = 404, body = Problem), (status = 409, description = "`own_request`: somebody else approves what you asked for", body = Problem)),
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
    responses((status = 200, body = Approval), (status = 404, body = Problem), (status = 409, description = "`approval_decided`: it was decided before", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("approval.read"))))]
async fn reject(
    ctx: Ctx,
    Path(id): Path<ApprovalId>,
    Json(body): Json<Rejection>,
) -> Result<Json<Approval>, Error> {
    service::approval_reject(&ctx, &id, &body.reason).await.map(Json)
}
