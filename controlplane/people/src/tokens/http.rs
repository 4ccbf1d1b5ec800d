//! `/tokens`, `/me/tokens`.

use super::{Granted, TokenFamily, TokenPair, TokenRequest, refresh, service};
use crate::{access::Catalog, identity::http::LoginOrigin};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem},
    ids::TokenFamilyId,
    page::Page,
    runtime::Runtime,
    secrets::SecretText,
};
use axum::{
    Extension,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of the person whose programs they are.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(end))
}

/// Routes of programs that have no token yet.
pub fn public_router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(renew)).routes(routes!(revoke))
}

/// Tokens are nothing to be kept on the way.
fn answered(pair: TokenPair) -> Response {
    let mut response = Json(pair).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Gives a program the first tokens of a person, for their password. `code_wanted` asks for the same again with a code of the
/// person's second factor.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body(content = TokenRequest, example = json!({"tenant": "netandina", "email": "rosa@netandina.example", "password": "una-clave-larga-2026", "name": "Contabilidad", "permissions": ["invoice.read"]})),
    responses((status = 200, body = TokenPair), (status = 401, body = Problem), (status = 409, description = "`code_wanted`: send the same again with a code of your app", body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn create(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Extension(catalog): Extension<Arc<Catalog>>,
    Json(mut body): Json<TokenRequest>,
) -> Result<Response, Error> {
    let slug = login.slug_or(&runtime, body.tenant.take()).await?;
    match service::grant(&runtime, &catalog, &slug, &body, &login.origin).await? {
        Granted::Refused => Ok(Problem::wrong_login().into_response()),
        Granted::CodeWanted => {
            Err(Error::conflict("code_wanted", "send the same again with a code of your app"))
        }
        Granted::Tokens(pair) => Ok(answered(*pair)),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RefreshRequest {
    /// The refresh token that was given last.
    #[schema(example = "atr_3f…")]
    refresh_token: SecretText,
}

/// The next tokens for a refresh token, which is good once. Sent again after its successor was used, all tokens of the program
/// end; within 30 seconds, from where it was used, it gives another successor in the place of one that was lost.
#[utoipa::path(post, path = "/tokens/refresh", tag = "tokens", request_body(content = RefreshRequest, example = json!({"refresh_token": "what was given last"})),
    responses((status = 200, body = TokenPair), (status = 401, description = "`unauthenticated`: this refresh token is none, or its tokens have ended", body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn renew(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Json(body): Json<RefreshRequest>,
) -> Result<Response, Error> {
    let here = login.tenant_id(&runtime).await?;
    let next = refresh::refresh(&runtime, &body.refresh_token, here.as_ref(), &login.origin).await?;
    next.map(answered).ok_or(Error::Unauthenticated)
}

/// Ends all tokens of a program that is done; the answer to a token that is unknown is the same.
#[utoipa::path(post, path = "/tokens/revoke", tag = "tokens", request_body(content = RefreshRequest, example = json!({"refresh_token": "what was given last"})),
    responses((status = 204), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn revoke(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Json(body): Json<RefreshRequest>,
) -> Result<StatusCode, Error> {
    let here = login.tenant_id(&runtime).await?;
    refresh::revoke(&runtime, &body.refresh_token, here.as_ref(), &login.origin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Programs that have tokens of the caller, newest first.
#[utoipa::path(get, path = "/me/tokens", tag = "me", responses((status = 200, body = Page<TokenFamily>)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn list(ctx: Ctx) -> Result<Json<Page<TokenFamily>>, Error> {
    service::families_list(&ctx).await.map(Json)
}

/// Ends all tokens of one of the caller's programs.
#[utoipa::path(delete, path = "/me/tokens/{id}", tag = "me", params(("id" = TokenFamilyId, Path)),
    responses((status = 204), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn end(ctx: Ctx, Path(id): Path<TokenFamilyId>) -> Result<StatusCode, Error> {
    service::family_revoke(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
