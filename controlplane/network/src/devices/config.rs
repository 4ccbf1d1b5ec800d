//! The configuration of an agent: computed from the tables, versioned by its content.

use super::{
    Credentials, DeviceKind, DeviceMode,
    service::credentials_context,
    store::{self, DeviceRow},
};
use crate::agents;
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    ids::{AgentId, SiteId},
    write_tx,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// One device as its agent gets it. Holds credentials: sealed wherever it is kept or sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceConfig {
    /// `dev_…`; empty for a connection test of a device that is not added yet.
    pub device_id: String,
    /// Where it stands.
    pub site_id: SiteId,
    /// Name.
    pub name: String,
    /// How it is spoken to.
    pub kind: DeviceKind,
    /// IP address or host name.
    pub host: String,
    /// Port; none = the kind's own.
    pub port: Option<u16>,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// SHA-256 of its certificate when pinned, hexadecimal.
    pub tls_fingerprint: Option<String>,
    /// What it is logged into with.
    pub credentials: Option<Credentials>,
    /// Whether it may be changed.
    pub mode: DeviceMode,
    /// Seconds between measurements.
    pub measure_interval_s: i64,
    /// Whether it is pinged beside its own measurement.
    #[serde(default = "yes")]
    pub ping: bool,
    /// PPP profile of a cut subscriber.
    pub cut_profile: String,
    /// Address list of cut fixed addresses.
    pub cut_address_list: String,
    /// Whether it is logged into by challenge.
    #[serde(default)]
    pub legacy_login: bool,
    /// Most commands in flight at once; none = the kind's own.
    #[serde(default)]
    pub max_in_flight: Option<i64>,
}

/// Orders stored before there was the choice.
fn yes() -> bool {
    true
}

impl DeviceConfig {
    pub(super) fn of(row: &DeviceRow, device_id: String, credentials: Option<Credentials>) -> Self {
        Self {
            device_id,
            site_id: row.site_id.clone(),
            name: row.name.clone(),
            kind: row.kind,
            host: row.host.clone(),
            port: row.port.and_then(|port| u16::try_from(port).ok()),
            tls: row.tls,
            tls_fingerprint: row.tls_fingerprint.clone(),
            credentials,
            mode: row.mode,
            measure_interval_s: row.measure_interval_s,
            ping: row.ping,
            cut_profile: row.cut_profile.clone(),
            cut_address_list: row.cut_address_list.clone(),
            legacy_login: row.legacy_login,
            max_in_flight: row.max_in_flight,
        }
    }
}

/// All that an agent should know.
#[derive(Debug, Clone)]
pub struct AgentConfig {
    /// Grows when the content changes.
    pub version: i64,
    /// Sites, by id, with their names.
    pub sites: Vec<(SiteId, String)>,
    /// Devices.
    pub devices: Vec<DeviceConfig>,
    /// First cuts an hour that always pass.
    pub brake_floor: i64,
    /// First cuts an hour in hundredths of a percent of the site's points.
    pub brake_basis_points: i64,
    /// Changes an hour and site that drop sessions, and always pass.
    pub change_floor: i64,
    /// The same in hundredths of a percent of the site's points.
    pub change_basis_points: i64,
    /// How many of them a minute and device.
    pub changes_per_minute: i64,
    /// Whether scheduled cuts start while headquarters is away.
    pub cuts_while_away: bool,
    /// IANA time zone.
    pub time_zone: String,
    /// X25519 key of the agent's last session, 32 bytes; empty before the first.
    pub sealing_key: Vec<u8>,
}

/// Sealed rows beside their opened configuration: sealing is random, so what is compared is what is stored.
struct Sources {
    rows: Vec<DeviceRow>,
    sites: Vec<(SiteId, String)>,
    tenant: atalaya_people::tenancy::Tenant,
    sealing_key: Vec<u8>,
}

