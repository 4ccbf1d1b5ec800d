//! `/session`.

use super::proofs::SecondFactorWanted;
use crate::{
    access::{AccessScope, Catalog, Role, RoleKey},
    identity::{Entered, LogIn, LoggedIn, Origin, SESSION_COOKIE, login, sessions},
    platform::visits::{self, Visit, Visiting},
    tenancy::{Languages, Tenant, TenantState},
};
use atalaya_kernel::{
    Ctx, Error, Permissions, STEP_UP_MS, fault,
    http::{Json, Problem},
    ids::{BlobId, TenantId},
    money::Currency,
    runtime::Runtime,
    secrets::SecretText,
    time::{TimeZone, Timestamp},
};
use axum::{
    Extension,
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Handlers name `LoggedIn` to demand a person; a program with a key has no session.
impl<S: Send + Sync> FromRequestParts<S> for LoggedIn {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let ctx = Ctx::from_request_parts(parts, state).await?;
        sessions::own_id(&ctx)?;
        parts.extensions.get::<Self>().cloned().ok_or_else(sessions::not_a_session)
    }
}

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(session_get, session_delete))
}

pub(super) fn public_router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(session_create))
}

/// What the server's middleware knows of the request that logs in.
#[derive(Debug, Clone)]
pub struct LoginOrigin {
    /// Where from.
    pub origin: Origin,
    /// Whether the cookie must be `Secure`.
    pub https: bool,
    /// Slug that the host name selects below the base domain, when it does.
    pub slug: Option<String>,
    /// Host name that was asked, lower case, without a port.
    pub host: Option<String>,
    /// Origin of the pages that were asked for, as browsers write it: `https://isp.example`, `http://localhost:8080`.
    pub web_origin: Option<String>,
}

/// Facts of the installation that the web app shows.
#[derive(Debug, Clone)]
pub struct Installation {
    /// production, staging or development.
    pub environment: String,
    /// Nothing leaves to devices and customers until a person arms it.
    pub safe_mode: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LogIn)]
struct Credentials {
    /// Slug of the ISP, where the host name does not select it.
    tenant: Option<String>,
    #[schema(example = "rosa@netandina.example")]
    email: String,
    password: SecretText,
}

#[derive(Debug, Serialize, ToSchema)]
struct SessionUser {
    /// Id of the user, or of the operator whose visit it is.
    #[schema(example = "usr_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    id: String,
    #[schema(example = "Rosa Quispe")]
    name: String,
    #[schema(example = "rosa@netandina.example")]
    email: String,
    /// First role.
    role: RoleKey,
    /// Every role, the first one first.
    roles: Vec<RoleKey>,
    /// Of which part of the ISP the user sees anything.
    scope: AccessScope,
}

#[derive(Debug, Serialize, ToSchema)]
struct SessionTenant {
    id: TenantId,
    #[schema(example = "netandina")]
    slug: String,
    #[schema(example = "NetAndina")]
    name: String,
    currency: Currency,
    time_zone: TimeZone,
    #[schema(example = "es-419")]
    locale: String,
    /// That its people choose among.
    languages: Languages,
    #[schema(example = "PE")]
    country: String,
    #[schema(example = "#0f766e")]
    brand_color: Option<String>,
    /// `GET /tenant/logo`; another id with each picture, null: none.
    logo: Option<BlobId>,
    /// The same for dark pages; null: the usual one.
    logo_dark: Option<BlobId>,
    /// Whether anything can be changed here.
    state: TenantState,
    /// Why not.
    state_reason: Option<String>,
    /// Since when.
    state_since: Option<Timestamp>,
}

impl From<Tenant> for SessionTenant {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id,
            slug: tenant.slug,
            name: tenant.name,
            currency: tenant.currency,
            time_zone: tenant.time_zone,
            locale: tenant.locale,
            languages: tenant.languages,
            country: tenant.country,
            brand_color: tenant.brand_color,
            logo: tenant.logo,
            logo_dark: tenant.logo_dark,
            state: tenant.state,
            state_reason: tenant.state_reason,
            state_since: tenant.state_since,
        }
    }
}

/// Who is logged in, where, with which rights.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    user: SessionUser,
    tenant: SessionTenant,
    /// Names of rights; `*` for all.
    #[schema(example = json!(["customer.read", "invoice.read"]))]
    permissions: Vec<String>,
    /// To be sent as `X-CSRF-Token` with every change.
    #[schema(example = "sent-as-x-csrf-token")]
    csrf_token: String,
    /// Until when dangerous operations do not ask for a step-up.
    proved_until: Timestamp,
    /// Whether nothing is possible before `POST /me/app`: a role demands a second factor, and there is none.
    factor_missing: bool,
    #[schema(example = "production")]
    environment: String,
    safe_mode: bool,
    /// The visit, when it is not a user who is here but an operator of the installation.
    visit: Option<Visit>,
}

impl Session {
    /// What an operator who visits is shown: the pages as somebody who may look sees them.
    fn of_visit(visiting: Visiting, installation: &Installation) -> Self {
        let Visiting { visit, tenant, csrf_token } = visiting;
        Self {
            user: SessionUser {
                id: visit.operator_id.to_string(),
                name: visit.operator_name.clone(),
                email: String::new(),
                role: Role::ReadOnly.into(),
                roles: vec![Role::ReadOnly.into()],
                scope: AccessScope::All,
            },
            tenant: tenant.into(),
            permissions: visit.permissions.iter().cloned().collect(),
            csrf_token,
            proved_until: visit.started_at.plus_millis(STEP_UP_MS),
            factor_missing: false,
            environment: installation.environment.clone(),
            safe_mode: installation.safe_mode,
            visit: Some(visit),
        }
    }

