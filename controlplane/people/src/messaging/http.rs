//! `/notices`, `/me/notices`.

use super::{Notice, NoticeFilter, NoticePreferences, PreferenceChange, service};
use atalaya_kernel::{
    Ctx, Error,
    http::{IfMatch, Json, Problem, Query, Versioned},
    page::{Page, PageQuery},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of notices.
pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(preferences, choose))
        .merge(super::words::http::router())
}

/// Notices and what became of them, newest first: everybody's with the right `notice.read` over the whole ISP, else the
/// caller's own. What they said is not shown.
#[utoipa::path(get, path = "/notices", tag = "notices", params(NoticeFilter, PageQuery),
    responses((status = 200, body = Page<Notice>), (status = 403, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn list(
    ctx: Ctx,
    Query(filter): Query<NoticeFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Notice>>, Error> {
    service::notices_list(&ctx, &filter, &page).await.map(Json)
}

/// Which notices the caller wants, and in which language.
#[utoipa::path(get, path = "/me/notices", tag = "me", responses((status = 200, body = NoticePreferences)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn preferences(ctx: Ctx) -> Result<Versioned<NoticePreferences>, Error> {
    let preferences = service::preferences_get(&ctx).await?;
    Ok(Versioned(preferences.version, preferences))
}

/// Changes which notices the caller wants. Those about security, and links that somebody asked for, always come.
#[utoipa::path(patch, path = "/me/notices", tag = "me", params(("If-Match" = String, Header)),
    request_body(content = PreferenceChange, example = json!({"locale": "es-419", "choices": [{"kind": "approval", "channel": "mail", "wanted": false}]})),
    responses((status = 200, body = NoticePreferences), (status = 412, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn choose(
    ctx: Ctx,
    IfMatch(version): IfMatch,
    Json(change): Json<PreferenceChange>,
) -> Result<Versioned<NoticePreferences>, Error> {
    let preferences = service::preferences_change(&ctx, version, &change).await?;
    Ok(Versioned(preferences.version, preferences))
}
