//! Collects samples of all devices and writes them to the buffer, a block at a time.

use std::sync::Arc;
use std::time::Duration;

use atalaya_protocol::block::{self, ColumnRef, ValuesRef};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::Registry;
use crate::buffer::{Block, Buffer};
use crate::clock::Clock;
use crate::driver::{Kind, SampleReceiver, Value};

/// Samples of one block at most: keeps a block within some tens of kilobytes, which the buffer's pages are made for.
const BLOCK_SAMPLES: usize = 2048;
/// Samples confirmed together at most, when they arrive faster than the disk confirms.
const MOST_TOGETHER: usize = 16 * BLOCK_SAMPLES;
/// A live sample waits this long at most before it is written.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Between two tries to return from memory to disk.
const RECOVER_EVERY: Duration = Duration::from_secs(10);

/// One measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Number of its series.
    pub series: u32,
    /// When it was measured, in the machine's own time, Unix ms.
    pub local_ms: i64,
    /// What was measured.
    pub value: Value,
}

/// Collects the samples of one device during one measurement.
pub struct DeviceSamples<'a> {
    registry: &'a Registry,
    clock: &'a dyn Clock,
    device_id: &'a str,
    last: Option<u32>,
    /// What was collected.
    pub samples: Vec<Sample>,
}

impl<'a> DeviceSamples<'a> {
    /// Nothing collected yet. `device_id` is empty for the agent's own metrics.
    pub fn new(registry: &'a Registry, clock: &'a dyn Clock, device_id: &'a str) -> Self {
        Self { registry, clock, device_id, last: None, samples: Vec::new() }
    }
}

impl SampleReceiver for DeviceSamples<'_> {
    fn receive(&mut self, metric: &str, labels: &[(&str, &str)], kind: Kind, value: Value) {
        if let Some(series) = self.registry.number_after(self.last, self.device_id, metric, labels, kind) {
            self.last = Some(series);
            self.samples.push(Sample { series, local_ms: self.clock.local_ms(), value });
        }
    }
}

/// Writes what arrives on a bounded channel into the buffer.
#[derive(Debug)]
pub struct Packer {
    registry: Arc<Registry>,
    buffer: Arc<Buffer>,
    confirmed: Arc<Notify>,
}

impl Packer {
    /// A packer that tells `confirmed` when blocks may leave.
    pub fn new(registry: Arc<Registry>, buffer: Arc<Buffer>, confirmed: Arc<Notify>) -> Self {
        Self { registry, buffer, confirmed }
    }

    /// Runs until `stop`, then writes what has arrived and returns.
    ///
    /// # Errors
    /// Only when a blocking task of the runtime could not be joined.
    pub async fn run(
        self,
        mut arrivals: mpsc::Receiver<Vec<Sample>>,
        clock: Arc<dyn Clock>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let packer = Arc::new(self);
        let mut pending: Vec<Sample> = Vec::new();
        let mut oldest = Duration::ZERO;
        let mut last_recovery = Duration::ZERO;
        loop {
            let wait = match pending.is_empty() {
                true => LONGEST_WAIT,
                false => (oldest + LONGEST_WAIT).saturating_sub(clock.elapsed()),
            };
            let stopping = tokio::select! {
                arrived = arrivals.recv() => match arrived {
                    Some(samples) => {
                        if pending.is_empty() {
                            oldest = clock.elapsed();
                        }
                        pending.extend(samples);
                        // What arrived during the last write shares one confirmation.
                        while pending.len() < MOST_TOGETHER
                            && let Ok(samples) = arrivals.try_recv()
                        {
                            pending.extend(samples);
                        }
                        false
                    }
                    None => true,
                },
                () = tokio::time::sleep(wait) => false,
                () = stop.cancelled() => true,
            };
            if stopping {
                arrivals.close();
                while let Some(samples) = arrivals.recv().await {
                    pending.extend(samples);
                }
            }
            let due =
                clock.elapsed().saturating_sub(oldest) >= LONGEST_WAIT || pending.len() >= BLOCK_SAMPLES;
            if !pending.is_empty() && (due || stopping) {
                let recover = clock.elapsed().saturating_sub(last_recovery) >= RECOVER_EVERY;
                if recover {
                    last_recovery = clock.elapsed();
                }
                let (packer, clock) = (Arc::clone(&packer), Arc::clone(&clock));
                let samples = std::mem::take(&mut pending);
                tokio::task::spawn_blocking(move || packer.write(samples, clock.as_ref(), recover)).await?;
            }
            if stopping {
                return Ok(());
            }
        }
    }

