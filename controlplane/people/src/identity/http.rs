//! `/session`, `/login-options`, `/users`.

use super::{LoggedIn, NewUser, Role, SESSION_COOKIE, User, UserChange, permissions_of, service, sessions};
use crate::tenancy::{self, Tenant};
use atalaya_kernel::{
    Ctx, Error, Permissions,
    http::{IfMatch, Json, Path, Problem, Query, Versioned},
    ids::{TenantId, UserId},
    money::Currency,
    page::{Page, PageQuery},
    runtime::Runtime,
    secrets::SecretText,
    time::TimeZone,
};
use axum::{
    Extension,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of the staff and of the caller's own session.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(session_get, session_delete))
        .routes(routes!(list, create))
        .routes(routes!(get, update))
        .routes(routes!(password))
}

/// Routes before log-in.
pub fn public_router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(login_options)).routes(routes!(session_create))
}

/// What the server's middleware knows of the request that logs in.
#[derive(Debug, Clone)]
pub struct LoginOrigin {
    /// Where from.
    pub origin: sessions::Origin,
    /// Whether the cookie must be `Secure`.
    pub https: bool,
    /// Slug that the host name selects, when it does.
    pub slug: Option<String>,
}

/// Facts of the installation that the web app shows.
#[derive(Debug, Clone)]
pub struct Installation {
    /// production, staging or development.
    pub environment: String,
    /// Nothing leaves to devices and customers until a person arms it.
    pub safe_mode: bool,
}

/// Name of a tenant on the chooser.
#[derive(Debug, Serialize, ToSchema)]
struct TenantChoice {
    slug: String,
    name: String,
    brand_color: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LoginOptions {
    /// The tenant that the host name selects.
    tenant: Option<TenantChoice>,
    /// The tenants to choose from, where the host name selects none.
    tenants: Vec<TenantChoice>,
}

/// Which ISP a person may log in to here.
#[utoipa::path(get, path = "/login-options", tag = "session", responses((status = 200, body = LoginOptions)),
    extensions(("x-permission" = json!("public"))))]
async fn login_options(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(origin): Extension<LoginOrigin>,
) -> Result<Json<LoginOptions>, Error> {
    let choice = |tenant: Tenant| TenantChoice {
        slug: tenant.slug,
        name: tenant.name,
        brand_color: tenant.brand_color,
    };
    let mut tx = runtime.platform().begin_read().await?;
    let options = match &origin.slug {
        Some(slug) => LoginOptions {
            tenant: tenancy::find_tenant(&mut tx, slug).await?.map(choice),
            tenants: Vec::new(),
        },
        None => {
            let tenants = tenancy::tenants_list(&mut tx).await?.into_iter().map(choice).collect();
            LoginOptions { tenant: None, tenants }
        }
    };
    Ok(Json(options))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogIn {
    /// Slug of the ISP, where the host name does not select it.
    tenant: Option<String>,
    #[schema(example = "rosa@netandina.example")]
    email: String,
    password: SecretText,
}

#[derive(Debug, Serialize, ToSchema)]
struct SessionUser {
    id: UserId,
    name: String,
    email: String,
    role: Role,
}

#[derive(Debug, Serialize, ToSchema)]
struct SessionTenant {
    id: TenantId,
    slug: String,
    name: String,
    currency: Currency,
    time_zone: TimeZone,
    locale: String,
    country: String,
    brand_color: Option<String>,
}

/// Who is logged in, where, with which rights.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    user: SessionUser,
    tenant: SessionTenant,
    /// Names of rights; `*` for all.
    permissions: Vec<String>,
    /// To be sent as `X-CSRF-Token` with every change.
    csrf_token: String,
    environment: String,
    safe_mode: bool,
}

impl Session {
    fn of(logged_in: LoggedIn, installation: &Installation) -> Self {
        let LoggedIn { user, tenant, csrf_token } = logged_in;
        let permissions = match permissions_of(user.role) {
            Permissions::All => vec!["*".to_owned()],
            Permissions::These(names) => names.into_iter().collect(),
        };
        Self {
            user: SessionUser { id: user.id, name: user.name, email: user.email, role: user.role },
            tenant: SessionTenant {
                id: tenant.id,
                slug: tenant.slug,
                name: tenant.name,
                currency: tenant.currency,
                time_zone: tenant.time_zone,
                locale: tenant.locale,
                country: tenant.country,
                brand_color: tenant.brand_color,
            },
            permissions,
            csrf_token,
            environment: installation.environment.clone(),
            safe_mode: installation.safe_mode,
        }
    }
}

/// Logs in; sets the session cookie.
#[utoipa::path(post, path = "/session", tag = "session", request_body = LogIn,
    responses((status = 200, body = Session), (status = 401, body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn session_create(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Extension(installation): Extension<Arc<Installation>>,
    Json(body): Json<LogIn>,
) -> Result<Response, Error> {
    let slug = login.slug.clone().or(body.tenant);
    let slug = slug.ok_or_else(|| Error::invalid("/tenant", "required", "choose the ISP"))?;
    let Some((token, logged_in)) =
        sessions::log_in(&runtime, &slug, &body.email, &body.password, &login.origin).await?
    else {
        return Ok(Problem::wrong_login().into_response());
    };
    let secure = if login.https { "; Secure" } else { "" };
    let cookie = format!("{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax{secure}");
    let mut response = Json(Session::of(logged_in, &installation)).into_response();
    response
        .headers_mut()
        .insert(header::SET_COOKIE, HeaderValue::from_str(&cookie).map_err(Error::internal)?);
    Ok(response)
}

/// Who is logged in.
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = Session), (status = 401, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn session_get(
    _: Ctx,
    Extension(logged_in): Extension<LoggedIn>,
    Extension(installation): Extension<Arc<Installation>>,
) -> Json<Session> {
    Json(Session::of(logged_in, &installation))
}

/// Logs out.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn session_delete(ctx: Ctx, headers: HeaderMap) -> Result<Response, Error> {
    if let Some(token) = cookie_token(&headers) {
        sessions::log_out(&ctx, token).await?;
    }
    let gone = format!("{SESSION_COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_str(&gone).map_err(Error::internal)?);
    Ok(response)
}

/// Token of the session cookie.
pub fn cookie_token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, token)| token)
}

/// The staff, oldest first.
#[utoipa::path(get, path = "/users", tag = "users", params(PageQuery), responses((status = 200, body = Page<User>)),
    extensions(("x-permission" = json!("user.read"))))]
async fn list(ctx: Ctx, Query(page): Query<PageQuery>) -> Result<Json<Page<User>>, Error> {
    service::users_list(&ctx, &page).await.map(Json)
}

/// Makes a user.
#[utoipa::path(post, path = "/users", tag = "users", request_body = NewUser,
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
    request_body = UserChange, responses((status = 200, body = User), (status = 404, body = Problem), (status = 409, body = Problem)),
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
#[utoipa::path(post, path = "/users/{id}/password", tag = "users", params(("id" = UserId, Path)), request_body = NewPassword,
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
