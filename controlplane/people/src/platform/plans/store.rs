use super::TenantPlan;
use atalaya_kernel::{
    Error,
    db::{DbError, Handle, PlatformTx, TenantTx, sql},
    ids::TenantPlanId,
};

const COLUMNS: &str =
    "id, name, customers, devices, users, requests_per_minute, contact, version, created_at, updated_at";

pub(super) async fn plans_list(tx: &mut PlatformTx) -> Result<Vec<TenantPlan>, DbError> {
    sql("SELECT ").push(COLUMNS).push(" FROM people_tenant_plan ORDER BY name, id").fetch_all(tx).await
}

pub(super) async fn plan_get(tx: &mut impl Handle, id: &TenantPlanId) -> Result<TenantPlan, DbError> {
    let query = sql("SELECT ").push(COLUMNS).push(" FROM people_tenant_plan WHERE id = ").push_bind(id);
    query.fetch_one(tx).await
}

pub(super) async fn plan_by_name(tx: &mut PlatformTx, name: &str) -> Result<TenantPlan, DbError> {
    let query = sql("SELECT ").push(COLUMNS).push(" FROM people_tenant_plan WHERE name = ").push_bind(name);
    query.fetch_one(tx).await
}

/// The plan of the transaction's tenant.
pub(super) async fn plan_of(tx: &mut TenantTx) -> Result<Option<TenantPlan>, DbError> {
    let query = sql("SELECT ").push(COLUMNS).push(
        " FROM people_tenant_plan WHERE id = (SELECT plan_id FROM people_tenant WHERE people_tenant.id = ",
    );
    query.push_bind(tx.tenant()).push(")").fetch_optional(tx).await
}

/// Lets nobody else make anything of the tenant that is limited until the transaction ends.
pub(super) async fn tenant_lock(tx: &mut TenantTx) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_tenant SET version = version WHERE id = $1").bind(tenant).execute(tx).await.map(drop)
}

pub(super) async fn plan_insert(tx: &mut impl Handle, plan: &TenantPlan) -> Result<(), Error> {
    sql("INSERT INTO people_tenant_plan (id, name, customers, devices, users, requests_per_minute, contact, version, \
         created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(&plan.id)
    .bind(&plan.name)
    .bind(plan.customers)
    .bind(plan.devices)
    .bind(plan.users)
    .bind(plan.requests_per_minute)
    .bind(&plan.contact)
    .bind(plan.version)
    .bind(plan.created_at)
    .bind(plan.updated_at)
    .execute(tx)
    .await
    .map_err(name_taken)?;
    Ok(())
}

/// Writes the plan if `expected` is still its version.
pub(super) async fn plan_write(
    tx: &mut impl Handle,
    plan: &TenantPlan,
    expected: i64,
) -> Result<bool, Error> {
    let rows = sql(
        "UPDATE people_tenant_plan SET name = $1, customers = $2, devices = $3, users = $4, requests_per_minute = $5, \
         contact = $6, version = $7, updated_at = $8 WHERE id = $9 AND version = $10",
    )
    .bind(&plan.name)
    .bind(plan.customers)
    .bind(plan.devices)
    .bind(plan.users)
    .bind(plan.requests_per_minute)
    .bind(&plan.contact)
    .bind(plan.version)
    .bind(plan.updated_at)
    .bind(&plan.id)
    .bind(expected)
    .execute(tx)
    .await
    .map_err(name_taken)?;
    Ok(rows == 1)
}

fn name_taken(error: DbError) -> Error {
    if error.violates_unique("people_tenant_plan", &["name"]) {
        return Error::invalid("/name", "taken", "another plan of this installation has this name");
    }
    error.into()
}
