//! Runs the schedule: asks each device when it is due, within its time, and remembers what came of it.
//!
//! Everything that must not differ between drivers is here: how long a device may take, how many are asked at once,
//! when one is left alone. A new configuration takes effect between two measurements; devices that did not change
//! keep what they learnt. Each measurement also says `device_up`, where the device could be asked, and how long it took, and pings the device beside it:
//! whether an echo comes back says nothing about what its driver reads, so a lost one is a sample and no failure.
//!
//! A driver at work holds one of a bounded number of *slots*. Echoes hold none: they mostly wait, and their sockets
//! bound by themselves how many are under way. What a driver read leaves as soon as it has it, before its echoes ended.

mod board;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use board::DeviceBoard;

use crate::clock::Clock;
use crate::config::{ActiveConfig, ActiveDevice};
use crate::core::schedule::Schedule;
use crate::driver::{DeviceError, Measure, SampleSink};
use crate::supervise::Liveness;
use crate::telemetry::{DeviceSamples, Registry, Sample};

/// Drivers at work at the same time.
const SLOTS: usize = 128;
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
    /// Due, and waiting for a slot.
    ready: VecDeque<usize>,
    /// Due, and of a kind that needs no slot.
    unslotted: VecDeque<usize>,
    /// Measurements of an older configuration carry its number and are not rescheduled.
    generation: u64,
}

impl Round {
    fn take_due(&mut self, now: Duration) {
        while let Some(index) = self.schedule.take_due(now) {
            let measure = self.devices.get(index).and_then(|device| device.driver.measure());
            let unslotted = measure.is_some_and(Measure::bounds_itself);
            if unslotted { &mut self.unslotted } else { &mut self.ready }.push_back(index);
        }
    }
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
        let slots = Arc::new(Semaphore::new(SLOTS));
        let mut running: JoinSet<(u64, Finished)> = JoinSet::new();
        let mut round = poller.round(&config.borrow_and_update(), 0);
        loop {
            poller.liveness.beat();
            round.take_due(poller.clock.elapsed());
            while let Some(index) = round.unslotted.pop_front() {
                poller.start(&mut running, &round, index, None);
            }
            while !round.ready.is_empty()
                && let Ok(slot) = Arc::clone(&slots).try_acquire_owned()
            {
                poller.start_next(&mut running, &mut round, slot);
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
                        let Finished { index, started, success } = finished;
                        let late = round.schedule.finished(index, now, started, success, rand::random());
                        poller.board.skipped(late);
                    }
                }
                slot = Arc::clone(&slots).acquire_owned(), if !round.ready.is_empty() => {
                    poller.start_next(&mut running, &mut round, slot?);
                }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn start_next(
        self: &Arc<Self>,
        running: &mut JoinSet<(u64, Finished)>,
        round: &mut Round,
        slot: OwnedSemaphorePermit,
    ) {
        if let Some(index) = round.ready.pop_front() {
            self.start(running, round, index, Some(slot));
        }
    }

    fn start(
        self: &Arc<Self>,
        running: &mut JoinSet<(u64, Finished)>,
        round: &Round,
        index: usize,
        slot: Option<OwnedSemaphorePermit>,
    ) {
        let Some(device) = round.devices.get(index) else { return };
        let (poller, device, generation) = (Arc::clone(self), Arc::clone(device), round.generation);
        running.spawn(async move { (generation, poller.measure(index, &device, slot).await) });
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
        Round { devices, schedule, ready: VecDeque::new(), unslotted: VecDeque::new(), generation }
    }

    /// Measures and pings a device. The slot is free again once its driver is done.
    async fn measure(
        &self,
        index: usize,
        device: &ActiveDevice,
        slot: Option<OwnedSemaphorePermit>,
    ) -> Finished {
        let started = self.clock.elapsed();
        let patience = LONGEST_MEASUREMENT.min(device.measure_every.mul_f64(0.8)).max(Duration::from_secs(1));
        let own = async {
            let success = self.ask(device, patience, started).await;
            drop(slot);
            success
        };
        let (success, ()) = tokio::join!(own, self.ping(device, patience));
        Finished { index, started, success }
    }

    /// The driver's part of a measurement; true when it succeeded.
    async fn ask(&self, device: &ActiveDevice, patience: Duration, started: Duration) -> bool {
        let device_id = &device.driver.target().device_id;
        let mut taken = DeviceSamples::new(&self.registry, self.clock.as_ref(), device_id);
        let outcome = measure_once(device, patience, &mut taken).await;
        let took = self.clock.elapsed().saturating_sub(started);
        let success = outcome.is_ok();
        let mut sink = SampleSink::new(&mut taken);
        // That this machine cannot ask, or is stopping, says nothing of the device.
        if !matches!(outcome, Err(DeviceError::Local { .. })) {
            sink.gauge("device_up", &[], success);
        }
        sink.gauge("device_measure_seconds", &[], took.as_secs_f64());
        self.board.measured(device_id, outcome.as_ref().err(), self.clock.now_ms());
        self.hand_over(device_id, taken.samples).await;
        if success && self.board.identify_due(device_id, self.clock.elapsed(), IDENTIFY_EVERY) {
            self.identify(device, patience).await;
        }
        success
    }

    /// The echoes beside it.
    async fn ping(&self, device: &ActiveDevice, patience: Duration) {
        let device_id = &device.driver.target().device_id;
        let mut echoed = DeviceSamples::new(&self.registry, self.clock.as_ref(), device_id);
        ping_once(device, patience, &mut echoed).await;
        self.hand_over(device_id, echoed.samples).await;
    }

    async fn hand_over(&self, device_id: &str, samples: Vec<Sample>) {
        // Fails only when the packer is gone, which ends the process by itself.
        if !samples.is_empty() && self.samples.send(samples).await.is_err() {
            tracing::debug!(device_id, "samples dropped: the packer has stopped");
        }
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
