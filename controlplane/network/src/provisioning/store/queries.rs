use crate::{provisioning::PointOwner, scope::within_sites};
use atalaya_kernel::{
    db::{DbError, Query, TenantTx, sql},
    ids::{AttachmentId, CustomerId, DeviceId, PointId, ServiceId, SiteId},
    time::Timestamp,
};
use std::collections::BTreeMap;

/// (points, points not as desired) of devices.
pub(crate) async fn points_of_devices(
    tx: &mut TenantTx,
    ids: &[DeviceId],
) -> Result<BTreeMap<DeviceId, (i64, i64)>, DbError> {
    let rows: Vec<(DeviceId, i64, i64)> = sql("SELECT p.device_id, CAST(COUNT(*) AS BIGINT), \
         CAST(SUM(CASE WHEN p.hold_reason IS NULL AND o.generation >= p.generation AND o.outcome IN ('applied', 'in_place', 'partly') \
         THEN 0 ELSE 1 END) AS BIGINT) FROM network_point p LEFT JOIN network_observed o ON o.tenant_id = p.tenant_id \
         AND o.point_id = p.id WHERE p.forgotten_at IS NULL AND p.tenant_id = ")
    .push_bind(tx.tenant())
    .push(" AND p.device_id IN ")
    .push_list(ids)
    .push(" GROUP BY p.device_id")
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|(device, total, differ)| (device, (total, differ))).collect())
}

/// Whom points serve, by the text of their ids.
pub(crate) async fn points_owners(
    tx: &mut TenantTx,
    ids: &[PointId],
) -> Result<BTreeMap<String, PointOwner>, DbError> {
    let mut owners = BTreeMap::new();
    for chunk in ids.chunks(5_000) {
        let rows: Vec<(PointId, AttachmentId, ServiceId, CustomerId)> =
            sql("SELECT p.id, p.attachment_id, p.service_id, a.customer_id FROM network_point p JOIN network_attachment a \
                 ON a.tenant_id = p.tenant_id AND a.id = p.attachment_id WHERE p.tenant_id = ")
            .push_bind(tx.tenant())
            .push(" AND p.id IN ")
            .push_list(chunk)
            .fetch_all(tx)
            .await?;
        owners.extend(rows.into_iter().map(|(point, attachment_id, service_id, customer_id)| {
            (point.to_string(), PointOwner { attachment_id, service_id, customer_id })
        }));
    }
    Ok(owners)
}

/// (services cut from collections since a moment, other than one; services with points), at a site or over the ISP.
pub(crate) async fn brake_counts(
    tx: &mut TenantTx,
    site: Option<&SiteId>,
    but: &ServiceId,
    since: Timestamp,
) -> Result<(i64, i64), DbError> {
    let cut = counted(tx, site).push(" AND p.counted_cut_at > ").push_bind(since);
    let (cut,): (i64,) = cut.push(" AND p.service_id <> ").push_bind(but).fetch_one(tx).await?;
    let (all,): (i64,) = counted(tx, site).push(" AND p.forgotten_at IS NULL").fetch_one(tx).await?;
    Ok((cut, all))
}

/// Counts services by their points.
fn counted(tx: &TenantTx, site: Option<&SiteId>) -> Query {
    let query =
        sql("SELECT CAST(COUNT(DISTINCT p.service_id) AS BIGINT) FROM network_point p WHERE p.tenant_id = ")
            .push_bind(tx.tenant());
    let Some(site) = site else { return query };
    query
        .push(" AND EXISTS (SELECT 1 FROM network_device d WHERE d.tenant_id = p.tenant_id AND d.id = p.device_id AND d.site_id = ")
        .push_bind(site)
        .push(")")
}

/// Services with a point whose desired state was not read back.
pub(crate) async fn services_not_applied(tx: &mut TenantTx) -> Result<i64, DbError> {
    let query = sql("SELECT CAST(COUNT(DISTINCT p.service_id) AS BIGINT) FROM network_point p \
         JOIN network_device d ON d.tenant_id = p.tenant_id AND d.id = p.device_id \
         LEFT JOIN network_observed o ON o.tenant_id = p.tenant_id AND o.point_id = p.id WHERE p.forgotten_at IS NULL \
         AND (p.hold_reason IS NOT NULL OR o.generation IS NULL OR o.generation < p.generation \
         OR o.outcome NOT IN ('applied', 'in_place', 'partly')) AND p.tenant_id = ")
    .push_bind(tx.tenant());
    let (count,): (i64,) = within_sites(query, tx.scope(), " AND d.site_id IN ", "").fetch_one(tx).await?;
    Ok(count)
}

/// Services with points, after one, in order.
pub(crate) async fn services_after(
    tx: &mut TenantTx,
    after: &str,
    limit: i64,
) -> Result<Vec<ServiceId>, DbError> {
    let rows: Vec<(ServiceId,)> =
        sql("SELECT DISTINCT service_id FROM network_point WHERE tenant_id = $1 AND forgotten_at IS NULL \
         AND service_id > $2 ORDER BY service_id LIMIT $3")
        .bind(tx.tenant())
        .bind(after)
        .bind(limit)
        .fetch_all(tx)
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Points on a device by what they take there; those that are forgotten left out.
pub(crate) async fn points_by_access(
    tx: &mut TenantTx,
    device: &DeviceId,
    keys: &[String],
) -> Result<BTreeMap<String, PointId>, DbError> {
    let mut found = BTreeMap::new();
    for chunk in keys.chunks(500) {
        let rows: Vec<(String, PointId)> =
            sql("SELECT access_key, id FROM network_point WHERE forgotten_at IS NULL AND tenant_id = ")
                .push_bind(tx.tenant())
                .push(" AND device_id = ")
                .push_bind(device)
                .push(" AND access_key IN ")
                .push_list(chunk)
                .fetch_all(tx)
                .await?;
        found.extend(rows);
    }
    Ok(found)
}
