//! The one way in which desired state comes about: read the service as it is, write where it differs.

use super::{
    DesiredStatus, HoldReason, Outcome, events,
    rules::{self, Circumstances, Current, Wanted},
    store::{self, OrderRow, PointRow},
};
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    events::{self as facts, EntityRef, NewEvent},
    ids::{AttachmentId, DeviceId, ServiceId, SiteId},
    time::Timestamp,
};
use atalaya_money::{
    catalog::{self, Plan},
    services::{self, Service, Status, SuspendedBecause},
};
use atalaya_people::tenancy;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// First application of a cut from collections must come within this time, ms; later it is decided anew.
const CUT_VALID_MS: i64 = 24 * 3_600_000;
const BRAKE_WINDOW_MS: i64 = 3_600_000;

/// Makes the desired state of a service's points what the service says now; whether anything was written.
///
/// # Errors
/// The database's.
pub async fn service_sync(ctx: &Ctx, tx: &mut TenantTx, id: &ServiceId) -> Result<bool, Error> {
    let rows = store::points_of_service(tx, id).await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let service = services::service_find(tx, id).await?;
    let plan = catalog::plan_find(tx, &service.plan_id).await?;
    let order = store::order_get(tx).await?;
    // With every brake open all that could change does: if nothing differs even so, nobody's lock is taken.
    let open = |_: &SiteId| true;
    if rows.iter().all(|row| next(row, &service, &plan, order, &open, ctx.now()).is_none()) {
        return Ok(false);
    }
    let mut order = store::order_lock(tx).await?;
    // Read again under the lock: somebody may have been here first.
    let rows = store::points_of_service(tx, id).await?;
    // Counting what was cut looks at every point of the ISP: too much for each of thousands that are attached.
    let asks = |row| rules::hangs_on_brake(current(row), wanted(row, &service), order.raised_at());
    let asked = rows.iter().any(asks);
    let brakes = if asked { brakes(ctx, tx, &rows, id).await? } else { BTreeMap::new() };
    let open = |site: &SiteId| brakes.get(site).copied().unwrap_or(false);
    let mut wrote = false;
    for row in &rows {
        let Some(mut after) = next(row, &service, &plan, order, &open, ctx.now()) else { continue };
        order.generation += 1;
        (after.timeline, after.generation) = (order.timeline, order.generation);
        after.cause_id = ctx.causation().cloned();
        store::point_desire(tx, &after, ctx.now()).await?;
        if after.hold_reason.is_some() && row.hold_reason.is_none() {
            held(ctx, tx, &after).await?;
        }
        wrote = true;
    }
    if wrote {
        store::generation_set(tx, order.generation).await?;
        tx.ring();
    }
    Ok(wrote)
}

/// Forgets the points of an attachment as they stand: nothing is undone on a device. For what was taken over by mistake: its end would
/// take the rows away that were there before us.
///
/// # Errors
/// The database's.
pub(crate) async fn points_let_go(ctx: &Ctx, tx: &mut TenantTx, id: &AttachmentId) -> Result<(), Error> {
    for row in store::points_of_attachments(tx, std::slice::from_ref(id)).await? {
        store::point_let_go(tx, &row.id, ctx.now()).await?;
    }
    Ok(())
}

/// Has the agent of a device forget the points that were let go there. It is told of all that it keeps, and so but once.
///
/// # Errors
/// The database's.
pub(crate) async fn let_go_tell(tx: &mut TenantTx, device: &DeviceId) -> Result<(), Error> {
    let generation = store::order_lock(tx).await?.generation + 1;
    if store::let_go_stamp(tx, device, generation).await? > 0 {
        store::generation_set(tx, generation).await?;
        tx.ring();
    }
    Ok(())
}

