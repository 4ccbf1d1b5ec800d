//! An agent whose buffer, journal and devices are lists in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use atalaya_agent::{
    enrol::{self, CertificateTime, EnrolError, Enrolled, IdentityStore, Renewal},
    uplink::{
        LinkState, Ports, Uplink, UplinkSettings, UplinkStatus,
        ports::{
            BacklogStats, ClockControl, ConfigSink, DesiredSink, HealthSource, ObservedSource, OutgoingBatch,
            PortError, Position, SampleSource,
        },
    },
};
use atalaya_pki::JoinString;
use atalaya_protocol::{
    block::{self, Column, Values},
    desired,
    wire::{self, Order},
};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::NOW_MS;

pub(super) const EPOCH: [u8; 16] = [7; 16];

/// A clock that is wrong by a constant and learns it.
#[derive(Debug)]
pub(super) struct WrongClock {
    local_ms: i64,
    offset_ms: AtomicI64,
}

impl ClockControl for WrongClock {
    fn local_ms(&self) -> i64 {
        self.local_ms
    }
    fn now_ms(&self) -> i64 {
        self.local_ms + self.offset_ms()
    }
    fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }
    fn learn_offset(&self, offset_ms: i64, _round_trip_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }
    /// The build is a month old and nothing else was ever confirmed.
    fn certificate_time_ms(&self) -> i64 {
        NOW_MS - 30 * super::DAY_MS
    }
}

#[derive(Default)]
pub(super) struct Memory {
    /// Blocks not yet acknowledged, and the offset that was applied to their times.
    pub(super) blocks: BTreeMap<u64, (Vec<u8>, i64)>,
    pub(super) next: u64,
    pub(super) acknowledged: BTreeSet<u64>,
    pub(super) points: BTreeMap<String, wire::DesiredPoint>,
    pub(super) parts: Vec<wire::DesiredSnapshot>,
    pub(super) pushes: u32,
    pub(super) reports: BTreeMap<u64, wire::ObservedReport>,
    pub(super) configs: Vec<wire::AgentConfig>,
    pub(super) jobs_run: Vec<String>,
    /// Jobs that go on until they leave this set or are stopped.
    pub(super) jobs_held: BTreeSet<String>,
    pub(super) jobs_stopped: BTreeSet<String>,
    /// What jobs said and headquarters has not acknowledged.
    pub(super) said: BTreeMap<u64, wire::JobPart>,
    pub(super) parts_said: u64,
    /// Refuses pushes with these words.
    pub(super) refuse: Option<String>,
}

pub(super) struct Site {
    pub(super) memory: Arc<SiteMemory>,
    pub(super) store: IdentityStore,
    clock: Arc<WrongClock>,
    folder: Arc<tempfile::TempDir>,
}

pub(super) struct SiteMemory {
    pub(super) inner: Mutex<Memory>,
    confirmed: Notify,
    reported: Notify,
    pub(super) talked: Notify,
}

/// A running uplink; stops when dropped.
pub(super) struct Running {
    pub(super) status: watch::Receiver<UplinkStatus>,
    stop: CancellationToken,
    _tasks: tokio::task::JoinSet<anyhow::Result<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Running {
    pub(super) fn state(&self) -> LinkState {
        self.status.borrow().state
    }
}

impl Site {
    /// `skew_ms` is how far this machine's clock is ahead.
    pub(super) fn new(skew_ms: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = IdentityStore::open(folder.path()).unwrap();
        let clock = Arc::new(WrongClock { local_ms: NOW_MS + skew_ms, offset_ms: AtomicI64::new(0) });
        let memory = Arc::new(SiteMemory {
            inner: Mutex::new(Memory { next: 1, ..Memory::default() }),
            confirmed: Notify::new(),
            reported: Notify::new(),
            talked: Notify::new(),
        });
        Self { memory, store, clock, folder: Arc::new(folder) }
    }

    /// The same identity in another process, at another time or on another machine.
    pub(super) fn on_disk_of(other: &Self, skew_ms: i64) -> Self {
        let mut site = Self::new(skew_ms);
        site.store = other.store.clone();
        site.folder = Arc::clone(&other.folder);
        site
    }

