//! What to do about one enforcement point: desired against observed, pure, at a time that the caller gives.
//!
//! Words: a *cut* takes service away (suspend, terminate); everything else gives or keeps it. The *first*
//! application of a cut has bounds, brake and holds; once it was read back as in place it is *confirmed* and from
//! then on enforced without limit. A confirmed row that differs later was *reverted* by someone else and is healed
//! once; the second time within a day it is *contested* and left to people. To *adopt* is to write our marker into a
//! row that a person recognised as the subscriber's: no service is given or taken by it.
//!
//! Invariants, each a property test: an `active` point is never cut; a reconnection is never held; a cut that is
//! held is not applied; an older order changes nothing. In doubt: towards service.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::brake::Brake;
use crate::desired::{Order, Point, Status};
use crate::driver::{ObservedRow, RowStatus};

/// Two reverts within this time make a point contested, milliseconds.
pub const CONTEST_WINDOW_MS: i64 = 86_400_000;
const FIRST_RETRY_MS: i64 = 5_000;
const LAST_RETRY_MS: i64 = 600_000;

/// Where the current order of a point stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Phase {
    /// Never read back as in place.
    #[default]
    New,
    /// Read back as in place.
    Confirmed,
    /// Was in place, someone else changed it, being put back.
    Healing,
    /// Reverted twice in a day: left alone until a new order.
    Contested,
    /// `not_after` passed before the cut was applied: left alone until a new order.
    Expired,
    /// Whether our change was made cannot be known; no cut until a person or a new order decides.
    Unknown,
}

/// What the agent remembers of one point, on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PointMemory {
    /// The order that the rest is about.
    pub order: Order,
    /// Where it stands.
    pub phase: Phase,
    /// When someone else's change was found, Unix ms, oldest first.
    pub reverts_ms: Vec<i64>,
    /// Attempts that failed in a row.
    pub failures: u32,
    /// No further attempt before this, Unix ms.
    pub retry_at_ms: i64,
}

impl PointMemory {
    /// Forgets what was about an older order.
    pub fn turn_to(&mut self, order: Order) {
        if self.order != order {
            *self = Self { order, ..Self::default() };
        }
    }

    /// An attempt failed: the next one waits, longer each time.
    pub fn failed(&mut self, now_ms: i64) {
        let wait = FIRST_RETRY_MS.saturating_mul(1_i64 << self.failures.min(10)).min(LAST_RETRY_MS);
        self.failures = self.failures.saturating_add(1);
        self.retry_at_ms = now_ms.saturating_add(wait);
    }

    /// A change of ours was read back as in place.
    pub fn confirmed(&mut self) {
        self.phase = Phase::Confirmed;
        self.failures = 0;
        self.retry_at_ms = 0;
    }
}

/// Whether a device may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Read and report what would be done.
    Observe,
    /// Keep it as desired.
    Enforce,
}

/// Everything around a decision that is not the point itself.
#[derive(Debug, Clone)]
pub struct Situation<'a> {
    /// Now, Unix ms, corrected.
    pub now_ms: i64,
    /// Mode of the device.
    pub mode: Mode,
    /// Whether headquarters is connected.
    pub headquarters_present: bool,
    /// Policy `offline_cuts = apply`: scheduled cuts start also while headquarters is away.
    pub cuts_while_away: bool,
    /// Whether a started change can be put on disk.
    pub journal_writable: bool,
    /// Cuts of a timeline above this one wait for a person, where headquarters does not say of each whether it does.
    pub base_timeline: u64,
    /// Why a cut would have no effect on this device; `None` = it would.
    pub no_effect: Option<&'a str>,
    /// Site of the device, for the brake.
    pub site: &'a str,
    /// Enforcement points of that site, for the brake.
    pub site_points: usize,
}

/// What kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Take service away.
    Cut,
    /// Give service back.
    Reconnect,
    /// Speed, address, name or password of a subscriber who passes.
    Adjust,
    /// Make the rows.
    Create,
    /// Remove the rows that we made; what is not ours is cut and left.
    Terminate,
    /// Write our marker into a row that a person recognised as the subscriber's.
    Adopt,
}

impl Action {
    /// Whether the subscriber loses service by it.
    pub fn takes_service(self) -> bool {
        matches!(self, Self::Cut | Self::Terminate)
    }

    /// Whether the subscriber's equipment is expected to dial in after it.
    pub fn awaits_session(self) -> bool {
        matches!(self, Self::Reconnect | Self::Adjust | Self::Create)
    }

    /// The word of `wire::PlannedChange`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Reconnect => "reconnect",
            Self::Adjust => "speed",
            Self::Create => "create",
            Self::Terminate => "terminate",
            Self::Adopt => "adopt",
        }
    }
}

/// Why a change waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// The hour's first cuts are used up.
    Brake,
    /// Headquarters runs on a newer timeline (a backup was restored) and no person released this cut.
    Timeline,
    /// Headquarters is away and the cut was never applied.
    Offline,
    /// A technician holds it open.
    Open,
    /// `not_before` has not come.
    NotYet,
    /// The journal cannot be written.
    Disk,
    /// One of too many changes at once that would drop sessions.
    Changes,
}

