//! `make bench`, the agent's part: what the measuring path costs, beside peers in the same run.
//!
//! A fleet of simulated SNMP devices in a process of its own; the real program `atalaya-agent run` on it, its samples
//! packed and confirmed on disk; CPU and memory of that process alone, from /proc. The walks are counted afterwards in
//! what the buffer kept, so that a walk that was not durable does not count. Nothing passes or fails.
// A program for a terminal, with a clock of its own; a state directory that cannot be made ends it.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../../tests/all/support/enrolled.rs"]
mod enrolled;
mod peers;
mod process;
mod walks;

use std::path::PathBuf;

use clap::Parser;

/// What is measured, and how long.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// The agent, a release build.
    #[arg(long)]
    agent: PathBuf,
    /// The simulators' program.
    #[arg(long)]
    simulators: PathBuf,
    /// The peer that is compiled: net-snmp's library in a loop.
    #[arg(long)]
    libsnmp_source: PathBuf,
    /// Devices, of 24 interfaces each.
    #[arg(long, default_value_t = 1_000)]
    devices: u32,
    /// Runs of each figure.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds of one run at full speed.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Windows of 60 s at the usual interval; 0 leaves that part out.
    #[arg(long, default_value_t = 2)]
    minutes: usize,
}

/// Median, least and most.
pub(crate) fn spread(figures: &[f64], digits: usize) -> String {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.first(), sorted.get(sorted.len() / 2), sorted.last()) {
        (Some(least), Some(median), Some(most)) => {
            format!("{median:.digits$} ({least:.digits$}-{most:.digits$})")
        }
        _ => "not measured".to_owned(),
    }
}

fn median(figures: &[f64]) -> Option<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

fn line(work: &str, ours: &str, aim: &str, peer: &str) {
    println!("{work:<52} | {ours:<22} | {aim:<8} | {peer}");
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let fleet = process::Fleet::start(&options.simulators, options.devices).await?;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    println!("load of this machine before: {}", load.trim());
    line("work", "ours: median (min-max)", "aim", "peer");

    let (mut ours, mut rates, mut libsnmp, mut collectd) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut missing = Vec::new();
    for run in 0..options.runs {
        // Side by side: what else runs on the machine meets all of them.
        let walked = walks::measure(&options, &fleet, 1, options.seconds, 1).await?;
        for window in &walked.windows {
            ours.push(window.cpu_per_1000());
            rates.push(window.per_second());
        }
        for (peer, figures) in [
            (peers::libsnmp(&options, &fleet).await, &mut libsnmp),
            (peers::collectd(&options, &fleet).await, &mut collectd),
        ] {
            match peer? {
                Ok(cost) => figures.push(cost),
                Err(reason) if run == 0 => missing.push(reason),
                Err(_) => {}
            }
        }
    }
    let peer = |name: &str, theirs: &[f64]| match (median(&ours), median(theirs)) {
        (Some(ours), Some(theirs_median)) => {
            format!("{name} {}, ours is {:.2} of it", spread(theirs, 2), ours / theirs_median)
        }
        _ => format!("{name}: not installed"),
    };
    line("SNMP walks a second (a machine shared with others)", &spread(&rates, 0), "", "");
    line(
        "SNMP, CPU-s per 1,000 walks, durable on disk",
        &spread(&ours, 3),
        "0.35",
        &peer("collectd", &collectd),
    );
    line("", "", "", &peer("bare libsnmp loop that keeps nothing", &libsnmp));
    if options.minutes > 0 {
        let walked = walks::measure(&options, &fleet, 60, 60, options.minutes).await?;
        let costs: Vec<f64> = walked.windows.iter().map(walks::Window::cpu_per_1000).collect();
        let memory = |of: fn(&process::Memory) -> f64| {
            walked.windows.iter().map(|window| of(&window.memory)).collect::<Vec<_>>()
        };
        let count = options.devices;
        line(&format!("{count} devices each 60 s, CPU-s per 1,000 walks"), &spread(&costs, 3), "0.35", "");
        line("  resident memory, MiB (RSS)", &spread(&memory(|memory| memory.rss), 1), "30", "");
        line("  resident memory, MiB (PSS)", &spread(&memory(|memory| memory.pss), 1), "30", "");
        line("  samples a walk", &format!("{:.0}", walked.samples_per_walk), "", "");
        line(
            "  bytes per sample, packed as on disk and wire",
            &format!("{:.2}", walked.bytes_per_sample),
            "",
            "",
        );
    }
    for reason in missing {
        println!("peer not installed: {reason}");
    }
    let load = std::fs::read_to_string("/proc/loadavg")?;
    println!("load of this machine after: {}", load.trim());
    fleet.stop().await
}
