use super::Tenant;
use atalaya_kernel::{
    Error,
    db::{DbError, Handle, PlatformTx, TenantTx, sql},
    ids::TenantId,
};

const COLUMNS: &str = "id, slug, name, country, currency, time_zone, locale, brand_color, grace_days, debt_tolerance, \
                       automatic_cuts, cut_brake_floor, cut_brake_basis_points, cut_brake_tenant_basis_points, offline_cuts, two_person_cuts_from, second_factor_roles, \
                       version, created_at, updated_at";

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
                    cut_brake_tenant_basis_points = $14, two_person_cuts_from = $15, second_factor_roles = $16 WHERE id = $17 AND version = $18",
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
