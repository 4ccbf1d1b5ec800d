//! Live and backlog lanes: blocks become columns, and are acknowledged once durable.

use std::{collections::HashMap, time::Duration};

use atalaya_metrics::SeriesId;
use atalaya_protocol::{
    Message,
    block::{self, Values},
    credit::ReceiveWindow,
    telemetry::{self, MAX_SERIES_ENTRIES},
    wire::{GoodbyeReason, MetricAck, MetricBatch, SequenceRange, SeriesTable},
};
use bytes::Bytes;
use futures::{StreamExt, stream::FuturesUnordered};

use super::{End, LaneEnd, Lanes, METRIC_CREDIT, Stream, protocol_error, unexpected};
use crate::gateway::backend::{AppendError, ReceivedBatch, ReceivedColumn, Refusal};

/// Series that one agent may announce on one lane of one connection.
const MAX_SERIES: usize = 1_000_000;

/// What the numbers of an epoch stand for; `None` for a series that is refused.
#[derive(Default)]
struct SeriesNumbers {
    epoch: [u8; 16],
    ids: HashMap<u32, Option<SeriesId>>,
}

pub(super) async fn serve(lanes: &Lanes<'_>, stream: Stream) -> LaneEnd {
    let Stream { mut send, mut recv } = stream;
    let mut window = ReceiveWindow::new(METRIC_CREDIT);
    let mut numbers = SeriesNumbers::default();
    let mut appending = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(stored) = appending.next(), if !appending.is_empty() => {
                let stored: Stored = stored?;
                atalaya_kernel::fault::point("gateway.before_metric_ack");
                window.acknowledged(1);
                send.send_in_halves(&stored.ack(window.credit())).await?;
            }
            message = recv.next() => match message? {
                Message::SeriesTable(table) => numbers.learn(lanes, table).await?,
                Message::MetricBatch(batch) => {
                    window.received().map_err(|error| protocol_error(&error))?;
                    let (batch, lost) = numbers.resolve(&batch)?;
                    appending.push(store(lanes, batch, lost));
                }
                other => unexpected(&other)?,
            }
        }
    }
}

/// A batch that is durable, or given up as impossible.
struct Stored {
    epoch: [u8; 16],
    sequence: u64,
    quarantined: u64,
}

impl Stored {
    fn ack(&self, credit: u32) -> MetricAck {
        MetricAck {
            epoch: Bytes::copy_from_slice(&self.epoch),
            received: vec![SequenceRange { first: self.sequence, last: self.sequence }],
            credit,
            quarantined: u32::try_from(self.quarantined).unwrap_or(u32::MAX),
        }
    }
}

/// Repeats until durable. `lost` samples could not be understood.
async fn store(lanes: &Lanes<'_>, batch: ReceivedBatch, lost: u64) -> Result<Stored, End> {
    let telemetry = &lanes.shared.backend.telemetry;
    let agent = lanes.session.identity.agent.as_str();
    let samples: usize = batch.columns.iter().map(|column| column.values.len()).sum();
    let mut wait = Duration::from_millis(200);
    atalaya_kernel::fault::point("gateway.before_metric_write");
    let quarantined = loop {
        match telemetry.append(&lanes.session, &batch).await {
            Ok(quarantined) => break quarantined,
            Err(AppendError::UnknownSeries) => {
                return Err(End::Refused(Refusal {
                    reason: GoodbyeReason::Draining,
                    detail: "the metrics store was reopened: say your series again".into(),
                    retry_after: Duration::ZERO,
                }));
            }
            Err(AppendError::Malformed(reason)) => {
                tracing::warn!(agent, sequence = batch.sequence, reason, "a batch can never be stored");
                break u64::try_from(samples).unwrap_or(u64::MAX);
            }
            Err(AppendError::Backend(error)) => {
                tracing::warn!(agent, sequence = batch.sequence, %error, "a batch is not durable: tried again");
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(10));
    };
    Ok(Stored { epoch: batch.epoch, sequence: batch.sequence, quarantined: quarantined.saturating_add(lost) })
}

impl SeriesNumbers {
    async fn learn(&mut self, lanes: &Lanes<'_>, table: SeriesTable) -> Result<(), End> {
        let epoch = telemetry::epoch(&table.epoch).map_err(|error| protocol_error(&error))?;
        if epoch != self.epoch {
            *self = Self { epoch, ids: HashMap::new() };
        }
        if table.entries.len() > MAX_SERIES_ENTRIES || self.ids.len() + table.entries.len() > MAX_SERIES {
            return Err(protocol_error(&"more series than a lane may announce"));
        }
        let store = &lanes.shared.backend.telemetry;
        let ids = lanes.durably("series", || store.register(&lanes.session, &table.entries)).await;
        self.ids.extend(table.entries.iter().map(|entry| entry.number).zip(ids));
        Ok(())
    }

    /// The columns of a batch and how many samples cannot be stored: of a block that cannot be read, or of series that
    /// were refused or never announced. They are acknowledged and counted, because they would come again for ever.
    fn resolve(&self, batch: &MetricBatch) -> Result<(ReceivedBatch, u64), End> {
        let epoch = telemetry::check(batch).map_err(|error| protocol_error(&error))?;
        let mut received = ReceivedBatch { epoch, sequence: batch.sequence, columns: Vec::new() };
        let columns = match block::decode(&batch.block, &block::Limits::default()) {
            Ok(columns) => columns,
            Err(error) => {
                tracing::warn!(sequence = batch.sequence, %error, "a block cannot be read");
                return Ok((received, batch.sample_count.into()));
            }
        };
        let mut lost = 0u64;
        for mut column in columns {
            let known =
                if epoch == self.epoch { self.ids.get(&column.series).copied().flatten() } else { None };
            let Some(series) = known else {
                lost = lost.saturating_add(u64::try_from(column.values.len()).unwrap_or(u64::MAX));
                continue;
            };
            for time in &mut column.timestamps_ms {
                *time = time.saturating_add(batch.correction_ms);
            }
            let values = match column.values {
                Values::Float(values) => values,
                Values::Int(values) => values.into_iter().map(to_float).collect(),
            };
            received.columns.push(ReceivedColumn { series, timestamps_ms: column.timestamps_ms, values });
        }
        Ok((received, lost))
    }
}

/// The store keeps floats: exact up to 2^53, beyond it to 1 in 10^16 (see `atalaya_metrics`).
#[allow(clippy::cast_precision_loss, reason = "the store's own resolution")]
fn to_float(value: i64) -> f64 {
    value as f64
}
