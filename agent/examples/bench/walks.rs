//! The agent on the fleet.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use atalaya_agent::buffer::{Bounds, Buffer};
use atalaya_protocol::block::{self, Values};
use atalaya_protocol::wire;
use tokio::process::Command;

use crate::Options;
use crate::enrolled;
use crate::process::{Fleet, Memory, cpu, terminate};

/// All devices must have been measured once within this time, before a window starts.
const ALL_WITHIN: Duration = Duration::from_secs(180);

/// One window of time.
pub(crate) struct Window {
    from_ms: i64,
    until_ms: i64,
    cpu: f64,
    /// At its end.
    pub(crate) memory: Memory,
    walks: u32,
}

impl Window {
    pub(crate) fn cpu_per_1000(&self) -> f64 {
        self.cpu * 1_000.0 / f64::from(self.walks.max(1))
    }

    pub(crate) fn per_second(&self) -> f64 {
        let ms = u32::try_from(self.until_ms - self.from_ms).unwrap_or(u32::MAX);
        f64::from(self.walks) * 1_000.0 / f64::from(ms)
    }
}

/// What came of it.
pub(crate) struct Walked {
    pub(crate) windows: Vec<Window>,
    pub(crate) samples_per_walk: f64,
    pub(crate) bytes_per_sample: f64,
}

fn now_ms() -> anyhow::Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}

/// Runs the agent on the whole fleet with an interval of so many seconds, headquarters away.
pub(crate) async fn measure(
    options: &Options,
    fleet: &Fleet,
    every_seconds: u32,
    window_seconds: u64,
    windows: usize,
) -> anyhow::Result<Walked> {
    let dir = tempfile::tempdir()?;
    enrolled::enrol(dir.path());
    let community = enrolled::sealed_community(dir.path(), "public");
    let devices = fleet.addresses.iter().enumerate().map(|(number, address)| wire::DeviceConfig {
        device_id: format!("dev_{number:05}"),
        name: format!("switch {number}"),
        kind: "snmp".into(),
        host: address.ip().to_string(),
        port: address.port().into(),
        sealed_credentials: community.clone(),
        measure_interval_ms: every_seconds * 1_000,
        ..Default::default()
    });
    enrolled::configure(dir.path(), devices.collect()).await;
    let mut agent = Command::new(&options.agent)
        .args(["run", "--log", "error", "--state-dir"])
        .arg(dir.path())
        .stdout(Stdio::null())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| options.agent.display().to_string())?;
    let pid = agent.id().context("the agent ended")?;
    all_answer(dir.path(), fleet.addresses.len()).await?;
    let mut taken = Vec::new();
    for _ in 0..windows {
        let (from_ms, before) = (now_ms()?, cpu(pid)?);
        tokio::time::sleep(Duration::from_secs(window_seconds)).await;
        let (until_ms, after) = (now_ms()?, cpu(pid)?);
        taken.push(Window { from_ms, until_ms, cpu: after - before, memory: Memory::of(pid)?, walks: 0 });
    }
    terminate(&mut agent).await.context("the agent")?;
    count(dir.path(), taken)
}

/// Waits until the status names so many devices that answer.
async fn all_answer(state_dir: &Path, devices: usize) -> anyhow::Result<()> {
    let path = state_dir.join(atalaya_agent::status::FILE);
    let all = async {
        loop {
            if let Ok(text) = std::fs::read_to_string(&path)
                && let Ok(status) = serde_json::from_str::<atalaya_agent::status::Status>(&text)
                && status.devices.iter().filter(|device| device.state == "answers").count() == devices
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(ALL_WITHIN, all).await.context("not every device answered in time")
}

/// Counts in the buffer what was durable: successful walks of each window, samples, bytes.
fn count(state_dir: &Path, mut windows: Vec<Window>) -> anyhow::Result<Walked> {
    let buffer = Buffer::open(&state_dir.join("buffer"), Bounds::default(), [9; 16]);
    let up: std::collections::HashSet<u32> = buffer
        .persisted_series()
        .into_iter()
        .filter(|entry| entry.name == "device_up")
        .map(|entry| entry.number)
        .collect();
    let (mut from, mut walks, mut samples, mut bytes) = (0, 0u32, 0u32, 0u32);
    while let Some(stored) = buffer.peek(buffer.epoch(), from, None)? {
        from = stored.sequence + 1;
        bytes += u32::try_from(stored.block.bytes.len())?;
        samples += stored.block.sample_count;
        for column in block::decode(&stored.block.bytes, &block::Limits::default())? {
            let Values::Int(values) = column.values else { continue };
            if !up.contains(&column.series) {
                continue;
            }
            for (at, value) in column.timestamps_ms.iter().zip(values) {
                anyhow::ensure!(value == 1, "a device of the fleet did not answer");
                walks += 1;
                for window in
                    windows.iter_mut().filter(|window| (window.from_ms..window.until_ms).contains(at))
                {
                    window.walks += 1;
                }
            }
        }
    }
    Ok(Walked {
        windows,
        samples_per_walk: f64::from(samples) / f64::from(walks.max(1)),
        bytes_per_sample: f64::from(bytes) / f64::from(samples.max(1)),
    })
}
