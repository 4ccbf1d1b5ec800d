//! `/me/passkeys`, `/session/passkey`, and what a browser needs for them.

use super::{
    AssertionOptions, NewPasskey, Passkey, PasskeyAnswer, PasskeyMade, RegistrationOptions, Site, enter,
    service,
};
use crate::{
    access::Catalog,
    identity::http::{Installation, LoginOrigin, Session, entered_answer},
};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem},
    ids::PasskeyId,
    page::Page,
    runtime::Runtime,
    secrets::SecretText,
};
use axum::{
    Extension,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::{net::IpAddr, sync::Arc};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of whoever is logged in.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(registration_options))
        .routes(routes!(delete))
        .routes(routes!(step_up_options))
}

/// Routes of whoever wants to enter.
pub fn public_router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(enter_options))
        .routes(routes!(enter_with))
        .routes(routes!(second_factor_options))
}

/// The site that was asked: a passkey is of a host name, and no browser makes one for an address.
pub(crate) fn site(login: &LoginOrigin) -> Result<Site, Error> {
    let host = login.host.as_deref().filter(|host| !host.is_empty() && host.parse::<IpAddr>().is_err());
    let (Some(host), Some(origin)) = (host, login.web_origin.as_deref()) else {
        return Err(Error::conflict(
            "passkey_host",
            "a passkey is of a host name: ask by one, not by an address",
        ));
    };
    Ok(Site { rp_id: host.to_owned(), origin: origin.to_owned() })
}

/// The caller's passkeys, oldest first, also those for other host names of this installation.
#[utoipa::path(get, path = "/me/passkeys", tag = "me", responses((status = 200, body = Page<Passkey>)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn list(ctx: Ctx) -> Result<Json<Page<Passkey>>, Error> {
    service::passkeys_list(&ctx).await.map(Json)
}

/// What `navigator.credentials.create` needs to make a passkey for the host that was asked. Asks for a log-in or step-up of the
/// last ten minutes.
#[utoipa::path(post, path = "/me/passkeys/options", tag = "me",
    responses((status = 200, body = RegistrationOptions), (status = 403, body = Problem), (status = 409, description = "`passkey_host`: a passkey is of a host name: ask by one, not by an address", body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn registration_options(
    ctx: Ctx,
    Extension(login): Extension<LoginOrigin>,
) -> Result<Json<RegistrationOptions>, Error> {
    service::registration_options(&ctx, &site(&login)?).await.map(Json)
}

/// Keeps a passkey that the browser made. Whoever had no second factor is given recovery codes, this once.
#[utoipa::path(post, path = "/me/passkeys", tag = "me", request_body(content = NewPasskey, example = json!({"name": "Teléfono de Rosa", "credential": {"rawId": "base64url", "response": {"clientDataJSON": "base64url", "attestationObject": "base64url"}}})),
    responses((status = 201, body = PasskeyMade), (status = 403, body = Problem), (status = 409, description = "`passkey_enrolled`: this passkey is kept already", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn create(
    ctx: Ctx,
    Extension(login): Extension<LoginOrigin>,
    Json(new): Json<NewPasskey>,
) -> Result<(StatusCode, Json<PasskeyMade>), Error> {
    let made = service::passkey_create(&ctx, &site(&login)?, &new).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Removes one of the caller's passkeys, unless it is the last second factor and a role demands one.
#[utoipa::path(delete, path = "/me/passkeys/{id}", tag = "me", params(("id" = PasskeyId, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, description = "`factor_demanded`: a role of yours demands a second factor", body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn delete(ctx: Ctx, Path(id): Path<PasskeyId>) -> Result<StatusCode, Error> {
    service::passkey_delete(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What `navigator.credentials.get` needs for a step-up by a passkey.
#[utoipa::path(post, path = "/session/step-up/options", tag = "session",
    responses((status = 200, body = AssertionOptions), (status = 409, description = "`factor_missing`: there is no passkey of yours for this address", body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn step_up_options(
    ctx: Ctx,
    Extension(login): Extension<LoginOrigin>,
) -> Result<Json<AssertionOptions>, Error> {
    enter::step_up_options(&ctx, &site(&login)?).await.map(Json)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasskeyEntry {
    /// Slug of the ISP, where the host name does not select it.
    #[schema(example = "netandina")]
    tenant: Option<String>,
}

/// What `navigator.credentials.get` needs to enter by a passkey, without e-mail and password.
#[utoipa::path(post, path = "/session/passkey/options", tag = "session", request_body(content = PasskeyEntry, example = json!({"tenant": "netandina"})),
    responses((status = 200, body = AssertionOptions), (status = 409, description = "`passkey_host`: a passkey is of a host name: ask by one, not by an address", body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn enter_options(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Json(body): Json<PasskeyEntry>,
) -> Result<Json<AssertionOptions>, Error> {
    let site = site(&login)?;
    let slug = login.slug_or(&runtime, body.tenant).await?;
    enter::enter_options(&runtime, &slug, &site, &login.origin).await.map(Json)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasskeyLogIn {
    /// Slug of the ISP, where the host name does not select it.
    #[schema(example = "netandina")]
    tenant: Option<String>,
    /// What `navigator.credentials.get` gave.
    credential: PasskeyAnswer,
}

/// Enters by a passkey that verified who is there; sets the session cookie.
#[utoipa::path(post, path = "/session/passkey", tag = "session", request_body(content = PasskeyLogIn, example = json!({"tenant": "netandina", "credential": {"rawId": "base64url", "response": {"clientDataJSON": "base64url", "authenticatorData": "base64url", "signature": "base64url", "userHandle": "base64url"}}})),
    responses((status = 200, body = Session), (status = 401, body = Problem), (status = 409, description = "`passkey_host`: a passkey is of a host name: ask by one, not by an address", body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn enter_with(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Extension(installation): Extension<Arc<Installation>>,
    Extension(catalog): Extension<Arc<Catalog>>,
    Json(body): Json<PasskeyLogIn>,
) -> Result<Response, Error> {
    let site = site(&login)?;
    let slug = login.slug_or(&runtime, body.tenant).await?;
    match enter::enter(&runtime, &slug, &body.credential, &site, &login.origin).await? {
        Some(entered) => entered_answer(*entered, &installation, &catalog, login.https),
        None => Ok(Problem::wrong_login().into_response()),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasskeySecond {
    /// What the log-in answered.
    challenge: SecretText,
}

/// What `navigator.credentials.get` needs to follow a right password; 404 where its user has no passkey for this host.
#[utoipa::path(post, path = "/session/second-factor/options", tag = "session", request_body(content = PasskeySecond, example = json!({"challenge": "what the log-in answered"})),
    responses((status = 200, body = AssertionOptions), (status = 404, body = Problem), (status = 409, description = "`passkey_host`: a passkey is of a host name: ask by one, not by an address", body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn second_factor_options(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Json(body): Json<PasskeySecond>,
) -> Result<Json<AssertionOptions>, Error> {
    let options =
        enter::second_factor_options(&runtime, &body.challenge, &site(&login)?, &login.origin).await?;
    options.map(Json).ok_or(Error::NotFound)
}
