//! `/dead-letters`: what was tried until the last attempt failed.

use atalaya_kernel::{
    Ctx, Error,
    dead_letters::{self, DeadLetter, DeadLetterId, DeadLetterList, Discard},
    http::{Json, Path, Problem},
    list::ListQuery,
    page::Page,
};
use axum::http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(dead_letters_list))
        .routes(routes!(dead_letter_get))
        .routes(routes!(dead_letter_replay))
        .routes(routes!(dead_letter_discard))
}

/// What was given up and waits for a person, newest first unless another order is asked for: deliveries of events inside the
/// system, and jobs.
#[utoipa::path(get, path = "/dead-letters", tag = "dead-letters", params(ListQuery<DeadLetterList>),
    responses((status = 200, body = Page<DeadLetter>), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("dead_letter.read"))))]
async fn dead_letters_list(
    ctx: Ctx,
    asked: ListQuery<DeadLetterList>,
) -> Result<Json<Page<DeadLetter>>, Error> {
    dead_letters::list(&ctx, &asked).await.map(Json)
}

/// One of them.
#[utoipa::path(get, path = "/dead-letters/{id}", tag = "dead-letters",
    params(("id" = String, Path, example = "evt_01jd3k5m7nf8v9q0r1s2t3w4x5.network.services")),
    responses((status = 200, body = DeadLetter), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("dead_letter.read"))))]
async fn dead_letter_get(ctx: Ctx, Path(id): Path<DeadLetterId>) -> Result<Json<DeadLetter>, Error> {
    dead_letters::get(&ctx, &id).await.map(Json)
}

/// Has it tried again, at once. It comes back when it fails again. Answers what it was.
#[utoipa::path(post, path = "/dead-letters/{id}/replay", tag = "dead-letters",
    params(("id" = String, Path, example = "evt_01jd3k5m7nf8v9q0r1s2t3w4x5.network.services")),
    responses((status = 200, body = DeadLetter), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("dead_letter.settle"))))]
async fn dead_letter_replay(ctx: Ctx, Path(id): Path<DeadLetterId>) -> Result<Json<DeadLetter>, Error> {
    dead_letters::replay(&ctx, &id).await.map(Json)
}

/// Gives it up for good, with a reason. Later events about the same thing, which waited behind it, are delivered.
#[utoipa::path(post, path = "/dead-letters/{id}/discard", tag = "dead-letters",
    params(("id" = String, Path, example = "evt_01jd3k5m7nf8v9q0r1s2t3w4x5.network.services")),
    request_body(content = Discard, example = json!({"reason": "The service was terminated meanwhile"})),
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("dead_letter.settle"))))]
async fn dead_letter_discard(
    ctx: Ctx,
    Path(id): Path<DeadLetterId>,
    Json(body): Json<Discard>,
) -> Result<StatusCode, Error> {
    dead_letters::discard(&ctx, &id, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}
