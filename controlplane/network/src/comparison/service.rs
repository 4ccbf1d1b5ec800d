use super::{
    Comparison, ComparisonFinding, Counted, NotKnownCount,
    rules::{Class, Compared, Cutting, Expected, Reading, Standing, Subject, classify},
    store::{self, ComparisonRecord, FindingRecord},
};
use crate::{
    devices::{self, Device, DeviceMode},
    inventory::{self, ListingRow, RowTable},
    jobs::{self, JobOrder},
    provisioning::{self, DesiredStatus},
};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::TenantTx,
    events::EntityRef,
    ids::{ComparisonId, CustomerId, DeviceId, JobId},
    page::{Page, PageQuery},
    time::Timestamp,
    write_tx,
};
use atalaya_people::customers;
use serde_json::json;
use std::collections::BTreeMap;

/// The tables that a comparison reads.
const TABLES: &[RowTable] = &[RowTable::Secrets, RowTable::Sessions, RowTable::ListEntries];
/// How long an agent may take to sweep a device, ms.
const SWEEP_TIMEOUT_MS: i64 = 60_000;

/// What a router was read to be.
struct Read {
    at: Timestamp,
    tables: Vec<RowTable>,
    rows: Vec<ListingRow>,
}

/// Compares a router with what should be true there, by its newest reading.
///
/// # Errors
/// Not found, or without `device.read`.
pub async fn comparison_make(ctx: &Ctx, id: &DeviceId) -> Result<Comparison, Error> {
    ctx.authorize(devices::READ)?;
    let mut tx = ctx.begin_read().await?;
    let device = devices::device_find(&mut tx, id).await?;
    let read = read(&mut tx, id).await?;
    let points = provisioning::points_of_device(&mut tx, id).await?;
    tx.rollback().await?;
    let read_at = read.as_ref().map(|read| read.at);
    let subjects: Vec<Subject> = points.iter().map(|point| subject(point, read_at)).collect();
    let (device, subjects, compared) = compared(device, subjects, read, ctx.now()).await?;
    let (record, findings) = records(ctx.now(), &device, &subjects, compared, read_at)?;
    write_tx!(ctx, tx => {
        store::comparison_insert(&mut tx, &record).await?;
        store::findings_insert(&mut tx, &record.id, &findings).await?;
        store::comparisons_outdate(&mut tx, id).await?;
        let facts = json!({"comparison": record.id, "findings": findings.len()});
        audit::record(ctx, &mut tx, Entry::new("device.compare", EntityRef::new("device", id)).after(&facts)?).await?;
        Ok(())
    })?;
    record.shown()
}

async fn read(tx: &mut TenantTx, device: &DeviceId) -> Result<Option<Read>, Error> {
    let Some(listing) = inventory::listing_newest(tx, device).await? else { return Ok(None) };
    let Some(at) = listing.read_at else { return Ok(None) };
    let rows = inventory::rows_of_listing(tx, &listing.id, TABLES).await?;
    Ok(Some(Read { at, tables: listing.tables, rows }))
}

/// What should be true of a point when the router was read.
fn subject(point: &provisioning::PointNow, read_at: Option<Timestamp>) -> Subject {
    let is_open = point.hold_open_until.is_some_and(|until| read_at.is_some_and(|at| until > at));
    let expected = match point.status {
        DesiredStatus::Terminated => Expected::Gone,
        DesiredStatus::Active => Expected::Passes,
        DesiredStatus::Suspended if is_open => Expected::Passes,
        DesiredStatus::Suspended if point.is_held => Expected::Held,
        DesiredStatus::Suspended => Expected::Cut,
    };
    Subject {
        point_id: point.id.clone(),
        service_id: point.service_id.clone(),
        customer_id: point.customer_id.clone(),
        kind: point.kind,
        user: point.user.clone(),
        address: point.address.clone(),
        profile: point.profile.clone(),
        expected,
        changed_at: point.changed_at,
    }
}

