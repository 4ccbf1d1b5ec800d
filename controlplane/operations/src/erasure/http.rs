//! `/customers/{id}/erasure`, `/users/{id}/erasure` and `/data-erasures`.

use super::{ErasureAsked, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem, Query},
    ids::{CustomerId, UserId},
    page::{Page, PageQuery},
    personal::{Person, erasures::DataErasure},
};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of erasures.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(of_customer)).routes(routes!(of_user)).routes(routes!(list))
}

/// Why a person's data is to be taken out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ErasureReason {
    /// Why, for whoever asks later.
    #[schema(example = "Asked for in writing on 2026-11-20")]
    reason: String,
}

type Asked = Result<(StatusCode, Json<ErasureAsked>), Error>;

async fn asked(ctx: &Ctx, person: &Person, reason: &str) -> Asked {
    Ok((StatusCode::ACCEPTED, Json(service::erasure_ask(ctx, person, reason).await?)))
}

/// Takes everything personal out of what is held of a customer, for ever; where a second person could agree, one has to first.
#[utoipa::path(post, path = "/customers/{id}/erasure", tag = "personal data", params(("id" = CustomerId, Path)),
    request_body(content = ErasureReason, example = json!({"reason": "Asked for in writing on 2026-11-20"})),
    responses((status = 202, body = ErasureAsked), (status = 404, body = Problem), (status = 409, description = "`customer_has_services`: end the customer's services first", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("customer.erase"))))]
async fn of_customer(ctx: Ctx, Path(id): Path<CustomerId>, Json(body): Json<ErasureReason>) -> Asked {
    asked(&ctx, &Person::Customer(id), &body.reason).await
}

/// Takes everything personal out of what is held of a disabled user, for ever; where a second person could agree, one has to first.
#[utoipa::path(post, path = "/users/{id}/erasure", tag = "personal data", params(("id" = UserId, Path)),
    request_body(content = ErasureReason, example = json!({"reason": "Left the company in 2024"})),
    responses((status = 202, body = ErasureAsked), (status = 404, body = Problem), (status = 409, description = "`user_enabled`: disable the user first", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("user.erase"))))]
async fn of_user(ctx: Ctx, Path(id): Path<UserId>, Json(body): Json<ErasureReason>) -> Asked {
    asked(&ctx, &Person::User(id), &body.reason).await
}

/// Whose erasure.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PersonQuery {
    /// Id of a customer or a user.
    #[param(example = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    person: String,
}

/// Erasures of a person: one at most.
#[utoipa::path(get, path = "/data-erasures", tag = "personal data", params(PersonQuery, PageQuery),
    responses((status = 200, body = Page<DataErasure>), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn list(
    ctx: Ctx,
    Query(of): Query<PersonQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DataErasure>>, Error> {
    service::erasures_list(&ctx, &of.person, &page).await.map(Json)
}
