//! Applying decided changes: journal, write, settle, read back, report.

use atalaya_protocol::wire;

use super::pass::Planned;
use super::report;
use super::worker::Worker;
use crate::driver::{Change, DeviceError, Enforce, ObservedRow, Want};
use crate::fault;
use crate::journal::{Stage, Start};

impl Worker {
    /// Applies changes of one kind (all give service, or all take it).
    pub(super) async fn apply(
        &mut self,
        enforce: &dyn Enforce,
        planned: Vec<Planned>,
    ) -> Result<(), DeviceError> {
        if planned.is_empty() {
            return Ok(());
        }
        let now_ms = self.shared.clock.now_ms();
        let starts = planned.iter().map(|one| self.start_of(one)).collect();
        let numbers = match self.shared.journal.start(now_ms, starts).await {
            Ok(numbers) => numbers,
            Err(error) if planned.iter().any(|one| one.action.takes_service()) => {
                tracing::warn!(%error, "cuts wait: they could not be put on disk");
                self.say_held_by_disk(&planned, now_ms).await;
                return Ok(());
            }
            Err(error) => {
                tracing::warn!(%error, "service is given back without a journal");
                Vec::new()
            }
        };
        fault::point("enforcer.after_started");
        let changes: Vec<Change> =
            planned.iter().map(|one| Change { want: one.want.clone(), row: one.row.clone() }).collect();
        let mut outcomes = enforce.write(&changes).await;
        fault::point("enforcer.after_write");
        let written = numbers.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
        self.advance(written.map(|(number, _)| (*number, Stage::Written)).collect());
        let settling: Vec<usize> = (0..changes.len()).filter(|at| outcomes[*at].is_ok()).collect();
        let to_settle: Vec<Change> = settling.iter().map(|at| changes[*at].clone()).collect();
        for (at, settled) in settling.into_iter().zip(enforce.settle(&to_settle).await) {
            outcomes[at] = settled;
        }
        if let Some(lost) =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).find(|error| is_open(error))
        {
            // Whether the device did it is not known: read first, as after a crash.
            let lost = lost.clone();
            self.say_unknown(&planned, &lost).await;
            return Err(lost);
        }
        fault::point("enforcer.before_readback");
        let wants: Vec<Want> = planned.iter().map(|one| Want { fresh: false, ..one.want.clone() }).collect();
        match enforce.read(&wants).await {
            Ok(rows) => {
                self.conclude(planned, &numbers, outcomes, rows).await;
                Ok(())
            }
            Err(error) => {
                self.say_unknown(&planned, &error).await;
                Err(error)
            }
        }
    }

    fn start_of(&self, planned: &Planned) -> Start {
        Start {
            point: planned.want.point.id.clone(),
            device: self.device_id.clone(),
            site: self.enforced.device.target().site_id.clone(),
            order: planned.want.point.order,
            action: planned.action,
            first_cut: planned.first_cut,
            before: planned.row.fields.clone(),
            after: planned.row.pending.clone(),
            drop: planned.row.stale.clone(),
        }
    }

    pub(super) fn advance(&self, stages: Vec<(u64, Stage)>) {
        if let Err(error) = self.shared.journal.advance(self.shared.clock.now_ms(), stages) {
            tracing::warn!(%error, "the journal could not be advanced");
        }
    }

    /// What was read back decides what each change came to.
    async fn conclude(
        &mut self,
        planned: Vec<Planned>,
        numbers: &[u64],
        outcomes: Vec<Result<(), DeviceError>>,
        rows: Vec<ObservedRow>,
    ) {
        let now_ms = self.shared.clock.now_ms();
        let mut stages = Vec::with_capacity(planned.len());
        let mut memories = Vec::with_capacity(planned.len());
        let mut reports = Vec::with_capacity(planned.len());
        for (at, ((one, outcome), row)) in planned.into_iter().zip(outcomes).zip(rows).enumerate() {
            let point = one.want.point.clone();
            let mut memory = one.memory;
            let failure = failure(&outcome, &row);
            let (stage, (told, detail)) = match &failure {
                None => (Stage::Done, report::in_place_or_partly(&row, wire::Outcome::Applied)),
                Some(why) => (Stage::Failed(why.clone()), (wire::Outcome::Failed, why.clone())),
            };
            if failure.is_some() {
                memory.failed(now_ms);
                self.due.entry(memory.retry_at_ms).or_default().insert(point.id.clone());
            } else {
                if !point.is_held_open(now_ms) {
                    memory.confirmed();
                } else {
                    self.due.entry(point.hold_open_until_ms).or_default().insert(point.id.clone());
                }
                if one.action.awaits_session() && row.sessions.is_empty() {
                    self.watch.add(&point.id, now_ms);
                }
            }
            if let Some(number) = numbers.get(at) {
                stages.push((*number, stage));
            }
            reports.push(wire::ObservedPoint {
                detail,
                drift: one.drift,
                applied_at_ms: if failure.is_none() { now_ms } else { 0 },
                before: report::fields(&one.row.fields),
                after: report::fields(&row.fields),
                ..report::observed(&point, &row, now_ms, told)
            });
            memories.push((point.id.clone(), memory));
        }
        self.advance(stages);
        if let Err(error) = self.shared.memories.keep(memories) {
            tracing::warn!(%error, "what is remembered of points could not be kept");
        }
        fault::point("enforcer.before_report");
        // Confirms all of it: journal, memory and report go to disk together.
        self.shared.reporter.send(reports).await;
    }

    async fn say_held_by_disk(&self, planned: &[Planned], now_ms: i64) {
        let decision = crate::core::enforcement::Decision::Hold(crate::core::enforcement::Hold::Disk);
        let reports = planned
            .iter()
            .filter_map(|one| {
                let (outcome, detail) = report::outcome(&decision, &one.want.point, &one.row)?;
                Some(wire::ObservedPoint {
                    detail,
                    ..report::observed(&one.want.point, &one.row, now_ms, outcome)
                })
            })
            .collect();
        self.shared.reporter.send(reports).await;
    }

    /// The device went away before it could be read back: its journal entries stay open until it is there again.
    async fn say_unknown(&self, planned: &[Planned], error: &DeviceError) {
        let now_ms = self.shared.clock.now_ms();
        let reports = planned
            .iter()
            .map(|one| wire::ObservedPoint {
                outcome: wire::Outcome::Unknown.into(),
                detail: format!("sent to the device, not read back yet: {error}"),
                ..report::failed(&one.want.point, now_ms, "")
            })
            .collect();
        self.shared.reporter.send(reports).await;
    }
}

/// Whether an error leaves it open what the device did.
fn is_open(error: &DeviceError) -> bool {
    matches!(
        error,
        DeviceError::Unreachable { .. } | DeviceError::Timeout { .. } | DeviceError::Protocol { .. }
    )
}

/// Why a change did not come to what was wanted; `None` = it did.
pub(super) fn failure(outcome: &Result<(), DeviceError>, row: &ObservedRow) -> Option<String> {
    if row.is_in_place() {
        return None;
    }
    if let Err(error) = outcome {
        return Some(error.to_string());
    }
    if let Some(why) = &row.blocked {
        return Some(why.clone());
    }
    let names: Vec<&str> = row.pending.iter().map(|(name, _)| name.as_str()).collect();
    Some(if names.is_empty() {
        "the device said done, but the session still lives by its old settings".into()
    } else {
        format!("the device said done, but read back differs in {}", names.join(", "))
    })
}
