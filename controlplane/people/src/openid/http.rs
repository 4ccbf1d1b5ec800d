//! `/identity-providers`, `/me/identities`, `/users/{id}/identities`, `/session/identity-provider`.

use super::{
    Identity, IdentityProvider, IdentityProviderChange, IssuerReport, IssuerToCheck, Issuers, ListedProvider,
    NewIdentity, NewIdentityProvider, ProviderChoice, Returned, enter, identities, providers,
};
use crate::{
    access::Catalog,
    identity::http::{Installation, LoginOrigin, SecondFactorWanted, Session, cookie, log_in_answer},
};
use atalaya_kernel::{
    Ctx, Error,
    http::{IfMatch, Json, Path, Problem, Query, Versioned},
    ids::{IdentityId, IdentityProviderId, UserId},
    page::Page,
    runtime::Runtime,
    secrets::{SecretText, ShownOnce},
};
use axum::{
    Extension,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of whoever is logged in.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(check))
        .routes(routes!(get, update, delete))
        .routes(routes!(own_list, own_allow))
        .routes(routes!(own_remove))
        .routes(routes!(of_user, allow))
        .routes(routes!(remove))
}

/// Routes of whoever wants to enter.
pub fn public_router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(choices)).routes(routes!(begin)).routes(routes!(finish))
}

/// The identity providers by which people log in, and what has to be told to them.
#[derive(Debug, Serialize, ToSchema)]
struct IdentityProviders {
    /// Oldest first; all of them.
    items: Vec<ListedProvider>,
    /// Where they have to send people back to, to the letter, when Atalaya is opened by the address of this request.
    #[schema(example = "https://isp.example/login/return")]
    redirect_uri: Option<String>,
}

/// The identity providers by which people log in, oldest first, and the address that they send people back to.
#[utoipa::path(get, path = "/identity-providers", tag = "single sign-on", responses((status = 200, body = IdentityProviders)),
    extensions(("x-permission" = json!("identity_provider.read"))))]
async fn list(ctx: Ctx, Extension(login): Extension<LoginOrigin>) -> Result<Json<IdentityProviders>, Error> {
    let items = providers::providers_list(&ctx).await?;
    Ok(Json(IdentityProviders { items, redirect_uri: login.web_origin.as_deref().map(enter::redirect_uri) }))
}

/// Asks an issuer now whether people could log in by it, and says in which way they could not. Nothing is kept.
#[utoipa::path(post, path = "/identity-providers/check", tag = "single sign-on", request_body(content = IssuerToCheck, example = json!({"issuer": "https://accounts.google.com"})),
    responses((status = 200, body = IssuerReport), (status = 403, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("identity_provider.write"))))]
async fn check(
    ctx: Ctx,
    Extension(issuers): Extension<Arc<Issuers>>,
    Json(wanted): Json<IssuerToCheck>,
) -> Result<Json<IssuerReport>, Error> {
    providers::issuer_check(&ctx, &issuers, &wanted).await.map(Json)
}

/// Makes an identity provider, after its issuer was asked for its discovery document. Its secret is never shown again.
#[utoipa::path(post, path = "/identity-providers", tag = "single sign-on", request_body(content = NewIdentityProvider, example = json!({"name": "Google", "issuer": "https://accounts.google.com", "client_id": "1234567890-abc.apps.googleusercontent.com", "client_secret": "what the issuer gave with the client id", "allowed_domains": ["netandina.example"]})),
    responses((status = 201, body = IdentityProvider), (status = 409, description = "`issuer_unusable`: the issuer cannot be used", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("identity_provider.write"))))]
async fn create(
    ctx: Ctx,
    Extension(issuers): Extension<Arc<Issuers>>,
    Json(new): Json<NewIdentityProvider>,
) -> Result<(StatusCode, Versioned<IdentityProvider>), Error> {
    let provider = providers::provider_create(&ctx, &issuers, new).await?;
    Ok((StatusCode::CREATED, Versioned(provider.version, provider)))
}

/// One identity provider.
#[utoipa::path(get, path = "/identity-providers/{id}", tag = "single sign-on", params(("id" = IdentityProviderId, Path)),
    responses((status = 200, body = IdentityProvider), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("identity_provider.read"))))]
async fn get(ctx: Ctx, Path(id): Path<IdentityProviderId>) -> Result<Versioned<IdentityProvider>, Error> {
    let provider = providers::provider_get(&ctx, &id).await?;
    Ok(Versioned(provider.version, provider))
}

