//! What enforcing would do on a device, without doing it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use atalaya_protocol::wire;

use super::pass::method_of;
use super::{Shared, report, wants};
use crate::core::enforcement::{action_of, is_counted_change};
use crate::desired::{Access, Point};
use crate::driver::{BiteCheck, Device, DeviceError, Found, ObservedRow, Want, Word};

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

/// Most different reasons for which rows are left as they are that a plan names.
const REASONS: usize = 20;

/// What is left as it is, each reason once with the number of points: a foreign profile may be everybody's.
fn left_alone(rows: &[ObservedRow]) -> Vec<wire::Check> {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for left in rows.iter().filter_map(|row| row.left.as_deref()) {
        *reasons.entry(left).or_default() += 1;
    }
    let check = |(words, count): (&str, usize)| {
        let count = count.to_string();
        let sentence = format!("left as it is at {count} points: {words}");
        let found = Found::new(Word::LeftAlone, &[("count", &count), ("words", words)], sentence);
        found.check("point", wire::CheckStatus::Warning, "")
    };
    reasons.into_iter().take(REASONS).map(check).collect()
}

/// Whether more sessions of subscribers who pass would drop than an hour may bring: then nothing of it would be done.
fn too_many(
    shared: &Shared,
    device: &dyn Device,
    wants: &[Want],
    rows: &[ObservedRow],
) -> Option<wire::Check> {
    let counted = wants.iter().zip(rows).filter(|(want, row)| {
        !row.is_in_place()
            && row.blocked.is_none()
            && is_counted_change(action_of(row, want.status), row, &want.point)
    });
    let count = counted.count();
    let limit = {
        let rules = shared.rules.read();
        let site = rules.sites.get(&device.target().site_id);
        rules.changes_hold.limit(site.map_or(0, |devices| shared.desired.count(devices)))
    };
    (count > limit).then(|| {
        let (count, limit) = (count.to_string(), limit.to_string());
        let sentence = format!(
            "{count} changes would drop sessions of subscribers who pass; more than {limit} an hour wait for a person"
        );
        let found = Found::new(Word::ManyChanges, &[("count", &count), ("limit", &limit)], sentence);
        found.check("changes", wire::CheckStatus::Warning, "")
    })
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
                action: action_of(row, want.status).word().into(),
                before: report::fields(&row.fields),
                after: report::fields(&row.pending),
                sessions_dropped: u32::try_from(row.stale.len()).unwrap_or(u32::MAX),
            });
        }
    }
    checks.extend(left_alone(&rows));
    checks.extend(too_many(shared, device, &wants, &rows));
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
