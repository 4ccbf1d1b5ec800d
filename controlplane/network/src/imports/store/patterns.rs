use crate::imports::ImportPattern;
use atalaya_kernel::{
    Error,
    db::{DbError, TenantTx, sql},
    ids::ImportPatternId,
};

const SELECT: &str = "SELECT id, pattern, created_at FROM network_import_pattern WHERE tenant_id = ";

pub(crate) async fn patterns_list(
    tx: &mut TenantTx,
    after: Option<ImportPatternId>,
    limit: i64,
) -> Result<Vec<ImportPattern>, DbError> {
    let mut query = sql(SELECT).push_bind(tx.tenant());
    if let Some(after) = after {
        query = query.push(" AND id > ").push_bind(after);
    }
    query.push(" ORDER BY id LIMIT ").push_bind(limit).fetch_all(tx).await
}

pub(crate) async fn pattern_get(tx: &mut TenantTx, id: &ImportPatternId) -> Result<ImportPattern, DbError> {
    sql(SELECT).push_bind(tx.tenant()).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

pub(crate) async fn pattern_insert(tx: &mut TenantTx, pattern: &ImportPattern) -> Result<(), Error> {
    let inserted = sql(
        "INSERT INTO network_import_pattern (tenant_id, id, pattern, created_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(tx.tenant())
    .bind(&pattern.id)
    .bind(&pattern.pattern)
    .bind(pattern.created_at)
    .execute(tx)
    .await;
    inserted.map(drop).map_err(|error| {
        if error.violates_unique("network_import_pattern", &["tenant_id", "pattern"]) {
            Error::invalid("/pattern", "taken", "this pattern is saved already")
        } else {
            error.into()
        }
    })
}

pub(crate) async fn pattern_delete(tx: &mut TenantTx, id: &ImportPatternId) -> Result<(), DbError> {
    sql("DELETE FROM network_import_pattern WHERE tenant_id = $1 AND id = $2")
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}
