//! Runs the schedule: asks each device when it is due, within its time, and remembers what came of it.
//!
//! Everything that must not differ between drivers is here: how long a device may take, how many are asked at once,
//! when one is left alone. A new configuration takes effect between two measurements; devices that did not change
//! keep what they learnt. Each measurement also says `device_up` and how long it took, and pings the device beside it:
//! whether an echo comes back says nothing about what its driver reads, so a lost one is a sample and no failure.

mod board;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use board::DeviceBoard;

use crate::clock::Clock;
use crate::config::{ActiveConfig, ActiveDevice};
use crate::core::schedule::Schedule;
use crate::driver::{DeviceError, SampleSink};
use crate::supervise::Liveness;
use crate::telemetry::{DeviceSamples, Registry, Sample};

/// Devices asked at the same time.
const MOST_AT_ONCE: usize = 128;
/// A measurement may take this long at most, and never longer than four fifths of its interval.
const LONGEST_MEASUREMENT: Duration = Duration::from_secs(30);
/// How often a device is asked anew who it is.
const IDENTIFY_EVERY: Duration = Duration::from_secs(3600);
/// The loop turns at least this often, which the watchdog relies on.
const TURN: Duration = Duration::from_secs(1);

/// What the poller works with.
pub struct Poller {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Numbers of series.
    pub registry: Arc<Registry>,
    /// Where samples go.
    pub samples: mpsc::Sender<Vec<Sample>>,
    /// What was learnt of each device.
    pub board: Arc<DeviceBoard>,
    /// Told at each turn of the loop.
    pub liveness: Arc<Liveness>,
}

struct Finished {
    index: usize,
    started: Duration,
    success: bool,
}

struct Round {
    devices: Vec<Arc<ActiveDevice>>,
    schedule: Schedule,
    ready: VecDeque<usize>,
    /// Measurements of an older configuration carry its number and are not rescheduled.
    generation: u64,
}

impl Poller {
    /// Runs until `stop`.
    ///
    /// # Errors
    /// A measurement panicked, or the configuration's or samples' channel closed.
    pub async fn run(
        self,
        mut config: watch::Receiver<Arc<ActiveConfig>>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let poller = Arc::new(self);
        let mut running: JoinSet<(u64, Finished)> = JoinSet::new();
        let mut round = poller.round(&config.borrow_and_update(), 0);
        loop {
            poller.liveness.beat();
            let now = poller.clock.elapsed();
            while let Some(index) = round.schedule.take_due(now) {
                round.ready.push_back(index);
            }
            while running.len() < MOST_AT_ONCE
                && let Some(index) = round.ready.pop_front()
                && let Some(device) = round.devices.get(index)
            {
                let (poller, device, generation) =
                    (Arc::clone(&poller), Arc::clone(device), round.generation);
                running.spawn(async move { (generation, poller.measure(index, device).await) });
            }
            let wait = round
                .schedule
                .next_due()
                .map_or(TURN, |due| due.saturating_sub(poller.clock.elapsed()).min(TURN));
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = config.changed() => {
                    changed?;
                    round = poller.round(&config.borrow_and_update(), round.generation + 1);
                }
                Some(ended) = running.join_next() => {
                    let (generation, finished) = ended?;
                    if generation == round.generation {
                        let now = poller.clock.elapsed();
                        round.schedule.finished(finished.index, now, finished.started, finished.success, rand::random());
                    }
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn round(&self, config: &ActiveConfig, generation: u64) -> Round {
        let mut schedule = Schedule::default();
        let now = self.clock.elapsed();
        let devices: Vec<Arc<ActiveDevice>> =
            config.devices.iter().filter(|device| device.driver.measure().is_some()).cloned().collect();
        for device in &devices {
            schedule.add(&device.driver.target().device_id, device.measure_every, now);
        }
        self.board.configure(config, self.clock.now_ms());
        Round { devices, schedule, ready: VecDeque::new(), generation }
    }

    async fn measure(&self, index: usize, device: Arc<ActiveDevice>) -> Finished {
        let started = self.clock.elapsed();
        let device_id = &device.driver.target().device_id;
        let patience = LONGEST_MEASUREMENT.min(device.measure_every.mul_f64(0.8)).max(Duration::from_secs(1));
        let mut taken = DeviceSamples::new(&self.registry, self.clock.as_ref(), device_id);
        let mut echoed = DeviceSamples::new(&self.registry, self.clock.as_ref(), device_id);
        let own = async {
            let outcome = measure_once(&device, patience, &mut taken).await;
            (outcome, self.clock.elapsed().saturating_sub(started))
        };
        let ((outcome, took), ()) = tokio::join!(own, ping_once(&device, patience, &mut echoed));
        let success = outcome.is_ok();
        let mut sink = SampleSink::new(&mut taken);
        sink.gauge("device_up", &[], success);
        sink.gauge("device_measure_seconds", &[], took.as_secs_f64());
        let mut samples = taken.samples;
        samples.append(&mut echoed.samples);
        self.board.measured(device_id, outcome.as_ref().err(), self.clock.now_ms());
        if success && self.board.identify_due(device_id, self.clock.elapsed(), IDENTIFY_EVERY) {
            self.identify(&device, patience).await;
        }
        // Fails only when the packer is gone, which ends the process by itself.
        if self.samples.send(samples).await.is_err() {
            tracing::debug!(device_id, "samples dropped: the packer has stopped");
        }
        Finished { index, started, success }
    }

    async fn identify(&self, device: &ActiveDevice, patience: Duration) {
        let device_id = &device.driver.target().device_id;
        match tokio::time::timeout(patience, device.driver.identify().identify()).await {
            Ok(Ok(identity)) => self.board.identified(device_id, identity, self.clock.elapsed()),
            Ok(Err(error)) => tracing::debug!(device_id, %error, "identify"),
            Err(_) => tracing::debug!(device_id, "identify took too long"),
        }
    }
}

/// Measures a device once, within `patience`.
///
/// # Errors
/// The device's, or [`DeviceError::Timeout`].
pub async fn measure_once(
    device: &ActiveDevice,
    patience: Duration,
    receiver: &mut DeviceSamples<'_>,
) -> Result<(), DeviceError> {
    let Some(measure) = device.driver.measure() else { return Ok(()) };
    let mut sink = SampleSink::new(receiver);
    match tokio::time::timeout(patience, measure.measure(&mut sink)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(DeviceError::Timeout {
            words: format!("the measurement took longer than {} s", patience.as_secs()),
        }),
    }
}

/// Pings a device once, within `patience`.
async fn ping_once(device: &ActiveDevice, patience: Duration, receiver: &mut DeviceSamples<'_>) {
    let Some(ping) = &device.ping else { return };
    let mut sink = SampleSink::new(receiver);
    match tokio::time::timeout(patience, ping.measure(&mut sink)).await {
        Ok(Ok(())) => {}
        // Lost echoes are in the samples. That this machine may not ping at all, the status says once for all devices.
        Ok(Err(error)) => tracing::debug!(device_id = device.driver.target().device_id, %error, "ping"),
        Err(_) => {
            tracing::debug!(device_id = device.driver.target().device_id, "the echoes took too long");
        }
    }
}

#[cfg(test)]
mod tests;