    pub(super) fn of(logged_in: LoggedIn, installation: &Installation, catalog: &Catalog) -> Self {
        let LoggedIn { user, tenant, permissions, factor_missing, csrf_token, proved_at, .. } = logged_in;
        let permissions = match permissions {
            Permissions::All => vec!["*".to_owned()],
            narrower => catalog.held(&narrower),
        };
        Self {
            user: SessionUser {
                id: user.id.to_string(),
                name: user.name,
                email: user.email,
                role: user.role,
                roles: user.roles,
                scope: user.scope,
            },
            tenant: tenant.into(),
            visit: None,
            permissions,
            csrf_token,
            proved_until: proved_at.plus_millis(STEP_UP_MS),
            factor_missing,
            environment: installation.environment.clone(),
            safe_mode: installation.safe_mode,
        }
    }
}

/// Logs in and sets the session cookie, or asks for a second factor.
#[utoipa::path(post, path = "/session", tag = "session", request_body(content = Credentials, example = json!({"email": "rosa@netandina.example", "password": "una-clave-larga-2026", "tenant": "netandina"})),
    responses((status = 200, body = Session), (status = 202, body = SecondFactorWanted), (status = 401, body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn session_create(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Extension(installation): Extension<Arc<Installation>>,
    Extension(catalog): Extension<Arc<Catalog>>,
    Json(body): Json<Credentials>,
) -> Result<Response, Error> {
    fault::panic_with("session.password_at_hand", &body);
    let slug = login.slug_or(&runtime, body.tenant).await?;
    let said = login::log_in(&runtime, &slug, &body.email, &body.password, &login.origin).await?;
    log_in_answer(said, &installation, &catalog, login.https)
}

/// The answer to whoever logs in: a session, or what is wanted beside, or that it was wrong.
pub(crate) fn log_in_answer(
    said: LogIn,
    installation: &Installation,
    catalog: &Catalog,
    https: bool,
) -> Result<Response, Error> {
    match said {
        LogIn::Refused => Ok(Problem::wrong_login().into_response()),
        LogIn::SecondFactor { challenge, expires_at } => {
            let wanted = Json(SecondFactorWanted { challenge, expires_at });
            Ok((StatusCode::ACCEPTED, wanted).into_response())
        }
        LogIn::In(entered) => entered_answer(*entered, installation, catalog, https),
    }
}

/// The answer to whoever is in now: session, and a cookie by which the browser is known again.
pub(crate) fn entered_answer(
    entered: Entered,
    installation: &Installation,
    catalog: &Catalog,
    https: bool,
) -> Result<Response, Error> {
    let Entered { token, browser, logged_in } = entered;
    let mut response =
        with_cookie(Json(Session::of(logged_in, installation, catalog)), token.expose(), https)?;
    let secure = if https { "; Secure" } else { "" };
    let cookie = format!(
        "{BROWSER_COOKIE}={}; Path=/api/v1/; HttpOnly; SameSite=Strict; Max-Age={BROWSER_S}{secure}",
        browser.expose()
    );
    let cookie = HeaderValue::from_str(&cookie).map_err(Error::internal)?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// An answer that gives the browser the session's token.
pub(crate) fn with_cookie(answer: impl IntoResponse, token: &str, https: bool) -> Result<Response, Error> {
    let secure = if https { "; Secure" } else { "" };
    let cookie = format!("{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax{secure}");
    let mut response = answer.into_response();
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
    logged_in: Option<Extension<LoggedIn>>,
    visiting: Option<Extension<Visiting>>,
    Extension(installation): Extension<Arc<Installation>>,
    Extension(catalog): Extension<Arc<Catalog>>,
) -> Result<Json<Session>, Error> {
    match (logged_in, visiting) {
        (Some(Extension(logged_in)), _) => Ok(Json(Session::of(logged_in, &installation, &catalog))),
        (None, Some(Extension(visiting))) => Ok(Json(Session::of_visit(visiting, &installation))),
        (None, None) => Err(sessions::not_a_session()),
    }
}

/// Logs out.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn session_delete(
    ctx: Ctx,
    visiting: Option<Extension<Visiting>>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    match (visiting, cookie_token(&headers)) {
        (Some(Extension(visiting)), _) => visits::visit_end_own(&ctx, &visiting).await?,
        (None, Some(token)) => sessions::log_out(&ctx, token).await?,
        (None, None) => {}
    }
    let gone = format!("{SESSION_COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_str(&gone).map_err(Error::internal)?);
    Ok(response)
}

/// Name of the cookie by which a browser is known again.
const BROWSER_COOKIE: &str = "atalaya_browser";
/// How long a browser is known, s: 400 days, which is the most that browsers keep.
const BROWSER_S: u32 = 400 * 86_400;

/// Token of the session cookie.
pub fn cookie_token(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, SESSION_COOKIE)
}

/// Token of the cookie by which a browser is known again.
pub fn browser_token(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, BROWSER_COOKIE)
}

pub(crate) fn cookie<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, token)| token)
}
