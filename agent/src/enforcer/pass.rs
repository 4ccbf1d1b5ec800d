//! One pass over some points of a device: read, decide, apply, report.

use std::collections::VecDeque;
use std::sync::Arc;

use atalaya_protocol::wire;

use super::worker::Worker;
use super::{report, wants};
use crate::core::changes::Pace;
use crate::core::enforcement::{
    Action, Decision, Hold, Phase, PointMemory, Situation, decide, is_counted_change,
};
use crate::desired::{Access, Order, Point};
use crate::driver::{BiteCheck, DeviceError, Enforce, Found, ObservedRow, Want, Word};

/// Changes applied before the worker looks for news: what gives service back never waits for more than these.
const AT_ONCE: usize = 500;

/// A change that was decided, with what is remembered of its point.
pub(super) struct Planned {
    pub(super) want: Want,
    pub(super) row: ObservedRow,
    pub(super) action: Action,
    pub(super) memory: PointMemory,
    pub(super) first_cut: bool,
    pub(super) drift: bool,
}

/// What is to be done, in the order in which it is done.
#[derive(Default)]
struct Work {
    /// At once: somebody paid.
    reconnections: Vec<Planned>,
    creations: Vec<Planned>,
    /// Of speed, address, name, password, comment: none gives or takes service.
    changes: Vec<Planned>,
    takes: Vec<Planned>,
}

impl Work {
    fn take(&mut self, planned: Planned) {
        let group = match planned.action {
            Action::Reconnect => &mut self.reconnections,
            Action::Create => &mut self.creations,
            Action::Adjust | Action::Adopt => &mut self.changes,
            Action::Cut | Action::Terminate => &mut self.takes,
        };
        group.push(planned);
    }
}

/// What a pass came to before anything was changed.
#[derive(Default)]
struct Decided {
    reports: Vec<wire::ObservedPoint>,
    work: Work,
}

impl Worker {
    /// Looks at `ids` and makes them as wanted.
    pub(super) async fn pass(&mut self, enforce: &dyn Enforce, ids: Vec<String>) -> Result<(), DeviceError> {
        self.resolve(enforce).await?;
        let points: Vec<Arc<Point>> = ids
            .iter()
            .filter_map(|id| self.shared.desired.point(id))
            .filter(|point| point.device_id == self.device_id)
            .collect();
        if points.is_empty() {
            return Ok(());
        }
        self.learn_bites(enforce, &points).await?;
        let wants = wants::build(&self.shared, &self.device_id, &points, self.shared.clock.now_ms());
        let rows = enforce.read(&wants).await?;
        let writable = self.shared.database.recover().await;
        let Decided { reports, mut work } = self.decide_all(wants, rows, writable);
        self.shared.reporter.send(reports).await;
        self.spread(&mut work.changes);
        self.apply(enforce, work.reconnections).await?;
        let groups = [work.creations, work.changes, work.takes];
        let mut chunks: VecDeque<Vec<Planned>> = groups.into_iter().flat_map(chunks).collect();
        let mut began = false;
        while let Some(chunk) = chunks.pop_front() {
            let takes = chunk.iter().any(|planned| planned.action.takes_service());
            if self.inbox.has_news() && (takes || began) {
                // Whatever is new may give service back, or take one of these cuts back: look again.
                let rest = chunk.into_iter().chain(chunks.into_iter().flatten());
                self.inbox.points(rest.map(|planned| planned.want.point.id.clone()));
                return Ok(());
            }
            began = true;
            self.apply(enforce, chunk).await?;
        }
        Ok(())
    }

    /// Leaves those changes that the pace lets through now; the others are looked at again when their turn comes.
    fn spread(&mut self, changes: &mut Vec<Planned>) {
        let now_ms = self.shared.clock.now_ms();
        let per_minute = self.shared.rules.read().changes_per_minute;
        // Who waits for a speed goes before a comment.
        changes.sort_by_key(|planned| planned.action == Action::Adopt);
        let now = self.pace.take(now_ms, per_minute, changes.len());
        let later = changes.split_off(now);
        for (at_ms, planned) in Pace::later(now_ms, per_minute, later.len()).zip(later) {
            self.due.entry(at_ms).or_default().insert(planned.want.point.id.clone());
        }
    }

    /// Asks whether cuts bite, where a cut may be coming and it is not known.
    async fn learn_bites(&mut self, enforce: &dyn Enforce, points: &[Arc<Point>]) -> Result<(), DeviceError> {
        let now_ms = self.shared.clock.now_ms();
        if self.bites.is_none()
            && points.iter().any(|point| point.wanted(now_ms) != crate::desired::Status::Active)
        {
            self.bites = match enforce.can_bite().await {
                Ok(bites) => Some(bites),
                // It is there and does not let us look: no cut is risked, and service is given back all the same.
                Err(error) if error.device_answered() => Some(cannot_tell(&error)),
                Err(error) => return Err(error),
            };
        }
        Ok(())
    }

