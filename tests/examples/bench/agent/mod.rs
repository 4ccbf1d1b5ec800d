//! What the measuring path costs, beside peers in the same run.
//!
//! The real program `atalaya-agent run`, its samples packed and confirmed on disk; CPU and memory of that process alone,
//! from /proc. The measurements are counted afterwards in what the buffer kept, so that one that was not durable does not
//! count.

#[path = "../../../../agent/tests/all/support/enrolled.rs"]
mod enrolled;
mod fleet;
mod measured;
mod peers;

use std::net::{IpAddr, Ipv4Addr};

use atalaya_protocol::wire;

use crate::Options;
use crate::process::Memory;
use crate::table::{beside, line, spread};
use fleet::Fleet;
use measured::Window;

/// Echoes of one measurement of the agent's.
const ECHOES: f64 = 5.0;

/// SNMP: a fleet of simulated devices in a process of its own.
pub(crate) async fn snmp(options: &Options) -> anyhow::Result<()> {
    let fleet = Fleet::start(&options.programs.join("atalaya-sim"), options.devices).await?;
    at_full_speed(options, &fleet).await?;
    if options.minutes > 0 {
        each_minute(options, &fleet).await?;
    }
    fleet.stop().await
}

async fn at_full_speed(options: &Options, fleet: &Fleet) -> anyhow::Result<()> {
    let (mut ours, mut rates, mut libsnmp, mut collectd) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut no_libsnmp, mut no_collectd) = (String::new(), String::new());
    for _ in 0..options.runs {
        // Side by side: what else runs on the machine meets all of them.
        let walked =
            measured::measure(&options.agent(), &|dir| walks(fleet, dir, 1), options.seconds, 1).await?;
        ours.extend(walked.windows.iter().map(Window::cpu_per_1000));
        rates.extend(walked.windows.iter().map(Window::per_second));
        keep(peers::libsnmp(options, fleet).await?, &mut libsnmp, &mut no_libsnmp);
        keep(peers::collectd(options, fleet).await?, &mut collectd, &mut no_collectd);
    }
    line("SNMP, walks a second", &spread(&rates, 0), "", "");
    let collectd = beside("collectd", &ours, &collectd, 2, &no_collectd);
    line("SNMP, CPU-s per 1,000 walks, durable on disk", &spread(&ours, 3), "0.35", &collectd);
    line("", "", "", &beside("bare libsnmp loop that keeps nothing", &ours, &libsnmp, 2, &no_libsnmp));
    Ok(())
}

async fn each_minute(options: &Options, fleet: &Fleet) -> anyhow::Result<()> {
    let walked =
        measured::measure(&options.agent(), &|dir| walks(fleet, dir, 60), 60, options.minutes).await?;
    let costs: Vec<f64> = walked.windows.iter().map(Window::cpu_per_1000).collect();
    let memory = |of: fn(&Memory) -> f64| {
        let figures: Vec<f64> = walked.windows.iter().map(|window| of(&window.memory)).collect();
        spread(&figures, 1)
    };
    let count = options.devices;
    line(&format!("SNMP, {count} devices each 60 s, CPU-s per 1,000 walks"), &spread(&costs, 3), "0.35", "");
    line("  resident memory, MiB (RSS)", &memory(|memory| memory.rss), "30", "");
    line("  resident memory, MiB (PSS)", &memory(|memory| memory.pss), "30", "");
    line("  samples a walk", &format!("{:.0}", walked.samples_each), "", "");
    line(
        "  bytes per sample, packed as on disk and wire",
        &format!("{:.2}", walked.bytes_per_sample),
        "",
        "",
    );
    Ok(())
}

/// ICMP: addresses of this machine, each pinged every two seconds with five echoes, whose last leaves after 0.8 s.
pub(crate) async fn icmp(options: &Options) -> anyhow::Result<()> {
    let targets: Vec<IpAddr> = (0..options.devices).map(loopback).collect();
    let (mut ours, mut fping, mut no_fping) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..options.runs {
        let echoed = measured::measure(&options.agent(), &|_| echoes(&targets), options.seconds, 1).await?;
        // CPU-s per 1,000 measurements of five echoes, in microseconds of one.
        ours.extend(echoed.windows.iter().map(|window| window.cpu_per_1000() * 1e3 / ECHOES));
        keep(peers::fping(&targets).await?.map(|seconds| seconds * 1e6), &mut fping, &mut no_fping);
    }
    let fping = beside("fping, that keeps nothing", &ours, &fping, 1, &no_fping);
    line("ICMP, CPU of an echo, figures durable on disk, us", &spread(&ours, 1), "20", &fping);
    Ok(())
}

fn loopback(number: u32) -> IpAddr {
    // 127.0.32.1 and onward.
    Ipv4Addr::from_bits(0x7f00_2001 + number).into()
}

fn keep(cost: peers::Cost, figures: &mut Vec<f64>, why_not: &mut String) {
    match cost {
        Ok(cost) => figures.push(cost),
        Err(missing) => *why_not = format!("not installed: {missing}"),
    }
}

/// All devices of the fleet, with an interval of so many seconds.
fn walks(fleet: &Fleet, state_dir: &std::path::Path, every_seconds: u32) -> Vec<wire::DeviceConfig> {
    let community = enrolled::sealed_community(state_dir, "public");
    let device = |(number, address): (usize, &std::net::SocketAddr)| wire::DeviceConfig {
        device_id: format!("dev_{number:05}"),
        name: format!("switch {number}"),
        kind: "snmp".into(),
        host: address.ip().to_string(),
        port: address.port().into(),
        sealed_credentials: community.clone(),
        measure_interval_ms: every_seconds * 1_000,
        without_ping: true,
        ..Default::default()
    };
    fleet.addresses.iter().enumerate().map(device).collect()
}

fn echoes(targets: &[IpAddr]) -> Vec<wire::DeviceConfig> {
    let device = |(number, address): (usize, &IpAddr)| wire::DeviceConfig {
        device_id: format!("dev_{number:05}"),
        name: format!("host {number}"),
        kind: "icmp".into(),
        host: address.to_string(),
        measure_interval_ms: 2_000,
        ..Default::default()
    };
    targets.iter().enumerate().map(device).collect()
}
