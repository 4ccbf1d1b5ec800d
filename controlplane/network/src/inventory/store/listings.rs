use crate::{
    inventory::{Listing, ListingState},
    scope::within_sites,
};
use atalaya_kernel::{
    Error,
    db::{DbError, Query, TenantTx, sql},
    ids::{AgentId, DeviceId, ListingId},
    time::Timestamp,
};

/// A listing as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ListingRecord {
    pub(crate) id: ListingId,
    pub(crate) device_id: DeviceId,
    pub(crate) state: ListingState,
    pub(crate) table_names: String,
    pub(crate) part_count: i64,
    pub(crate) parts_expected: Option<i64>,
    pub(crate) row_count: i64,
    pub(crate) read_at: Option<Timestamp>,
    pub(crate) detail: String,
    pub(crate) created_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
}

impl ListingRecord {
    /// As the API shows it.
    pub(crate) fn shown(self) -> Result<Listing, Error> {
        Ok(Listing {
            tables: serde_json::from_str(&self.table_names).map_err(Error::internal)?,
            id: self.id,
            device_id: self.device_id,
            state: self.state,
            rows: self.row_count,
            read_at: self.read_at,
            detail: self.detail,
            created_at: self.created_at,
            finished_at: self.finished_at,
        })
    }
}

const COLUMNS: &str = "id, device_id, state, table_names, part_count, parts_expected, row_count, read_at, detail, created_at, finished_at";

/// Listings of devices that the scope lets see.
fn visible(tx: &TenantTx) -> Query {
    let query =
        sql("SELECT ").push(COLUMNS).push(" FROM network_listing WHERE tenant_id = ").push_bind(tx.tenant());
    within_sites(
        query,
        tx.scope(),
        " AND EXISTS (SELECT 1 FROM network_device d WHERE d.tenant_id = network_listing.tenant_id \
         AND d.id = network_listing.device_id AND d.site_id IN ",
        ")",
    )
}

