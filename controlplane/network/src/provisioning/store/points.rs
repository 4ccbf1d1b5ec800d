use crate::{
    devices::DeviceMode,
    provisioning::{
        AttachmentKind, Desired, DesiredStatus, HoldReason, Observed, ObservedSession, ObservedStatus,
        Outcome, Point, rules,
    },
    scope::within_sites,
};
use atalaya_kernel::{
    db::{DbError, Query, TenantTx, sql},
    ids::{AgentId, AttachmentId, CustomerId, DeviceId, EventId, PointId, ServiceId, SiteId},
    time::Timestamp,
};

/// A point with its attachment, its device and what was read back there.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct PointRow {
    pub(crate) id: PointId,
    pub(crate) attachment_id: AttachmentId,
    pub(crate) service_id: ServiceId,
    pub(crate) customer_id: CustomerId,
    pub(crate) device_id: DeviceId,
    pub(crate) device_name: String,
    pub(crate) device_mode: DeviceMode,
    pub(crate) agent_id: AgentId,
    pub(crate) site_id: SiteId,
    pub(crate) kind: AttachmentKind,
    pub(crate) access_user: Option<String>,
    pub(crate) sealed_password: Option<Vec<u8>>,
    pub(crate) own_profile: Option<String>,
    pub(crate) adopt: bool,
    pub(crate) address: Option<String>,
    pub(crate) speed_managed: bool,
    pub(crate) removed_at: Option<Timestamp>,
    /// User or address that nobody else may have on the device; none once it was given up.
    pub(crate) access_key: Option<String>,
    pub(crate) status: DesiredStatus,
    pub(crate) timeline: i64,
    pub(crate) generation: i64,
    pub(crate) download_bps: i64,
    pub(crate) upload_bps: i64,
    pub(crate) profile: String,
    pub(crate) access_digest: String,
    pub(crate) reason: String,
    pub(crate) cause_id: Option<EventId>,
    pub(crate) hold_reason: Option<HoldReason>,
    pub(crate) released: bool,
    pub(crate) hold_open_until: Option<Timestamp>,
    pub(crate) not_after: Option<Timestamp>,
    pub(crate) counted_cut_at: Option<Timestamp>,
    pub(crate) before_image: String,
    pub(crate) changed_at: Timestamp,
    pub(crate) o_status: Option<ObservedStatus>,
    pub(crate) o_outcome: Option<Outcome>,
    pub(crate) o_timeline: Option<i64>,
    pub(crate) o_generation: Option<i64>,
    pub(crate) o_detail: Option<String>,
    pub(crate) o_drift: Option<bool>,
    pub(crate) o_read_at: Option<Timestamp>,
    pub(crate) applied_at: Option<Timestamp>,
    pub(crate) cut_at: Option<Timestamp>,
    pub(crate) unblocked_at: Option<Timestamp>,
    pub(crate) session_seen_at: Option<Timestamp>,
    pub(crate) session_present: Option<bool>,
    pub(crate) session_since: Option<Timestamp>,
    pub(crate) session_address: Option<String>,
    pub(crate) session_caller_id: Option<String>,
}

