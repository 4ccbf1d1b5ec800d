use super::{Visit, model::VisitRow};
use atalaya_kernel::{
    Error,
    db::{DbError, PlatformTx, TenantTx, sql},
    ids::{TenantId, VisitId},
    time::Timestamp,
};

const SELECT: &str = "SELECT id, operator_id, operator_name, reason, permissions, csrf_token, started_at, until_at, ended_at, ended_by \
     FROM people_operator_visit WHERE tenant_id = ";

/// Whose a cookie is, before anything else is known.
pub(super) async fn token_tenant(tx: &mut PlatformTx, token_hash: &str) -> Result<Option<TenantId>, DbError> {
    let row: Option<(TenantId,)> = sql("SELECT tenant_id FROM people_operator_visit WHERE token_hash = $1")
        .bind(token_hash)
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|(tenant,)| tenant))
}

pub(super) async fn visit_by_token(tx: &mut TenantTx, token_hash: &str) -> Result<VisitRow, DbError> {
    sql(SELECT).push_bind(tx.tenant()).push(" AND token_hash = ").push_bind(token_hash).fetch_one(tx).await
}

pub(super) async fn visit_get(tx: &mut TenantTx, id: &VisitId) -> Result<VisitRow, DbError> {
    sql(SELECT).push_bind(tx.tenant()).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn visits_list(
    tx: &mut TenantTx,
    below: Option<VisitId>,
    limit: i64,
) -> Result<Vec<VisitRow>, DbError> {
    let mut query = sql(SELECT).push_bind(tx.tenant());
    if let Some(below) = below {
        query = query.push(" AND id < ").push_bind(below);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(limit).fetch_all(tx).await
}

pub(super) async fn visit_insert(
    tx: &mut TenantTx,
    visit: &Visit,
    token_hash: &str,
    csrf_token: &str,
) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_operator_visit (tenant_id, id, operator_id, operator_name, reason, permissions, token_hash, \
         csrf_token, started_at, until_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(tenant)
    .bind(&visit.id)
    .bind(&visit.operator_id)
    .bind(&visit.operator_name)
    .bind(&visit.reason)
    .bind(serde_json::to_string(&visit.permissions).map_err(Error::internal)?)
    .bind(token_hash)
    .bind(csrf_token)
    .bind(visit.started_at)
    .bind(visit.until)
    .execute(tx)
    .await?;
    Ok(())
}

/// Ends a visit; whether it went on.
pub(super) async fn visit_end(
    tx: &mut TenantTx,
    id: &VisitId,
    by: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE people_operator_visit SET ended_at = $1, ended_by = $2 \
                    WHERE tenant_id = $3 AND id = $4 AND ended_at IS NULL AND until_at > $1")
    .bind(now)
    .bind(by)
    .bind(tenant)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}
