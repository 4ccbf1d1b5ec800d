//! `/me/security`, `/me/app`, `/me/recovery-codes`, `/users/{id}/app`.

use super::{Enrolment, Security, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem},
    ids::UserId,
    secrets::{SecretText, ShownOnce},
};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of second factors.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(security))
        .routes(routes!(enrol, remove))
        .routes(routes!(confirm))
        .routes(routes!(renew))
        .routes(routes!(reset))
}

/// How the caller's log-in is protected.
#[utoipa::path(get, path = "/me/security", tag = "me", responses((status = 200, body = Security)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn security(ctx: Ctx) -> Result<Json<Security>, Error> {
    service::security_get(&ctx).await.map(Json)
}

/// Starts the enrolment of an authenticator app. Nothing asks for it before its first code was right. Asks for a log-in or
/// step-up of the last ten minutes.
#[utoipa::path(post, path = "/me/app", tag = "me",
    responses((status = 201, body = Enrolment), (status = 403, body = Problem), (status = 409, description = "`factor_enrolled`: an app is enrolled: remove it first", body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn enrol(ctx: Ctx) -> Result<(StatusCode, Json<Enrolment>), Error> {
    Ok((StatusCode::CREATED, Json(service::app_enrol(&ctx).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AppCode {
    /// Six digits that the app shows.
    #[schema(example = "492039")]
    code: SecretText,
}

/// Codes for whoever loses the app; shown once, each is taken once.
#[derive(Debug, Serialize, ToSchema)]
struct RecoveryCodes {
    /// Ten of them.
    #[schema(value_type = Vec<String>, example = json!(["MZXW-6YTB-OI2D-GNBV"]))]
    codes: Vec<ShownOnce>,
}

/// Ends the enrolment with a first code; from now on a log-in asks for one. The answer has the recovery codes.
#[utoipa::path(post, path = "/me/app/confirm", tag = "me", request_body(content = AppCode, example = json!({"code": "123456"})),
    responses((status = 200, body = RecoveryCodes), (status = 403, body = Problem), (status = 409, description = "`factor_missing`: start the enrolment of an app first", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn confirm(ctx: Ctx, Json(body): Json<AppCode>) -> Result<Json<RecoveryCodes>, Error> {
    Ok(Json(RecoveryCodes { codes: service::app_confirm(&ctx, &body.code).await? }))
}

/// New recovery codes; the old ones are worthless.
#[utoipa::path(post, path = "/me/recovery-codes", tag = "me",
    responses((status = 200, body = RecoveryCodes), (status = 403, body = Problem), (status = 409, description = "`factor_missing`: recovery codes stand in for a second factor: enrol one first", body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn renew(ctx: Ctx) -> Result<Json<RecoveryCodes>, Error> {
    Ok(Json(RecoveryCodes { codes: service::recovery_renew(&ctx).await? }))
}

/// Removes the caller's app, unless it is the last second factor and a role demands one.
#[utoipa::path(delete, path = "/me/app", tag = "me",
    responses((status = 204), (status = 403, body = Problem), (status = 409, description = "`factor_demanded`: a role of yours demands a second factor", body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn remove(ctx: Ctx) -> Result<StatusCode, Error> {
    service::app_remove(&ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the app, passkeys and recovery codes of a user who lost them.
#[utoipa::path(delete, path = "/users/{id}/app", tag = "users", params(("id" = UserId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, description = "`beyond_own_rights`: that person may do what the caller may not", body = Problem)),
    extensions(("x-permission" = json!("user.write"))))]
async fn reset(ctx: Ctx, Path(id): Path<UserId>) -> Result<StatusCode, Error> {
    service::app_reset(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
