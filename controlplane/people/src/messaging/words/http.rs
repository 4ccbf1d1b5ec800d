//! `/notice-templates`.

use super::{NoticePreview, NoticeTemplates, NoticeText, NoticeTextChange, NoticeWords, service};
use crate::messaging::TemplateName;
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Path, Problem},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of the words of notices.
pub(crate) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(set, remove)).routes(routes!(preview))
}

/// What notices say, by template and language: our words, and the ISP's own where it has some.
#[utoipa::path(get, path = "/notice-templates", tag = "notices", responses((status = 200, body = NoticeTemplates)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn list(ctx: Ctx) -> Result<Json<NoticeTemplates>, Error> {
    service::notice_texts_list(&ctx).await.map(Json)
}

/// Gives a template words of the ISP's own in a language. `{field}` stands for a value; `GET /notice-templates` lists the
/// fields of each template.
#[utoipa::path(put, path = "/notice-templates/{template}/{language}", tag = "notices",
    params(("template" = TemplateName, Path), ("language" = String, Path, example = "es-419")),
    request_body(content = NoticeTextChange, example = json!({"subject": "Bienvenido a {isp}", "text": "Ponga su contraseña.\n\nEl enlace sirve hasta el {until}.", "version": null})),
    responses((status = 200, body = NoticeText), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("tenant.write"))))]
async fn set(
    ctx: Ctx,
    Path((template, language)): Path<(TemplateName, String)>,
    Json(change): Json<NoticeTextChange>,
) -> Result<Json<NoticeText>, Error> {
    service::notice_text_set(&ctx, template, &language, change).await.map(Json)
}

/// Takes the ISP's own words away: ours are sent again.
#[utoipa::path(delete, path = "/notice-templates/{template}/{language}", tag = "notices",
    params(("template" = TemplateName, Path), ("language" = String, Path, example = "es-419")),
    responses((status = 200, body = NoticeText), (status = 404, body = Problem), (status = 409, body = Problem)),
    extensions(("x-permission" = json!("tenant.write"))))]
async fn remove(
    ctx: Ctx,
    Path((template, language)): Path<(TemplateName, String)>,
) -> Result<Json<NoticeText>, Error> {
    service::notice_text_remove(&ctx, template, &language).await.map(Json)
}

/// Words as somebody would get them, with sample values. Nothing is kept or sent.
#[utoipa::path(post, path = "/notice-templates/{template}/{language}/preview", tag = "notices",
    params(("template" = TemplateName, Path), ("language" = String, Path, example = "es-419")),
    request_body(content = NoticeWords, example = json!({"subject": "Bienvenido a {isp}", "text": "El enlace sirve hasta el {until}."})),
    responses((status = 200, body = NoticePreview), (status = 404, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn preview(
    ctx: Ctx,
    Path((template, language)): Path<(TemplateName, String)>,
    Json(words): Json<NoticeWords>,
) -> Result<Json<NoticePreview>, Error> {
    service::notice_text_preview(&ctx, template, &language, &words).await.map(Json)
}
