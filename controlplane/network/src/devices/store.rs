use super::{Device, DeviceKind, DeviceMode, DeviceState};
use crate::scope::within_sites;
use atalaya_kernel::{
    Error,
    db::{DbError, Query, TenantTx, sql},
    ids::{AgentId, DeviceId, SiteId},
    list::{Asked, Select},
    page::Page,
    text::{like_anywhere, normalise},
    time::Timestamp,
};
use std::collections::BTreeMap;

/// A device as it is stored, without what its agent says of it.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(super) struct DeviceRow {
    pub(super) id: DeviceId,
    pub(super) site_id: SiteId,
    pub(super) agent_id: AgentId,
    pub(super) name: String,
    pub(super) kind: DeviceKind,
    pub(super) host: String,
    pub(super) port: Option<i64>,
    pub(super) tls: bool,
    pub(super) tls_fingerprint: Option<String>,
    pub(super) sealed_credentials: Option<Vec<u8>>,
    pub(super) mode: DeviceMode,
    pub(super) measure_interval_s: i64,
    pub(super) ping: bool,
    pub(super) cut_profile: String,
    pub(super) cut_address_list: String,
    pub(super) legacy_login: bool,
    pub(super) max_in_flight: Option<i64>,
    pub(super) version: i64,
}

/// What its agent says of it; all empty before the first word.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(super) struct StatusRow {
    pub(super) device_id: DeviceId,
    pub(super) state: DeviceState,
    pub(super) state_detail: String,
    /// JSON of what the detail says.
    pub(super) finding: Option<String>,
    pub(super) state_since: Timestamp,
    pub(super) last_answer_at: Option<Timestamp>,
    pub(super) model: String,
    pub(super) firmware: String,
    pub(super) serial: String,
    pub(super) identity: String,
    pub(super) uptime_ms: i64,
}

impl DeviceRow {
    /// As the API shows it.
    pub(super) fn shown(
        self,
        site_name: String,
        status: Option<StatusRow>,
        points: (i64, i64),
    ) -> Result<Device, Error> {
        let status_or = |pick: fn(StatusRow) -> String| status.clone().map(pick).unwrap_or_default();
        let finding = status.as_ref().and_then(|status| status.finding.as_deref());
        Ok(Device {
            state_finding: finding.map(serde_json::from_str).transpose().map_err(Error::internal)?,
            state: status.as_ref().map_or(DeviceState::Unknown, |status| status.state),
            state_detail: status_or(|status| status.state_detail),
            state_since: status.as_ref().map(|status| status.state_since),
            last_answer_at: status.as_ref().and_then(|status| status.last_answer_at),
            model: status_or(|status| status.model),
            version: status_or(|status| status.firmware),
            serial: status_or(|status| status.serial),
            identity: status_or(|status| status.identity),
            uptime_s: status.as_ref().map_or(0, |status| status.uptime_ms / 1000),
            id: self.id,
            name: self.name,
            kind: self.kind,
            host: self.host,
            port: self.port.and_then(|port| u16::try_from(port).ok()),
            tls: self.tls,
            tls_fingerprint: self.tls_fingerprint,
            has_credentials: self.sealed_credentials.is_some(),
            site_id: self.site_id,
            site_name,
            agent_id: self.agent_id,
            mode: self.mode,
            measure_interval_s: self.measure_interval_s,
            ping: self.ping,
            cut_profile: self.cut_profile,
            cut_address_list: self.cut_address_list,
            legacy_login: self.legacy_login,
            max_in_flight: self.max_in_flight,
            points_total: points.0,
            points_differ: points.1,
            revision: self.version,
        })
    }
}

const ROWS: Select = Select {
    columns: "d.id, d.site_id, d.agent_id, d.name, d.kind, d.host, d.port, d.tls, d.tls_fingerprint, d.sealed_credentials, \
              d.mode, d.measure_interval_s, d.ping, d.cut_profile, d.cut_address_list, d.legacy_login, \
              d.max_in_flight, d.version",
    from: "network_device d LEFT JOIN network_device_status s ON s.tenant_id = d.tenant_id AND s.device_id = d.id \
           WHERE d.tenant_id = ",
};

/// Devices; scope applied.
fn select(tx: &TenantTx) -> Query {
    within(ROWS.query(tx), tx)
}

fn within(query: Query, tx: &TenantTx) -> Query {
    within_sites(query, tx.scope(), " AND d.site_id IN ", "")
}