/// What to do about a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing differs.
    InPlace,
    /// Do it.
    Apply(Action),
    /// The device is in observe: this would be done.
    WouldApply(Action),
    /// It waits.
    Hold(Hold),
    /// `not_after` passed before the cut was ever applied.
    Expired,
    /// Reverted twice in a day by someone else.
    Contested,
    /// The cut would have no effect on this device.
    NoEffect(String),
    /// Whether our change was made cannot be known, and it was a cut.
    Unknown,
    /// The row must not be touched, and why.
    Blocked(String),
    /// The last attempt failed and the next one is not due.
    Waiting,
}

/// Which change leads from what stands there to what is wanted.
pub fn action(row: RowStatus, wanted: Status) -> Action {
    match (row, wanted) {
        (_, Status::Terminated) => Action::Terminate,
        (_, Status::Suspended) => Action::Cut,
        (RowStatus::Absent, Status::Active) => Action::Create,
        (RowStatus::Suspended, Status::Active) => Action::Reconnect,
        (RowStatus::Active, Status::Active) => Action::Adjust,
    }
}

/// The same for a row as it was read: a marker that is missing in its comment is no matter of service, and who is
/// behind the wall though the row says active (a reconnection that was interrupted) is given service back.
pub fn action_of(row: &ObservedRow, wanted: Status) -> Action {
    match action(row.status, wanted) {
        _ if row.lacks_marker_only() => Action::Adopt,
        Action::Adjust if row.walled => Action::Reconnect,
        action => action,
    }
}

/// Whether a change that was decided counts among those that are held when they are too many: it drops sessions of a
/// subscriber who passes, and no person released it. A reconnection drops the session behind the wall and is none.
pub fn is_counted_change(action: Action, row: &ObservedRow, point: &Point) -> bool {
    action == Action::Adjust && !row.stale.is_empty() && !point.released
}

/// Decides, and keeps `memory` and `brake` in step. Of the changes that [`is_counted_change`] says, the caller holds
/// those that are too many together: one point cannot know.
pub fn decide(
    point: &Point,
    row: &ObservedRow,
    memory: &mut PointMemory,
    situation: &Situation<'_>,
    brake: &mut Brake,
) -> Decision {
    let now = situation.now_ms;
    let held_open = point.is_held_open(now);
    if row.is_in_place() {
        return in_place(point, memory, situation, held_open);
    }
    if let Some(why) = &row.blocked {
        return Decision::Blocked(why.clone());
    }
    let action = action_of(row, point.wanted(now));
    if situation.mode == Mode::Observe {
        return Decision::WouldApply(action);
    }
    memory.turn_to(point.order);
    note_revert(memory, row, now);
    if memory.phase == Phase::Contested {
        return Decision::Contested;
    }
    let takes_service = action.takes_service() && !row.only_frees();
    if takes_service && let Some(stop) = cut_stopped(point, memory, situation) {
        return stop;
    }
    if now < memory.retry_at_ms {
        return Decision::Waiting;
    }
    if takes_service
        && memory.phase == Phase::New
        && !point.released
        && !brake.admit(now, situation.site, situation.site_points, &point.id, point.order)
    {
        return Decision::Hold(Hold::Brake);
    }
    Decision::Apply(action)
}

fn in_place(point: &Point, memory: &mut PointMemory, situation: &Situation<'_>, held_open: bool) -> Decision {
    // In observe nothing is confirmed: what stands there is someone else's, and may change without being a revert.
    if situation.mode == Mode::Enforce {
        memory.turn_to(point.order);
        // Open because a technician holds it so says nothing about the cut that waits behind.
        if !held_open {
            memory.confirmed();
        }
    }
    if held_open { Decision::Hold(Hold::Open) } else { Decision::InPlace }
}

/// A confirmed row that differs was changed by someone else. Only the configuration counts: a session that
/// outlived its settings is no one's hand.
fn note_revert(memory: &mut PointMemory, row: &ObservedRow, now_ms: i64) {
    if memory.phase != Phase::Confirmed
        || row.pending.is_empty()
        || row.lacks_marker_only()
        || row.only_frees()
    {
        return;
    }
    memory.reverts_ms.retain(|at| now_ms.saturating_sub(*at).saturating_abs() < CONTEST_WINDOW_MS);
    memory.reverts_ms.push(now_ms);
    memory.phase = if memory.reverts_ms.len() >= 2 { Phase::Contested } else { Phase::Healing };
}

fn cut_stopped(point: &Point, memory: &mut PointMemory, situation: &Situation<'_>) -> Option<Decision> {
    if memory.phase == Phase::Unknown {
        return Some(Decision::Unknown);
    }
    if memory.phase == Phase::Expired {
        return Some(Decision::Expired);
    }
    if memory.phase == Phase::New {
        if situation.now_ms < point.not_before_ms {
            return Some(Decision::Hold(Hold::NotYet));
        }
        if point.not_after_ms != 0 && situation.now_ms > point.not_after_ms {
            memory.phase = Phase::Expired;
            return Some(Decision::Expired);
        }
        // A cut decided after the restore is one like any other: the brake counts it.
        let restored = point.before_restore.unwrap_or(point.order.timeline > situation.base_timeline);
        if restored && !point.released {
            return Some(Decision::Hold(Hold::Timeline));
        }
        if !situation.headquarters_present && !situation.cuts_while_away {
            return Some(Decision::Hold(Hold::Offline));
        }
    }
    if let Some(why) = situation.no_effect {
        return Some(Decision::NoEffect(why.to_owned()));
    }
    (!situation.journal_writable).then_some(Decision::Hold(Hold::Disk))
}
