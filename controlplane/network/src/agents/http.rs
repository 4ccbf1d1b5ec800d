//! `/agents`, `/agent-tokens`.

use super::{
    Agent, AgentChange, AgentList, AgentToken, JoinStrings, NewToken, NewTokenMade, Revocation, service,
};
use atalaya_kernel::{
    Ctx, Error,
    http::{IfMatch, Json, Path, Problem, Query, Versioned},
    ids::{AgentId, AgentTokenId},
    list::ListQuery,
    page::{Page, PageQuery},
};
use axum::{Extension, http::StatusCode};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of agents and their tokens.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, update))
        .routes(routes!(revoke))
        .routes(routes!(tokens, token_create))
        .routes(routes!(token_withdraw))
}

/// Agents, by name unless another order is asked for.
#[utoipa::path(get, path = "/agents", tag = "agents", params(ListQuery<AgentList>),
    responses((status = 200, body = Page<Agent>), (status = 403, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("agent.read"))))]
async fn list(ctx: Ctx, asked: ListQuery<AgentList>) -> Result<Json<Page<Agent>>, Error> {
    service::agents_list(&ctx, &asked).await.map(Json)
}

/// One agent.
#[utoipa::path(get, path = "/agents/{id}", tag = "agents", params(("id" = AgentId, Path)),
    responses((status = 200, body = Agent), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("agent.read"))))]
async fn get(ctx: Ctx, Path(id): Path<AgentId>) -> Result<Versioned<Agent>, Error> {
    let agent = service::agent_get(&ctx, &id).await?;
    Ok(Versioned(agent.revision, agent))
}

/// Renames an agent or gives it other sites.
#[utoipa::path(patch, path = "/agents/{id}", tag = "agents",
    params(("id" = AgentId, Path), ("If-Match" = String, Header)),
    request_body(content = AgentChange, example = json!({"name": "Cerro Alto"})),
    responses((status = 200, body = Agent), (status = 404, body = Problem), (status = 412, body = Problem)),
    extensions(("x-permission" = json!("agent.enroll"))))]
async fn update(
    ctx: Ctx,
    Path(id): Path<AgentId>,
    IfMatch(version): IfMatch,
    Json(change): Json<AgentChange>,
) -> Result<Versioned<Agent>, Error> {
    let agent = service::agent_update(&ctx, &id, version, change).await?;
    Ok(Versioned(agent.revision, agent))
}

/// Takes an agent's right to come back and closes its connection.
#[utoipa::path(post, path = "/agents/{id}/revoke", tag = "agents", params(("id" = AgentId, Path)),
    request_body(content = Revocation, example = json!({"reason": "The machine was stolen"})),
    responses((status = 200, body = Agent), (status = 404, body = Problem), (status = 409, description = "`already_revoked`: this agent was revoked before", body = Problem)),
    extensions(("x-permission" = json!("agent.revoke"))))]
async fn revoke(
    ctx: Ctx,
    Path(id): Path<AgentId>,
    Json(revocation): Json<Revocation>,
) -> Result<Versioned<Agent>, Error> {
    let agent = service::agent_revoke(&ctx, &id, &revocation.reason).await?;
    Ok(Versioned(agent.revision, agent))
}

/// Tokens, newest first.
#[utoipa::path(get, path = "/agent-tokens", tag = "agents", params(PageQuery),
    responses((status = 200, body = Page<AgentToken>), (status = 403, body = Problem)),
    extensions(("x-permission" = json!("agent.enroll"))))]
async fn tokens(ctx: Ctx, Query(page): Query<PageQuery>) -> Result<Json<Page<AgentToken>>, Error> {
    service::tokens_list(&ctx, &page).await.map(Json)
}

/// Makes an agent and the join string that it is enrolled with, shown this once.
#[utoipa::path(post, path = "/agent-tokens", tag = "agents",
    request_body(content = NewToken, example = json!({"site_id": "sit_01jd3k5m7nf8v9q0r1s2t3w4x5", "name": "Cerro Alto"})),
    responses((status = 201, body = NewTokenMade), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("agent.enroll"))))]
async fn token_create(
    ctx: Ctx,
    Extension(joins): Extension<Arc<dyn JoinStrings>>,
    Json(new): Json<NewToken>,
) -> Result<(StatusCode, Json<NewTokenMade>), Error> {
    Ok((StatusCode::CREATED, Json(service::token_create(&ctx, joins.as_ref(), new).await?)))
}

/// Makes a token worthless.
#[utoipa::path(delete, path = "/agent-tokens/{id}", tag = "agents", params(("id" = AgentTokenId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, description = "`token_used`: an agent has joined with it: revoke that agent instead", body = Problem)),
    extensions(("x-permission" = json!("agent.enroll"))))]
async fn token_withdraw(ctx: Ctx, Path(id): Path<AgentTokenId>) -> Result<StatusCode, Error> {
    service::token_withdraw(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
