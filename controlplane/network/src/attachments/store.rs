use crate::provisioning::AttachmentKind;
use atalaya_kernel::{
    db::{DbError, TenantTx, sql},
    ids::{AttachmentId, CustomerId, ServiceId},
    time::Timestamp,
};

/// An attachment as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct AttachmentRow {
    pub(super) id: AttachmentId,
    pub(super) service_id: ServiceId,
    pub(super) customer_id: CustomerId,
    pub(super) kind: AttachmentKind,
    pub(super) access_user: Option<String>,
    pub(super) sealed_password: Option<Vec<u8>>,
    pub(super) profile: Option<String>,
    pub(super) address: Option<String>,
    pub(super) adopt: bool,
    /// Whether the device shall have the plan's speed; else it keeps its own.
    pub(super) speed_managed: bool,
    pub(super) removed_at: Option<Timestamp>,
}

const SELECT: &str = "SELECT id, service_id, customer_id, kind, access_user, sealed_password, profile, address, adopt, speed_managed, \
     removed_at \
     FROM network_attachment WHERE tenant_id = ";

pub(super) async fn attachment_insert(
    tx: &mut TenantTx,
    row: &AttachmentRow,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("INSERT INTO network_attachment (tenant_id, id, service_id, customer_id, kind, access_user, sealed_password, profile, \
         address, adopt, version, created_at, updated_at, speed_managed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $11, $12)")
    .bind(tx.tenant())
    .bind(&row.id)
    .bind(&row.service_id)
    .bind(&row.customer_id)
    .bind(row.kind)
    .bind(&row.access_user)
    .bind(row.sealed_password.clone())
    .bind(&row.profile)
    .bind(&row.address)
    .bind(row.adopt)
    .bind(now)
    .bind(row.speed_managed)
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn attachment_get(tx: &mut TenantTx, id: &AttachmentId) -> Result<AttachmentRow, DbError> {
    sql(SELECT).push_bind(tx.tenant()).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn attachments_of_services(
    tx: &mut TenantTx,
    services: &[ServiceId],
) -> Result<Vec<AttachmentRow>, DbError> {
    let mut found = Vec::new();
    for chunk in services.chunks(5_000) {
        let query = sql(SELECT)
            .push_bind(tx.tenant())
            .push(" AND service_id IN ")
            .push_list(chunk)
            .push(" ORDER BY id");
        found.extend(query.fetch_all::<AttachmentRow>(tx).await?);
    }
    Ok(found)
}

pub(super) async fn attachment_mark_removed(
    tx: &mut TenantTx,
    id: &AttachmentId,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE network_attachment SET removed_at = $1, version = version + 1, updated_at = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(now)
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}
