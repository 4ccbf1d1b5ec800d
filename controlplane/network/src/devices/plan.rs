//! What enforcing would do on a device, read by its agent; and the switch that depends on it.

use super::{Device, DeviceMode, ENFORCE, READ, events, reading::show_one, store};
use crate::{
    agents,
    jobs::{self, Check, CheckStatus, DevicePlan, Field, Finding, JobKind, JobOrder, JobStatus},
    provisioning,
};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::TenantTx,
    events::{self as facts, EntityRef, NewEvent},
    ids::{CustomerId, DeviceId, JobId, PointId, ServiceId},
    text_enum,
    time::Timestamp,
    write_tx,
};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A plan older than this says nothing about the device as it is now, ms.
const PLAN_FRESH_MS: i64 = 5 * 60_000;

text_enum! {
    /// Where a device's plan stands.
    pub enum PlanState {
        /// Nobody asked for one.
        Never = "never",
        /// The agent is reading the device.
        Waiting = "waiting",
        /// Here it is.
        Ready = "ready",
        /// The device could not be read.
        Failed = "failed",
    }
}

/// What would be done at one point.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DevicePlanChange)]
pub struct PlanChange {
    /// Point.
    #[schema(example = "enp_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub point_id: String,
    /// Its service.
    pub service_id: Option<ServiceId>,
    /// Its customer's name.
    #[schema(example = "Rosa Quispe")]
    pub customer_name: String,
    /// `cut`, `reconnect`, `speed`, `create`, `terminate`, `adopt`.
    #[schema(example = "cut")]
    pub action: String,
    /// The device's row now.
    pub before: Vec<Field>,
    /// What would be written.
    pub after: Vec<Field>,
    /// Live sessions that it would drop.
    #[schema(example = 1)]
    pub sessions_dropped: i64,
}

/// A device's plan, as the API shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DevicePlanView {
    /// Where it stands.
    pub status: PlanState,
    /// When the device was read.
    pub read_at: Option<Timestamp>,
    /// Why there is none.
    #[schema(example = "")]
    pub detail: String,
    /// What `detail` says; none when there is nothing to say, or from an older agent.
    pub finding: Option<Finding>,
    /// Whether cuts can bite.
    pub checks: Vec<Check>,
    /// What would be done.
    pub changes: Vec<PlanChange>,
    /// Points already as desired.
    pub in_place: i64,
    /// Rows that belong to no point of ours.
    pub foreign_rows: i64,
    /// Whether the device may be switched to enforce now.
    pub can_enforce: bool,
    /// Why not: `no_plan`, `plan_old`, `agent_silent`, or the code of a failed check.
    #[schema(example = json!(["plan_old"]))]
    pub blocked_by: Vec<String>,
}

/// Asks a device's agent to read it and plan.
///
/// # Errors
/// Not found, or without `device.read`.
pub async fn device_plan_request(ctx: &Ctx, id: &DeviceId) -> Result<JobId, Error> {
    ctx.authorize(READ)?;
    write_tx!(ctx, tx => {
        let device = store::device_get(&mut tx, id).await?;
        let order = JobOrder::PlanDevice { device_id: id.clone() };
        let job = jobs::job_create(&mut tx, &device.agent_id, &order, jobs::PLAN_TIMEOUT_MS, ctx.now()).await?;
        audit::record(ctx, &mut tx, Entry::new("device.plan", EntityRef::new("device", id))).await?;
        Ok(job)
    })
}

/// The latest plan of a device.
///
/// # Errors
/// Not found, or without `device.read`.
pub async fn device_plan_get(ctx: &Ctx, id: &DeviceId) -> Result<DevicePlanView, Error> {
    ctx.authorize(READ)?;
    let mut tx = ctx.begin_read().await?;
    store::device_get(&mut tx, id).await?;
    view(ctx, &mut tx, id).await
}

async fn view(ctx: &Ctx, tx: &mut TenantTx, id: &DeviceId) -> Result<DevicePlanView, Error> {
    let job = jobs::job_of_device(tx, id, JobKind::PlanDevice, ctx.now()).await?;
    let nothing = |status, detail: String, finding| DevicePlanView {
        status,
        read_at: None,
        detail,
        finding,
        checks: Vec::new(),
        changes: Vec::new(),
        in_place: 0,
        foreign_rows: 0,
        can_enforce: false,
        blocked_by: vec!["no_plan".to_owned()],
    };
    let Some(job) = job else { return Ok(nothing(PlanState::Never, String::new(), None)) };
    let plan: DevicePlan = match (job.status, &job.result) {
        (JobStatus::Waiting, _) => return Ok(nothing(PlanState::Waiting, String::new(), None)),
        (JobStatus::Done, Some(result)) => serde_json::from_str(result).map_err(Error::internal)?,
        _ => {
            let finding = job.finding()?;
            return Ok(nothing(PlanState::Failed, job.detail, finding));
        }
    };
    let blocked_by = blocks(&plan, ctx.now());
    let changes = named(tx, &plan).await?;
    Ok(DevicePlanView {
        status: PlanState::Ready,
        read_at: Some(plan.read_at),
        finding: job.finding()?,
        detail: job.detail,
        changes,
        in_place: plan.in_place,
        foreign_rows: plan.foreign_rows,
        can_enforce: blocked_by.is_empty(),
        blocked_by,
        checks: plan.checks,
    })
}