impl PointRow {
    /// What must be true.
    pub(crate) fn desired(&self) -> Desired {
        Desired {
            status: self.status,
            timeline: self.timeline,
            generation: self.generation,
            download_bps: self.download_bps,
            upload_bps: self.upload_bps,
        }
    }
    /// What was read back.
    pub(crate) fn observed(&self) -> Option<Observed> {
        Some(Observed {
            status: self.o_status?,
            outcome: self.o_outcome?,
            timeline: self.o_timeline?,
            generation: self.o_generation?,
            detail: self.o_detail.clone()?,
            read_at: self.o_read_at?,
            applied_at: self.applied_at,
            cut_at: self.cut_at,
            unblocked_at: self.unblocked_at,
            session_seen_at: self.session_seen_at,
            session: ObservedSession {
                present: self.session_present?,
                since: self.session_since,
                address: self.session_address.clone()?,
                caller_id: self.session_caller_id.clone()?,
            },
        })
    }
    /// As the API shows it.
    pub(crate) fn shown(&self) -> Point {
        let (desired, observed) = (self.desired(), self.observed());
        let drift = self.o_drift.unwrap_or(false);
        let (state, held_reason) = rules::point_state(&desired, self.hold_reason, drift, observed.as_ref());
        Point {
            id: self.id.clone(),
            device_id: self.device_id.clone(),
            device_name: self.device_name.clone(),
            device_mode: self.device_mode,
            desired,
            observed,
            state,
            held_reason,
            hold_open_until: self.hold_open_until,
            kind: self.kind,
        }
    }
}

/// Points that are not forgotten.
pub(super) fn select(tx: &TenantTx) -> Query {
    sql("SELECT p.id, p.attachment_id, p.service_id, a.customer_id, p.device_id, d.name AS device_name, d.mode AS device_mode, \
         d.agent_id, d.site_id, a.kind, a.access_user, a.sealed_password, a.profile AS own_profile, a.adopt, a.address, \
         a.speed_managed, a.removed_at, \
         p.access_key, p.status, p.timeline, p.generation, p.download_bps, p.upload_bps, p.profile, p.access_digest, p.reason, p.cause_id, \
         p.hold_reason, p.released, p.hold_open_until, p.not_after, p.counted_cut_at, p.before_image, p.changed_at, \
         o.status AS o_status, o.outcome AS o_outcome, o.timeline AS o_timeline, o.generation AS o_generation, \
         o.detail AS o_detail, o.drift AS o_drift, o.read_at AS o_read_at, o.applied_at, o.cut_at, o.unblocked_at, \
         o.session_seen_at, o.session_present, o.session_since, o.session_address, o.session_caller_id \
         FROM network_point p \
         JOIN network_attachment a ON a.tenant_id = p.tenant_id AND a.id = p.attachment_id \
         JOIN network_device d ON d.tenant_id = p.tenant_id AND d.id = p.device_id \
         LEFT JOIN network_observed o ON o.tenant_id = p.tenant_id AND o.point_id = p.id \
         WHERE p.forgotten_at IS NULL AND p.tenant_id = ")
    .push_bind(tx.tenant())
}

pub(crate) async fn points_of_service(tx: &mut TenantTx, id: &ServiceId) -> Result<Vec<PointRow>, DbError> {
    select(tx).push(" AND p.service_id = ").push_bind(id).push(" ORDER BY p.id").fetch_all(tx).await
}

pub(crate) async fn points_of_services(
    tx: &mut TenantTx,
    ids: &[ServiceId],
) -> Result<Vec<PointRow>, DbError> {
    let mut found = Vec::new();
    // SQLite binds at most 32,766 values.
    for chunk in ids.chunks(5_000) {
        let query = select(tx).push(" AND p.service_id IN ").push_list(chunk).push(" ORDER BY p.id");
        found.extend(query.fetch_all::<PointRow>(tx).await?);
    }
    Ok(found)
}

pub(crate) async fn points_of_attachments(
    tx: &mut TenantTx,
    ids: &[AttachmentId],
) -> Result<Vec<PointRow>, DbError> {
    select(tx).push(" AND p.attachment_id IN ").push_list(ids).push(" ORDER BY p.id").fetch_all(tx).await
}

pub(crate) async fn points_on_device(tx: &mut TenantTx, device: &DeviceId) -> Result<Vec<PointRow>, DbError> {
    select(tx).push(" AND p.device_id = ").push_bind(device).push(" ORDER BY p.id").fetch_all(tx).await
}

