use super::{
    ItemResult, RunState,
    model::{ItemRow, RunRow, TotalsRow},
};
use atalaya_kernel::{
    Error, Scope,
    db::{DbError, Query, TenantTx, Value, sql},
    ids::{RunId, ServiceId},
    time::Timestamp,
};
use std::collections::BTreeMap;

/// Cut runs of the transaction's tenant. A run is of the whole ISP: whoever sees a part of it only, sees none.
fn runs(tx: &TenantTx) -> Query {
    let query = sql("SELECT id, state, created_by, grace_days, tolerance, currency, version, created_at FROM money_cut_run WHERE tenant_id = ")
        .push_bind(tx.tenant());
    match tx.scope() {
        Scope::All => query,
        Scope::Sites(_) | Scope::Partner(_) | Scope::Customer(_) => query.push(" AND id IS NULL"),
    }
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

/// Inserts a run; of who asked for it, also the id.
pub(super) async fn run_insert(tx: &mut TenantTx, run: &RunRow, created_by_id: &str) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO money_cut_run (tenant_id, id, state, created_by, grace_days, tolerance, currency, version, created_at, updated_at, created_by_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10)")
    .bind(tenant)
    .bind(&run.id)
    .bind(run.state)
    .bind(&run.created_by)
    .bind(run.grace_days)
    .bind(run.tolerance)
    .bind(run.currency)
    .bind(run.version)
    .bind(run.created_at)
    .bind(created_by_id)
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

/// Stores the services of a new run.
pub(super) async fn items_insert(tx: &mut TenantTx, run: &RunId, items: &[ItemRow]) -> Result<(), DbError> {
    // 13 values a row; SQLite binds at most 32,766.
    for chunk in items.chunks(1_000) {
        let mut query = sql(
            "INSERT INTO money_cut_run_item (tenant_id, run_id, service_id, customer_id, site_id, owed, days_overdue, \
                 last_payment_at, why, spared_on, included, exclusion_reason, result) VALUES ",
        );
        for (position, item) in chunk.iter().enumerate() {
            let row: [Value; 13] = [
                tx.tenant().into(),
                run.into(),
                (&item.service_id).into(),
                (&item.customer_id).into(),
                (&item.site_id).into(),
                item.owed.into(),
                item.days_overdue.into(),
                item.last_payment_at.into(),
                (&item.why).into(),
                item.spared_on.into(),
                item.included.into(),
                (&item.exclusion_reason).into(),
                item.result.into(),
            ];
            query = query.push(if position > 0 { ", " } else { "" }).push_list(row);
        }
        query.execute(tx).await?;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct TotalsOfRun {
    run_id: RunId,
    #[sqlx(flatten)]
    totals: TotalsRow,
}

/// Sums of runs; one without services is left out. What a customer owes counts once, however many services it has.
pub(super) async fn totals(tx: &mut TenantTx, runs: &[RunId]) -> Result<BTreeMap<RunId, TotalsRow>, DbError> {
    let rows: Vec<TotalsOfRun> = sql("SELECT run_id, CAST(SUM(included) AS BIGINT) AS services, \
         CAST(SUM(CASE WHEN included > 0 THEN 1 ELSE 0 END) AS BIGINT) AS customers, \
         CAST(SUM(CASE WHEN included > 0 THEN owed ELSE 0 END) AS BIGINT) AS owed, CAST(SUM(excluded) AS BIGINT) AS excluded, \
         CAST(SUM(decided) AS BIGINT) AS decided, CAST(SUM(suspended) AS BIGINT) AS suspended, \
         CAST(SUM(failed) AS BIGINT) AS failed FROM (SELECT run_id, customer_id, MAX(owed) AS owed, SUM(CASE WHEN included THEN 1 ELSE 0 END) AS included, \
         SUM(CASE WHEN included THEN 0 ELSE 1 END) AS excluded, SUM(CASE WHEN result IS NULL THEN 0 ELSE 1 END) AS decided, \
         SUM(CASE WHEN result = 'suspended' THEN 1 ELSE 0 END) AS suspended, \
         SUM(CASE WHEN result = 'failed' THEN 1 ELSE 0 END) AS failed FROM money_cut_run_item WHERE tenant_id = ")
    .push_bind(tx.tenant())
    .push(" AND run_id IN ")
    .push_list(runs)
    .push(" GROUP BY run_id, customer_id) AS by_customer GROUP BY run_id")
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.run_id, row.totals)).collect())
}

pub(super) async fn items(tx: &mut TenantTx, run: &RunId) -> Result<Vec<ItemRow>, DbError> {
    sql("SELECT service_id, customer_id, site_id, owed, days_overdue, last_payment_at, why, spared_on, included, exclusion_reason, \
         result, failure, failure_code \
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

/// Services of a run of which nothing was decided yet, some at a time.
pub(super) async fn items_open(
    tx: &mut TenantTx,
    run: &RunId,
    limit: i64,
) -> Result<Vec<ServiceId>, DbError> {
    let rows: Vec<(ServiceId,)> =
        open(tx, run).push(" ORDER BY site_id, service_id LIMIT ").push_bind(limit).fetch_all(tx).await?;
    Ok(rows.into_iter().map(|(service,)| service).collect())
}

fn open(tx: &TenantTx, run: &RunId) -> Query {
    sql("SELECT service_id FROM money_cut_run_item WHERE result IS NULL AND included = true AND tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND run_id = ")
        .push_bind(run)
}

/// Whether nothing was decided yet of a service that is on a run.
pub(super) async fn item_is_open(
    tx: &mut TenantTx,
    run: &RunId,
    service: &ServiceId,
) -> Result<bool, DbError> {
    let row: Option<(ServiceId,)> =
        open(tx, run).push(" AND service_id = ").push_bind(service).fetch_optional(tx).await?;
    Ok(row.is_some())
}

/// Notes what became of a service, once: a second execution at the same time changes nothing.
pub(super) async fn item_result_set(
    tx: &mut TenantTx,
    run: &RunId,
    service: &ServiceId,
    result: ItemResult,
    failure: Option<&Error>,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE money_cut_run_item SET result = $1, failure = $2, failure_code = $3 \
         WHERE tenant_id = $4 AND run_id = $5 AND service_id = $6 AND result IS NULL")
    .bind(result)
    .bind(failure.map(ToString::to_string))
    .bind(failure.map(Error::code))
    .bind(tenant)
    .bind(run)
    .bind(service)
    .execute(tx)
    .await?;
    Ok(())
}
