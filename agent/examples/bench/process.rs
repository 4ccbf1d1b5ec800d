//! Processes and what /proc says of them.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use atalaya_simulators::control::ControlClient;
use atalaya_simulators::snmp_fleet::Served;
use atalaya_simulators::snmp_fleet::control::Request;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Ticks of /proc in a second (USER_HZ): fixed by Linux' interface on every machine that we build for.
const TICKS_PER_SECOND: f64 = 100.0;
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

/// Ends a process by SIGTERM and waits for it.
pub(crate) async fn terminate(child: &mut Child) -> anyhow::Result<()> {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    kill_process(pid.context("it ended by itself")?, Signal::TERM)?;
    let status = tokio::time::timeout(STOP_WITHIN, child.wait()).await.context("it does not stop")??;
    anyhow::ensure!(status.success(), "it ended with {status}");
    Ok(())
}

/// The simulated devices, in a process of their own.
pub(crate) struct Fleet {
    child: Child,
    pub(crate) addresses: Vec<std::net::SocketAddr>,
    control: std::net::SocketAddr,
}

#[derive(serde::Deserialize)]
struct Announced {
    snmp: Vec<std::net::SocketAddr>,
    control: std::net::SocketAddr,
}

impl Fleet {
    pub(crate) async fn start(program: &Path, devices: u32) -> anyhow::Result<Self> {
        let mut child = Command::new(program)
            .args(["snmp-fleet", "--control", "127.0.0.1:0", "--devices", &devices.to_string()])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| program.display().to_string())?;
        let output = child.stdout.take().context("piped")?;
        let line = BufReader::new(output).lines().next_line().await?.context("the fleet did not start")?;
        let Announced { snmp, control } = serde_json::from_str(&line)?;
        Ok(Self { child, addresses: snmp, control })
    }

    /// What it served so far.
    pub(crate) async fn served(&self) -> anyhow::Result<Served> {
        let mut control = ControlClient::connect(self.control).await?;
        Ok(control.ask_as(&Request::Served).await?)
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        terminate(&mut self.child).await
    }
}
