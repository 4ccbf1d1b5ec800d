use super::Tenant;
use atalaya_kernel::{
    Error,
    db::{DbError, Handle, PlatformTx, TenantTx, sql},
    ids::TenantId,
};

/// With their table, so that they can be read beside those of another.
pub(crate) const COLUMNS: &str = "people_tenant.id, people_tenant.slug, people_tenant.name, people_tenant.country, people_tenant.currency, \
     people_tenant.time_zone, people_tenant.locale, people_tenant.brand_color, people_tenant.logo, \
     people_tenant.logo_dark, people_tenant.grace_days, people_tenant.debt_tolerance, \
     people_tenant.automatic_cuts, people_tenant.cut_brake_floor, people_tenant.cut_brake_basis_points, \
     people_tenant.cut_brake_tenant_basis_points, people_tenant.change_brake_floor, \
     people_tenant.change_brake_basis_points, people_tenant.changes_per_minute, people_tenant.offline_cuts, \
     people_tenant.two_person_cuts_from, people_tenant.second_factor_roles, people_tenant.no_cut_weekdays, \
     people_tenant.no_cut_dates, people_tenant.quiet_hours, people_tenant.cut_hours, people_tenant.languages, \
     people_tenant.allowed_networks, people_tenant.allowed_countries, people_tenant.state, \
     people_tenant.state_reason, people_tenant.state_since, people_tenant.plan_id, people_tenant.version, \
     people_tenant.created_at, people_tenant.updated_at";

/// The settings of the transaction's tenant; for other domains, without a permission.
///
/// # Errors
/// The database's.
pub async fn settings(tx: &mut TenantTx) -> Result<Tenant, Error> {
    let id = tx.tenant().clone();
    Ok(sql("SELECT ")
        .push(COLUMNS)
        .push(" FROM people_tenant WHERE id = ")
        .push_bind(id)
        .fetch_one(tx)
        .await?)
}

/// The tenant of a slug, before log-in.
///
/// # Errors
/// The database's.
pub async fn find_tenant(tx: &mut PlatformTx, slug: &str) -> Result<Option<Tenant>, Error> {
    Ok(sql("SELECT ")
        .push(COLUMNS)
        .push(" FROM people_tenant WHERE slug = ")
        .push_bind(slug)
        .fetch_optional(tx)
        .await?)
}

/// The tenant that a host name selects before log-in: by its slug below the base domain, or by a domain of its own.
///
/// # Errors
/// The database's.
pub async fn find_by_host(
    tx: &mut PlatformTx,
    slug: Option<&str>,
    host: Option<&str>,
) -> Result<Option<Tenant>, Error> {
    if let Some(slug) = slug {
        return find_tenant(tx, slug).await;
    }
    let Some(host) = host else { return Ok(None) };
    Ok(sql("SELECT ")
        .push(COLUMNS)
        .push(" FROM people_tenant WHERE id = (SELECT tenant_id FROM people_tenant_domain WHERE domain = ")
        .push_bind(host)
        .push(")")
        .fetch_optional(tx)
        .await?)
}

/// The domain of the transaction's tenant.
///
/// # Errors
/// The database's.
pub async fn domain(tx: &mut TenantTx) -> Result<Option<String>, Error> {
    let query = sql("SELECT domain FROM people_tenant_domain WHERE tenant_id = ").push_bind(tx.tenant());
    Ok(query.fetch_column(tx).await?.pop())
}

/// The domains of all tenants, for the certificates that the door shows.
///
/// # Errors
/// The database's.
pub async fn domains(tx: &mut PlatformTx) -> Result<Vec<String>, Error> {
    Ok(sql("SELECT domain FROM people_tenant_domain ORDER BY domain").fetch_column(tx).await?)
}

/// Gives the transaction's tenant a domain, or takes it away.
pub(crate) async fn domain_write(tx: &mut TenantTx, domain: Option<&str>) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_tenant_domain WHERE tenant_id = $1").bind(&tenant).execute(tx).await?;
    let Some(domain) = domain else { return Ok(()) };
    sql("INSERT INTO people_tenant_domain (tenant_id, domain) VALUES ($1, $2)")
        .bind(&tenant)
        .bind(domain)
        .execute(tx)
        .await
        .map_err(|error| {
            if error.violates_unique("people_tenant_domain", &["domain"]) {
                return Error::invalid(
                    "/domain",
                    "taken",
                    "another ISP of this installation has this domain",
                );
            }
            error.into()
        })?;
    Ok(())
}

/// All tenants by name, for the chooser of a local installation and for the command line.
///
/// # Errors
/// The database's.
pub async fn tenants_list(tx: &mut PlatformTx) -> Result<Vec<Tenant>, Error> {
    Ok(sql("SELECT ").push(COLUMNS).push(" FROM people_tenant ORDER BY name, id").fetch_all(tx).await?)
}

