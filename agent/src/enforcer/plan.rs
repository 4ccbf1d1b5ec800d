//! What enforcing would do on a device, without doing it.

use std::collections::HashSet;
use std::sync::Arc;

use atalaya_protocol::wire;

use super::pass::method_of;
use super::{Shared, report, wants};
use crate::core::enforcement::action;
use crate::desired::{Access, Point};
use crate::driver::{BiteCheck, Device, DeviceError, Found, Word};

/// A check that failed is only a warning on a device where nobody is cut by its method: an ISP of PPPoE need not wall a
/// list of fixed addresses. The first point that is cut that way is held until the check passes ([`no_effect`]).
///
/// [`no_effect`]: super::pass::no_effect
fn for_who_is_here(bite: BiteCheck, points: &[Arc<Point>]) -> wire::Check {
    let BiteCheck { method, mut check } = bite;
    let needed = points.is_empty() || points.iter().any(|point| method_of(point) == Some(method));
    if !needed && check.status() == wire::CheckStatus::Failed {
        check.set_status(wire::CheckStatus::Warning);
    }
    check
}

/// Reads the device and compares; what is held back at present is shown too, for it is what would be done.
pub(super) async fn plan(shared: &Shared, device: &dyn Device) -> Result<wire::DevicePlan, DeviceError> {
    let device_id = &device.target().device_id;
    let enforce = device.enforce().ok_or_else(|| DeviceError::Config {
        words: format!("a device of kind {} enforces nothing", device.target().kind),
    })?;
    let points = shared.desired.of_device(device_id);
    let now_ms = shared.clock.now_ms();
    let mut wants = wants::build(shared, device_id, &points, now_ms);
    wants.sort_by(|one, other| one.point.id.cmp(&other.point.id));
    let rows = enforce.read(&wants).await?;
    let mut checks: Vec<wire::Check> =
        enforce.can_bite().await?.into_iter().map(|bite| for_who_is_here(bite, &points)).collect();
    let mut changes = Vec::new();
    let mut in_place = 0_u32;
    for (want, row) in wants.iter().zip(&rows) {
        if row.is_in_place() {
            in_place = in_place.saturating_add(1);
        } else if let Some(why) = &row.blocked {
            let facts = [("point", want.point.id.as_str()), ("words", why.as_str())];
            let found = Found::new(Word::PointBlocked, &facts, format!("{}: {why}", want.point.id));
            checks.push(found.check("point", wire::CheckStatus::Warning, ""));
        } else {
            changes.push(wire::PlannedChange {
                point_id: want.point.id.clone(),
                action: action(row.status, want.status).word().into(),
                before: report::fields(&row.fields),
                after: report::fields(&row.pending),
            });
        }
    }
    let known: HashSet<&str> = points
        .iter()
        .filter_map(|point| match &point.access {
            Access::Pppoe { user, .. } => Some(user.as_str()),
            Access::Static { address } => Some(address.as_str()),
            Access::Unsupported { .. } => None,
        })
        .collect();
    let markers: HashSet<&str> = points.iter().map(|point| point.marker.as_str()).collect();
    let foreign = enforce
        .list()
        .await?
        .iter()
        .filter(|row| !known.contains(row.name.as_str()))
        .filter(|row| !row.comment.split_whitespace().any(|word| markers.contains(word)))
        .count();
    Ok(wire::DevicePlan {
        device_id: device_id.clone(),
        read_at_ms: now_ms,
        checks,
        changes,
        in_place,
        foreign_rows: u32::try_from(foreign).unwrap_or(u32::MAX),
    })
}