pub(crate) async fn listing_get(tx: &mut TenantTx, id: &ListingId) -> Result<ListingRecord, DbError> {
    visible(tx).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

/// A listing of a device of this agent.
pub(crate) async fn listing_of_agent(
    tx: &mut TenantTx,
    agent: &AgentId,
    id: &ListingId,
) -> Result<ListingRecord, DbError> {
    visible(tx)
        .push(" AND id = ")
        .push_bind(id)
        .push(" AND EXISTS (SELECT 1 FROM network_device a WHERE a.tenant_id = network_listing.tenant_id AND a.id = network_listing.device_id AND a.agent_id = ")
        .push_bind(agent)
        .push(")")
        .fetch_one(tx)
        .await
}

pub(crate) async fn listings_of_device(
    tx: &mut TenantTx,
    device: &DeviceId,
    below: Option<ListingId>,
    limit: i64,
) -> Result<Vec<ListingRecord>, DbError> {
    let mut query = visible(tx).push(" AND state <> 'stale' AND device_id = ").push_bind(device);
    if let Some(below) = below {
        query = query.push(" AND id < ").push_bind(below);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(limit).fetch_all(tx).await
}

/// The newest one by when the device was read, not by when it arrived.
pub(crate) async fn listing_newest(
    tx: &mut TenantTx,
    device: &DeviceId,
) -> Result<Option<ListingRecord>, DbError> {
    visible(tx)
        .push(" AND state = 'complete' AND device_id = ")
        .push_bind(device)
        .push(" ORDER BY read_at DESC, id DESC LIMIT 1")
        .fetch_optional(tx)
        .await
}

pub(crate) async fn listing_under_way(
    tx: &mut TenantTx,
    device: &DeviceId,
) -> Result<Option<ListingId>, DbError> {
    let row: Option<(ListingId,)> =
        sql("SELECT id FROM network_listing WHERE tenant_id = $1 AND device_id = $2 AND state = 'receiving' ORDER BY id DESC LIMIT 1")
            .bind(tx.tenant())
            .bind(device)
            .fetch_optional(tx)
            .await?;
    Ok(row.map(|(id,)| id))
}

pub(crate) async fn listing_insert(
    tx: &mut TenantTx,
    id: &ListingId,
    device: &DeviceId,
    table_names: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("INSERT INTO network_listing (tenant_id, id, device_id, state, table_names, part_count, row_count, detail, created_at, updated_at) \
         VALUES ($1, $2, $3, 'receiving', $4, 0, 0, '', $5, $5)")
    .bind(tx.tenant())
    .bind(id)
    .bind(device)
    .bind(table_names)
    .bind(now)
    .execute(tx)
    .await
    .map(drop)
}

/// Counts a part that was kept; the row is locked until the end of the transaction.
pub(crate) async fn part_count_add(
    tx: &mut TenantTx,
    id: &ListingId,
    now: Timestamp,
) -> Result<ListingRecord, DbError> {
    sql("UPDATE network_listing SET part_count = part_count + 1, updated_at = ")
        .push_bind(now)
        .push(" WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND id = ")
        .push_bind(id)
        .push(" RETURNING ")
        .push(COLUMNS)
        .fetch_one(tx)
        .await
}

pub(crate) async fn listing_expect(
    tx: &mut TenantTx,
    id: &ListingId,
    parts: i64,
    read_at: Timestamp,
    now: Timestamp,
) -> Result<ListingRecord, DbError> {
    sql("UPDATE network_listing SET parts_expected = ")
        .push_bind(parts)
        .push(", read_at = ")
        .push_bind(read_at)
        .push(", updated_at = ")
        .push_bind(now)
        .push(" WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND id = ")
        .push_bind(id)
        .push(" RETURNING ")
        .push(COLUMNS)
        .fetch_one(tx)
        .await
}

pub(crate) async fn listing_complete(
    tx: &mut TenantTx,
    id: &ListingId,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE network_listing SET state = 'complete', finished_at = $1, row_count = \
         (SELECT CAST(COUNT(*) AS BIGINT) FROM network_listing_row r WHERE r.tenant_id = $2 AND r.listing_id = $3) \
         WHERE tenant_id = $2 AND id = $3")
    .bind(now)
    .bind(tx.tenant())
    .bind(id)
    .execute(tx)
    .await
    .map(drop)
}

pub(crate) async fn listing_fail(
    tx: &mut TenantTx,
    id: &ListingId,
    detail: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    sql("UPDATE network_listing SET state = 'failed', detail = $1, finished_at = $2 WHERE tenant_id = $3 AND id = $4")
        .bind(detail)
        .bind(now)
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}

/// Complete listings of a device but for the newest two are to be forgotten.
pub(crate) async fn listings_outdate(tx: &mut TenantTx, device: &DeviceId) -> Result<u64, DbError> {
    sql("UPDATE network_listing SET state = 'stale' WHERE tenant_id = $1 AND device_id = $2 AND state = 'complete' AND id NOT IN \
         (SELECT n.id FROM network_listing n WHERE n.tenant_id = $1 AND n.device_id = $2 AND n.state = 'complete' \
         ORDER BY n.read_at DESC, n.id DESC LIMIT 2)")
    .bind(tx.tenant())
    .bind(device)
    .execute(tx)
    .await
}

/// Listings to which nothing was added since an instant have failed.
pub(crate) async fn listings_give_up(
    tx: &mut TenantTx,
    before: Timestamp,
    now: Timestamp,
) -> Result<u64, DbError> {
    sql("UPDATE network_listing SET state = 'failed', detail = 'the agent did not go on', finished_at = $1 \
         WHERE tenant_id = $2 AND state = 'receiving' AND updated_at < $3")
    .bind(now)
    .bind(tx.tenant())
    .bind(before)
    .execute(tx)
    .await
}

/// Listings that were over before an instant are to be forgotten.
pub(crate) async fn listings_expire(tx: &mut TenantTx, before: Timestamp) -> Result<u64, DbError> {
    sql("UPDATE network_listing SET state = 'stale' WHERE tenant_id = $1 AND state IN ('complete', 'failed') AND finished_at < $2")
        .bind(tx.tenant())
        .bind(before)
        .execute(tx)
        .await
}

/// Listings whose rows are to be forgotten: those that are stale, and what came of those that failed.
pub(crate) async fn listings_over(tx: &mut TenantTx) -> Result<Vec<ListingId>, DbError> {
    sql("SELECT id FROM network_listing WHERE tenant_id = $1 AND (state = 'stale' OR (state = 'failed' AND EXISTS \
         (SELECT 1 FROM network_listing_row r WHERE r.tenant_id = network_listing.tenant_id AND r.listing_id = network_listing.id))) \
         ORDER BY id LIMIT 20")
    .bind(tx.tenant())
    .fetch_column(tx)
    .await
}

/// Forgets the rows of one part; whether there were any.
pub(crate) async fn part_forget(tx: &mut TenantTx, id: &ListingId) -> Result<bool, DbError> {
    let rows = sql("DELETE FROM network_listing_row WHERE tenant_id = $1 AND listing_id = $2 AND part = \
         (SELECT MIN(r.part) FROM network_listing_row r WHERE r.tenant_id = $1 AND r.listing_id = $2)")
    .bind(tx.tenant())
    .bind(id)
    .execute(tx)
    .await?;
    Ok(rows > 0)
}

/// Forgets a stale listing whose rows are gone; a failed one stays for a week, for people.
pub(crate) async fn listing_forget(tx: &mut TenantTx, id: &ListingId) -> Result<(), DbError> {
    sql("DELETE FROM network_listing WHERE tenant_id = $1 AND id = $2 AND state = 'stale'")
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await
        .map(drop)
}
