//! `/session`, `/login-options`, `/me`, `/users`.

mod me;
mod options;
mod proofs;
mod session;

pub(crate) use proofs::SecondFactorWanted;
pub use session::{Installation, LoginOrigin, Session, browser_token, cookie_token};
pub(crate) use session::{cookie, entered_answer, log_in_answer, with_cookie};

use super::{NewUser, User, UserChange, UserList, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{IfMatch, Json, Path, Problem, Versioned},
    ids::UserId,
    list::ListQuery,
    page::Page,
    secrets::SecretText,
};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of the staff and of the caller's own session.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(session::router())
        .merge(proofs::router())
        .merge(me::router())
        .routes(routes!(list, create))
        .routes(routes!(get, update))
        .routes(routes!(password))
}

/// Routes before log-in.
pub fn public_router() -> OpenApiRouter {
    session::public_router().merge(proofs::public_router()).merge(options::public_router())
}

/// The staff, oldest first unless another order is asked for.
#[utoipa::path(get, path = "/users", tag = "users", params(ListQuery<UserList>),
    responses((status = 200, body = Page<User>), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.read"))))]
async fn list(ctx: Ctx, asked: ListQuery<UserList>) -> Result<Json<Page<User>>, Error> {
    service::users_list(&ctx, &asked).await.map(Json)
}

/// Makes a user.
#[utoipa::path(post, path = "/users", tag = "users", request_body(content = NewUser, example = json!({"email": "pedro@netandina.example", "name": "Pedro Huamán", "role": "cashier"})),
    responses((status = 201, body = User), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn create(ctx: Ctx, Json(new): Json<NewUser>) -> Result<(StatusCode, Versioned<User>), Error> {
    let user = service::user_create(&ctx, new).await?;
    Ok((StatusCode::CREATED, Versioned(user.version, user)))
}

/// One user.
#[utoipa::path(get, path = "/users/{id}", tag = "users", params(("id" = UserId, Path)),
    responses((status = 200, body = User), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("user.read"))))]
async fn get(ctx: Ctx, Path(id): Path<UserId>) -> Result<Versioned<User>, Error> {
    let user = service::user_get(&ctx, &id).await?;
    Ok(Versioned(user.version, user))
}

/// Changes a user.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", params(("id" = UserId, Path), ("If-Match" = String, Header)),
    request_body(content = UserChange, example = json!({"roles": ["cashier", "support"]})), responses((status = 200, body = User), (status = 404, body = Problem), (status = 409, description = "`last_owner`: an ISP keeps one enabled owner at least", body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn update(
    ctx: Ctx,
    Path(id): Path<UserId>,
    IfMatch(version): IfMatch,
    Json(change): Json<UserChange>,
) -> Result<Versioned<User>, Error> {
    let user = service::user_update(&ctx, &id, version, change).await?;
    Ok(Versioned(user.version, user))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// 10 to 128 characters.
    password: SecretText,
}

/// Sets a user's password and ends the user's sessions.
#[utoipa::path(post, path = "/users/{id}/password", tag = "users", params(("id" = UserId, Path)), request_body(content = NewPassword, example = json!({"password": "una-clave-larga-2026"})),
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn password(
    ctx: Ctx,
    Path(id): Path<UserId>,
    Json(body): Json<NewPassword>,
) -> Result<StatusCode, Error> {
    service::password_set(&ctx, &id, &body.password).await?;
    Ok(StatusCode::NO_CONTENT)
}