/// Changes an identity provider; its issuer stays.
#[utoipa::path(patch, path = "/identity-providers/{id}", tag = "single sign-on",
    params(("id" = IdentityProviderId, Path), ("If-Match" = String, Header)), request_body(content = IdentityProviderChange, example = json!({"enabled": false})),
    responses((status = 200, body = IdentityProvider), (status = 404, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("identity_provider.write"))))]
async fn update(
    ctx: Ctx,
    Path(id): Path<IdentityProviderId>,
    IfMatch(version): IfMatch,
    Json(change): Json<IdentityProviderChange>,
) -> Result<Versioned<IdentityProvider>, Error> {
    let provider = providers::provider_update(&ctx, &id, version, change).await?;
    Ok(Versioned(provider.version, provider))
}

/// Removes an identity provider, and what links its accounts with people here.
#[utoipa::path(delete, path = "/identity-providers/{id}", tag = "single sign-on", params(("id" = IdentityProviderId, Path)),
    responses((status = 204), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("identity_provider.write"))))]
async fn delete(ctx: Ctx, Path(id): Path<IdentityProviderId>) -> Result<StatusCode, Error> {
    providers::provider_delete(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Accounts at identity providers that open the caller's log-in, or may be linked with it.
#[utoipa::path(get, path = "/me/identities", tag = "me", responses((status = 200, body = Page<Identity>)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn own_list(ctx: Ctx) -> Result<Json<Page<Identity>>, Error> {
    identities::own_identities(&ctx).await.map(Json)
}

/// Allows the first account at a provider that has the caller's verified e-mail to be linked with their log-in, for seven days.
/// Asks for a log-in or step-up of the last ten minutes.
#[utoipa::path(post, path = "/me/identities", tag = "me", request_body(content = NewIdentity, example = json!({"provider_id": "idp_01jd3k5m7nf8v9q0r1s2t3w4x5"})),
    responses((status = 201, body = Identity), (status = 403, body = Problem), (status = 409, description = "`identity_allowed`: one is allowed already, and waits for its account", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn own_allow(ctx: Ctx, Json(new): Json<NewIdentity>) -> Result<(StatusCode, Json<Identity>), Error> {
    Ok((StatusCode::CREATED, Json(identities::own_identity_allow(&ctx, &new).await?)))
}

/// Has an account open the caller's log-in no more.
#[utoipa::path(delete, path = "/me/identities/{id}", tag = "me", params(("id" = IdentityId, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn own_remove(ctx: Ctx, Path(id): Path<IdentityId>) -> Result<StatusCode, Error> {
    identities::own_identity_remove(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Accounts at identity providers that open a user's log-in, or may be linked with it.
#[utoipa::path(get, path = "/users/{id}/identities", tag = "users", params(("id" = UserId, Path)),
    responses((status = 200, body = Page<Identity>), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("user.read"))))]
async fn of_user(ctx: Ctx, Path(id): Path<UserId>) -> Result<Json<Page<Identity>>, Error> {
    identities::identities_of(&ctx, &id).await.map(Json)
}

/// Allows the first account at a provider that has a user's verified e-mail to be linked with their log-in, for seven days.
#[utoipa::path(post, path = "/users/{id}/identities", tag = "users", params(("id" = UserId, Path)), request_body(content = NewIdentity, example = json!({"provider_id": "idp_01jd3k5m7nf8v9q0r1s2t3w4x5"})),
    responses((status = 201, body = Identity), (status = 404, body = Problem), (status = 409, description = "`identity_allowed`: one is allowed already, and waits for its account", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn allow(
    ctx: Ctx,
    Path(id): Path<UserId>,
    Json(new): Json<NewIdentity>,
) -> Result<(StatusCode, Json<Identity>), Error> {
    Ok((StatusCode::CREATED, Json(identities::identity_allow(&ctx, &id, &new).await?)))
}

/// Has an account open a user's log-in no more.
#[utoipa::path(delete, path = "/users/{id}/identities/{identity}", tag = "users",
    params(("id" = UserId, Path), ("identity" = IdentityId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, description = "`beyond_own_rights`: that person may do what the caller may not", body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn remove(ctx: Ctx, Path((id, identity)): Path<(UserId, IdentityId)>) -> Result<StatusCode, Error> {
    identities::identity_remove(&ctx, &id, &identity).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct OfTenant {
    /// Slug of the ISP, where the host name does not select it.
    #[param(example = "netandina")]
    tenant: Option<String>,
}

/// The identity providers that a person may log in by here.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderChoices {
    items: Vec<ProviderChoice>,
}

/// By which identity providers a person may log in here.
#[utoipa::path(get, path = "/session/identity-providers", tag = "session", params(OfTenant),
    responses((status = 200, body = ProviderChoices), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn choices(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Query(of): Query<OfTenant>,
) -> Result<Json<ProviderChoices>, Error> {
    let slug = login.slug_or(&runtime, of.tenant).await?;
    Ok(Json(ProviderChoices { items: enter::choices(&runtime, &slug, &login.origin).await? }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BeginSignIn {
    /// Slug of the ISP, where the host name does not select it.
    #[schema(example = "netandina")]
    tenant: Option<String>,
    /// At which provider.
    provider_id: IdentityProviderId,
}

/// A log-in that goes to an identity provider.
#[derive(Debug, Serialize, ToSchema)]
struct SignInBegun {
    /// Where the browser is to go. It comes back to `/login/return` with `state` and `code`.
    #[schema(value_type = String, example = "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=…")]
    url: ShownOnce,
}

/// Name of the cookie that a log-in is bound to while it is on its way.
const ATTEMPT_COOKIE: &str = "atalaya_sign_in";

/// An answer that gives the browser what it has to keep until it comes back, or takes it away.
fn with_attempt(answer: Response, browser: &str, seconds: i64, https: bool) -> Result<Response, Error> {
    let secure = if https { "; Secure" } else { "" };
    let cookie = format!(
        "{ATTEMPT_COOKIE}={browser}; Path=/api/v1/session/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"
    );
    let mut answer = answer;
    let value = HeaderValue::from_str(&cookie).map_err(Error::internal)?;
    answer.headers_mut().append(header::SET_COOKIE, value);
    Ok(answer)
}

fn attempt_token(headers: &HeaderMap) -> Option<SecretText> {
    cookie(headers, ATTEMPT_COOKIE).map(|token| SecretText::new(token.to_owned()))
}

/// Begins a log-in by an identity provider; sets the cookie that it is bound to. It may take ten minutes.
#[utoipa::path(post, path = "/session/identity-provider", tag = "session", request_body(content = BeginSignIn, example = json!({"tenant": "netandina", "provider_id": "idp_01jd3k5m7nf8v9q0r1s2t3w4x5"})),
    responses((status = 200, body = SignInBegun), (status = 404, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn begin(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Extension(issuers): Extension<Arc<Issuers>>,
    headers: HeaderMap,
    Json(body): Json<BeginSignIn>,
) -> Result<Response, Error> {
    let slug = login.slug_or(&runtime, body.tenant).await?;
    let web_origin = login.web_origin.as_deref().ok_or(Error::NotFound)?;
    let browser = attempt_token(&headers);
    let begun = enter::begin(
        &runtime,
        &issuers,
        &slug,
        &body.provider_id,
        web_origin,
        browser.as_ref(),
        &login.origin,
    )
    .await?;
    let answer = Json(SignInBegun { url: begun.url }).into_response();
    with_attempt(answer, begun.browser.expose(), enter::ATTEMPT_MS / 1_000, login.https)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignInReturned {
    /// As the provider gave it back.
    state: SecretText,
    /// What the provider gave; absent when it refused.
    code: Option<SecretText>,
    /// Why the provider refused.
    #[schema(example = "access_denied")]
    error: Option<String>,
    /// Which issuer the provider says that it is.
    #[schema(example = "https://accounts.google.com")]
    iss: Option<String>,
}

/// Ends a log-in by an identity provider with what the browser brought back; sets the session cookie, or asks for a second factor.
#[utoipa::path(post, path = "/session/identity-provider/return", tag = "session", request_body(content = SignInReturned, example = json!({"state": "netandina.d41d8cd98f00b204", "code": "4/0AbCd"})),
    responses((status = 200, body = Session), (status = 202, body = SecondFactorWanted), (status = 401, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn finish(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Extension(installation): Extension<Arc<Installation>>,
    Extension(catalog): Extension<Arc<Catalog>>,
    Extension(issuers): Extension<Arc<Issuers>>,
    headers: HeaderMap,
    Json(body): Json<SignInReturned>,
) -> Result<Response, Error> {
    let slug = match login.slug_or(&runtime, enter::slug_of(&body.state)).await {
        Ok(slug) => slug,
        // A state that names no ISP is none of ours.
        Err(Error::Invalid(_)) => return Ok(Problem::wrong_login().into_response()),
        Err(error) => return Err(error),
    };
    let returned = Returned { state: body.state, code: body.code, error: body.error, issuer: body.iss };
    let browser = attempt_token(&headers);
    let said = enter::finish(&runtime, &issuers, &slug, &returned, browser.as_ref(), &login.origin).await?;
    log_in_answer(said, &installation, &catalog, login.https)
}
