use super::{Comparison, ComparisonFinding, rules::Class};
use crate::scope::within_sites;
use atalaya_kernel::{
    Error,
    db::{DbError, Query, TenantTx, Value, sql},
    ids::{ComparisonId, CustomerId, DeviceId, PointId, ServiceId},
    time::Timestamp,
};

/// Findings of one statement: SQLite and its driver look for each `$n` among all those before it.
const ROWS: usize = 64;

/// A comparison as it is stored, with the name of its device.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct ComparisonRecord {
    pub(super) id: ComparisonId,
    pub(super) device_id: DeviceId,
    pub(super) device_name: String,
    pub(super) read_at: Option<Timestamp>,
    pub(super) in_order: i64,
    pub(super) counts: String,
    pub(super) not_known: String,
    pub(super) created_at: Timestamp,
}

impl ComparisonRecord {
    /// As the API shows it.
    pub(super) fn shown(self) -> Result<Comparison, Error> {
        Ok(Comparison {
            counts: serde_json::from_str(&self.counts).map_err(Error::internal)?,
            not_known: serde_json::from_str(&self.not_known).map_err(Error::internal)?,
            id: self.id,
            device_id: self.device_id,
            device_name: self.device_name,
            read_at: self.read_at,
            in_order: self.in_order,
            created_at: self.created_at,
        })
    }
}

/// A finding as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct FindingRecord {
    pub(super) number: i64,
    pub(super) class: Class,
    pub(super) point_id: Option<PointId>,
    pub(super) service_id: Option<ServiceId>,
    pub(super) customer_id: Option<CustomerId>,
    pub(super) row_name: String,
    pub(super) facts: String,
}

impl FindingRecord {
    /// As the API shows it, with the customer's name.
    pub(super) fn shown(self, customer_name: String) -> Result<ComparisonFinding, Error> {
        Ok(ComparisonFinding {
            facts: serde_json::from_str(&self.facts).map_err(Error::internal)?,
            class: self.class,
            point_id: self.point_id,
            service_id: self.service_id,
            customer_id: self.customer_id,
            customer_name,
            row: self.row_name,
        })
    }
}

/// Comparisons of devices that the scope lets see.
fn visible(tx: &TenantTx) -> Query {
    let query = sql("SELECT c.id, c.device_id, d.name AS device_name, c.read_at, c.in_order, c.counts, c.not_known, c.created_at \
         FROM network_comparison c JOIN network_device d ON d.tenant_id = c.tenant_id AND d.id = c.device_id WHERE c.tenant_id = ")
    .push_bind(tx.tenant());
    within_sites(query, tx.scope(), " AND d.site_id IN ", "")
}

pub(super) async fn comparison_find(
    tx: &mut TenantTx,
    id: &ComparisonId,
) -> Result<ComparisonRecord, DbError> {
    visible(tx).push(" AND c.id = ").push_bind(id).fetch_one(tx).await
}

/// The newest of each device behind one.
pub(super) async fn comparisons_newest(
    tx: &mut TenantTx,
    after: Option<DeviceId>,
    limit: i64,
) -> Result<Vec<ComparisonRecord>, DbError> {
    let mut query = visible(tx).push(
        " AND NOT EXISTS (SELECT 1 FROM network_comparison n WHERE n.tenant_id = c.tenant_id AND n.device_id = c.device_id \
          AND n.id > c.id)",
    );
    if let Some(after) = after {
        query = query.push(" AND c.device_id > ").push_bind(after);
    }
    query.push(" ORDER BY c.device_id LIMIT ").push_bind(limit).fetch_all(tx).await
}

pub(super) async fn comparison_insert(tx: &mut TenantTx, row: &ComparisonRecord) -> Result<(), DbError> {
    sql("INSERT INTO network_comparison (tenant_id, id, device_id, read_at, in_order, counts, not_known, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind(tx.tenant())
    .bind(&row.id)
    .bind(&row.device_id)
    .bind(row.read_at)
    .bind(row.in_order)
    .bind(&row.counts)
    .bind(&row.not_known)
    .bind(row.created_at)
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn findings_insert(
    tx: &mut TenantTx,
    comparison: &ComparisonId,
    findings: &[FindingRecord],
) -> Result<(), DbError> {
    for chunk in findings.chunks(ROWS) {
        let mut query = sql(
            "INSERT INTO network_comparison_finding (tenant_id, comparison_id, number, class, point_id, service_id, \
             customer_id, row_name, facts) VALUES ",
        );
        for (position, finding) in chunk.iter().enumerate() {
            let values: [Value; 9] = [
                tx.tenant().into(),
                comparison.into(),
                finding.number.into(),
                finding.class.into(),
                (&finding.point_id).into(),
                (&finding.service_id).into(),
                (&finding.customer_id).into(),
                (&finding.row_name).into(),
                (&finding.facts).into(),
            ];
            query = query.push(if position == 0 { "" } else { ", " }).push_list(values);
        }
        query.execute(tx).await?;
    }
    Ok(())
}

/// Forgets the comparisons of a device but for the newest two.
pub(super) async fn comparisons_outdate(tx: &mut TenantTx, device: &DeviceId) -> Result<(), DbError> {
    sql("DELETE FROM network_comparison WHERE tenant_id = $1 AND device_id = $2 AND id NOT IN \
         (SELECT n.id FROM network_comparison n WHERE n.tenant_id = $1 AND n.device_id = $2 ORDER BY n.id DESC LIMIT 2)")
    .bind(tx.tenant())
    .bind(device)
    .execute(tx)
    .await
    .map(drop)
}

/// Findings of a comparison that the caller has found.
pub(super) async fn findings_list(
    tx: &mut TenantTx,
    comparison: &ComparisonId,
    class: Option<Class>,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<FindingRecord>, DbError> {
    let mut query = sql("SELECT number, class, point_id, service_id, customer_id, row_name, facts \
         FROM network_comparison_finding WHERE tenant_id = ")
    .push_bind(tx.tenant())
    .push(" AND comparison_id = ")
    .push_bind(comparison);
    if let Some(class) = class {
        query = query.push(" AND class = ").push_bind(class);
    }
    if let Some(after) = after {
        query = query.push(" AND number > ").push_bind(after);
    }
    query.push(" ORDER BY number LIMIT ").push_bind(limit).fetch_all(tx).await
}
