//! `/session/second-factor`, `/session/step-up`: what follows a password, and what is shown again.

use super::{
    LoginOrigin,
    session::{Installation, Session, entered_answer, with_cookie},
};
use crate::{
    access::Catalog,
    identity::{LoggedIn, Proof, login, sessions},
    passkeys::{self, PasskeyAnswer},
};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Problem},
    runtime::Runtime,
    secrets::{SecretText, ShownOnce},
    time::Timestamp,
};
use axum::{
    Extension,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(step_up))
}

pub(super) fn public_router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(second_factor))
}

/// The password is right, and a code is wanted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecondFactorWanted {
    /// To be sent to `/session/second-factor` with a code of the app, a recovery code or a passkey.
    #[schema(example = "sent-back-with-the-code", value_type = String)]
    pub(crate) challenge: ShownOnce,
    /// Until when.
    pub(crate) expires_at: Timestamp,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SecondFactor {
    /// What the log-in answered.
    challenge: SecretText,
    /// Six digits of the app, or a recovery code; or give `passkey`.
    code: Option<SecretText>,
    /// What `navigator.credentials.get` gave for `/session/second-factor/options`.
    passkey: Option<PasskeyAnswer>,
}

/// Ends a log-in that wants a second factor; sets the session cookie.
#[utoipa::path(post, path = "/session/second-factor", tag = "session", request_body(content = SecondFactor, example = json!({"challenge": "what the log-in answered", "code": "123456"})),
    responses((status = 200, body = Session), (status = 401, body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn second_factor(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(login): Extension<LoginOrigin>,
    Extension(installation): Extension<Arc<Installation>>,
    Extension(catalog): Extension<Arc<Catalog>>,
    Json(body): Json<SecondFactor>,
) -> Result<Response, Error> {
    let entered = match (&body.code, &body.passkey) {
        (Some(code), None) => login::second_factor(&runtime, &body.challenge, code, &login.origin).await?,
        (None, Some(answer)) => {
            let site = passkeys::http::site(&login)?;
            passkeys::second_factor(&runtime, &body.challenge, answer, &site, &login.origin).await?
        }
        _ => return Err(Error::invalid("/code", "required", "give a code or a passkey, and not both")),
    };
    match entered {
        Some(entered) => entered_answer(*entered, &installation, &catalog, login.https),
        None => Ok(Problem::wrong_login().into_response()),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StepUp {
    /// The caller's password; or give `code` or `passkey`.
    password: Option<SecretText>,
    /// Six digits of the caller's app, or a recovery code.
    code: Option<SecretText>,
    /// What `navigator.credentials.get` gave for `/session/step-up/options`.
    passkey: Option<PasskeyAnswer>,
}

/// Shows again who is there: dangerous operations are possible for ten minutes. The session has another cookie after it.
#[utoipa::path(post, path = "/session/step-up", tag = "session", request_body(content = StepUp, example = json!({"password": "una-clave-larga-2026"})),
    responses((status = 200, body = Session), (status = 401, body = Problem), (status = 409, description = "`passkey_host`: a passkey is of a host name: ask by one, not by an address", body = Problem), (status = 429, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn step_up(
    ctx: Ctx,
    Extension(login): Extension<LoginOrigin>,
    logged_in: LoggedIn,
    Extension(installation): Extension<Arc<Installation>>,
    Extension(catalog): Extension<Arc<Catalog>>,
    Json(body): Json<StepUp>,
) -> Result<Response, Error> {
    let proof = match (body.password, body.code, body.passkey) {
        (Some(password), None, None) => Proof::Password(password),
        (None, Some(code), None) => Proof::Code(code),
        (None, None, Some(answer)) => Proof::Passkey(Box::new((answer, passkeys::http::site(&login)?))),
        _ => {
            return Err(Error::invalid(
                "/password",
                "required",
                "give a password, a code or a passkey, and one of them",
            ));
        }
    };
    let Some(token) = sessions::step_up(&ctx, &logged_in, &proof, &login.origin).await? else {
        return Ok(Problem::wrong_login().into_response());
    };
    let proved = LoggedIn { proved_at: ctx.now(), ..logged_in };
    with_cookie(Json(Session::of(proved, &installation, &catalog)), &token, login.https)
}
