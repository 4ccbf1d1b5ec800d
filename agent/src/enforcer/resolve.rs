//! Changes that a crash or a lost connection left without an end: what the device shows decides.
//!
//! The row is as wanted: the change landed. What the journal wanted dropped is dropped only if that very session is
//! still there; a subscriber who redialled since is left in peace. The row shows what stood before: it did not land,
//! and the pass decides afresh. The row shows something else: someone else was there, and whether ours was made cannot
//! be known; a person is told, no cut is started, service is given back all the same.

use std::sync::Arc;

use atalaya_protocol::wire;

use super::worker::Worker;
use super::{report, wants};
use crate::core::enforcement::{Mode, Phase};
use crate::desired::Point;
use crate::driver::{Change, DeviceError, Enforce, ObservedRow, SessionKey, Want};
use crate::journal::{Entry, Stage};

/// What the device shows of an interrupted change.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It landed; these sessions of before are still there.
    Landed(Vec<SessionKey>),
    /// It did not, or only a part of it.
    NotLanded,
    /// Neither what stood before nor what was written.
    SomethingElse,
}

impl Worker {
    /// Brings every open entry of the device to its end.
    pub(super) async fn resolve(&mut self, enforce: &dyn Enforce) -> Result<(), DeviceError> {
        let unfinished = self.shared.journal.unfinished(&self.device_id);
        if unfinished.is_empty() {
            return Ok(());
        }
        let mut found: Vec<(Entry, Arc<Point>)> = Vec::new();
        let mut gone = Vec::new();
        for entry in unfinished {
            match self
                .shared
                .desired
                .point(&entry.start.point)
                .filter(|point| point.device_id == self.device_id)
            {
                Some(point) => found.push((entry, point)),
                None => {
                    gone.push((entry.number, Stage::Unknown("the point is no longer ours to read".into())));
                }
            }
        }
        let points: Vec<Arc<Point>> = found.iter().map(|(_, point)| point.clone()).collect();
        let now_ms = self.shared.clock.now_ms();
        let mut wants = wants::build(&self.shared, &self.device_id, &points, now_ms);
        // The journal's question is whether it landed, not whether a hidden password should be written once more.
        wants.iter_mut().for_each(|want| want.fresh = false);
        let rows = enforce.read(&wants).await?;
        self.advance(gone);
        let mut landed = Vec::new();
        for (((entry, point), want), row) in found.into_iter().zip(wants).zip(rows) {
            let superseded = entry.start.order != point.order;
            match find(&entry, &row, superseded) {
                Found::NotLanded => {
                    let why = Stage::Failed("interrupted before the device had it".into());
                    self.advance(vec![(entry.number, why)]);
                }
                Found::SomethingElse => self.cannot_know(&entry, &point, &row, superseded).await,
                // What has to be live now is the newer order's business.
                Found::Landed(_) if superseded => self.advance(vec![(entry.number, Stage::Done)]),
                Found::Landed(stale) if self.enforced.mode == Mode::Observe && !stale.is_empty() => {
                    let why = "the device was switched to observe before its session was dropped";
                    self.advance(vec![(entry.number, Stage::Failed(why.into()))]);
                }
                Found::Landed(stale) => {
                    let rest = ObservedRow { pending: entry.start.after.clone(), stale, ..row };
                    landed.push((entry, Change { want, row: rest }));
                }
            }
        }
        self.finish(enforce, landed).await
    }

    /// The rest of changes that landed: sessions of before, and the news.
    async fn finish(
        &mut self,
        enforce: &dyn Enforce,
        landed: Vec<(Entry, Change)>,
    ) -> Result<(), DeviceError> {
        if landed.is_empty() {
            return Ok(());
        }
        let (entries, changes): (Vec<Entry>, Vec<Change>) = landed.into_iter().unzip();
        let outcomes = match self.enforced.mode {
            Mode::Enforce => enforce.settle(&changes).await,
            Mode::Observe => vec![Ok(()); changes.len()],
        };
        let wants: Vec<Want> = changes.into_iter().map(|change| change.want).collect();
        let rows = enforce.read(&wants).await?;
        let mut reports = Vec::with_capacity(rows.len());
        for (((entry, want), outcome), row) in entries.iter().zip(&wants).zip(&outcomes).zip(&rows) {
            reports.push(self.close(entry, &want.point, outcome, row));
        }
        self.shared.reporter.send(reports).await;
        Ok(())
    }

