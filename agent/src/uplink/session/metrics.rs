//! Live and backlog lanes: the same code with other bounds.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use atalaya_protocol::{
    Lane, Message, block,
    telemetry::MAX_SERIES_ENTRIES,
    version,
    wire::{MetricAck, MetricBatch, SeriesTable},
};
use bytes::Bytes;
use parking_lot::Mutex;

use super::{Half, Session, SessionEnd};
use crate::uplink::{
    framed::{FramedRecv, FramedSend},
    gate::Gate,
    pace::Pace,
    ports::{OutgoingBatch, Position},
};

pub(super) struct MetricLane<'a> {
    session: &'a Session<'a>,
    lane: Lane,
    from: Position,
    /// Sequence at which the backlog ends; `None` on the live lane.
    until: Option<u64>,
    gate: Gate,
    /// Sequences sent and not yet acknowledged.
    in_flight: Mutex<BTreeSet<u64>>,
}

impl<'a> MetricLane<'a> {
    /// What is confirmed from `end` on.
    pub(super) fn live(session: &'a Session<'a>, end: Position, credit: u32) -> Self {
        Self {
            session,
            lane: Lane::Live,
            from: end,
            until: None,
            gate: Gate::new(credit),
            in_flight: Mutex::default(),
        }
    }

    /// What was confirmed before `end`, oldest first.
    pub(super) fn backlog(session: &'a Session<'a>, end: Position, credit: u32) -> Self {
        let from = Position { epoch: end.epoch, sequence: 0 };
        let until = Some(end.sequence);
        Self {
            session,
            lane: Lane::Backlog,
            from,
            until,
            gate: Gate::new(credit),
            in_flight: Mutex::default(),
        }
    }

    pub(super) async fn serve(self) -> Half {
        let (send, recv) = self.session.open_stream(self.lane).await?;
        tokio::try_join!(self.write(send), self.read(recv)).map(|(never, _)| never)
    }

    async fn write(&self, mut send: FramedSend) -> Half {
        let ports = self.session.ports;
        let mut pace = Pace::new(self.session.settings.backlog_bytes_per_second);
        let mut announced = HashSet::new();
        let mut from = self.from;
        loop {
            self.gate.open().await;
            let Some(batch) = ports.samples.next(from, self.until).await? else {
                if self.until.is_some() {
                    tracing::debug!("the backlog is sent");
                    std::future::pending::<()>().await;
                }
                ports.samples.confirmed().await;
                continue;
            };
            from.sequence = batch.position.sequence.saturating_add(1);
            if self.until.is_some() {
                let wait = pace.take(batch.block.len(), ports.clock.local_ms());
                if wait > Duration::ZERO {
                    tokio::time::sleep(wait).await;
                }
            }
            self.announce(&mut send, &batch, &mut announced).await?;
            self.gate.sent();
            self.in_flight.lock().insert(batch.position.sequence);
            send.send_in_halves(&version::encode_on(self.lane, &message(batch))?).await?;
        }
    }

    /// Says what the series of a batch are, each once per lane and connection, before their first use.
    async fn announce(
        &self,
        send: &mut FramedSend,
        batch: &OutgoingBatch,
        announced: &mut HashSet<u32>,
    ) -> Result<(), SessionEnd> {
        let numbers = match block::series_numbers(&batch.block, &block::Limits::default()) {
            Ok(numbers) => numbers,
            Err(error) => {
                // Sent all the same: headquarters counts it as lost, and it does not block the buffer for ever.
                tracing::error!(sequence = batch.position.sequence, %error, "a stored block cannot be read");
                return Ok(());
            }
        };
        let new: Vec<u32> = numbers.into_iter().filter(|number| announced.insert(*number)).collect();
        let epoch = batch.position.epoch;
        for numbers in new.chunks(MAX_SERIES_ENTRIES) {
            let entries = self.session.ports.samples.series(epoch, numbers).await?;
            let table = SeriesTable { epoch: Bytes::copy_from_slice(&epoch), entries };
            send.send(&version::encode_on(self.lane, &table)?).await?;
        }
        Ok(())
    }

    async fn read(&self, mut recv: FramedRecv) -> Half {
        loop {
            match recv.next().await? {
                Message::MetricAck(ack) => self.acknowledged(&ack).await?,
                other => self.session.unexpected(&other)?,
            }
        }
    }

    async fn acknowledged(&self, ack: &MetricAck) -> Result<(), SessionEnd> {
        if ack.epoch != self.from.epoch[..] {
            return Err(SessionEnd::Protocol("acknowledgement of another epoch".into()));
        }
        // Only what this lane sent: a peer cannot make us forget what it never had.
        let acknowledged: Vec<u64> = {
            let in_flight = self.in_flight.lock();
            let covered = |range: &&atalaya_protocol::wire::SequenceRange| range.first <= range.last;
            ack.received
                .iter()
                .filter(covered)
                .flat_map(|range| in_flight.range(range.first..=range.last).copied())
                .collect()
        };
        let ranges = atalaya_protocol::telemetry::ranges(acknowledged.clone());
        self.session.ports.samples.acknowledged(self.from.epoch, &ranges).await?;
        let mut frames = 0u32;
        {
            let mut in_flight = self.in_flight.lock();
            for sequence in acknowledged {
                frames = frames.saturating_add(u32::from(in_flight.remove(&sequence)));
            }
        }
        self.gate.acknowledged(frames, ack.credit);
        Ok(())
    }
}

fn message(batch: OutgoingBatch) -> MetricBatch {
    MetricBatch {
        epoch: Bytes::copy_from_slice(&batch.position.epoch),
        sequence: batch.position.sequence,
        block: batch.block,
        sample_count: batch.sample_count,
        correction_ms: batch.correction_ms,
    }
}