/// Compares away from the threads that answer people: it is all work and no waiting.
async fn compared(
    device: Device,
    subjects: Vec<Subject>,
    read: Option<Read>,
    now: Timestamp,
) -> Result<(Device, Vec<Subject>, Compared), Error> {
    let work = move || {
        let reading =
            read.as_ref().map(|read| Reading { read_at: read.at, tables: &read.tables, rows: &read.rows });
        let standing = Standing {
            enforces: device.mode == DeviceMode::Enforce,
            cutting: Cutting { profile: &device.cut_profile, list: &device.cut_address_list },
            reading,
        };
        let compared = classify(standing, &subjects, now);
        (device, subjects, compared)
    };
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

fn records(
    now: Timestamp,
    device: &Device,
    subjects: &[Subject],
    compared: Compared,
    read_at: Option<Timestamp>,
) -> Result<(ComparisonRecord, Vec<FindingRecord>), Error> {
    let count = |class: Class| {
        let count = compared.findings.iter().filter(|finding| finding.class == class).count();
        Counted { class, count: i64::try_from(count).unwrap_or(i64::MAX) }
    };
    let counts: Vec<Counted> = Class::ALL.iter().copied().map(count).collect();
    let not_known: Vec<NotKnownCount> = compared
        .not_known
        .iter()
        .map(|(reason, count)| NotKnownCount { reason: *reason, count: *count })
        .collect();
    let record = ComparisonRecord {
        id: ComparisonId::new(now),
        device_id: device.id.clone(),
        device_name: device.name.clone(),
        read_at,
        in_order: compared.in_order,
        counts: serde_json::to_string(&counts).map_err(Error::internal)?,
        not_known: serde_json::to_string(&not_known).map_err(Error::internal)?,
        created_at: now,
    };
    let mut findings = Vec::with_capacity(compared.findings.len());
    for (number, finding) in (1..).zip(compared.findings) {
        let of = finding.subject.and_then(|at| subjects.get(at));
        findings.push(FindingRecord {
            number,
            class: finding.class,
            point_id: of.map(|of| of.point_id.clone()),
            service_id: of.map(|of| of.service_id.clone()),
            customer_id: of.map(|of| of.customer_id.clone()),
            row_name: finding.row,
            facts: serde_json::to_string(&finding.facts).map_err(Error::internal)?,
        });
    }
    Ok((record, findings))
}

/// The newest comparison of each router of the scope.
///
/// # Errors
/// Without `device.read`.
pub async fn comparisons_list(ctx: &Ctx, page: &PageQuery) -> Result<Page<Comparison>, Error> {
    ctx.authorize(devices::READ)?;
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    let rows = store::comparisons_newest(&mut tx, page.after()?, limit + 1).await?;
    let page = Page::of(rows, limit, |row| row.device_id.clone())?;
    let items = page.items.into_iter().map(ComparisonRecord::shown).collect::<Result<Vec<_>, _>>()?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// What a comparison found, of a class or of all.
///
/// # Errors
/// Not found, or without `device.read`.
pub async fn findings_list(
    ctx: &Ctx,
    id: &ComparisonId,
    class: Option<Class>,
    page: &PageQuery,
) -> Result<Page<ComparisonFinding>, Error> {
    ctx.authorize(devices::READ)?;
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    store::comparison_find(&mut tx, id).await?;
    let rows = store::findings_list(&mut tx, id, class, page.after()?, limit + 1).await?;
    let page = Page::of(rows, limit, |row| row.number)?;
    let ids: Vec<CustomerId> = page.items.iter().filter_map(|row| row.customer_id.clone()).collect();
    let found = customers::customers_by_ids(&mut tx, &ids).await?;
    let names: BTreeMap<CustomerId, String> =
        found.into_iter().map(|customer| (customer.id, customer.name)).collect();
    let shown = |row: FindingRecord| {
        let name = row.customer_id.as_ref().and_then(|id| names.get(id)).cloned().unwrap_or_default();
        row.shown(name)
    };
    let items = page.items.into_iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// Has the agent compare a device now, and heal what differs where the device enforces.
///
/// # Errors
/// Not found, or without `device.enforce`.
pub async fn device_sweep(ctx: &Ctx, id: &DeviceId) -> Result<JobId, Error> {
    ctx.authorize(devices::ENFORCE)?;
    write_tx!(ctx, tx => {
        let device = devices::device_find(&mut tx, id).await?;
        let order = JobOrder::SweepDevice { device_id: id.clone() };
        let job = jobs::job_create(&mut tx, &device.agent_id, &order, SWEEP_TIMEOUT_MS, ctx.now()).await?;
        let entry = Entry::new("device.sweep", EntityRef::new("device", id));
        audit::record(ctx, &mut tx, entry.after(&json!({"job": job}))?).await?;
        Ok(job)
    })
}
