//! `/login-options`: which ISP a host name selects before log-in.

use super::LoginOrigin;
use crate::{
    messaging::Outbound,
    tenancy::{self, Tenant},
};
use atalaya_kernel::{Error, http::Json, ids::TenantId, runtime::Runtime};
use axum::Extension;
use serde::Serialize;
use std::{net::IpAddr, sync::Arc};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn public_router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(login_options))
}

/// Name of a tenant on the chooser.
#[derive(Debug, Serialize, ToSchema)]
struct TenantChoice {
    slug: String,
    name: String,
    brand_color: Option<String>,
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

impl LoginOrigin {
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

    /// Whether it was asked by an address or as `localhost`: then a person chooses. By another name nobody is told which ISPs
    /// there are.
    fn is_local(&self) -> bool {
        let host = self.host.as_deref().unwrap_or_default();
        self.slug.is_none()
            && (host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok())
    }
}