/// Points of an agent changed after a generation, in order of change.
pub(crate) async fn points_of_agent(
    tx: &mut TenantTx,
    agent: &AgentId,
    after: i64,
) -> Result<Vec<PointRow>, DbError> {
    select(tx)
        .push(" AND d.agent_id = ")
        .push_bind(agent)
        .push(" AND p.generation > ")
        .push_bind(after)
        .push(" ORDER BY p.generation, p.id")
        .fetch_all(tx)
        .await
}

/// A point, if it is one of this agent's.
pub(crate) async fn point_of_agent(
    tx: &mut TenantTx,
    agent: &AgentId,
    id: &PointId,
) -> Result<Option<PointRow>, DbError> {
    select(tx)
        .push(" AND d.agent_id = ")
        .push_bind(agent)
        .push(" AND p.id = ")
        .push_bind(id)
        .fetch_optional(tx)
        .await
}

/// Points of an agent at which a cut or another change may wait; scope applied.
pub(crate) async fn points_held(tx: &mut TenantTx, agent: &AgentId) -> Result<Vec<PointRow>, DbError> {
    let query = select(tx).push(" AND d.agent_id = ").push_bind(agent).push(
        " AND (p.hold_reason IS NOT NULL OR (p.status <> 'active' AND o.generation >= p.generation AND o.outcome IN \
          ('held_brake', 'held_timeline', 'held_offline', 'held_open', 'held_not_yet', 'held_disk', 'expired')) \
          OR (p.status = 'active' AND o.generation >= p.generation AND o.outcome = 'held_changes'))",
    );
    within_sites(query, tx.scope(), " AND d.site_id IN ", "").push(" ORDER BY p.id").fetch_all(tx).await
}

/// Ended points of devices that still have this user or address.
pub(crate) async fn points_ended_with(
    tx: &mut TenantTx,
    devices: &[DeviceId],
    access_key: &str,
) -> Result<Vec<PointRow>, DbError> {
    select(tx)
        .push(" AND p.status = 'terminated' AND p.access_key = ")
        .push_bind(access_key)
        .push(" AND p.device_id IN ")
        .push_list(devices)
        .push(" ORDER BY p.id")
        .fetch_all(tx)
        .await
}

/// The point has its user or address no more.
pub(crate) async fn point_give_up(tx: &mut TenantTx, id: &PointId) -> Result<(), DbError> {
    sql("UPDATE network_point SET access_key = NULL WHERE tenant_id = $1 AND id = $2")
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// A point to be made; it is told to nobody before its first generation.
#[derive(Debug, Clone)]
pub(crate) struct NewPoint<'p> {
    pub(crate) id: PointId,
    pub(crate) attachment_id: &'p AttachmentId,
    pub(crate) service_id: &'p ServiceId,
    pub(crate) device_id: &'p DeviceId,
    pub(crate) access_key: &'p str,
}

pub(crate) async fn point_insert(
    tx: &mut TenantTx,
    point: &NewPoint<'_>,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("INSERT INTO network_point (tenant_id, id, attachment_id, service_id, device_id, access_key, status, timeline, generation, \
         download_bps, upload_bps, profile, access_digest, reason, released, before_image, changed_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 'active', 0, 0, 0, 0, '', '', '', false, '[]', $7, $7)")
    .bind(tx.tenant())
    .bind(&point.id)
    .bind(point.attachment_id)
    .bind(point.service_id)
    .bind(point.device_id)
    .bind(point.access_key)
    .bind(now)
    .execute(tx)
    .await
    .map(drop)
}