    pub(super) async fn enroll(&self, join: &JoinString) -> Result<Enrolled, EnrolError> {
        enrol::enroll(&self.store, join, "tower-7", self.floor()).await
    }

    pub(super) fn floor(&self) -> Arc<CertificateTime> {
        Arc::new(CertificateTime(Arc::clone(&self.clock) as _))
    }

    pub(super) fn renewal(&self) -> Renewal {
        let gateways = self.store.enrolled().unwrap().unwrap().gateways;
        Renewal::new(self.store.clone(), gateways, Arc::clone(&self.clock) as _, self.floor(), 0)
    }

    pub(super) fn run(&self) -> Running {
        let gateways = self.store.enrolled().unwrap().unwrap().gateways;
        let renewal = Arc::new(self.renewal());
        let settings = UplinkSettings {
            gateways,
            run_id: [1; 16],
            sealing_key: [2; 32],
            backlog_bytes_per_second: 1 << 20,
        };
        let memory = &self.memory;
        let ports = Ports {
            samples: Arc::new(Buffer { memory: Arc::clone(memory), clock: Arc::clone(&self.clock) }),
            desired: Arc::clone(memory) as _,
            observed: Arc::clone(memory) as _,
            config: Arc::clone(memory) as _,
            jobs: Arc::clone(memory) as _,
            output: Arc::clone(memory) as _,
            clock: Arc::clone(&self.clock) as _,
            health: Arc::clone(memory) as _,
        };
        let (uplink, status) = Uplink::new(settings, ports, self.store.clone(), renewal);
        let stop = CancellationToken::new();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(uplink.run(stop.clone()));
        Running { status, stop, _tasks: tasks }
    }

    /// Measures one value of one counter now, by this machine's own clock, and confirms it.
    pub(super) fn measure(&self, value: i64) -> u64 {
        let column =
            Column { series: 1, timestamps_ms: vec![self.clock.now_ms()], values: Values::Int(vec![value]) };
        self.confirm(block::encode(&[column]).unwrap())
    }

    pub(super) fn confirm(&self, block: Vec<u8>) -> u64 {
        let mut memory = self.memory.inner.lock();
        let sequence = memory.next;
        memory.next += 1;
        memory.blocks.insert(sequence, (block, self.clock.offset_ms()));
        self.memory.confirmed.notify_one();
        sequence
    }

    pub(super) fn report(&self, report_id: u64) {
        let point = wire::ObservedPoint { point_id: "enp_1".into(), ..wire::ObservedPoint::default() };
        let report = wire::ObservedReport { report_id, points: vec![point] };
        self.memory.inner.lock().reports.insert(report_id, report);
        self.memory.reported.notify_one();
    }

    /// Lets a job say something.
    pub(super) fn say(&self, job_id: &str, sequence: u64) {
        let mut memory = self.memory.inner.lock();
        memory.parts_said += 1;
        let part = wire::JobPart { job_id: job_id.into(), sequence, ..wire::JobPart::default() };
        let number = memory.parts_said;
        memory.said.insert(number, part);
        self.memory.talked.notify_one();
    }

    pub(super) fn see<T>(&self, look: impl FnOnce(&Memory) -> T) -> T {
        look(&self.memory.inner.lock())
    }
}

/// The buffer, which knows by now how wrong the clock was when a block was written.
struct Buffer {
    memory: Arc<SiteMemory>,
    clock: Arc<WrongClock>,
}

#[async_trait]
impl SampleSource for Buffer {
    fn end(&self) -> Position {
        Position { epoch: EPOCH, sequence: self.memory.inner.lock().next }
    }

    async fn next(&self, from: Position, until: Option<u64>) -> Result<Option<OutgoingBatch>, PortError> {
        let memory = self.memory.inner.lock();
        let until = until.unwrap_or(u64::MAX);
        let found = memory.blocks.range(from.sequence..).next().filter(|(sequence, _)| **sequence < until);
        Ok(found.map(|(sequence, (block, applied_ms))| OutgoingBatch {
            position: Position { epoch: EPOCH, sequence: *sequence },
            block: block.clone().into(),
            sample_count: 1,
            correction_ms: self.clock.offset_ms() - applied_ms,
        }))
    }

