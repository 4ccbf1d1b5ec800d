//! The agent alone on some devices: what it used, and what of its work was durable.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use atalaya_agent::buffer::{Bounds, Buffer};
use atalaya_protocol::block::{self, Values};
use atalaya_protocol::wire;
use tokio::process::Command;

use super::enrolled;
use crate::process::{Memory, cpu, terminate};

/// All devices must have been measured once within this time, before a window starts.
const ALL_WITHIN: Duration = Duration::from_secs(180);

/// One window of time.
pub(crate) struct Window {
    from_ms: i64,
    until_ms: i64,
    cpu: f64,
    /// At its end.
    pub(crate) memory: Memory,
    /// Measurements of a device that were durable.
    measured: u32,
}

impl Window {
    pub(crate) fn cpu_per_1000(&self) -> f64 {
        self.cpu * 1_000.0 / f64::from(self.measured.max(1))
    }

    pub(crate) fn per_second(&self) -> f64 {
        let ms = u32::try_from(self.until_ms - self.from_ms).unwrap_or(u32::MAX);
        f64::from(self.measured) * 1_000.0 / f64::from(ms)
    }
}

/// What came of it.
pub(crate) struct Measured {
    pub(crate) windows: Vec<Window>,
    pub(crate) samples_each: f64,
    pub(crate) bytes_per_sample: f64,
}

fn now_ms() -> anyhow::Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}

/// What the agent is to measure, given its state directory, in which credentials are sealed.
pub(crate) type Targets<'a> = dyn Fn(&Path) -> Vec<wire::DeviceConfig> + 'a;

/// Runs the agent on some devices, headquarters away.
pub(crate) async fn measure(
    program: &Path,
    targets: &Targets<'_>,
    window_seconds: u64,
    windows: usize,
) -> anyhow::Result<Measured> {
    let dir = tempfile::tempdir()?;
    enrolled::enrol(dir.path());
    let targets = targets(dir.path());
    let devices = targets.len();
    enrolled::configure(dir.path(), targets).await;
    let mut agent = Command::new(program)
        .args(["run", "--log", "error", "--state-dir"])
        .arg(dir.path())
        .stdout(Stdio::null())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| program.display().to_string())?;
    let pid = agent.id().context("the agent ended")?;
    all_answer(dir.path(), devices).await?;
    let mut taken = Vec::new();
    for _ in 0..windows {
        let (from_ms, before) = (now_ms()?, cpu(pid)?);
        tokio::time::sleep(Duration::from_secs(window_seconds)).await;
        let (until_ms, after) = (now_ms()?, cpu(pid)?);
        taken.push(Window { from_ms, until_ms, cpu: after - before, memory: Memory::of(pid)?, measured: 0 });
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

/// Counts in the buffer what was durable: measurements of each window, samples, bytes.
fn count(state_dir: &Path, mut windows: Vec<Window>) -> anyhow::Result<Measured> {
    let buffer = Buffer::open(&state_dir.join("buffer"), Bounds::default(), [9; 16]);
    let up: std::collections::HashSet<u32> = buffer
        .persisted_series()
        .into_iter()
        .filter(|entry| entry.name == "device_up")
        .map(|entry| entry.number)
        .collect();
    let (mut from, mut measured, mut samples, mut bytes) = (0, 0u32, 0u32, 0u32);
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
                let last = windows.last().map_or(*at, |window| window.until_ms);
                anyhow::ensure!(
                    value == 1,
                    "a device did not answer, {} ms after the last window",
                    at - last
                );
                measured += 1;
                for window in
                    windows.iter_mut().filter(|window| (window.from_ms..window.until_ms).contains(at))
                {
                    window.measured += 1;
                }
            }
        }
    }
    Ok(Measured {
        windows,
        samples_each: f64::from(samples) / f64::from(measured.max(1)),
        bytes_per_sample: f64::from(bytes) / f64::from(samples.max(1)),
    })
}
