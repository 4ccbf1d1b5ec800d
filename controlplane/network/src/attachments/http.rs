//! `/services/{id}/attachments`, `/attachments/{id}`.

use super::{Attachment, NewAttachment, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem},
    ids::{AttachmentId, ServiceId},
};
use axum::http::StatusCode;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of attachments.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(remove))
}

/// Attaches a service to the network.
#[utoipa::path(post, path = "/services/{id}/attachments", tag = "attachments", params(("id" = ServiceId, Path)),
    request_body(content = NewAttachment, example = json!({"kind": "pppoe", "user": "rquispe", "password": "…", "points": [{"device_id": "dev_01jd3k5m7nf8v9q0r1s2t3w4x5"}]})),
    responses((status = 201, body = Attachment), (status = 404, body = Problem), (status = 409, description = "`access_taken`: this user or address is already attached on that device", body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("attachment.write"))))]
async fn create(
    ctx: Ctx,
    Path(id): Path<ServiceId>,
    Json(new): Json<NewAttachment>,
) -> Result<(StatusCode, Json<Attachment>), Error> {
    Ok((StatusCode::CREATED, Json(service::attachment_create(&ctx, &id, new).await?)))
}

/// Detaches a service; what carries our marker on the devices goes, what does not stays as it is. A fixed address stays cut until
/// it is given to someone else; to detach what has ended already releases it, once the cut was read back.
#[utoipa::path(delete, path = "/attachments/{id}", tag = "attachments", params(("id" = AttachmentId, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, description = "`still_ending`: the service ended, and the device has not answered for it yet", body = Problem)),
    extensions(("x-permission" = json!("attachment.write"))))]
async fn remove(ctx: Ctx, Path(id): Path<AttachmentId>) -> Result<StatusCode, Error> {
    service::attachment_remove(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