    /// The end of one change that landed.
    fn close(
        &mut self,
        entry: &Entry,
        point: &Point,
        outcome: &Result<(), DeviceError>,
        row: &ObservedRow,
    ) -> wire::ObservedPoint {
        let now_ms = self.shared.clock.now_ms();
        let mut memory = self.shared.memories.of(&point.id);
        memory.turn_to(point.order);
        let failure = super::apply::failure(outcome, row);
        let done = failure.is_none();
        let (stage, (told, detail)) = match failure {
            None => (Stage::Done, report::in_place_or_partly(row, wire::Outcome::Applied)),
            Some(why) => (Stage::Failed(why.clone()), (wire::Outcome::Failed, why)),
        };
        if done {
            // Open because a technician holds it so says nothing about the cut that waits behind.
            if !point.is_held_open(now_ms) {
                memory.confirmed();
            }
            if entry.start.action.awaits_session() && row.sessions.is_empty() {
                self.watch.add(&point.id, now_ms);
            }
        } else {
            memory.failed(now_ms);
        }
        self.advance(vec![(entry.number, stage)]);
        self.keep(point, memory);
        wire::ObservedPoint {
            detail,
            applied_at_ms: if done { now_ms } else { 0 },
            before: report::fields(&entry.start.before),
            after: report::fields(&row.fields),
            ..report::observed(point, row, now_ms, told)
        }
    }

    async fn cannot_know(&mut self, entry: &Entry, point: &Point, row: &ObservedRow, superseded: bool) {
        let why =
            "an interrupted change, and the row is neither as before nor as written: someone else was there";
        self.advance(vec![(entry.number, Stage::Unknown(why.into()))]);
        if superseded {
            return;
        }
        let mut memory = self.shared.memories.of(&point.id);
        memory.turn_to(point.order);
        memory.phase = Phase::Unknown;
        self.keep(point, memory);
        let now_ms = self.shared.clock.now_ms();
        let observed = wire::ObservedPoint {
            detail: why.into(),
            before: report::fields(&entry.start.before),
            after: report::fields(&row.fields),
            ..report::observed(point, row, now_ms, wire::Outcome::Unknown)
        };
        self.shared.reporter.send(vec![observed]).await;
    }

    fn keep(&self, point: &Point, memory: crate::core::enforcement::PointMemory) {
        if let Err(error) = self.shared.memories.keep(vec![(point.id.clone(), memory)]) {
            tracing::warn!(%error, "what is remembered of a point could not be kept");
        }
    }
}

/// Judges an interrupted change by the row. A superseded order is judged by the fields alone.
pub(super) fn find(entry: &Entry, row: &ObservedRow, superseded: bool) -> Found {
    let still_there = || {
        let was_there =
            |session: &&crate::driver::Session| entry.start.drop.iter().any(|key| key.is_same(&session.key));
        row.sessions.iter().filter(was_there).map(|session| session.key.clone()).collect()
    };
    if !superseded && row.pending.is_empty() && row.blocked.is_none() {
        return Found::Landed(still_there());
    }
    let value = |fields: &[(String, String)], name: &str| {
        fields.iter().find(|(field, _)| field == name).map_or(String::new(), |(_, value)| value.clone())
    };
    let mut landed = true;
    for (name, written) in entry.start.after.iter().filter(|(name, _)| name != "password") {
        let now = value(&row.fields, name);
        if now == *written {
            continue;
        }
        landed = false;
        if now != value(&entry.start.before, name) {
            return Found::SomethingElse;
        }
    }
    if landed { Found::Landed(still_there()) } else { Found::NotLanded }
}