    async fn confirmed(&self) {
        self.memory.confirmed.notified().await;
    }

    async fn series(&self, _epoch: [u8; 16], numbers: &[u32]) -> Result<Vec<wire::SeriesEntry>, PortError> {
        Ok(numbers
            .iter()
            .map(|number| wire::SeriesEntry {
                number: *number,
                name: "interface_receive_bytes_total".into(),
                device_id: "dev_1".into(),
                labels: vec![wire::Label { name: "interface".into(), value: format!("ether{number}") }],
                kind: wire::MetricKind::Counter.into(),
            })
            .collect())
    }

    async fn acknowledged(&self, epoch: [u8; 16], received: &[wire::SequenceRange]) -> Result<(), PortError> {
        assert_eq!(epoch, EPOCH);
        let mut memory = self.memory.inner.lock();
        for range in received {
            for sequence in range.first..=range.last {
                memory.blocks.remove(&sequence);
                memory.acknowledged.insert(sequence);
            }
        }
        Ok(())
    }

    fn stats(&self) -> BacklogStats {
        let batches = u64::try_from(self.memory.inner.lock().blocks.len()).unwrap();
        BacklogStats { batches, state: wire::BufferState::Ok, ..BacklogStats::default() }
    }
}

#[async_trait]
impl DesiredSink for SiteMemory {
    async fn snapshot_part(&self, part: wire::DesiredSnapshot) -> Result<(), PortError> {
        let mut memory = self.inner.lock();
        memory.pushes += 1;
        let last = part.last;
        memory.parts.push(part);
        if last {
            let parts = std::mem::take(&mut memory.parts);
            let points = parts.into_iter().flat_map(|part| part.points);
            memory.points = points.map(|point| (point.point_id.clone(), point)).collect();
        }
        Ok(())
    }

    async fn update(&self, update: wire::DesiredUpdate) -> Result<(), PortError> {
        let mut memory = self.inner.lock();
        memory.pushes += 1;
        if let Some(words) = memory.refuse.take() {
            return Err(PortError::Refused(words));
        }
        for point in update.points {
            memory.points.insert(point.point_id.clone(), point);
        }
        Ok(())
    }

    fn highest_order(&self) -> Order {
        self.inner.lock().points.values().filter_map(|point| point.order).max().unwrap_or(Order::NONE)
    }

    fn digest(&self) -> [u8; 32] {
        let memory = self.inner.lock();
        desired::digest(
            memory.points.values().map(|point| (point.point_id.as_str(), point.order.unwrap_or_default())),
        )
    }
}

#[async_trait]
impl ObservedSource for SiteMemory {
    async fn next(&self, after: u64) -> Result<Option<wire::ObservedReport>, PortError> {
        Ok(self.inner.lock().reports.range(after + 1..).next().map(|(_, report)| report.clone()))
    }

    async fn reported(&self) {
        self.reported.notified().await;
    }

    async fn acknowledged(&self, report_id: u64) -> Result<(), PortError> {
        self.inner.lock().reports.remove(&report_id);
        Ok(())
    }
}

#[async_trait]
impl ConfigSink for SiteMemory {
    async fn received(&self, config: wire::AgentConfig) -> wire::ConfigApplied {
        let version = config.version;
        self.inner.lock().configs.push(config);
        wire::ConfigApplied { version, error: String::new() }
    }

    fn version(&self) -> u64 {
        self.inner.lock().configs.last().map_or(0, |config| config.version)
    }
}

impl HealthSource for SiteMemory {
    fn devices(&self) -> Vec<wire::DeviceState> {
        vec![wire::DeviceState { device_id: "dev_1".into(), ..wire::DeviceState::default() }]
    }

    fn cuts_held_reason(&self) -> String {
        String::new()
    }
}
