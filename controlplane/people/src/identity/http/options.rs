//! `/login-options`: which ISP a host name selects before log-in.

use super::LoginOrigin;
use crate::tenancy::{self, Tenant};
use atalaya_kernel::{Error, http::Json, runtime::Runtime};
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
}

/// Which ISP a person may log in to here.
#[utoipa::path(get, path = "/login-options", tag = "session", responses((status = 200, body = LoginOptions)),
    extensions(("x-permission" = json!("public"))))]
async fn login_options(
    Extension(runtime): Extension<Arc<Runtime>>,
    Extension(origin): Extension<LoginOrigin>,
) -> Result<Json<LoginOptions>, Error> {
    let choice = |tenant: Tenant| TenantChoice {
        slug: tenant.slug,
        name: tenant.name,
        brand_color: tenant.brand_color,
    };
    let mut tx = runtime.platform().begin_read().await?;
    let tenant = tenancy::find_by_host(&mut tx, origin.slug.as_deref(), origin.host.as_deref()).await?;
    let tenants = match &tenant {
        None if origin.is_local() => tenancy::tenants_list(&mut tx).await?.into_iter().map(choice).collect(),
        _ => Vec::new(),
    };
    Ok(Json(LoginOptions { tenant: tenant.map(choice), tenants }))
}

impl LoginOrigin {
    /// Whether it was asked by an address or as `localhost`: then a person chooses. By another name nobody is told which ISPs
    /// there are.
    fn is_local(&self) -> bool {
        let host = self.host.as_deref().unwrap_or_default();
        self.slug.is_none()
            && (host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok())
    }
}
