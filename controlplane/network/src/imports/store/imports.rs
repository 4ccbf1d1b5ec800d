use crate::{
    imports::{Answer, ImportState, PlanOf, rules::Meaning},
    scope::within_sites,
};
use atalaya_kernel::{
    Error,
    db::{DbError, Query, TenantTx, sql},
    ids::{DeviceId, ImportId, PlanId, SiteId},
    time::Timestamp,
};

/// An import as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ImportRecord {
    pub(crate) id: ImportId,
    pub(crate) device_id: DeviceId,
    pub(crate) state: ImportState,
    pub(crate) read_at: Timestamp,
    pub(crate) site_id: SiteId,
    pub(crate) answers: String,
    pub(crate) plans: String,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// What people said about all rows of a sort.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    pub(crate) answers: Vec<Answer>,
    pub(crate) plans: Vec<PlanOf>,
}

impl Said {
    /// What a group means.
    pub(crate) fn meaning(&self, group: &str) -> Option<Meaning> {
        self.answers.iter().find(|answer| answer.group == group).map(|answer| answer.meaning)
    }
    /// Plan of a service made from a row with this profile.
    pub(crate) fn plan(&self, profile: &str) -> Option<&PlanId> {
        let of =
            |profile: &str| self.plans.iter().find(|plan| plan.profile == profile).map(|plan| &plan.plan_id);
        of(profile).or_else(|| of(""))
    }
}

impl ImportRecord {
    pub(crate) fn said(&self) -> Result<Said, Error> {
        Ok(Said {
            answers: serde_json::from_str(&self.answers).map_err(Error::internal)?,
            plans: serde_json::from_str(&self.plans).map_err(Error::internal)?,
        })
    }
}

/// Imports of devices that the scope lets see.
fn visible(tx: &TenantTx) -> Query {
    let query = sql(
        "SELECT id, device_id, state, read_at, site_id, answers, plans, version, created_at, updated_at \
         FROM network_import WHERE tenant_id = ",
    )
    .push_bind(tx.tenant());
    within_sites(
        query,
        tx.scope(),
        " AND EXISTS (SELECT 1 FROM network_device d WHERE d.tenant_id = network_import.tenant_id \
         AND d.id = network_import.device_id AND d.site_id IN ",
        ")",
    )
}

pub(crate) async fn import_find(tx: &mut TenantTx, id: &ImportId) -> Result<ImportRecord, DbError> {
    visible(tx).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

pub(crate) async fn imports_of_device(
    tx: &mut TenantTx,
    device: &DeviceId,
    below: Option<ImportId>,
    limit: i64,
) -> Result<Vec<ImportRecord>, DbError> {
    let mut query = visible(tx).push(" AND device_id = ").push_bind(device);
    if let Some(below) = below {
        query = query.push(" AND id < ").push_bind(below);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(limit).fetch_all(tx).await
}

/// Begins an import; a device has one at a time.
pub(crate) async fn import_insert(tx: &mut TenantTx, row: &ImportRecord) -> Result<(), Error> {
    let inserted = sql("INSERT INTO network_import (tenant_id, id, device_id, under_way, state, read_at, site_id, answers, plans, version, \
         created_at, updated_at) VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
    .bind(tx.tenant())
    .bind(&row.id)
    .bind(&row.device_id)
    .bind(row.state)
    .bind(row.read_at)
    .bind(&row.site_id)
    .bind(&row.answers)
    .bind(&row.plans)
    .bind(row.version)
    .bind(row.created_at)
    .bind(row.updated_at)
    .execute(tx)
    .await;
    inserted.map(drop).map_err(|error| {
        if error.violates_unique("network_import", &["tenant_id", "under_way"]) {
            Error::conflict(
                "import_open",
                "an import of this device is under way: go on with it, or close it",
            )
        } else {
            error.into()
        }
    })
}

/// Moves an import on if it is still in the state given; whether it was.
pub(crate) async fn import_state_set(
    tx: &mut TenantTx,
    id: &ImportId,
    from: ImportState,
    to: ImportState,
    now: Timestamp,
) -> Result<bool, DbError> {
    let rows = sql("UPDATE network_import SET state = $1, version = version + 1, updated_at = $2, \
         under_way = CASE WHEN $6 THEN NULL ELSE under_way END WHERE tenant_id = $3 AND id = $4 AND state = $5")
    .bind(to)
    .bind(now)
    .bind(tx.tenant())
    .bind(id)
    .bind(from)
    .bind(to == ImportState::Closed)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// Writes answers and plans of an open import that is still at a version; whether it was.
pub(crate) async fn import_write(
    tx: &mut TenantTx,
    row: &ImportRecord,
    version: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    let rows =
        sql("UPDATE network_import SET answers = $1, plans = $2, version = version + 1, updated_at = $3 \
         WHERE tenant_id = $4 AND id = $5 AND version = $6 AND state = 'open'")
        .bind(&row.answers)
        .bind(&row.plans)
        .bind(now)
        .bind(tx.tenant())
        .bind(&row.id)
        .bind(version)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

/// Notes that somebody worked on it.
pub(crate) async fn import_touch(tx: &mut TenantTx, id: &ImportId, now: Timestamp) -> Result<(), DbError> {
    sql("UPDATE network_import SET updated_at = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(now)
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// Imports on which nobody worked since an instant, and those that were begun before another and are not ready yet.
pub(crate) async fn imports_over(
    tx: &mut TenantTx,
    before: Timestamp,
    unready: Timestamp,
) -> Result<Vec<ImportId>, DbError> {
    sql("SELECT id FROM network_import WHERE tenant_id = $1 AND ((state IN ('open', 'closed') AND updated_at < $2) \
         OR (state = 'preparing' AND updated_at < $3)) ORDER BY id LIMIT 20")
    .bind(tx.tenant())
    .bind(before)
    .bind(unready)
    .fetch_column(tx)
    .await
}

/// Forgets an import with its rows.
pub(crate) async fn import_forget(tx: &mut TenantTx, id: &ImportId) -> Result<(), DbError> {
    sql("DELETE FROM network_import WHERE tenant_id = $1 AND id = $2")
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}
