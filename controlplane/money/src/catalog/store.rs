use super::{Plan, model::PlanRow};
use atalaya_kernel::{
    Error,
    db::{DbError, Query, TenantTx, sql},
    ids::PlanId,
    text::normalise,
};

fn all(tx: &TenantTx) -> Query {
    sql(
        "SELECT id, name, download_bps, upload_bps, price, currency, active, version, created_at, updated_at \
         FROM money_plan WHERE tenant_id = ",
    )
    .push_bind(tx.tenant())
}

/// One plan; for other use cases, without a permission.
///
/// # Errors
/// [`Error::NotFound`], or the database's.
pub async fn plan_find(tx: &mut TenantTx, id: &PlanId) -> Result<Plan, Error> {
    let row: PlanRow = all(tx).push(" AND id = ").push_bind(id).fetch_one(tx).await?;
    Ok(row.into())
}

/// Plans by id, those that exist.
///
/// # Errors
/// The database's.
pub async fn plans_by_ids(tx: &mut TenantTx, ids: &[PlanId]) -> Result<Vec<Plan>, Error> {
    let rows: Vec<PlanRow> = all(tx).push(" AND id IN ").push_list(ids).fetch_all(tx).await?;
    Ok(rows.into_iter().map(Plan::from).collect())
}

pub(super) async fn plans_list(
    tx: &mut TenantTx,
    after: Option<(String, PlanId)>,
    limit: i64,
) -> Result<Vec<Plan>, DbError> {
    let mut query = all(tx);
    if let Some((name, id)) = after {
        query = query
            .push(" AND (name_key, id) > (")
            .push_bind(normalise(&name))
            .push(", ")
            .push_bind(id)
            .push(")");
    }
    let rows: Vec<PlanRow> =
        query.push(" ORDER BY name_key, id LIMIT ").push_bind(limit).fetch_all(tx).await?;
    Ok(rows.into_iter().map(Plan::from).collect())
}

pub(super) async fn plan_insert(tx: &mut TenantTx, plan: &Plan) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO money_plan (tenant_id, id, name, name_key, download_bps, upload_bps, price, currency, active, version, \
         created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
    .bind(tenant)
    .bind(&plan.id)
    .bind(&plan.name)
    .bind(normalise(&plan.name))
    .bind(plan.download_bps)
    .bind(plan.upload_bps)
    .bind(plan.price.amount)
    .bind(plan.price.currency)
    .bind(plan.active)
    .bind(plan.version)
    .bind(plan.created_at)
    .bind(plan.updated_at)
    .execute(tx)
    .await
    .map_err(name_taken)?;
    Ok(())
}

/// Writes the plan if `expected` is still its version.
pub(super) async fn plan_write(tx: &mut TenantTx, plan: &Plan, expected: i64) -> Result<bool, Error> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE money_plan SET name = $1, name_key = $2, download_bps = $3, upload_bps = $4, price = $5, active = $6, \
                    version = $7, updated_at = $8 WHERE tenant_id = $9 AND id = $10 AND version = $11")
    .bind(&plan.name)
    .bind(normalise(&plan.name))
    .bind(plan.download_bps)
    .bind(plan.upload_bps)
    .bind(plan.price.amount)
    .bind(plan.active)
    .bind(plan.version)
    .bind(plan.updated_at)
    .bind(tenant)
    .bind(&plan.id)
    .bind(expected)
    .execute(tx)
    .await
    .map_err(name_taken)?;
    Ok(rows == 1)
}

fn name_taken(error: DbError) -> Error {
    if error.violates_unique("money_plan", &["tenant_id", "name_key"]) {
        return Error::invalid("/name", "taken", "another plan has this name");
    }
    error.into()
}