    /// Packs samples into blocks, appends and confirms them; `recover` also tries to return from memory to disk.
    pub fn write(&self, mut samples: Vec<Sample>, clock: &dyn Clock, recover: bool) {
        if recover && self.buffer.in_memory() {
            self.buffer.recover(self.registry.as_ref());
        }
        self.buffer.register(&self.registry.take_fresh());
        let offset_ms = clock.offset_ms();
        for sample in &mut samples {
            sample.local_ms = sample.local_ms.saturating_add(offset_ms);
        }
        for chunk in samples.chunks_mut(BLOCK_SAMPLES) {
            match pack(chunk, offset_ms) {
                Ok(block) => {
                    self.buffer.append(&block, clock.now_ms());
                }
                Err(error) => tracing::error!(%error, samples = chunk.len(), "samples could not be packed"),
            }
        }
        self.buffer.confirm();
        self.confirmed.notify_one();
    }
}

/// Packs samples, whose stamps carry the offset already.
fn pack(samples: &mut [Sample], applied_offset_ms: i64) -> Result<Block, block::BlockError> {
    let first_ms = samples.iter().map(|sample| sample.local_ms).min().unwrap_or(0);
    let last_ms = samples.iter().map(|sample| sample.local_ms).max().unwrap_or(0);
    samples.sort_by_key(|sample| (sample.series, sample.local_ms));
    let times: Vec<i64> = samples.iter().map(|sample| sample.local_ms).collect();
    let (ints, floats): (Vec<i64>, Vec<f64>) =
        samples.iter().map(|sample| (whole(sample), sample.value.as_f64())).unzip();
    let mut columns = Vec::new();
    let mut from = 0;
    for of_series in samples.chunk_by(|a, b| a.series == b.series) {
        let range = from..from + of_series.len();
        from = range.end;
        let int = of_series.iter().all(|sample| matches!(sample.value, Value::Int(_)));
        columns.push(ColumnRef {
            series: of_series.first().map_or(0, |sample| sample.series),
            timestamps_ms: &times[range.clone()],
            values: if int { ValuesRef::Int(&ints[range]) } else { ValuesRef::Float(&floats[range]) },
        });
    }
    Ok(Block {
        bytes: block::encode_refs(&columns)?.into(),
        sample_count: u32::try_from(samples.len()).unwrap_or(u32::MAX),
        first_ms,
        last_ms,
        applied_offset_ms,
    })
}

/// The value of a series that is whole throughout; what stands for another is not used.
fn whole(sample: &Sample) -> i64 {
    match sample.value {
        Value::Int(value) => value,
        Value::Float(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use atalaya_protocol::block::Values;

    use super::*;
    use crate::buffer::Bounds;
    use crate::clock::AgentClock;
    use crate::driver::SampleSink;

    #[test]
    fn what_was_pushed_is_read_back_from_the_buffer() {
        let dir = tempfile::tempdir().unwrap();
        let buffer = Arc::new(Buffer::open(dir.path(), Bounds::default(), [1; 16]));
        let registry = Arc::new(Registry::new(buffer.persisted_series(), buffer.in_memory()));
        let clock = AgentClock::start();
        clock.set_offset_ms(1_000_000);
        let mut device = DeviceSamples::new(&registry, &clock, "dev_1");
        let mut sink = SampleSink::new(&mut device);
        sink.counter("interface_receive_bytes_total", &[("interface", "ether1")], u64::MAX / 4);
        sink.gauge("icmp_rtt_seconds", &[], 0.0125);
        let samples = device.samples;
        let local_ms = samples[0].local_ms;
        let packer = Packer::new(Arc::clone(&registry), Arc::clone(&buffer), Arc::default());
        packer.write(samples, &clock, false);

        let stored = buffer.peek(buffer.epoch(), 0, None).unwrap().unwrap();
        assert_eq!(stored.block.sample_count, 2);
        assert_eq!(stored.block.applied_offset_ms, 1_000_000);
        let columns = block::decode(&stored.block.bytes, &block::Limits::default()).unwrap();
        assert_eq!(columns[0].timestamps_ms, [local_ms + 1_000_000]);
        assert_eq!(columns[0].values, Values::Int(vec![i64::try_from(u64::MAX / 4).unwrap()]));
        assert_eq!(columns[1].values, Values::Float(vec![0.0125]));
        drop((packer, registry, buffer));
        let again = Buffer::open(dir.path(), Bounds::default(), [2; 16]);
        let names: Vec<String> = again.persisted_series().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["interface_receive_bytes_total", "icmp_rtt_seconds"]);
    }
}