    fn decide_all(&mut self, wants: Vec<Want>, rows: Vec<ObservedRow>, journal_writable: bool) -> Decided {
        let shared = self.shared.clone();
        let now_ms = shared.clock.now_ms();
        let site = self.enforced.device.target().site_id.clone();
        let (cuts_while_away, site_points) = {
            let rules = shared.rules.read();
            (rules.cuts_while_away, rules.sites.get(&site).map_or(0, |devices| shared.desired.count(devices)))
        };
        let bites = self.bites.clone().unwrap_or_default();
        let mut decisions = Vec::with_capacity(wants.len());
        {
            let mut brake = shared.brake.lock();
            for (want, row) in wants.iter().zip(&rows) {
                // What removes a secret of ours needs no cut profile.
                let removes = row.pending.iter().any(|(name, _)| name == "removed");
                let no_effect = no_effect(&bites, &want.point).filter(|_| !removes);
                let situation = Situation {
                    now_ms,
                    mode: self.enforced.mode,
                    headquarters_present: *shared.presence.borrow(),
                    cuts_while_away,
                    journal_writable,
                    base_timeline: shared.desired.base_timeline(),
                    no_effect: no_effect.as_deref(),
                    site: &site,
                    site_points,
                };
                let mut memory = shared.memories.of(&want.point.id);
                let decision = decide(&want.point, row, &mut memory, &situation, &mut brake);
                decisions.push((decision, memory));
            }
        }
        hold_too_many(&mut decisions, &wants, &rows, |changes| {
            shared.changes.lock().admit(now_ms, &site, site_points, changes)
        });
        let mut decided = Decided::default();
        let mut memories = Vec::with_capacity(wants.len());
        for ((want, row), (decision, memory)) in wants.into_iter().zip(rows).zip(decisions) {
            let point = want.point.clone();
            self.remember_when(&point, &decision, &memory);
            if let Some((outcome, detail)) = report::outcome(&decision, &point, &row) {
                let observed = report::observed(&point, &row, now_ms, outcome);
                decided.reports.push(wire::ObservedPoint {
                    detail,
                    drift: memory.phase == Phase::Contested,
                    after: report::fields(&row.pending),
                    ..observed
                });
            }
            if let Decision::Apply(action) = decision {
                decided.work.take(Planned {
                    first_cut: action.takes_service() && memory.phase == Phase::New && !point.released,
                    drift: memory.phase == Phase::Healing,
                    memory: memory.clone(),
                    want,
                    row,
                    action,
                });
            }
            memories.push((point.id.clone(), memory));
        }
        if let Err(error) = shared.memories.keep(memories) {
            tracing::warn!(%error, "what is remembered of points could not be kept");
        }
        decided
    }

    /// Notes when a point has to be looked at again without anybody asking.
    pub(super) fn remember_when(&mut self, point: &Point, decision: &Decision, memory: &PointMemory) {
        let at_ms = match decision {
            Decision::Hold(Hold::NotYet) => point.not_before_ms,
            Decision::Hold(Hold::Open) => point.hold_open_until_ms,
            Decision::Waiting => memory.retry_at_ms,
            Decision::Hold(Hold::Offline) => {
                self.waiting_for_headquarters.insert(point.id.clone());
                return;
            }
            // The brake's hour, a disk and a person are looked for by the sweep.
            _ => return,
        };
        self.due.entry(at_ms).or_default().insert(point.id.clone());
    }
}

/// Holds the changes that drop sessions and that `admit` does not let through. One point alone cannot know how many
/// there are; nothing else is touched, a reconnection least of all.
fn hold_too_many(
    decisions: &mut [(Decision, PointMemory)],
    wants: &[Want],
    rows: &[ObservedRow],
    admit: impl FnOnce(&[(String, Order)]) -> Vec<bool>,
) {
    let mut counted = Vec::new();
    let mut changes = Vec::new();
    for (at, (decision, _)) in decisions.iter().enumerate() {
        let point = &wants[at].point;
        if matches!(decision, Decision::Apply(action) if is_counted_change(*action, &rows[at], point)) {
            counted.push(at);
            changes.push((point.id.clone(), point.order));
        }
    }
    if changes.is_empty() {
        return;
    }
    for (at, admitted) in counted.into_iter().zip(admit(&changes)) {
        if !admitted {
            decisions[at].0 = Decision::Hold(Hold::Changes);
        }
    }
}

fn chunks(planned: Vec<Planned>) -> Vec<Vec<Planned>> {
    let mut rest = planned.into_iter();
    std::iter::from_fn(|| {
        let chunk: Vec<Planned> = rest.by_ref().take(AT_ONCE).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
    .collect()
}

/// Checks that failed for want of an answer.
fn cannot_tell(error: &DeviceError) -> Vec<BiteCheck> {
    let words = error.to_string();
    let sentence = format!("it could not be checked ({words})");
    let found = Found::new(Word::NotChecked, &[("words", &words)], sentence);
    let check = found.check("can_bite", wire::CheckStatus::Failed, "");
    [wire::Method::Pppoe, wire::Method::StaticAddress]
        .map(|method| BiteCheck { method, check: check.clone() })
        .to_vec()
}

/// By which method a point is cut.
pub(super) fn method_of(point: &Point) -> Option<wire::Method> {
    match point.access {
        Access::Pppoe { .. } => Some(wire::Method::Pppoe),
        Access::Static { .. } => Some(wire::Method::StaticAddress),
        Access::Unsupported { .. } => None,
    }
}

/// Why a cut by the point's method would have no effect.
pub(super) fn no_effect(bites: &[BiteCheck], point: &Point) -> Option<String> {
    let method = method_of(point)?;
    bites
        .iter()
        .find(|bite| bite.method == method && bite.check.status() == wire::CheckStatus::Failed)
        .map(|bite| format!("this cut would have no effect: {}", bite.check.detail))
}
