//! The commands of `atalaya-agent`. Each is a function that ends in an exit code; `main` only hands over.
#![allow(clippy::print_stdout)] // Commands talk to the person at the terminal.

mod doctor;
mod enroll;
mod log_lines;
mod probe;
mod status;
mod verify;

use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::clock::Clock;
use crate::config::{ConfigKeeper, Local, LogFormat, SealingKey};
use crate::driver::registry::Resources;
use crate::driver::{Device, Target};
use log_lines::JsonLines;
use std::sync::Arc;

/// Where a package puts the configuration; used when it is there and none is named.
const DEFAULT_CONFIG: &str = "/etc/atalaya-agent/agent.toml";

/// The Atalaya agent: measures the devices of a site, and keeps them as headquarters wants them.
#[derive(Debug, Parser)]
#[command(name = "atalaya-agent", version, about)]
pub struct Cli {
    /// Configuration file [default: /etc/atalaya-agent/agent.toml where it exists]
    #[arg(long, global = true, env = "ATALAYA_AGENT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// State directory; overrides the configuration
    #[arg(long, global = true, env = "ATALAYA_AGENT_STATE_DIR", value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Log filter, as `info` or `atalaya_agent=debug`; overrides the configuration
    #[arg(long, global = true, env = "ATALAYA_AGENT_LOG", value_name = "FILTER")]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make this machine an agent, with the join string that headquarters printed
    Enroll(enroll::Enroll),
    /// Run until told to stop
    Run,
    /// Say how the running agent is; exit code 0 = well, 1 = something needs a person, 3 = not running
    Status(status::StatusCommand),
    /// Check everything that a working agent needs, and say how to mend what is missing
    Doctor,
    /// Test the connection to a device and measure it once: a configured one, or with --community any that speaks SNMP
    Probe(probe::Probe),
    /// On a router whose owner allows it: make a test subscriber, cut, read, reconnect, remove; prints a transcript
    Verify(verify::Verify),
}

/// Runs a command line to its end.
///
/// # Errors
/// What stopped the command, for the terminal.
pub fn run(cli: Cli) -> anyhow::Result<u8> {
    let mut local = Local::load(cli.config_file().as_deref())?;
    if let Some(state_dir) = cli.state_dir {
        local.state_dir = state_dir;
    }
    if let Some(filter) = cli.log {
        local.log.filter = filter;
    }
    local.validate()?;
    let running = matches!(cli.command, Command::Run);
    start_log(&local, running)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Enroll(command) => command.run(&local).await,
            Command::Run => crate::app::run(local).await.map(|()| 0),
            Command::Status(command) => command.run(&local),
            Command::Doctor => doctor::run(&local).await,
            Command::Probe(command) => command.run(&local).await,
            Command::Verify(command) => command.run(&local).await,
        }
    })
}

impl Cli {
    fn config_file(&self) -> Option<PathBuf> {
        self.config.clone().or_else(|| Some(PathBuf::from(DEFAULT_CONFIG)).filter(|path| path.exists()))
    }
}

/// The daemon logs as configured; a command only what went wrong, to leave the terminal to its answer.
fn start_log(local: &Local, daemon: bool) -> anyhow::Result<()> {
    use tracing_subscriber::{EnvFilter, fmt::format::JsonFields};
    let filter = if daemon || local.log.filter != "info" { local.log.filter.as_str() } else { "warn" };
    let filter = EnvFilter::try_new(filter).with_context(|| format!("log.filter = {}", local.log.filter))?;
    // Colours are for a terminal; the journal and files keep them as rubbish.
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match local.log.format {
        LogFormat::Text => log.init(),
        LogFormat::Json => {
            log.fmt_fields(JsonFields::new()).event_format(JsonLines::default()).init();
        }
    }
    Ok(())
}

/// What commands need to speak to a configured device without the daemon.
struct Bench {
    resources: Arc<Resources>,
    keeper: ConfigKeeper,
}

impl Bench {
    fn open(local: &Local) -> anyhow::Result<Self> {
        let clock = Arc::new(crate::clock::AgentClock::start());
        let resources = open_resources(local, clock);
        let key = SealingKey::load_or_create(&local.state_dir.join("identity"))
            .with_context(|| format!("identity in {}", local.state_dir.display()))?;
        let keeper = ConfigKeeper::open(&local.state_dir, key, Arc::clone(&resources));
        Ok(Self { resources, keeper })
    }

    fn device(&self, id_or_name: &str) -> anyhow::Result<Arc<crate::config::ActiveDevice>> {
        let config = self.keeper.subscribe().borrow().clone();
        if let Some(device) = config.find(id_or_name) {
            return Ok(Arc::clone(device));
        }
        if let Some(error) = config.refused.get(id_or_name) {
            anyhow::bail!("{id_or_name}: {error}");
        }
        let known: Vec<String> = config.devices.iter().map(|device| label(device.driver.target())).collect();
        anyhow::bail!(
            "no device `{id_or_name}` in the configuration in force; there are: {}",
            known.join(", ")
        )
    }
}

/// What drivers share, with the device profiles of this machine; what is wrong in those is said and left out.
#[allow(clippy::print_stderr)] // Beside the answer, for the person at the terminal.
fn open_resources(local: &Local, clock: Arc<dyn Clock>) -> Arc<Resources> {
    let (profiles, wrong) = local.profiles();
    wrong.iter().for_each(|error| eprintln!("device profile not in force: {error}"));
    Arc::new(Resources::with_profiles(clock, local.echo_plan(), profiles))
}

fn label(target: &Target) -> String {
    format!("{} ({})", target.device_id, target.name)
}

/// Prints the stages of a connection test; true when none failed.
async fn print_test(device: &dyn Device) -> bool {
    use atalaya_protocol::wire::CheckStatus;
    let mut well = true;
    for check in device.test_connection().await {
        let word = match check.status() {
            CheckStatus::Passed => "ok     ",
            CheckStatus::Warning => "warning",
            CheckStatus::Failed => "FAILED ",
            CheckStatus::Skipped | CheckStatus::Unspecified => "skipped",
        };
        well &= check.status() != CheckStatus::Failed;
        println!("{word}  {}: {}", check.code, check.detail);
        for line in check.remedy.lines() {
            println!("         {line}");
        }
    }
    well
}
