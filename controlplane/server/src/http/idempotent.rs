//! `Idempotency-Key`: a request that is sent again, because its answer was lost on the way, is answered again and has no
//! second effect. Handlers need nothing for it: the claim travels in their context.

use super::body::most_bytes;
use atalaya_kernel::{
    Ctx, Error,
    http::{IdempotencyKey, Problem, whole},
    idempotency::{self, Answer, Claim, Known},
};
use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, Request},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Makes a request with a key have its effect once.
pub(super) async fn once(request: Request, next: Next) -> Response {
    match once_or_error(request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn once_or_error(request: Request, next: Next) -> Result<Response, Error> {
    if request.method() != Method::POST {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let IdempotencyKey(key) = IdempotencyKey::from_request_parts(&mut parts, &()).await?;
    let (Some(key), Some(ctx)) = (key, parts.extensions.get::<Ctx>().cloned()) else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let body = whole(body, most_bytes(&parts.uri)).await?;
    // With its query: what a file is called, and whose it is, stands there.
    let asked = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
    let claim = Claim::new(&ctx, &key, parts.method.as_str(), asked, &body);
    if let Some(response) = given_before(&ctx, &claim).await? {
        return Ok(response);
    }
    parts.extensions.insert(ctx.clone().once(claim.clone()));
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let raced =
        response.extensions().get::<Problem>().is_some_and(|problem| problem.code == idempotency::REPEATED);
    if raced {
        return given_before(&ctx, &claim).await.map(|given| given.unwrap_or(response));
    }
    // A refusal too: where nothing was committed there is no claim to keep it with, and the key is free. What failed here may
    // succeed next time.
    if response.status().is_server_error() { Ok(response) } else { keep(&ctx, &claim, response).await }
}

/// The answer to a request whose effect is there already.
async fn given_before(ctx: &Ctx, claim: &Claim) -> Result<Option<Response>, Error> {
    match idempotency::find(ctx, claim).await? {
        Known::New => Ok(None),
        Known::Other => Err(Error::conflict(
            "idempotency_mismatch",
            "the key was used for another request; use a fresh one for each",
        )),
        Known::Unanswered => Err(unanswered()),
        Known::Answered(answer) => Ok(Some(again(answer))),
    }
}

/// The effect is there, or is being made, and what was answered is not known.
pub(super) fn unanswered() -> Error {
    Error::conflict(
        "idempotency_unanswered",
        "it was done before, or is being done, and its answer is not known: read what is there",
    )
}

fn again(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in [(header::CONTENT_TYPE, answer.content_type), (header::ETAG, answer.etag)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// Keeps the answer before it goes out. That it could not be kept is logged; the effect is committed and is told.
async fn keep(ctx: &Ctx, claim: &Claim, response: Response) -> Result<Response, Error> {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(Error::internal)?;
    let header =
        |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let answer = Answer {
        status: parts.status.as_u16(),
        content_type: header(header::CONTENT_TYPE),
        etag: header(header::ETAG),
        body: body.to_vec(),
    };
    if let Err(error) = idempotency::answered(ctx, claim, &answer).await {
        tracing::warn!(request_id = ctx.request_id(), %error, "an answer could not be kept for a request that comes again");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}
