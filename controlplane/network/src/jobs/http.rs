//! `/devices/{id}/diagnoses` and `/devices/diagnoses`.

use super::{
    Diagnosis, JobPart, NewDiagnosis, diagnosis_cancel, diagnosis_create, diagnosis_get, diagnosis_output,
};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem, Query},
    ids::{DeviceId, JobId},
};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of pings and traceroutes.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(get))
        .routes(routes!(output))
        .routes(routes!(cancel))
}

/// Something that was asked for and will be answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AskedDiagnosis)]
struct Asked {
    /// Where to look for the answer.
    id: JobId,
}

/// What is already known.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct After {
    /// Number of the last part that was read; 0 when absent.
    #[param(minimum = 0, example = 0)]
    after: Option<i64>,
}

/// What was said behind a part.
#[derive(Debug, Serialize, ToSchema)]
struct DiagnosisOutput {
    /// In order; empty when there is nothing more yet.
    items: Vec<JobPart>,
}

/// Asks for a ping or a traceroute from a device.
#[utoipa::path(post, path = "/devices/{id}/diagnoses", tag = "devices", params(("id" = DeviceId, Path)),
    request_body(content = NewDiagnosis, example = json!({"kind": "ping", "address": "10.64.1.7", "count": 4})),
    responses((status = 202, body = Asked), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("device.diagnose"))))]
async fn create(
    ctx: Ctx,
    Path(id): Path<DeviceId>,
    Json(new): Json<NewDiagnosis>,
) -> Result<(StatusCode, Json<Asked>), Error> {
    let id = diagnosis_create(&ctx, &id, &new).await?;
    Ok((StatusCode::ACCEPTED, Json(Asked { id })))
}

/// A ping or a traceroute, and where it stands.
#[utoipa::path(get, path = "/devices/diagnoses/{id}", tag = "devices", params(("id" = JobId, Path)),
    responses((status = 200, body = Diagnosis), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("device.diagnose"))))]
async fn get(ctx: Ctx, Path(id): Path<JobId>) -> Result<Json<Diagnosis>, Error> {
    diagnosis_get(&ctx, &id).await.map(Json)
}

/// What it said, as it comes: asked again behind the last part that was read.
#[utoipa::path(get, path = "/devices/diagnoses/{id}/output", tag = "devices", params(("id" = JobId, Path), After),
    responses((status = 200, body = DiagnosisOutput), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("device.diagnose"))))]
async fn output(
    ctx: Ctx,
    Path(id): Path<JobId>,
    Query(asked): Query<After>,
) -> Result<Json<DiagnosisOutput>, Error> {
    let items = diagnosis_output(&ctx, &id, asked.after.unwrap_or(0)).await?;
    Ok(Json(DiagnosisOutput { items }))
}

/// Asks to stop it; what ended stays as it ended.
#[utoipa::path(post, path = "/devices/diagnoses/{id}/cancel", tag = "devices", params(("id" = JobId, Path)),
    responses((status = 200, body = Diagnosis), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("device.diagnose"))))]
async fn cancel(ctx: Ctx, Path(id): Path<JobId>) -> Result<Json<Diagnosis>, Error> {
    diagnosis_cancel(&ctx, &id).await.map(Json)
}
