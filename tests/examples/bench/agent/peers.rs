//! The same jobs by programs of others. A peer that is not installed is said to be missing, with its Debian package.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::process::Command;

use super::fleet::Fleet;
use crate::Options;
use crate::process::{cpu, terminate};

/// CPU-seconds per 1,000 walks, or what is missing.
pub(super) type Cost = Result<f64, String>;

/// Rounds over the fleet in one run of the compiled peer.
const ROUNDS: usize = 5;
/// Requests under way.
const IN_FLIGHT: &str = "100";

/// net-snmp's C library in an asynchronous loop, one thread, that keeps nothing of what it reads.
pub(crate) async fn libsnmp(options: &Options, fleet: &Fleet) -> anyhow::Result<Cost> {
    let dir = tempfile::tempdir()?;
    let program = dir.path().join("libsnmp");
    let compiled = Command::new("cc")
        .args(["-O2", "-o"])
        .arg(&program)
        .arg(&options.libsnmp_source)
        .arg("-lnetsnmp")
        .stderr(Stdio::null())
        .status()
        .await;
    if !compiled.is_ok_and(|status| status.success()) {
        return Ok(Err("libsnmp (Debian package libsnmp-dev, and a C compiler)".to_owned()));
    }
    let mut targets = String::new();
    for address in std::iter::repeat_n(&fleet.addresses, ROUNDS).flatten() {
        writeln!(targets, "{}", address.ip())?;
    }
    let list = dir.path().join("targets");
    std::fs::write(&list, targets)?;
    let port = fleet.addresses.first().context("an empty fleet")?.port();
    let mut child = Command::new(&program)
        .arg(&list)
        .args([&port.to_string(), IN_FLIGHT])
        .env("SNMPCONFPATH", dir.path())
        .env("SNMP_PERSISTENT_DIR", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    // It prints its last line and waits for the end of its input, so that its CPU can still be read.
    let mut line = String::new();
    let mut output = tokio::io::BufReader::new(child.stdout.take().context("piped")?);
    tokio::io::AsyncBufReadExt::read_line(&mut output, &mut line).await?;
    let used = cpu(child.id().context("it ended")?)?;
    drop(child.stdin.take());
    child.wait().await?;
    let walks = u32::try_from(fleet.addresses.len() * ROUNDS)?;
    anyhow::ensure!(line.starts_with(&format!("devices {walks} ")), "libsnmp: {line}");
    Ok(Ok(used * 1_000.0 / f64::from(walks)))
}

/// collectd's snmp plugin, GETBULK of 25, eight threads, as fast as it can; it ships by its network plugin to nobody.
pub(crate) async fn collectd(options: &Options, fleet: &Fleet) -> anyhow::Result<Cost> {
    let dir = tempfile::tempdir()?;
    let base = dir.path().display();
    std::fs::write(
        dir.path().join("types.db"),
        "ifjob oper:GAUGE:U:U, inerr:DERIVE:0:U, outerr:DERIVE:0:U, disc:DERIVE:0:U, inoct:DERIVE:0:U, \
         outoct:DERIVE:0:U, speed:GAUGE:U:U, since:GAUGE:U:U\nuptime value:GAUGE:0:U\n",
    )?;
    let mut config = format!(
        "FQDNLookup false\nHostname bench\nTypesDB \"{base}/types.db\"\nInterval 0.1\nReadThreads 8\nWriteThreads 2\n\
         BaseDir \"{base}\"\nPIDFile \"{base}/pid\"\nMaxReadInterval 0.1\nLoadPlugin network\n\
         <Plugin network>\nServer \"127.0.0.1\" \"9\"\n</Plugin>\nLoadPlugin snmp\n<Plugin snmp>\n<Data \"job\">\n\
         Type \"ifjob\"\nTable true\nTypeInstanceOID \"1.3.6.1.2.1.31.1.1.1.1\"\nValues"
    );
    for column in [
        "2.2.1.8",
        "2.2.1.14",
        "2.2.1.20",
        "2.2.1.13",
        "31.1.1.1.6",
        "31.1.1.1.10",
        "31.1.1.1.15",
        "31.1.1.1.19",
    ] {
        write!(config, " \"1.3.6.1.2.1.{column}\"")?;
    }
    config += "\n</Data>\n<Data \"up\">\nType \"uptime\"\nValues \"1.3.6.1.2.1.1.3.0\"\n</Data>\n";
    for (number, address) in fleet.addresses.iter().enumerate() {
        writeln!(
            config,
            "<Host \"d{number}\">\nAddress \"{address}\"\nVersion 2\nCommunity \"public\"\nCollect \"up\" \"job\"\n\
             Interval 0.1\nTimeout 2\nRetries 1\nBulkSize 25\n</Host>"
        )?;
    }
    config += "</Plugin>\n";
    let file = dir.path().join("collectd.conf");
    std::fs::write(&file, config)?;
    let started = Command::new("collectd")
        .args(["-f", "-C"])
        .arg(&file)
        .env("MIBS", "")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let Ok(mut child) = started else { return Ok(Err("collectd (Debian package collectd-core)".to_owned())) };
    let pid = child.id().context("collectd ended")?;
    // Its sessions are opened first.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let (before, served) = (cpu(pid)?, fleet.served().await?);
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let (used, walks) = (cpu(pid)? - before, fleet.served().await?.uptimes - served.uptimes);
    terminate(&mut child).await.context("collectd")?;
    Ok(Ok(used * 1_000.0 / f64::from(u32::try_from(walks.max(1))?)))
}

/// fping with five echoes to each target, 200 ms apart, as the agent sends them: CPU-seconds of one echo.
pub(crate) async fn fping(targets: &[std::net::IpAddr]) -> anyhow::Result<Cost> {
    let dir = tempfile::tempdir()?;
    let list: String = targets.iter().map(|target| format!("{target}\n")).collect();
    std::fs::write(dir.path().join("targets"), list)?;
    // The shell's own clock of its child: the program is over before /proc could be read.
    let output = Command::new("bash")
        .args(["-c", "TIMEFORMAT='%U %S'; time fping -q -c 5 -p 200 -i 0 -f targets >/dev/null 2>&1"])
        .current_dir(dir.path())
        .output()
        .await?;
    if !output.status.success() {
        return Ok(Err("fping (Debian package fping; without a pause it wants root)".to_owned()));
    }
    let times = String::from_utf8(output.stderr)?;
    let used: f64 = times.split_whitespace().map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(Ok(used / f64::from(u32::try_from(targets.len() * 5)?)))
}