/// Writes the desired state of a point.
pub(crate) async fn point_desire(tx: &mut TenantTx, row: &PointRow, now: Timestamp) -> Result<(), DbError> {
    sql("UPDATE network_point SET status = $1, timeline = $2, generation = $3, download_bps = $4, upload_bps = $5, profile = $6, \
         access_digest = $7, reason = $8, held_since = CASE WHEN CAST($9 AS TEXT) IS NULL THEN NULL ELSE COALESCE(held_since, $14) END, \
         hold_reason = $9, released = $10, hold_open_until = $11, not_after = $12, counted_cut_at = $13, changed_at = $14, \
         cause_id = $15 WHERE tenant_id = $16 AND id = $17")
    .bind(row.status)
    .bind(row.timeline)
    .bind(row.generation)
    .bind(row.download_bps)
    .bind(row.upload_bps)
    .bind(&row.profile)
    .bind(&row.access_digest)
    .bind(&row.reason)
    .bind(row.hold_reason)
    .bind(row.released)
    .bind(row.hold_open_until)
    .bind(row.not_after)
    .bind(row.counted_cut_at)
    .bind(now)
    .bind(&row.cause_id)
    .bind(tx.tenant())
    .bind(&row.id)
    .execute(tx)
    .await
    .map(drop)
}

/// A point whose rows are gone is told to its agent no more.
pub(crate) async fn point_forget(tx: &mut TenantTx, id: &PointId, now: Timestamp) -> Result<(), DbError> {
    sql("UPDATE network_point SET forgotten_at = $1, access_key = NULL, hold_reason = NULL WHERE tenant_id = $2 AND id = $3")
        .bind(now)
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// A point that never was: forgotten as it stands. Its agent learns of it by [`let_go_stamp`].
pub(crate) async fn point_let_go(tx: &mut TenantTx, id: &PointId, now: Timestamp) -> Result<(), DbError> {
    sql("UPDATE network_point SET forgotten_at = $1, access_key = NULL, hold_reason = NULL, let_go = true, changed_at = $1 \
         WHERE tenant_id = $2 AND id = $3")
    .bind(now)
    .bind(tx.tenant())
    .bind(id)
    .execute(tx)
    .await
    .map(drop)
}

/// Gives the points of a device that were let go a new generation.
pub(crate) async fn let_go_stamp(
    tx: &mut TenantTx,
    device: &DeviceId,
    generation: i64,
) -> Result<u64, DbError> {
    sql("UPDATE network_point SET generation = $1 WHERE tenant_id = $2 AND device_id = $3 AND let_go")
        .bind(generation)
        .bind(tx.tenant())
        .bind(device)
        .execute(tx)
        .await
}

/// Highest generation behind another with which a point of an agent was let go; 0 for none.
pub(crate) async fn let_go_generation(
    tx: &mut TenantTx,
    agent: &AgentId,
    after: i64,
) -> Result<i64, DbError> {
    let (generation,): (i64,) = sql(
        "SELECT COALESCE(MAX(p.generation), 0) FROM network_point p JOIN network_device d ON d.tenant_id = p.tenant_id \
         AND d.id = p.device_id WHERE p.tenant_id = $1 AND d.agent_id = $2 AND p.generation > $3 AND p.let_go",
    )
    .bind(tx.tenant())
    .bind(agent)
    .bind(after)
    .fetch_one(tx)
    .await?;
    Ok(generation)
}

/// The cut that was held is in place after all.
pub(crate) async fn point_hold_over(tx: &mut TenantTx, id: &PointId) -> Result<(), DbError> {
    sql("UPDATE network_point SET hold_reason = NULL, held_since = NULL WHERE tenant_id = $1 AND id = $2")
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// Keeps the row that was there before our change, for an agent that loses its disk.
pub(crate) async fn point_before_image(tx: &mut TenantTx, id: &PointId, image: &str) -> Result<(), DbError> {
    sql("UPDATE network_point SET before_image = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(image)
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// Drops what is left of points that were forgotten, before their device goes.
pub(crate) async fn forgotten_points_drop(tx: &mut TenantTx, device: &DeviceId) -> Result<(), DbError> {
    sql("DELETE FROM network_point WHERE tenant_id = $1 AND device_id = $2 AND (forgotten_at IS NOT NULL OR generation = 0)")
        .bind(tx.tenant())
        .bind(device)
        .execute(tx)
        .await
        .map(drop)
}