async fn sources(tx: &mut TenantTx, agent: &AgentId) -> Result<Sources, Error> {
    let rows = store::devices_of_agent(tx, agent).await?;
    let own = agents::agent_site_ids(tx, agent).await?;
    let ids: BTreeSet<SiteId> = own.into_iter().chain(rows.iter().map(|row| row.site_id.clone())).collect();
    let ids: Vec<SiteId> = ids.into_iter().collect();
    let mut sites: Vec<(SiteId, String)> = atalaya_places::sites::sites_by_ids(tx, &ids)
        .await?
        .into_iter()
        .map(|site| (site.id, site.name))
        .collect();
    sites.sort();
    let tenant = atalaya_people::tenancy::settings(tx).await?;
    let sealing_key = store::sealing_key(tx, agent).await?;
    Ok(Sources { rows, sites, tenant, sealing_key })
}

impl Sources {
    fn digest(&self) -> Result<String, Error> {
        let mut hasher = Sha256::new();
        for row in &self.rows {
            let shown = DeviceConfig::of(row, row.id.to_string(), None);
            hasher.update(serde_json::to_vec(&shown).map_err(Error::internal)?);
            hasher.update(row.sealed_credentials.as_deref().unwrap_or_default());
            hasher.update([0]);
        }
        let rest = (
            &self.sites,
            self.tenant.cut_brake_floor,
            self.tenant.cut_brake_basis_points,
            self.tenant.change_brake_floor,
            self.tenant.change_brake_basis_points,
            self.tenant.changes_per_minute,
            self.tenant.offline_cuts,
            &self.tenant.time_zone,
            &self.sealing_key,
        );
        hasher.update(serde_json::to_vec(&rest).map_err(Error::internal)?);
        Ok(hex::encode(hasher.finalize()))
    }
}

/// The configuration of an agent as of now; raises its version first when the content changed.
///
/// # Errors
/// [`Error::NotFound`] for an agent that is not there; the database's.
pub async fn agent_config(ctx: &Ctx, agent: &AgentId) -> Result<AgentConfig, Error> {
    let version = agent_config_peek(ctx, agent).await?;
    let mut tx = ctx.begin_read().await?;
    let sources = sources(&mut tx, agent).await?;
    let runtime = tx.runtime().clone();
    let mut devices = Vec::with_capacity(sources.rows.len());
    for row in &sources.rows {
        let credentials = match &row.sealed_credentials {
            Some(sealed) => {
                let plain = runtime.secrets.open(&mut tx, &credentials_context(&row.id), sealed).await?;
                Some(serde_json::from_slice(plain.expose()).map_err(Error::internal)?)
            }
            None => None,
        };
        devices.push(DeviceConfig::of(row, row.id.to_string(), credentials));
    }
    Ok(AgentConfig {
        version,
        sites: sources.sites,
        devices,
        brake_floor: sources.tenant.cut_brake_floor,
        brake_basis_points: sources.tenant.cut_brake_basis_points,
        change_floor: sources.tenant.change_brake_floor,
        change_basis_points: sources.tenant.change_brake_basis_points,
        changes_per_minute: sources.tenant.changes_per_minute,
        cuts_while_away: sources.tenant.offline_cuts == atalaya_people::tenancy::OfflineCuts::Apply,
        time_zone: sources.tenant.time_zone.to_string(),
        sealing_key: sources.sealing_key,
    })
}

/// The version alone, raised first when the content changed. Reads only while nothing did.
///
/// # Errors
/// As [`agent_config`].
pub async fn agent_config_peek(ctx: &Ctx, agent: &AgentId) -> Result<i64, Error> {
    let mut tx = ctx.begin_read().await?;
    let digest = sources(&mut tx, agent).await?.digest()?;
    let (version, known) = store::config_get(&mut tx, agent).await?;
    tx.rollback().await?;
    if known == digest {
        return Ok(version);
    }
    write_tx!(ctx, tx => {
        // Whoever raises it meanwhile did so for the same content or a newer one.
        store::config_raise(&mut tx, agent, version, &digest).await?;
        Ok(store::config_get(&mut tx, agent).await?.0)
    })
}
