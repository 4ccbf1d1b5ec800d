//! The agent's health: what goes into heartbeats, into its own metrics and into the status file.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use atalaya_protocol::wire;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::time::AgentTime;
use crate::buffer::{Buffer, Health};
use crate::clock::Clock;
use crate::config::ActiveConfig;
use crate::driver::SampleSink;
use crate::driver::icmp::Echoes;
use crate::driver::snmp::Sockets;
use crate::enforcer::Enforcer;
use crate::poller::DeviceBoard;
use crate::status::{BufferView, DeviceView, Link, Status};
use crate::supervise::Liveness;
use crate::telemetry::{DeviceSamples, Registry, Sample};
use crate::uplink::UplinkStatus;

const STATUS_EVERY: Duration = Duration::from_secs(5);
const METRICS_EVERY: Duration = Duration::from_secs(15);

/// Everything that health is read from.
pub(super) struct Reporter {
    /// Where the status file goes.
    pub(super) state_dir: PathBuf,
    /// `agt_…`
    pub(super) agent: String,
    /// Time.
    pub(super) clock: Arc<dyn Clock>,
    /// Time as corrected by headquarters.
    pub(super) time: Arc<AgentTime>,
    /// The buffer.
    pub(super) buffer: Arc<Buffer>,
    /// Series.
    pub(super) registry: Arc<Registry>,
    /// Devices.
    pub(super) board: Arc<DeviceBoard>,
    /// ICMP sockets.
    pub(super) echoes: Arc<Echoes>,
    /// SNMP sockets.
    pub(super) snmp: Arc<Sockets>,
    /// Configuration in force.
    pub(super) config: watch::Receiver<Arc<ActiveConfig>>,
    /// Says why cuts are held.
    pub(super) enforcer: Arc<Enforcer>,
    /// The connection.
    pub(super) link: watch::Receiver<UplinkStatus>,
}

impl Reporter {
    /// Writes the status file until `stop`.
    ///
    /// # Errors
    /// None: a disk that refuses is told once in the log, and tried again.
    pub(super) async fn write_status(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        let mut refused = false;
        loop {
            let reporter = Arc::clone(&self);
            let written = tokio::task::spawn_blocking(move || {
                reporter.time.keep_floor();
                reporter.status().write(&reporter.state_dir)
            })
            .await?;
            if let (Err(error), false) = (&written, refused) {
                tracing::warn!(%error, "the status file cannot be written");
            }
            refused = written.is_err();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(STATUS_EVERY) => {}
            }
        }
    }

    /// Measures the agent itself until `stop`.
    ///
    /// # Errors
    /// None at present; the signature is the supervisor's.
    pub(super) async fn measure_self(
        self: Arc<Self>,
        samples: mpsc::Sender<Vec<Sample>>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            let taken = self.own_samples();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                sent = samples.send(taken) => if sent.is_err() { return Ok(()) },
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(METRICS_EVERY) => {}
            }
        }
    }

    fn own_samples(&self) -> Vec<Sample> {
        let stats = self.buffer.stats();
        let mut taken = DeviceSamples::new(&self.registry, self.clock.as_ref(), "");
        let mut sink = SampleSink::new(&mut taken);
        sink.gauge("agent_clock_offset_seconds", &[], seconds(self.clock.offset_ms()));
        sink.gauge("agent_backlog_batches", &[], stats.blocks);
        sink.gauge("agent_backlog_bytes", &[], stats.bytes);
        sink.gauge("agent_buffer_disk_bytes", &[], stats.disk_bytes);
        sink.counter("agent_evicted_samples_total", &[], stats.evicted_samples);
        sink.counter("agent_quarantined_databases_total", &[], stats.quarantined_databases);
        sink.gauge("agent_series", &[], i64::try_from(self.registry.len()).unwrap_or(i64::MAX));
        sink.counter("agent_refused_series_samples_total", &[], self.registry.refused());
        sink.counter("agent_skipped_polls_total", &[], self.board.all_skipped());
        let dropped = self.snmp.dropped();
        for (reason, count) in
            [("foreign", dropped.foreign), ("unasked", dropped.unasked), ("unreadable", dropped.unreadable)]
        {
            sink.counter("agent_snmp_dropped_answers_total", &[("reason", reason)], count);
        }
        if let Some(bytes) = resident_bytes() {
            sink.gauge("agent_resident_memory_bytes", &[], bytes);
        }
        taken.samples
    }

    fn status(&self) -> Status {
        let stats = self.buffer.stats();
        let link = self.link.borrow().clone();
        let config = self.config.borrow().clone();
        let state = serde_json::to_value(link.state).ok().and_then(|value| value.as_str().map(str::to_owned));
        let configured = config.message.devices.iter();
        let names = configured.map(|known| (known.device_id.as_str(), known.name.as_str())).collect();
        let devices = self.board.states().into_iter().map(|device| device_view(device, &names)).collect();
        let machine_problems = self.echoes.problem(true).map(str::to_owned).into_iter().collect();
        Status {
            written_local_ms: self.clock.local_ms(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").into(),
            agent: self.agent.clone(),
            link: Link {
                state: state.unwrap_or_default(),
                gateway: link.gateway,
                since_ms: link.since_ms,
                detail: link.detail,
            },
            buffer: BufferView {
                state: match stats.health {
                    Health::Ok => "ok",
                    Health::DiskFull => "disk_full",
                    Health::ReadOnly => "read_only",
                    Health::Quarantined => "quarantined",
                }
                .into(),
                blocks: stats.blocks,
                bytes: stats.bytes,
                oldest_ms: stats.oldest_ms.unwrap_or(0),
                evicted_samples: stats.evicted_samples,
                quarantined_databases: stats.quarantined_databases,
                disk_bytes: stats.disk_bytes,
            },
            config_version: config.version,
            clock_offset_ms: self.clock.offset_ms(),
            cuts_held_reason: self.enforcer.cuts_held_reason(),
            machine_problems,
            devices,
        }
    }
}

/// `names` are those of the configured devices, by id.
fn device_view(device: wire::DeviceState, names: &HashMap<&str, &str>) -> DeviceView {
    DeviceView {
        name: names.get(device.device_id.as_str()).copied().unwrap_or_default().to_owned(),
        state: match device.reachability() {
            wire::Reachability::Answers => "answers",
            wire::Reachability::Silent => "silent",
            wire::Reachability::Refuses => "refuses",
            wire::Reachability::Unspecified => "unknown",
        }
        .into(),
        device_id: device.device_id,
        detail: device.detail,
        since_ms: device.since_ms,
        model: device.model,
    }
}

/// Milliseconds → seconds; the sign stays.
fn seconds(millis: i64) -> f64 {
    let size = Duration::from_millis(millis.unsigned_abs()).as_secs_f64();
    if millis < 0 { -size } else { size }
}

/// Resident memory of this process, where the system tells.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Feeds the service manager's watchdog while the poller's loop turns.
///
/// # Errors
/// None: without a service manager there is nobody to tell.
pub(super) async fn feed_watchdog(liveness: Arc<Liveness>, stop: CancellationToken) -> anyhow::Result<()> {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        stop.cancelled().await;
        return Ok(());
    };
    let mut last = 0;
    loop {
        let beats = liveness.beats();
        if beats != last {
            last = beats;
            tell(&[sd_notify::NotifyState::Watchdog]);
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(limit / 3) => {}
        }
    }
}

/// Tells the service manager; without one this does nothing.
pub(super) fn tell(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
