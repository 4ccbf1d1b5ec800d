//! `/login-options` and `/brand/logo`: which ISP a host name selects before log-in, and what it looks like.

use super::LoginOrigin;
use crate::{
    identity::{door_of, store, token_hash},
    messaging::Outbound,
    tenancy::{self, Languages, LogoBytes, LogoTheme, Tenant},
};
use atalaya_kernel::{
    Ctx, Error,
    http::{Json, Problem, Query},
    ids::{BlobId, TenantId},
    runtime::Runtime,
};
use axum::{
    Extension,
    http::{HeaderMap, HeaderValue},
    response::Response,
};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, sync::Arc};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn public_router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(login_options)).routes(routes!(brand_logo))
}

/// Name of a tenant on the chooser.
#[derive(Debug, Serialize, ToSchema)]
struct TenantChoice {
    #[schema(example = "netandina")]
    slug: String,
    #[schema(example = "NetAndina")]
    name: String,
    #[schema(example = "#0f766e")]
    brand_color: Option<String>,
    /// Language people see when they did not choose.
    #[schema(example = "es-419")]
    locale: String,
    /// That its people choose among.
    languages: Languages,
    /// `GET /brand/logo`; another id with each picture, null: none.
    logo: Option<BlobId>,
    /// The same for dark pages; null: the usual one.
    logo_dark: Option<BlobId>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LoginOptions {
    /// The tenant that the host name selects.
    tenant: Option<TenantChoice>,
    /// The tenants to choose from, where this is asked by an address or as `localhost`.
    tenants: Vec<TenantChoice>,
    /// Whether whoever forgot the password can have a link sent, with `POST /password-links/ask`.
    can_ask_link: bool,
}

/// Which ISP a person may log in to here.
#[utoipa::path(get, path = "/login-options", tag = "session", responses((status = 200, body = LoginOptions)),
    extensions(("x-permission" = json!("public"))))]
async fn login_options(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(origin): Extension<LoginOrigin>,
    Extension(outbound): Extension<Arc<Outbound>>,
) -> Result<Json<LoginOptions>, Error> {
    let choice = |tenant: Tenant| TenantChoice {
        slug: tenant.slug,
        name: tenant.name,
        brand_color: tenant.brand_color,
        locale: tenant.locale,
        languages: tenant.languages,
        logo: tenant.logo,
        logo_dark: tenant.logo_dark,
    };
    let tenant = origin.tenant(&runtime).await?;
    let mut tx = runtime.platform().begin_read().await?;
    let tenants = match &tenant {
        None if origin.is_local() => tenancy::tenants_list(&mut tx).await?.into_iter().map(choice).collect(),
        _ => Vec::new(),
    };
    let can_ask_link = outbound.sends_mail();
    Ok(Json(LoginOptions { tenant: tenant.map(choice), tenants, can_ask_link }))
}

/// Whose logo, and which.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct BrandQuery {
    /// For which pages; `light` when absent.
    #[param(inline)]
    theme: Option<LogoTheme>,
    /// Short name of the ISP that somebody chose, where there is something to choose: asked by an address or as `localhost`.
    #[param(example = "netandina")]
    tenant: Option<String>,
}

/// The logo of the ISP that the host name selects, before log-in.
#[utoipa::path(get, path = "/brand/logo", tag = "session", params(BrandQuery),
    responses((status = 200, content((LogoBytes = "image/png"), (LogoBytes = "image/webp"))), (status = 304), (status = 404, body = Problem)),
    extensions(("x-permission" = json!("public"))))]
async fn brand_logo(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(origin): Extension<LoginOrigin>,
    Query(query): Query<BrandQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let tenant = origin.shown(&runtime, query.tenant.as_deref()).await?.ok_or(Error::NotFound)?;
    let ctx = Ctx::system(runtime.tenant(tenant.id), "brand");
    let logo = tenancy::logo_get(&ctx, query.theme.unwrap_or(LogoTheme::Light)).await?;
    tenancy::logo_answer(logo, &headers, HeaderValue::from_static("public, max-age=300"))
}

impl LoginOrigin {
    /// The tenant that the host name selects, or that somebody chose where the chooser names them all.
    async fn shown(&self, runtime: &Arc<Runtime>, chosen: Option<&str>) -> Result<Option<Tenant>, Error> {
        match (self.tenant(runtime).await?, chosen) {
            (None, Some(slug)) if self.is_local() => {
                tenancy::find_tenant(&mut runtime.platform().begin_read().await?, slug).await
            }
            (selected, _) => Ok(selected),
        }
    }

    /// The tenant that the host name selects.
    async fn tenant(&self, runtime: &Arc<Runtime>) -> Result<Option<Tenant>, Error> {
        let mut tx = runtime.platform().begin_read().await?;
        tenancy::find_by_host(&mut tx, self.slug.as_deref(), self.host.as_deref()).await
    }

    /// Id of the tenant that the host name selects: what is another's is nothing there.
    ///
    /// # Errors
    /// The database's.
    pub async fn tenant_id(&self, runtime: &Arc<Runtime>) -> Result<Option<TenantId>, Error> {
        Ok(self.tenant(runtime).await?.map(|tenant| tenant.id))
    }

    /// Slug of the tenant that the host name selects, or else of the one that somebody chose.
    pub(crate) async fn slug_or(
        &self,
        runtime: &Arc<Runtime>,
        chosen: Option<String>,
    ) -> Result<String, Error> {
        let slug = match &self.slug {
            Some(slug) => Some(slug.clone()),
            None => self.tenant(runtime).await?.map(|tenant| tenant.slug).or(chosen),
        };
        slug.ok_or_else(|| Error::invalid("/tenant", "required", "choose the ISP"))
    }

    /// Whether somebody of the tenant has logged in before from the browser that asks; of the tenant that the host name selects, or
    /// else of the one that somebody chose.
    ///
    /// # Errors
    /// The database's.
    pub async fn browser_is_known(
        &self,
        runtime: &Arc<Runtime>,
        chosen: Option<String>,
    ) -> Result<bool, Error> {
        let Some(browser) = &self.origin.browser else { return Ok(false) };
        let slug = match self.slug_or(runtime, chosen).await {
            Ok(slug) => slug,
            Err(Error::Invalid(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        let Some((ctx, _)) = door_of(runtime, &slug, &self.origin).await? else { return Ok(false) };
        let mut tx = ctx.begin_read().await?;
        Ok(store::browser_of_somebody(&mut tx, &token_hash(browser.expose())).await?)
    }

    /// Whether it was asked by an address or as `localhost`: then a person chooses. By another name nobody is told which ISPs
    /// there are.
    fn is_local(&self) -> bool {
        let host = self.host.as_deref().unwrap_or_default();
        self.slug.is_none()
            && (host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok())
    }
}
