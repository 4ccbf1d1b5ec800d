//! `probe DEVICE`: is it reachable, what does it say, and of what family is it?
//!
//! With a community any address that speaks SNMP can be asked, configured or not: which profile fits, what would be
//! measured with it, and what that gives now.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use zeroize::Zeroizing;

use super::{Bench, label, open_resources, print_test};
use crate::clock::AgentClock;
use crate::config::Local;
use crate::driver::registry::Resources;
use crate::driver::snmp::SnmpDevice;
use crate::driver::snmp::profile::Profile;
use crate::driver::{
    Credentials, Device, Kind, RouterosOptions, SampleReceiver, SampleSink, Target, TlsMode, Value,
};
use crate::supervise::Supervisor;

const PATIENCE: Duration = Duration::from_secs(60);
/// A recording reads whole tables, one after the other.
const RECORDING_PATIENCE: Duration = Duration::from_secs(600);

#[derive(clap::Args)]
pub(super) struct Probe {
    /// Its id (dev_…) or its name; with --community an address or a host name
    device: String,
    /// Community of SNMP v2c; others see a command line, so better give it by the variable
    #[arg(long, env = "ATALAYA_PROBE_COMMUNITY", hide_env_values = true, value_name = "TEXT")]
    community: Option<String>,
    /// UDP port, where it is not 161
    #[arg(long, requires = "community")]
    port: Option<u16>,
    /// Also write what the device says to this file, anonymised, as a recording for snmpsim
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

// Derived, it would print the community.
impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe")
            .field("device", &self.device)
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

/// Prints samples as they come.
struct Printer {
    count: usize,
}

impl SampleReceiver for Printer {
    fn receive(&mut self, metric: &str, labels: &[(&str, &str)], _kind: Kind, value: Value) {
        self.count += 1;
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let value = match value {
            Value::Int(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
        };
        println!("{metric}{{{}}} {value}", labels.join(","));
    }
}

impl Probe {
    pub(super) async fn run(self, local: &Local) -> anyhow::Result<u8> {
        let (resources, target) = match &self.community {
            Some(community) => {
                let resources = open_resources(local, Arc::new(AgentClock::start()));
                (resources, self.any_address(community))
            }
            None => {
                let bench = Bench::open(local)?;
                let target = bench.device(&self.device)?.driver.target().clone();
                (bench.resources, target)
            }
        };
        let speaks_snmp = target.kind == "snmp";
        anyhow::ensure!(
            self.record.is_none() || speaks_snmp,
            "only a device that speaks SNMP can be recorded"
        );
        let mut tasks = Supervisor::new();
        tasks.start("sockets", Arc::clone(&resources).run(tasks.token()));
        println!("{}", if self.community.is_some() { target.host.clone() } else { label(&target) });
        let well = if speaks_snmp {
            self.snmp(&resources, target).await
        } else {
            print_measured(resources.device(target)?.as_ref()).await
        };
        tasks.stop(Duration::from_secs(1)).await?;
        Ok(u8::from(!well?))
    }

    fn any_address(&self, community: &str) -> Target {
        Target {
            device_id: String::new(),
            site_id: String::new(),
            name: self.device.clone(),
            kind: "snmp".into(),
            host: self.device.clone(),
            port: self.port,
            tls: TlsMode::Off,
            credentials: Credentials::SnmpV2c { community: Zeroizing::new(community.to_owned()) },
            max_in_flight: 0,
            routeros: RouterosOptions::default(),
        }
    }

    async fn snmp(&self, resources: &Resources, target: Target) -> anyhow::Result<bool> {
        let device = resources.snmp_device(target)?;
        // That none fits, and why it cannot be told, the connection test says.
        if let Ok(Some(profile)) = device.profile().await {
            print_profile(&profile);
        }
        let mut well = print_measured(&device).await?;
        if well && let Some(file) = &self.record {
            well = record(&device, file).await?;
        }
        Ok(well)
    }
}

fn print_profile(profile: &Profile) {
    println!(
        "{} ({}) of {}, from {}, would measure{}:",
        profile.id,
        profile.name,
        profile.file,
        profile.sources.join(", "),
        if profile.interfaces { " beside the interfaces" } else { "" }
    );
    for measured in profile.measures() {
        let every = match measured.every.as_secs() {
            0 => String::new(),
            seconds => format!(", at most every {seconds} s"),
        };
        println!(
            "         {}{{{}}}: {} ({}){every}",
            measured.metric,
            measured.labels.join(","),
            measured.object,
            measured.oid
        );
    }
}

/// Tests the connection and measures once; true when all went well.
async fn print_measured(device: &dyn Device) -> anyhow::Result<bool> {
    if !print_test(device).await {
        return Ok(false);
    }
    let Some(measure) = device.measure() else { return Ok(true) };
    let mut printer = Printer { count: 0 };
    let mut sink = SampleSink::new(&mut printer);
    match tokio::time::timeout(PATIENCE, measure.measure(&mut sink)).await {
        Ok(Ok(())) => {
            println!("{} samples", printer.count);
            Ok(true)
        }
        Ok(Err(error)) => {
            println!("FAILED   {error}");
            Ok(false)
        }
        Err(_) => {
            println!("FAILED   the measurement took longer than {} s", PATIENCE.as_secs());
            Ok(false)
        }
    }
}

async fn record(device: &SnmpDevice, file: &Path) -> anyhow::Result<bool> {
    match tokio::time::timeout(RECORDING_PATIENCE, device.record()).await {
        Ok(Ok(text)) => {
            std::fs::write(file, &text).with_context(|| file.display().to_string())?;
            println!(
                "{} objects recorded in {}; read it before you give it away",
                text.lines().count() - 1,
                file.display()
            );
            Ok(true)
        }
        Ok(Err(error)) => {
            println!("FAILED   recording: {error}");
            Ok(false)
        }
        Err(_) => {
            println!("FAILED   the recording took longer than {} s", RECORDING_PATIENCE.as_secs());
            Ok(false)
        }
    }
}