pub(super) async fn device_get(tx: &mut TenantTx, id: &DeviceId) -> Result<DeviceRow, DbError> {
    select(tx).push(" AND d.id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn devices_by_ids(tx: &mut TenantTx, ids: &[DeviceId]) -> Result<Vec<DeviceRow>, DbError> {
    select(tx).push(" AND d.id IN ").push_list(ids).fetch_all(tx).await
}

pub(super) async fn devices_of_agent(tx: &mut TenantTx, agent: &AgentId) -> Result<Vec<DeviceRow>, DbError> {
    select(tx).push(" AND d.agent_id = ").push_bind(agent).push(" ORDER BY d.id").fetch_all(tx).await
}

pub(super) async fn devices_list(tx: &mut TenantTx, asked: &Asked) -> Result<Page<DeviceRow>, Error> {
    let words = asked.given("q").iter().flat_map(|q| q.split_whitespace());
    let named = |query: Query, word: &str| {
        query
            .push(" AND (d.name_key LIKE ")
            .push_bind(like_anywhere(word))
            .push(" ESCAPE '\\' OR d.host LIKE ")
            .push_bind(like_anywhere(word))
            .push(" ESCAPE '\\')")
    };
    asked.fetch(tx, ROWS, |query, tx| words.fold(within(query, tx), named)).await
}

/// Devices behind an id, in the order of ids.
pub(super) async fn devices_after(
    tx: &mut TenantTx,
    after: &str,
    limit: i64,
) -> Result<Vec<DeviceRow>, DbError> {
    select(tx)
        .push(" AND d.id > ")
        .push_bind(after)
        .push(" ORDER BY d.id LIMIT ")
        .push_bind(limit)
        .fetch_all(tx)
        .await
}

/// The next device of a kind behind an id.
pub(super) async fn device_behind(
    tx: &mut TenantTx,
    after: &str,
    kind: DeviceKind,
) -> Result<Option<DeviceId>, DbError> {
    let row: Option<DeviceRow> = select(tx)
        .push(" AND d.id > ")
        .push_bind(after)
        .push(" AND d.kind = ")
        .push_bind(kind)
        .push(" ORDER BY d.id LIMIT 1")
        .fetch_optional(tx)
        .await?;
    Ok(row.map(|row| row.id))
}

fn name_taken(outcome: Result<u64, DbError>) -> Result<u64, Error> {
    outcome.map_err(|error| {
        if error.violates_unique("network_device", &["tenant_id", "name_key"]) {
            Error::invalid("/name", "taken", "another device has this name")
        } else {
            error.into()
        }
    })
}

pub(super) async fn device_insert(tx: &mut TenantTx, row: &DeviceRow, now: Timestamp) -> Result<(), Error> {
    let inserted = sql("INSERT INTO network_device (tenant_id, id, site_id, agent_id, name, name_key, kind, host, port, tls, \
         tls_fingerprint, sealed_credentials, mode, measure_interval_s, cut_profile, cut_address_list, version, ping, \
         created_at, updated_at, legacy_login, max_in_flight) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
         $15, $16, $17, $18, $19, $19, $20, $21)")
    .bind(tx.tenant())
    .bind(&row.id)
    .bind(&row.site_id)
    .bind(&row.agent_id)
    .bind(&row.name)
    .bind(normalise(&row.name))
    .bind(row.kind)
    .bind(&row.host)
    .bind(row.port)
    .bind(row.tls)
    .bind(&row.tls_fingerprint)
    .bind(row.sealed_credentials.clone())
    .bind(row.mode)
    .bind(row.measure_interval_s)
    .bind(&row.cut_profile)
    .bind(&row.cut_address_list)
    .bind(row.version)
    .bind(row.ping)
    .bind(now)
    .bind(row.legacy_login)
    .bind(row.max_in_flight)
    .execute(tx)
    .await;
    name_taken(inserted).map(drop)
}

/// Writes a row that is still at `version`.
pub(super) async fn device_write(
    tx: &mut TenantTx,
    row: &DeviceRow,
    version: i64,
    now: Timestamp,
) -> Result<bool, Error> {
    let written = sql("UPDATE network_device SET site_id = $1, agent_id = $2, name = $3, name_key = $4, host = $5, port = $6, tls = $7, \
         tls_fingerprint = $8, sealed_credentials = $9, mode = $10, measure_interval_s = $11, cut_profile = $12, \
         cut_address_list = $13, version = $14, updated_at = $15, ping = $16, legacy_login = $17, max_in_flight = $18 \
         WHERE tenant_id = $19 AND id = $20 AND version = $21")
    .bind(&row.site_id)
    .bind(&row.agent_id)
    .bind(&row.name)
    .bind(normalise(&row.name))
    .bind(&row.host)
    .bind(row.port)
    .bind(row.tls)
    .bind(&row.tls_fingerprint)
    .bind(row.sealed_credentials.clone())
    .bind(row.mode)
    .bind(row.measure_interval_s)
    .bind(&row.cut_profile)
    .bind(&row.cut_address_list)
    .bind(row.version)
    .bind(now)
    .bind(row.ping)
    .bind(row.legacy_login)
    .bind(row.max_in_flight)
    .bind(tx.tenant())
    .bind(&row.id)
    .bind(version)
    .execute(tx)
    .await;
    Ok(name_taken(written)? == 1)
}

pub(super) async fn device_delete(tx: &mut TenantTx, id: &DeviceId) -> Result<(), Error> {
    let deleted = sql("DELETE FROM network_device WHERE tenant_id = $1 AND id = $2")
        .bind(tx.tenant())
        .bind(id)
        .execute(tx)
        .await;
    match deleted {
        Ok(_) => Ok(()),
        Err(DbError::ForeignKey) => {
            Err(Error::conflict("device_in_use", "services are attached to this device: detach them first"))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn statuses(
    tx: &mut TenantTx,
    ids: impl IntoIterator<Item = &DeviceId>,
) -> Result<BTreeMap<DeviceId, StatusRow>, DbError> {
    let rows: Vec<StatusRow> = sql("SELECT device_id, state, state_detail, finding, state_since, last_answer_at, model, firmware, serial, \
         identity, uptime_ms FROM network_device_status WHERE tenant_id = ")
    .push_bind(tx.tenant())
    .push(" AND device_id IN ")
    .push_list(ids)
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.device_id.clone(), row)).collect())
}

pub(super) async fn status_put(tx: &mut TenantTx, row: &StatusRow) -> Result<(), DbError> {
    sql("INSERT INTO network_device_status (tenant_id, device_id, state, state_detail, state_since, last_answer_at, model, \
         firmware, serial, identity, uptime_ms, finding) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (tenant_id, device_id) DO UPDATE SET state = $3, state_detail = $4, state_since = $5, last_answer_at = $6, \
         model = $7, firmware = $8, serial = $9, identity = $10, uptime_ms = $11, finding = $12")
    .bind(tx.tenant())
    .bind(&row.device_id)
    .bind(row.state)
    .bind(&row.state_detail)
    .bind(row.state_since)
    .bind(row.last_answer_at)
    .bind(&row.model)
    .bind(&row.firmware)
    .bind(&row.serial)
    .bind(&row.identity)
    .bind(row.uptime_ms)
    .bind(&row.finding)
    .execute(tx)
    .await
    .map(drop)
}

/// Devices by site and state; one of which nothing was heard is `unknown`.
pub(super) async fn states_by_site(tx: &mut TenantTx) -> Result<Vec<(SiteId, DeviceState, i64)>, DbError> {
    let query = sql("SELECT d.site_id, COALESCE(s.state, 'unknown') AS state, CAST(COUNT(*) AS BIGINT) FROM network_device d \
         LEFT JOIN network_device_status s ON s.tenant_id = d.tenant_id AND s.device_id = d.id WHERE d.tenant_id = ")
    .push_bind(tx.tenant());
    within_sites(query, tx.scope(), " AND d.site_id IN ", "")
        .push(" GROUP BY d.site_id, COALESCE(s.state, 'unknown')")
        .fetch_all(tx)
        .await
}

/// Devices of the tenant, whatever the scope.
pub(super) async fn devices_count(tx: &mut TenantTx) -> Result<i64, DbError> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) FROM network_device WHERE tenant_id = ");
    let (count,): (i64,) = query.push_bind(tx.tenant()).fetch_one(tx).await?;
    Ok(count)
}