/// What keeps a device from being enforced.
fn blocks(plan: &DevicePlan, now: Timestamp) -> Vec<String> {
    let old = plan.read_at.plus_millis(PLAN_FRESH_MS) < now;
    let failed = plan.checks.iter().filter(|check| check.status == CheckStatus::Failed);
    old.then(|| "plan_old".to_owned()).into_iter().chain(failed.map(|check| check.code.clone())).collect()
}

/// The changes with the customers whom they concern.
async fn named(tx: &mut TenantTx, plan: &DevicePlan) -> Result<Vec<PlanChange>, Error> {
    let ids: Vec<PointId> = plan.changes.iter().filter_map(|change| change.point_id.parse().ok()).collect();
    let owners = provisioning::points_owners(tx, &ids).await?;
    let customers: Vec<CustomerId> = owners.values().map(|owner| owner.customer_id.clone()).collect();
    let customers = atalaya_people::customers::customers_by_ids(tx, &customers).await?;
    let names: BTreeMap<CustomerId, String> =
        customers.into_iter().map(|customer| (customer.id, customer.name)).collect();
    let changes = plan.changes.iter().map(|change| {
        let owner = owners.get(change.point_id.as_str());
        PlanChange {
            point_id: change.point_id.clone(),
            service_id: owner.map(|owner| owner.service_id.clone()),
            customer_name: owner.and_then(|owner| names.get(&owner.customer_id)).cloned().unwrap_or_default(),
            action: change.action.clone(),
            before: change.before.clone(),
            after: change.after.clone(),
            sessions_dropped: change.sessions_dropped,
        }
    });
    Ok(changes.collect())
}

/// Lets the system change a device, or stops it.
///
/// # Errors
/// [`Error::Conflict`] `cannot_bite` without a fresh plan whose checks passed; not found; without `device.enforce`.
pub async fn device_mode_set(ctx: &Ctx, id: &DeviceId, mode: DeviceMode) -> Result<Device, Error> {
    ctx.authorize(ENFORCE)?;
    write_tx!(ctx, tx => {
        let row = store::device_get(&mut tx, id).await?;
        if row.mode == mode {
            return show_one(&mut tx, row).await;
        }
        if mode == DeviceMode::Enforce {
            let plan = view(ctx, &mut tx, id).await?;
            if !plan.can_enforce {
                let detail = "cuts would have no effect on this device, or it was not looked at within five minutes";
                return Err(Error::conflict_with("cannot_bite", detail, [("blocked_by", json!(plan.blocked_by))]));
            }
        }
        let before = show_one(&mut tx, row.clone()).await?;
        let mut after = row.clone();
        after.mode = mode;
        after.version += 1;
        if !store::device_write(&mut tx, &after, row.version, ctx.now()).await? {
            return Err(Error::VersionConflict { current: row.version });
        }
        agents::config_signal(&mut tx, &after.agent_id).await?;
        let after = show_one(&mut tx, after).await?;
        let entity = EntityRef::new("device", id);
        audit::record(ctx, &mut tx, Entry::new(ENFORCE.0, entity.clone()).before(&before)?.after(&after)?).await?;
        let payload = json!({"name": after.name, "mode": after.mode});
        facts::emit(ctx, &mut tx, NewEvent::new(events::MODE_CHANGED, entity, payload).related("site_id", &after.site_id)).await?;
        Ok(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(statuses: &[CheckStatus]) -> DevicePlan {
        let check = |status: &CheckStatus| Check {
            code: "cut_profile".to_owned(),
            status: *status,
            detail: String::new(),
            remedy: String::new(),
            finding: None,
        };
        DevicePlan {
            read_at: Timestamp::from_millis(1_000_000),
            checks: statuses.iter().map(check).collect(),
            changes: Vec::new(),
            in_place: 0,
            foreign_rows: 0,
        }
    }

    #[test]
    fn only_a_fresh_plan_without_failures_lets_enforce() {
        let now = Timestamp::from_millis(1_000_000 + PLAN_FRESH_MS);
        assert!(blocks(&plan(&[CheckStatus::Passed, CheckStatus::Warning]), now).is_empty());
        assert_eq!(blocks(&plan(&[CheckStatus::Failed]), now), ["cut_profile"]);
        assert_eq!(blocks(&plan(&[]), now.plus_millis(1)), ["plan_old"]);
    }
}
