//! Reading devices: as a person sees them, and what other modules ask of them.

use super::{
    Device, DeviceKind, DeviceList, DeviceMode, DeviceState, READ,
    store::{self, DeviceRow},
};
use crate::provisioning;
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    ids::{AgentId, DeviceId, SiteId},
    list::ListQuery,
    page::Page,
};
use std::collections::BTreeMap;

/// Devices, by name unless another order is asked for.
///
/// # Errors
/// Without `device.read`, or a cursor of another list or order.
pub async fn devices_list(ctx: &Ctx, asked: &ListQuery<DeviceList>) -> Result<Page<Device>, Error> {
    ctx.authorize(READ)?;
    let mut tx = ctx.begin_read().await?;
    let page = store::devices_list(&mut tx, asked).await?;
    let items = shown(&mut tx, page.items).await?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// Devices by id, those that exist and may be seen; for other domains.
///
/// # Errors
/// The database's.
pub async fn devices_by_ids(tx: &mut TenantTx, ids: &[DeviceId]) -> Result<Vec<Device>, Error> {
    let rows = store::devices_by_ids(tx, ids).await?;
    shown(tx, rows).await
}

async fn shown(tx: &mut TenantTx, rows: Vec<DeviceRow>) -> Result<Vec<Device>, Error> {
    let site_ids: Vec<SiteId> = rows.iter().map(|row| row.site_id.clone()).collect();
    let sites = atalaya_places::sites::sites_by_ids(tx, &site_ids).await?;
    let names: BTreeMap<SiteId, String> = sites.into_iter().map(|site| (site.id, site.name)).collect();
    let ids: Vec<DeviceId> = rows.iter().map(|row| row.id.clone()).collect();
    let mut statuses = store::statuses(tx, &ids).await?;
    let points = provisioning::points_of_devices(tx, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let status = statuses.remove(&row.id);
            let points = points.get(&row.id).copied().unwrap_or_default();
            let site = names.get(&row.site_id).cloned().unwrap_or_default();
            row.shown(site, status, points)
        })
        .collect()
}

pub(super) async fn show_one(tx: &mut TenantTx, row: DeviceRow) -> Result<Device, Error> {
    shown(tx, vec![row]).await?.into_iter().next().ok_or(Error::NotFound)
}

/// A device that exists and may be seen; for other domains that refer to it.
///
/// # Errors
/// Not found.
pub async fn device_find(tx: &mut TenantTx, id: &DeviceId) -> Result<Device, Error> {
    let row = store::device_get(tx, id).await?;
    show_one(tx, row).await
}

/// What devices are, of those that exist and may be seen. Counts no points: it is asked once for each that is attached.
///
/// # Errors
/// The database's.
pub(crate) async fn device_kinds(
    tx: &mut TenantTx,
    ids: &[DeviceId],
) -> Result<BTreeMap<DeviceId, DeviceKind>, Error> {
    let rows = store::devices_by_ids(tx, ids).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.kind)).collect())
}

/// Whether a device may be changed. Counts no points: it is asked again and again while thousands are made.
///
/// # Errors
/// Not found.
pub(crate) async fn device_mode(tx: &mut TenantTx, id: &DeviceId) -> Result<DeviceMode, Error> {
    Ok(store::device_get(tx, id).await?.mode)
}

/// The device of a kind that comes behind another in the order of ids.
///
/// # Errors
/// The database's.
pub(crate) async fn device_behind(
    tx: &mut TenantTx,
    after: Option<&DeviceId>,
    kind: DeviceKind,
) -> Result<Option<DeviceId>, Error> {
    Ok(store::device_behind(tx, after.map_or("", DeviceId::as_str), kind).await?)
}

/// One device.
///
/// # Errors
/// Not found, or without `device.read`.
pub async fn device_get(ctx: &Ctx, id: &DeviceId) -> Result<Device, Error> {
    ctx.authorize(READ)?;
    device_find(&mut ctx.begin_read().await?, id).await
}
/// The agent of a device that the scope lets see, and the device's kind.
///
/// # Errors
/// Not found.
pub(crate) async fn device_agent(tx: &mut TenantTx, id: &DeviceId) -> Result<(AgentId, DeviceKind), Error> {
    let row = store::device_get(tx, id).await?;
    Ok((row.agent_id, row.kind))
}

/// How many devices of each state stand at each site of the scope, for lists of sites.
///
/// # Errors
/// The database's.
pub async fn device_states_by_site(tx: &mut TenantTx) -> Result<Vec<(SiteId, DeviceState, i64)>, Error> {
    Ok(store::states_by_site(tx).await?)
}

/// How many devices the tenant has, whatever the scope; for its plan.
///
/// # Errors
/// The database's.
pub async fn devices_count(tx: &mut TenantTx) -> Result<i64, Error> {
    Ok(store::devices_count(tx).await?)
}

/// (devices, devices that do not answer) of the scope.
///
/// # Errors
/// The database's.
pub async fn device_counts(tx: &mut TenantTx) -> Result<(i64, i64), Error> {
    Ok(store::counts(tx).await?)
}

/// Site of each device of an agent: whose samples it may send.
///
/// # Errors
/// The database's.
pub async fn device_sites_of_agent(
    tx: &mut TenantTx,
    agent: &AgentId,
) -> Result<BTreeMap<DeviceId, SiteId>, Error> {
    let rows = store::devices_of_agent(tx, agent).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.site_id)).collect())
}

/// The X25519 key that an agent gave in its last `Hello`; empty before the first.
///
/// # Errors
/// The database's.
pub async fn agent_sealing_key(tx: &mut TenantTx, agent: &AgentId) -> Result<Vec<u8>, Error> {
    Ok(store::sealing_key(tx, agent).await?)
}