/// The point as it should be; none when it is so already.
fn next(
    row: &PointRow,
    service: &Service,
    plan: &Plan,
    order: OrderRow,
    brake_open: &dyn Fn(&SiteId) -> bool,
    now: Timestamp,
) -> Option<PointRow> {
    let current = current(row);
    let wanted = wanted(row, service);
    let around = Circumstances { brake_open: brake_open(&row.site_id), raised_at: order.raised_at() };
    let decision = rules::decide(current, wanted, around);
    // What was taken over keeps the speed that it has on the device: 0 is not managed.
    let (download_bps, upload_bps) =
        if row.speed_managed { (plan.download_bps, plan.upload_bps) } else { (0, 0) };
    let profile =
        row.own_profile.clone().unwrap_or_else(|| rules::profile_of(plan.download_bps, plan.upload_bps));
    let access_digest = access_digest(row, &profile);
    let is_same_service =
        (row.download_bps, row.upload_bps, &row.access_digest) == (download_bps, upload_bps, &access_digest);
    // A change that a person let pass, which the agent had held, stays let through until there is another one.
    let let_through = decision.status == DesiredStatus::Active
        && current.status == DesiredStatus::Active
        && row.released
        && is_same_service;
    let newly_cut = decision.status != DesiredStatus::Active
        && (current.status == DesiredStatus::Active || current.expired);
    let after = PointRow {
        status: decision.status,
        hold_reason: decision.hold,
        released: decision.released || let_through,
        download_bps,
        upload_bps,
        access_digest,
        profile,
        reason: service.status_reason.clone().unwrap_or_default(),
        counted_cut_at: if decision.counted { Some(now) } else { row.counted_cut_at },
        not_after: match (decision.status, decision.counted) {
            (DesiredStatus::Active, _) => None,
            (_, true) => Some(now.plus_millis(CUT_VALID_MS)),
            (_, false) if newly_cut => None,
            (_, false) => row.not_after,
        },
        // What a technician held open is a hold of the cut that was in force then.
        hold_open_until: if decision.status == DesiredStatus::Active { None } else { row.hold_open_until },
        ..row.clone()
    };
    let differs = row.generation == 0
        || newly_cut
        || (row.status, row.hold_reason, row.released, row.download_bps, row.upload_bps, &row.access_digest)
            != (
                after.status,
                after.hold_reason,
                after.released,
                after.download_bps,
                after.upload_bps,
                &after.access_digest,
            );
    differs.then_some(after)
}

fn current(row: &PointRow) -> Current {
    let expired = row.observed().is_some_and(|observed| {
        observed.outcome == Outcome::Expired
            && (observed.timeline, observed.generation) == (row.timeline, row.generation)
    });
    Current { status: row.status, hold: row.hold_reason, released: row.released, expired }
}

fn wanted(row: &PointRow, service: &Service) -> Wanted {
    let decided_at = service.status_changed_at;
    if let Some(removed_at) = row.removed_at {
        return Wanted { status: DesiredStatus::Terminated, by_person: true, decided_at: removed_at };
    }
    match service.status {
        Status::Active => Wanted { status: DesiredStatus::Active, by_person: false, decided_at },
        Status::Terminated => Wanted { status: DesiredStatus::Terminated, by_person: true, decided_at },
        Status::Suspended => Wanted {
            status: DesiredStatus::Suspended,
            by_person: service.suspended_because == Some(SuspendedBecause::Manual),
            decided_at,
        },
    }
}

/// Changes when who or how changes: user, password, address, profile.
fn access_digest(row: &PointRow, profile: &str) -> String {
    let mut hasher = Sha256::new();
    for part in [
        row.access_user.as_deref().unwrap_or_default().as_bytes(),
        row.address.as_deref().unwrap_or_default().as_bytes(),
        profile.as_bytes(),
        row.sealed_password.as_deref().unwrap_or_default(),
    ] {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    hex::encode(hasher.finalize())
}

/// Whether the brakes let this service's cut pass at each of its sites: the site's, and the ISP's over all of them.
async fn brakes(
    ctx: &Ctx,
    tx: &mut TenantTx,
    rows: &[PointRow],
    id: &ServiceId,
) -> Result<BTreeMap<SiteId, bool>, Error> {
    let tenant = tenancy::settings(tx).await?;
    let since = ctx.now().plus_millis(-BRAKE_WINDOW_MS);
    let (cut, all) = store::brake_counts(tx, None, id, since).await?;
    let limit = rules::brake_limit(tenant.cut_brake_floor, tenant.cut_brake_tenant_basis_points, all);
    let isp_open = cut < limit;
    let mut open = BTreeMap::new();
    for row in rows {
        if open.contains_key(&row.site_id) {
            continue;
        }
        let (cut, all) = store::brake_counts(tx, Some(&row.site_id), id, since).await?;
        let limit = rules::brake_limit(tenant.cut_brake_floor, tenant.cut_brake_basis_points, all);
        open.insert(row.site_id.clone(), isp_open && cut < limit);
    }
    Ok(open)
}

pub(super) async fn held(ctx: &Ctx, tx: &mut TenantTx, row: &PointRow) -> Result<(), Error> {
    let reason = row.hold_reason.map(HoldReason::as_str);
    facts::emit(
        ctx,
        tx,
        point_event(events::HELD, row, json!({"reason": reason, "device": row.device_name})),
    )
    .await?;
    Ok(())
}

/// An event about a point's attachment, with everybody whom it concerns.
pub(super) fn point_event(
    kind: atalaya_kernel::events::EventType,
    row: &PointRow,
    payload: serde_json::Value,
) -> NewEvent {
    NewEvent::new(kind, EntityRef::new("attachment", &row.attachment_id), payload)
        .related("point_id", &row.id)
        .related("service_id", &row.service_id)
        .related("customer_id", &row.customer_id)
        .related("device_id", &row.device_id)
        .related("agent_id", &row.agent_id)
}
