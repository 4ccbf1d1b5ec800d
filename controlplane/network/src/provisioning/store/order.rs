use atalaya_kernel::{
    db::{DbError, TenantTx, sql},
    ids::DeviceId,
    time::Timestamp,
};

/// What orders the desired states of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct OrderRow {
    pub(crate) timeline: i64,
    /// Last generation given out.
    pub(crate) generation: i64,
    raised: i64,
}

impl OrderRow {
    /// When the timeline was last raised; none when it never was.
    pub(crate) fn raised_at(self) -> Option<Timestamp> {
        (self.raised > 0).then(|| Timestamp::from_millis(self.raised))
    }
}

pub(crate) async fn order_get(tx: &mut TenantTx) -> Result<OrderRow, DbError> {
    let row =
        sql("SELECT timeline, generation, raised_at AS raised FROM network_timeline WHERE tenant_id = $1")
            .bind(tx.tenant())
            .fetch_optional(tx)
            .await?;
    Ok(row.unwrap_or(OrderRow { timeline: 1, generation: 0, raised: 0 }))
}

/// Takes the row's lock: from here to the end of the transaction nobody else writes desired state of this tenant.
pub(crate) async fn order_lock(tx: &mut TenantTx) -> Result<OrderRow, DbError> {
    sql("INSERT INTO network_timeline (tenant_id, timeline, generation, raised_at) VALUES ($1, 1, 0, 0) \
         ON CONFLICT (tenant_id) DO NOTHING")
    .bind(tx.tenant())
    .execute(tx)
    .await?;
    sql("UPDATE network_timeline SET generation = generation WHERE tenant_id = $1 \
         RETURNING timeline, generation, raised_at AS raised")
    .bind(tx.tenant())
    .fetch_one(tx)
    .await
}

pub(crate) async fn generation_set(tx: &mut TenantTx, generation: i64) -> Result<(), DbError> {
    sql("UPDATE network_timeline SET generation = $1 WHERE tenant_id = $2")
        .bind(generation)
        .bind(tx.tenant())
        .execute(tx)
        .await
        .map(drop)
}

/// Raises the timeline: every point is told anew under it, and every cut waits for a person.
pub(crate) async fn timeline_raise(
    tx: &mut TenantTx,
    timeline: i64,
    generation: i64,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE network_timeline SET timeline = $1, generation = $2, raised_at = $3 WHERE tenant_id = $4")
        .bind(timeline)
        .bind(generation)
        .bind(now)
        .bind(tx.tenant())
        .execute(tx)
        .await?;
    sql("UPDATE network_point SET timeline = $1, generation = $2, released = false, changed_at = $3, \
         hold_reason = CASE WHEN status = 'active' THEN hold_reason ELSE 'timeline' END, \
         held_since = CASE WHEN status = 'active' THEN held_since ELSE $3 END \
         WHERE tenant_id = $4 AND forgotten_at IS NULL AND generation > 0")
    .bind(timeline)
    .bind(generation)
    .bind(now)
    .bind(tx.tenant())
    .execute(tx)
    .await
    .map(drop)
}

/// Gives the points of a device a new generation, unchanged otherwise.
pub(crate) async fn points_stamp(
    tx: &mut TenantTx,
    device: &DeviceId,
    generation: i64,
    now: Timestamp,
) -> Result<u64, DbError> {
    sql("UPDATE network_point SET generation = $1, changed_at = $2 \
         WHERE tenant_id = $3 AND device_id = $4 AND forgotten_at IS NULL AND generation > 0")
    .bind(generation)
    .bind(now)
    .bind(tx.tenant())
    .bind(device)
    .execute(tx)
    .await
}
