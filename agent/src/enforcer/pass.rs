//! One pass over some points of a device: read, decide, apply, report.

use std::sync::Arc;

use atalaya_protocol::wire;

use super::worker::Worker;
use super::{report, wants};
use crate::core::enforcement::{Action, Decision, Hold, Phase, PointMemory, Situation, decide};
use crate::desired::{Access, Point};
use crate::driver::{BiteCheck, DeviceError, Enforce, Found, ObservedRow, Want, Word};

/// Cuts applied before the worker looks for news: what gives service back never waits for more than these.
const CUTS_AT_ONCE: usize = 500;

/// A change that was decided, with what is remembered of its point.
pub(super) struct Planned {
    pub(super) want: Want,
    pub(super) row: ObservedRow,
    pub(super) action: Action,
    pub(super) memory: PointMemory,
    pub(super) first_cut: bool,
    pub(super) drift: bool,
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
        let (reports, gives, takes) = self.decide_all(wants, rows, writable);
        self.shared.reporter.send(reports).await;
        self.apply(enforce, gives).await?;
        let mut takes = takes.into_iter();
        loop {
            let chunk: Vec<Planned> = takes.by_ref().take(CUTS_AT_ONCE).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            if self.inbox.has_news() {
                // Whatever is new may give service back, or take one of these cuts back: look again.
                self.inbox
                    .points(chunk.into_iter().chain(takes).map(|planned| planned.want.point.id.clone()));
                return Ok(());
            }
            self.apply(enforce, chunk).await?;
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

    fn decide_all(
        &mut self,
        wants: Vec<Want>,
        rows: Vec<ObservedRow>,
        journal_writable: bool,
    ) -> (Vec<wire::ObservedPoint>, Vec<Planned>, Vec<Planned>) {
        let shared = self.shared.clone();
        let now_ms = shared.clock.now_ms();
        let site = self.enforced.device.target().site_id.clone();
        let (cuts_while_away, site_points) = {
            let rules = shared.rules.read();
            (rules.cuts_while_away, rules.sites.get(&site).map_or(0, |devices| shared.desired.count(devices)))
        };
        let bites = self.bites.clone().unwrap_or_default();
        let mut brake = shared.brake.lock();
        let mut reports = Vec::new();
        let mut memories = Vec::new();
        let (mut gives, mut takes) = (Vec::new(), Vec::new());
        for (want, row) in wants.into_iter().zip(rows) {
            let point = want.point.clone();
            let no_effect = no_effect(&bites, &point);
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
            let mut memory = shared.memories.of(&point.id);
            let decision = decide(&point, &row, &mut memory, &situation, &mut brake);
            self.remember_when(&point, &decision, &memory);
            if let Some((outcome, detail)) = report::outcome(&decision, &point) {
                let observed = report::observed(&point, &row, now_ms, outcome);
                reports.push(wire::ObservedPoint {
                    detail,
                    drift: memory.phase == Phase::Contested,
                    after: report::fields(&row.pending),
                    ..observed
                });
            }
            if let Decision::Apply(action) = decision {
                let planned = Planned {
                    first_cut: action.takes_service() && memory.phase == Phase::New && !point.released,
                    drift: memory.phase == Phase::Healing,
                    memory: memory.clone(),
                    want,
                    row,
                    action,
                };
                if action.takes_service() { takes.push(planned) } else { gives.push(planned) }
            }
            memories.push((point.id.clone(), memory));
        }
        drop(brake);
        if let Err(error) = shared.memories.keep(memories) {
            tracing::warn!(%error, "what is remembered of points could not be kept");
        }
        (reports, gives, takes)
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