/// Devices and those that do not answer, of the whole scope.
pub(super) async fn counts(tx: &mut TenantTx) -> Result<(i64, i64), DbError> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN s.state IN ('silent', 'refuses') THEN 1 ELSE 0 END), 0) AS BIGINT) FROM network_device d \
         LEFT JOIN network_device_status s ON s.tenant_id = d.tenant_id AND s.device_id = d.id WHERE d.tenant_id = ")
    .push_bind(tx.tenant());
    within_sites(query, tx.scope(), " AND d.site_id IN ", "").fetch_one(tx).await
}

/// Version and digest of the configuration that an agent should hold.
pub(super) async fn config_get(tx: &mut TenantTx, agent: &AgentId) -> Result<(i64, String), DbError> {
    sql("SELECT config_version, config_digest FROM network_agent WHERE tenant_id = $1 AND id = $2")
        .bind(tx.tenant())
        .bind(agent)
        .fetch_one(tx)
        .await
}

/// Raises the version, unless another process did meanwhile.
pub(super) async fn config_raise(
    tx: &mut TenantTx,
    agent: &AgentId,
    from: i64,
    digest: &str,
) -> Result<bool, DbError> {
    let rows = sql("UPDATE network_agent SET config_version = config_version + 1, config_digest = $1 \
         WHERE tenant_id = $2 AND id = $3 AND config_version = $4")
    .bind(digest)
    .bind(tx.tenant())
    .bind(agent)
    .bind(from)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// The key to which the credentials of an agent's last session are sealed.
pub(super) async fn sealing_key(tx: &mut TenantTx, agent: &AgentId) -> Result<Vec<u8>, DbError> {
    let row: Option<(Vec<u8>,)> =
        sql("SELECT sealing_key FROM network_agent_session WHERE tenant_id = $1 AND agent_id = $2")
            .bind(tx.tenant())
            .bind(agent)
            .fetch_optional(tx)
            .await?;
    Ok(row.map(|(key,)| key).unwrap_or_default())
}
