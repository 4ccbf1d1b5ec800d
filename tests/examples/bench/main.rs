//! `make bench`: what the work costs on this machine, beside peers in the same run. Nothing passes or fails.
//!
//! The measured programs are release builds in processes of their own, read from /proc; what starts them and reads the
//! figures may be slow.
// A program for a terminal, with a clock of its own; a directory that cannot be made ends it.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used
)]

mod agent;
mod payment;
mod process;
mod search;
mod table;
mod wire;
#[path = "../../../controlplane/metrics/examples/ingest/workload.rs"]
mod workload;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// SNMP walks and memory of the agent.
    Agent,
    /// Echoes of the agent.
    Icmp,
    /// From the wire into the control plane's store.
    Wire,
    /// From a payment to a subscriber who is online.
    Payment,
    /// The search among many customers.
    Search,
}

/// What is measured, and how long.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Parts; all when none is named.
    parts: Vec<Part>,
    /// Where the release builds lie.
    #[arg(long, env = "ATALAYA_PROGRAMS")]
    programs: PathBuf,
    /// The peer that is compiled: net-snmp's library in a loop.
    #[arg(long, default_value = "packaging/bench/libsnmp_walks.c")]
    libsnmp_source: PathBuf,
    /// Runs of each figure.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Devices that the agent measures, of 24 interfaces each.
    #[arg(long, default_value_t = 1_000)]
    devices: u32,
    /// Seconds of one run of the agent.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Windows of 60 s at the usual interval; 0 leaves them out.
    #[arg(long, default_value_t = 2)]
    minutes: usize,
    /// Subscribers whose metrics come by wire.
    #[arg(long, default_value_t = 5_000)]
    subscribers: u32,
    /// Hours of their metrics.
    #[arg(long, default_value_t = 6)]
    hours: u32,
    /// Payments.
    #[arg(long, default_value_t = 50)]
    payments: u32,
    /// Customers who are searched.
    #[arg(long, default_value_t = 100_000)]
    customers: u32,
}

impl Options {
    fn agent(&self) -> PathBuf {
        self.programs.join("atalaya-agent")
    }
}

fn load(when: &str) -> anyhow::Result<()> {
    println!("load of this machine {when}: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let parts: &[Part] = if options.parts.is_empty() { Part::value_variants() } else { &options.parts };
    load("before")?;
    table::head();
    let runtime = tokio::runtime::Runtime::new()?;
    for part in parts {
        match part {
            Part::Agent => runtime.block_on(agent::snmp(&options))?,
            Part::Icmp => runtime.block_on(agent::icmp(&options))?,
            Part::Wire => wire::measure(&options, &runtime)?,
            Part::Payment => payment::measure(&options, &runtime)?,
            Part::Search => search::measure(&options, &runtime)?,
        }
    }
    load("after")
}
