//! What agents read back.

use super::values::{count, moment, words};
use atalaya_kernel::time::Timestamp;
use atalaya_network::{
    jobs::{Field, Finding},
    provisioning::{Observation, ObservedSession, ObservedStatus, Outcome},
};
use atalaya_protocol::wire;

/// None for a point id that is not one, or an outcome of a newer version.
pub(super) fn observation(point: wire::ObservedPoint) -> Option<Observation> {
    let (status, outcome) = (status(point.status()), outcome(point.outcome())?);
    let order = point.order.unwrap_or_default();
    let session = point.session.unwrap_or_default();
    Some(Observation {
        point_id: point.point_id.parse().ok()?,
        timeline: count(order.timeline),
        generation: count(order.generation),
        status,
        outcome,
        detail: words(&point.detail),
        drift: point.drift,
        session: ObservedSession {
            present: session.present,
            since: moment(session.since_ms),
            address: words(&session.address),
            caller_id: words(&session.caller_id),
        },
        read_at: Timestamp::from_millis(point.read_at_ms),
        applied_at: moment(point.applied_at_ms),
        before: point.before.iter().map(field).collect(),
    })
}

fn status(status: wire::ObservedStatus) -> ObservedStatus {
    match status {
        wire::ObservedStatus::Active => ObservedStatus::Active,
        wire::ObservedStatus::Suspended => ObservedStatus::Suspended,
        wire::ObservedStatus::Absent => ObservedStatus::Absent,
        wire::ObservedStatus::Unknown | wire::ObservedStatus::Unspecified => ObservedStatus::Unknown,
    }
}

fn outcome(outcome: wire::Outcome) -> Option<Outcome> {
    Some(match outcome {
        wire::Outcome::Unspecified => return None,
        wire::Outcome::Applied => Outcome::Applied,
        wire::Outcome::InPlace => Outcome::InPlace,
        wire::Outcome::WouldApply => Outcome::WouldApply,
        wire::Outcome::HeldBrake => Outcome::HeldBrake,
        wire::Outcome::HeldTimeline => Outcome::HeldTimeline,
        wire::Outcome::HeldOffline => Outcome::HeldOffline,
        wire::Outcome::HeldOpen => Outcome::HeldOpen,
        wire::Outcome::HeldNotYet => Outcome::HeldNotYet,
        wire::Outcome::HeldDisk => Outcome::HeldDisk,
        wire::Outcome::Expired => Outcome::Expired,
        wire::Outcome::Failed => Outcome::Failed,
        wire::Outcome::Contested => Outcome::Contested,
        wire::Outcome::Unknown => Outcome::Unknown,
        wire::Outcome::NoEffect => Outcome::NoEffect,
        wire::Outcome::HeldChanges => Outcome::HeldChanges,
        wire::Outcome::Partly => Outcome::Partly,
    })
}

pub(super) fn field(field: &wire::Field) -> Field {
    Field { name: words(&field.name), value: words(&field.value) }
}

/// Most values of one finding that are kept: a sentence holds a few.
const MOST_FACTS: usize = 16;

pub(super) fn finding(found: &wire::Finding) -> Finding {
    Finding { code: words(&found.code), facts: found.facts.iter().take(MOST_FACTS).map(field).collect() }
}