/// Ids of all tenants, for periodic work.
///
/// # Errors
/// The database's.
pub async fn tenant_ids(tx: &mut PlatformTx) -> Result<Vec<TenantId>, Error> {
    Ok(sql("SELECT id FROM people_tenant ORDER BY id").fetch_column(tx).await?)
}

pub(super) async fn tenant_insert(tx: &mut impl Handle, tenant: &Tenant) -> Result<(), Error> {
    sql("INSERT INTO people_tenant (id, slug, name, country, currency, time_zone, locale, brand_color, grace_days, \
         debt_tolerance, automatic_cuts, cut_brake_floor, cut_brake_basis_points, cut_brake_tenant_basis_points, offline_cuts, \
         version, created_at, updated_at, two_person_cuts_from, second_factor_roles) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)")
    .bind(&tenant.id)
    .bind(&tenant.slug)
    .bind(&tenant.name)
    .bind(&tenant.country)
    .bind(tenant.currency)
    .bind(&tenant.time_zone)
    .bind(&tenant.locale)
    .bind(&tenant.brand_color)
    .bind(tenant.grace_days)
    .bind(tenant.debt_tolerance)
    .bind(tenant.automatic_cuts)
    .bind(tenant.cut_brake_floor)
    .bind(tenant.cut_brake_basis_points)
    .bind(tenant.cut_brake_tenant_basis_points)
    .bind(tenant.offline_cuts)
    .bind(tenant.version)
    .bind(tenant.created_at)
    .bind(tenant.updated_at)
    .bind(tenant.two_person_cuts_from)
    .bind(tenant.second_factor_roles.to_column())
    .execute(tx)
    .await
    .map_err(slug_taken)?;
    Ok(())
}

/// Writes the settings if `expected` is still their version.
pub(super) async fn tenant_write(tx: &mut TenantTx, tenant: &Tenant, expected: i64) -> Result<bool, Error> {
    let rows = sql(
        "UPDATE people_tenant SET name = $1, country = $2, time_zone = $3, locale = $4, brand_color = $5, \
                    grace_days = $6, debt_tolerance = $7, automatic_cuts = $8, cut_brake_floor = $9, \
                    cut_brake_basis_points = $10, offline_cuts = $11, version = $12, updated_at = $13, \
                    cut_brake_tenant_basis_points = $14, two_person_cuts_from = $15, second_factor_roles = $16, \
                    no_cut_weekdays = $17, no_cut_dates = $18, state = $19, state_reason = $20, state_since = $21, plan_id = $22, quiet_hours = $23, \
                    logo = $24, logo_dark = $25, cut_hours = $26, languages = $27, allowed_networks = $28, allowed_countries = $29, \
                    change_brake_floor = $30, change_brake_basis_points = $31, changes_per_minute = $32 \
                    WHERE id = $33 AND version = $34",
    )
    .bind(&tenant.name)
    .bind(&tenant.country)
    .bind(&tenant.time_zone)
    .bind(&tenant.locale)
    .bind(&tenant.brand_color)
    .bind(tenant.grace_days)
    .bind(tenant.debt_tolerance)
    .bind(tenant.automatic_cuts)
    .bind(tenant.cut_brake_floor)
    .bind(tenant.cut_brake_basis_points)
    .bind(tenant.offline_cuts)
    .bind(tenant.version)
    .bind(tenant.updated_at)
    .bind(tenant.cut_brake_tenant_basis_points)
    .bind(tenant.two_person_cuts_from)
    .bind(tenant.second_factor_roles.to_column())
    .bind(tenant.no_cut_weekdays.to_column())
    .bind(tenant.no_cut_dates.to_column())
    .bind(tenant.state)
    .bind(&tenant.state_reason)
    .bind(tenant.state_since)
    .bind(&tenant.plan_id)
    .bind(tenant.quiet_hours.to_column())
    .bind(&tenant.logo)
    .bind(&tenant.logo_dark)
    .bind(tenant.cut_hours.to_column())
    .bind(tenant.languages.to_column())
    .bind(tenant.allowed_networks.to_column())
    .bind(tenant.allowed_countries.to_column())
    .bind(tenant.change_brake_floor)
    .bind(tenant.change_brake_basis_points)
    .bind(tenant.changes_per_minute)
    .bind(&tenant.id)
    .bind(expected)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

fn slug_taken(error: DbError) -> Error {
    if error.violates_unique("people_tenant", &["slug"]) {
        return Error::invalid("/slug", "taken", "another ISP of this installation has this slug");
    }
    error.into()
}
