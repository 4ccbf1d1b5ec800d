//! Processes and what /proc says of them.

use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

/// Ticks of /proc in a second (USER_HZ): fixed by Linux' interface on every machine that we build for.
const TICKS_PER_SECOND: f64 = 100.0;
/// A process that takes less CPU than this within a second rests.
const RESTING: f64 = 0.03;
const STOP_WITHIN: Duration = Duration::from_secs(40);

/// CPU seconds that a process used so far, user and system.
pub(crate) fn cpu(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold spaces; it ends at the last bracket. User and system time are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(')').context("/proc/PID/stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks: Result<Vec<u32>, _> = ticks.collect();
    Ok(f64::from(ticks?.iter().sum::<u32>()) / TICKS_PER_SECOND)
}

/// MiB that a process holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Resident, shared pages counted whole.
    pub(crate) rss: f64,
    /// Resident, shared pages counted by share.
    pub(crate) pss: f64,
}

impl Memory {
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        let mib = |name: &str| -> anyhow::Result<f64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).context("smaps_rollup")?;
            let kib: u32 = line.trim().trim_end_matches(" kB").parse()?;
            Ok(f64::from(kib) / 1024.0)
        };
        Ok(Self { rss: mib("Rss:")?, pss: mib("Pss:")? })
    }
}

/// CPU seconds that a process used until it had nothing left to do: it is looked at each second until it rests.
pub(crate) async fn cpu_at_rest(pid: u32) -> anyhow::Result<f64> {
    let mut before = cpu(pid)?;
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = cpu(pid)?;
        if now - before < RESTING {
            return Ok(now);
        }
        before = now;
    }
}

/// Asks a process to end.
pub(crate) fn signal_to_stop(pid: u32) -> anyhow::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("no process id")?;
    Ok(kill_process(pid, Signal::TERM)?)
}

/// Ends a process by SIGTERM and waits for it.
pub(crate) async fn terminate(child: &mut Child) -> anyhow::Result<()> {
    signal_to_stop(child.id().context("it ended by itself")?)?;
    let status = tokio::time::timeout(STOP_WITHIN, child.wait()).await.context("it does not stop")??;
    anyhow::ensure!(status.success(), "it ended with {status}");
    Ok(())
}
