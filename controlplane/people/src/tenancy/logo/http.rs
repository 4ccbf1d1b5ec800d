//! `/tenant/logo`, and how a logo is handed out.

use super::{Logo, LogoTheme, logo_get, logo_remove, logo_set, too_large};
use crate::tenancy::Tenant;
use atalaya_kernel::{
    Ctx, Error,
    http::{MAX_BODY_BYTES, Problem, Query, Versioned, whole},
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Routes of the logo, after log-in.
pub(crate) fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(read, write, remove))
}

/// The bytes of a logo.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "the document's name for it; bytes travel as they are")]
pub struct LogoBytes(Vec<u8>);

/// Which logo.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogoQuery {
    /// For which pages; `light` when absent.
    #[param(inline)]
    theme: Option<LogoTheme>,
}

/// The ISP's logo; `dark` is the usual one where there is none for dark pages.
#[utoipa::path(get, path = "/tenant/logo", tag = "tenant", params(LogoQuery),
    responses((status = 200, content((LogoBytes = "image/png"), (LogoBytes = "image/webp"))), (status = 304), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("authenticated"))))]
async fn read(ctx: Ctx, Query(query): Query<LogoQuery>, headers: HeaderMap) -> Result<Response, Error> {
    let logo = logo_get(&ctx, query.theme.unwrap_or(LogoTheme::Light)).await?;
    logo_answer(logo, &headers, HeaderValue::from_static("private, max-age=300"))
}

/// Gives the ISP a logo: a PNG or WebP of at most 100 kB and 16 to 1600 pixels a side, that does not move.
///
/// The body is the bytes themselves. What they are is read from them: `Content-Type` is not believed.
#[utoipa::path(put, path = "/tenant/logo", tag = "tenant", params(LogoQuery),
    request_body(content = LogoBytes, content_type = "application/octet-stream", example = json!("the bytes of a PNG or WebP picture")),
    responses((status = 200, body = Tenant), (status = 409, body = Problem), (status = 422, body = Problem)),
    extensions(("x-permission" = json!("tenant.write"))))]
async fn write(ctx: Ctx, Query(query): Query<LogoQuery>, body: Body) -> Result<Versioned<Tenant>, Error> {
    // More than is taken: an answer that is given while bytes are on their way may get lost on its own.
    let bytes = match whole(body, MAX_BODY_BYTES).await {
        Ok(bytes) => bytes,
        Err(Error::Invalid(_)) => return Err(too_large()),
        Err(error) => return Err(error),
    };
    let tenant = logo_set(&ctx, query.theme.unwrap_or(LogoTheme::Light), bytes.into()).await?;
    Ok(Versioned(tenant.version, tenant))
}

/// Takes the logo away.
#[utoipa::path(delete, path = "/tenant/logo", tag = "tenant", params(LogoQuery),
    responses((status = 200, body = Tenant), (status = 404, body = Problem), (status = 409, body = Problem)),
    extensions(("x-permission" = json!("tenant.write"))))]
async fn remove(ctx: Ctx, Query(query): Query<LogoQuery>) -> Result<Versioned<Tenant>, Error> {
    let tenant = logo_remove(&ctx, query.theme.unwrap_or(LogoTheme::Light)).await?;
    Ok(Versioned(tenant.version, tenant))
}

/// Hands a logo out, or says that the asker has it already. Whatever its bytes hold, it is shown as a picture and runs nothing,
/// also where somebody opens its address by itself.
///
/// # Errors
/// None that happens: a digest is a header's value.
pub fn logo_answer(logo: Logo, asked: &HeaderMap, cache: HeaderValue) -> Result<Response, Error> {
    let tag = format!("\"{}\"", logo.sha256);
    let known = is_known(asked, &tag);
    let headers = [
        (header::ETAG, HeaderValue::from_str(&tag).map_err(Error::internal)?),
        (header::CACHE_CONTROL, cache),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(logo.media_type))];
    Ok((headers, kind, logo.content).into_response())
}

/// Whether `If-None-Match` names what would be sent (RFC 9110, section 13.1.2: weakly compared).
fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let values = asked.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_it_is_sent_nothing() {
        let answer = |known: &str| {
            let mut asked = HeaderMap::new();
            asked.insert(header::IF_NONE_MATCH, HeaderValue::from_str(known).unwrap());
            let sha256 = "00ff".to_owned();
            let logo = Logo { media_type: "image/png", width: 40, height: 40, sha256, content: vec![1] };
            logo_answer(logo, &asked, HeaderValue::from_static("public")).unwrap().status()
        };
        for known in ["\"00ff\"", "W/\"00ff\"", "\"1\", \"00ff\"", "*"] {
            assert_eq!(answer(known), StatusCode::NOT_MODIFIED, "{known}");
        }
        for other in ["\"00fe\"", "00ff", ""] {
            assert_eq!(answer(other), StatusCode::OK, "{other}");
        }
    }
}
