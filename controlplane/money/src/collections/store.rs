use super::{
    ItemResult, RunState,
    model::{ItemRow, RunRow},
};
use atalaya_kernel::{
    db::{DbError, Query, TenantTx, sql},
    ids::{RunId, ServiceId},
    time::Timestamp,
};

fn runs(tx: &TenantTx) -> Query {
    sql("SELECT id, state, created_by, grace_days, tolerance, currency, version, created_at FROM money_cut_run WHERE tenant_id = ")
        .push_bind(tx.tenant())
}

pub(super) async fn run_find(tx: &mut TenantTx, id: &RunId) -> Result<RunRow, DbError> {
    runs(tx).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn runs_list(
    tx: &mut TenantTx,
    below: Option<RunId>,
    limit: i64,
) -> Result<Vec<RunRow>, DbError> {
    let mut query = runs(tx);
    if let Some(below) = below {
        query = query.push(" AND id < ").push_bind(below);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(limit).fetch_all(tx).await
}

pub(super) async fn run_insert(tx: &mut TenantTx, run: &RunRow) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO money_cut_run (tenant_id, id, state, created_by, grace_days, tolerance, currency, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)")
    .bind(tenant)
    .bind(&run.id)
    .bind(run.state)
    .bind(&run.created_by)
    .bind(run.grace_days)
    .bind(run.tolerance)
    .bind(run.currency)
    .bind(run.version)
    .bind(run.created_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Moves a run on if it is still in the state given; whether it was.
pub(super) async fn run_state_set(
    tx: &mut TenantTx,
    id: &RunId,
    from: RunState,
    to: RunState,
    now: Timestamp,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE money_cut_run SET state = $1, version = version + 1, updated_at = $2 WHERE tenant_id = $3 AND id = $4 AND state = $5")
        .bind(to)
        .bind(now)
        .bind(tenant)
        .bind(id)
        .bind(from)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

pub(super) async fn item_insert(tx: &mut TenantTx, run: &RunId, item: &ItemRow) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO money_cut_run_item (tenant_id, run_id, service_id, customer_id, site_id, owed, days_overdue, last_payment_at, \
         why, included, exclusion_reason, result) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
    .bind(tenant)
    .bind(run)
    .bind(&item.service_id)
    .bind(&item.customer_id)
    .bind(&item.site_id)
    .bind(item.owed)
    .bind(item.days_overdue)
    .bind(item.last_payment_at)
    .bind(&item.why)
    .bind(item.included)
    .bind(&item.exclusion_reason)
    .bind(item.result)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn items(tx: &mut TenantTx, run: &RunId) -> Result<Vec<ItemRow>, DbError> {
    sql("SELECT service_id, customer_id, site_id, owed, days_overdue, last_payment_at, why, included, exclusion_reason, result \
         FROM money_cut_run_item WHERE tenant_id = ")
    .push_bind(tx.tenant())
    .push(" AND run_id = ")
    .push_bind(run)
    .push(" ORDER BY site_id, service_id")
    .fetch_all(tx)
    .await
}

pub(super) async fn item_included_set(
    tx: &mut TenantTx,
    run: &RunId,
    service: &ServiceId,
    included: bool,
    reason: Option<&str>,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE money_cut_run_item SET included = $1, exclusion_reason = $2 WHERE tenant_id = $3 AND run_id = $4 AND service_id = $5")
        .bind(included)
        .bind(reason)
        .bind(tenant)
        .bind(run)
        .bind(service)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

pub(super) async fn item_result_set(
    tx: &mut TenantTx,
    run: &RunId,
    service: &ServiceId,
    result: ItemResult,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE money_cut_run_item SET result = $1 WHERE tenant_id = $2 AND run_id = $3 AND service_id = $4")
        .bind(result)
        .bind(tenant)
        .bind(run)
        .bind(service)
        .execute(tx)
        .await?;
    Ok(())
}
