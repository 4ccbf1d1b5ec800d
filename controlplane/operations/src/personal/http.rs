//! `/customers/{id}/data-export`, `/users/{id}/data-export`, `/me/data-export` and `/data-exports`.

use super::{PartContent, service};
use crate::notes::http::{FileBytes, to_be_saved};
use atalaya_kernel::{
    Ctx, Error, Principal,
    http::{Json, Path, Problem, Query},
    ids::{CustomerId, DataExportId, UserId},
    page::{Page, PageQuery},
    personal::{Person, exports::DataExport},
};
use axum::{http::StatusCode, response::Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of exports.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(of_customer))
        .routes(routes!(of_user))
        .routes(routes!(own))
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(part))
}

type Asked = Result<(StatusCode, Json<DataExport>), Error>;

async fn asked(ctx: &Ctx, person: &Person) -> Asked {
    Ok((StatusCode::ACCEPTED, Json(service::export_request(ctx, person).await?)))
}

/// Asks for a copy of everything that is held of a customer; a job makes it.
#[utoipa::path(post, path = "/customers/{id}/data-export", tag = "personal data", params(("id" = CustomerId, Path)),
    responses((status = 202, body = DataExport), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("customer.export"))))]
async fn of_customer(ctx: Ctx, Path(id): Path<CustomerId>) -> Asked {
    asked(&ctx, &Person::Customer(id)).await
}

/// Asks for a copy of everything that is held of a user; a job makes it.
#[utoipa::path(post, path = "/users/{id}/data-export", tag = "personal data", params(("id" = UserId, Path)),
    responses((status = 202, body = DataExport), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("user.export"))))]
async fn of_user(ctx: Ctx, Path(id): Path<UserId>) -> Asked {
    asked(&ctx, &Person::User(id)).await
}

/// Asks for a copy of everything that is held of the caller; a job makes it.
#[utoipa::path(post, path = "/me/data-export", tag = "personal data",
    responses((status = 202, body = DataExport), (status = 409, description = "`not_a_person`: only a person who is logged in has this", body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn own(ctx: Ctx) -> Asked {
    let Principal::User { id, .. } = ctx.principal().clone() else {
        return Err(Error::conflict("not_a_person", "only a person who is logged in has this"));
    };
    asked(&ctx, &Person::User(id)).await
}

/// Whose exports.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PersonQuery {
    /// Id of a customer or a user.
    #[param(example = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    person: String,
}

/// Copies of what is held of a person, the newest first.
#[utoipa::path(get, path = "/data-exports", tag = "personal data", params(PersonQuery, PageQuery),
    responses((status = 200, body = Page<DataExport>), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn list(
    ctx: Ctx,
    Query(of): Query<PersonQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DataExport>>, Error> {
    service::exports_list(&ctx, &of.person, &page).await.map(Json)
}

/// One copy: whether it can be fetched, and its parts.
#[utoipa::path(get, path = "/data-exports/{id}", tag = "personal data", params(("id" = DataExportId, Path)),
    responses((status = 200, body = DataExport), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn get(ctx: Ctx, Path(id): Path<DataExportId>) -> Result<Json<DataExport>, Error> {
    service::export_get(&ctx, &id).await.map(Json)
}

/// A ZIP of a copy, within a week of its being made. Asks for a log-in or step-up of the last minutes.
#[utoipa::path(get, path = "/data-exports/{id}/parts/{number}", tag = "personal data",
    params(("id" = DataExportId, Path), ("number" = i64, Path, minimum = 1)),
    responses((status = 200, content_type = "application/octet-stream", body = FileBytes), (status = 404, body = Problem), (status = 409, description = "`export_not_ready`: it is being made: ask again in a while", body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn part(ctx: Ctx, Path((id, number)): Path<(DataExportId, i64)>) -> Result<Response, Error> {
    let PartContent { name, content } = service::part_download(&ctx, &id, number).await?;
    to_be_saved(&name, content)
}
