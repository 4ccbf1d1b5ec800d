//! What headquarters is told, and what it need not be told again.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use atalaya_protocol::wire;
use parking_lot::Mutex;

use crate::core::enforcement::{Decision, Hold};
use crate::desired::{Point, Status};
use crate::driver::{ObservedRow, RowStatus};
use crate::journal::Outbox;

/// Sends only what differs from what was last sent of a point.
pub(super) struct Reporter {
    outbox: Arc<Outbox>,
    last: Mutex<HashMap<String, Told>>,
}

/// What was last told of a point.
struct Told {
    summary: u64,
    session_since_ms: i64,
}

/// The start of a session wavers with the device's resolution and the road to it.
const SAME_SESSION_MS: i64 = 3_000;

impl Reporter {
    pub(super) fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox, last: Mutex::default() }
    }

    /// The next report tells everything: headquarters has a new set, and compares it with what is.
    pub(super) fn forget(&self) {
        self.last.lock().clear();
    }

    /// Puts what is news into the outbox.
    pub(super) async fn send(&self, points: Vec<wire::ObservedPoint>) {
        let news: Vec<wire::ObservedPoint> = {
            let mut last = self.last.lock();
            points
                .into_iter()
                .filter(|point| {
                    let told = Told { summary: summary(point), session_since_ms: since(point) };
                    let before = last.insert(point.point_id.clone(), told);
                    let same = before.is_some_and(|before| {
                        let apart = before.session_since_ms.saturating_sub(since(point)).saturating_abs();
                        before.summary == summary(point) && apart < SAME_SESSION_MS
                    });
                    // What we did ourselves is always told.
                    !same || point.applied_at_ms != 0
                })
                .collect()
        };
        if !news.is_empty() {
            self.outbox.push(news).await;
        }
    }
}

/// What makes two observations of a point the same news. "Applied" and, later, "in place" are.
fn summary(point: &wire::ObservedPoint) -> u64 {
    let outcome = match point.outcome() {
        wire::Outcome::Applied => wire::Outcome::InPlace,
        other => other,
    };
    let mut hasher = DefaultHasher::new();
    let order = point.order.unwrap_or_default();
    (order.timeline, order.generation, point.status, outcome, &point.detail, point.drift).hash(&mut hasher);
    point.speed.map(|speed| (speed.download_bps, speed.upload_bps)).hash(&mut hasher);
    let session = point.session.as_ref().filter(|session| session.present);
    session.map(|session| (&session.address, &session.caller_id)).hash(&mut hasher);
    hasher.finish()
}

fn since(point: &wire::ObservedPoint) -> i64 {
    point.session.as_ref().map_or(0, |session| session.since_ms)
}

/// A point as read.
pub(super) fn observed(
    point: &Point,
    row: &ObservedRow,
    read_at_ms: i64,
    outcome: wire::Outcome,
) -> wire::ObservedPoint {
    let status = match row.status {
        RowStatus::Active => wire::ObservedStatus::Active,
        RowStatus::Suspended => wire::ObservedStatus::Suspended,
        RowStatus::Absent => wire::ObservedStatus::Absent,
    };
    let newest = row.sessions.iter().max_by_key(|session| session.key.since_ms);
    wire::ObservedPoint {
        point_id: point.id.clone(),
        device_id: point.device_id.clone(),
        order: Some(point.order.into()),
        status: status.into(),
        outcome: outcome.into(),
        speed: row.speed.map(Into::into),
        session: Some(newest.map_or_else(wire::Session::default, |session| wire::Session {
            present: true,
            since_ms: session.key.since_ms,
            address: session.address.clone(),
            caller_id: session.key.caller_id.clone(),
        })),
        read_at_ms,
        ..Default::default()
    }
}

/// A point that could not be read.
pub(super) fn failed(point: &Point, now_ms: i64, why: &str) -> wire::ObservedPoint {
    wire::ObservedPoint {
        point_id: point.id.clone(),
        device_id: point.device_id.clone(),
        order: Some(point.order.into()),
        status: wire::ObservedStatus::Unknown.into(),
        outcome: wire::Outcome::Failed.into(),
        detail: why.to_owned(),
        read_at_ms: now_ms,
        ..Default::default()
    }
}

/// A list of named values on the wire.
pub(super) fn fields(fields: &[(String, String)]) -> Vec<wire::Field> {
    fields.iter().map(|(name, value)| wire::Field { name: name.clone(), value: value.clone() }).collect()
}

/// What a decision that changes nothing is called, and why, for people. `None` for a change, and for a wait
/// that was told when it began.
pub(super) fn outcome(
    decision: &Decision,
    point: &Point,
    row: &ObservedRow,
) -> Option<(wire::Outcome, String)> {
    let told = |outcome, detail: &str| Some((outcome, detail.to_owned()));
    match decision {
        Decision::InPlace => Some(in_place_or_partly(row, wire::Outcome::InPlace)),
        Decision::WouldApply(action) => Some((
            wire::Outcome::WouldApply,
            format!("the device is in observe: {} is not applied", action.word()),
        )),
        Decision::Hold(hold) => Some(held(*hold, point)),
        Decision::Expired => told(wire::Outcome::Expired, "its time passed before the cut was ever applied"),
        Decision::Contested => {
            told(wire::Outcome::Contested, "someone else changed it twice within a day: it is left alone")
        }
        Decision::NoEffect(why) => told(wire::Outcome::NoEffect, why),
        Decision::Unknown => told(
            wire::Outcome::Unknown,
            "whether an interrupted change was made cannot be known: no cut is started",
        ),
        Decision::Blocked(why) => told(wire::Outcome::Failed, why),
        Decision::Apply(_) | Decision::Waiting => None,
    }
}

/// A row that is in place may hold something that is left as it is: then that is told, and why.
pub(super) fn in_place_or_partly(row: &ObservedRow, in_place: wire::Outcome) -> (wire::Outcome, String) {
    row.left.clone().map_or((in_place, String::new()), |left| (wire::Outcome::Partly, left))
}

fn held(hold: Hold, point: &Point) -> (wire::Outcome, String) {
    let (outcome, why) = match hold {
        Hold::Brake => {
            (wire::Outcome::HeldBrake, "the site's cuts of this hour are used up: a person must release it")
        }
        Hold::Timeline => {
            (wire::Outcome::HeldTimeline, "headquarters was restored from a backup: a person must release it")
        }
        Hold::Offline => (wire::Outcome::HeldOffline, "headquarters is away: no new cut is started"),
        Hold::Open if point.status == Status::Terminated => {
            (wire::Outcome::HeldOpen, "held open by a technician; it is to be removed afterwards")
        }
        Hold::Open => (wire::Outcome::HeldOpen, "held open by a technician"),
        Hold::NotYet => (wire::Outcome::HeldNotYet, "its time has not come"),
        Hold::Disk => (wire::Outcome::HeldDisk, "the agent's journal cannot be written: no cut is started"),
        Hold::Changes => (
            wire::Outcome::HeldChanges,
            "one of too many changes at once that would drop sessions: a person must release it",
        ),
    };
    (outcome, why.to_owned())
}
