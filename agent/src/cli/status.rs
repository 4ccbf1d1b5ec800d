//! `status`: how the running agent is.

use crate::clock::{AgentClock, Clock};
use crate::config::Local;
use crate::status::{Health, Status};

#[derive(Debug, clap::Args)]
pub(super) struct StatusCommand {
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

impl StatusCommand {
    pub(super) fn run(&self, local: &Local) -> anyhow::Result<u8> {
        let Some(status) = Status::read(&local.state_dir)? else {
            if self.json {
                println!("{}", serde_json::json!({ "health": "not_running" }));
            } else {
                println!("not running: nothing was ever written to {}", local.state_dir.display());
            }
            return Ok(Health::NotRunning.code());
        };
        let lives = std::path::Path::new("/proc").join(status.pid.to_string()).exists();
        let health = status.health(AgentClock::start().local_ms(), lives);
        if self.json {
            let word = match health {
                Health::Well => "well",
                Health::Degraded => "degraded",
                Health::NotRunning => "not_running",
            };
            let mut document = serde_json::to_value(&status)?;
            document["health"] = word.into();
            document["problems"] = status.problems().into();
            println!("{}", serde_json::to_string_pretty(&document)?);
        } else {
            print(&status, health);
        }
        Ok(health.code())
    }
}

fn print(status: &Status, health: Health) {
    match health {
        Health::Well => println!("{}: well", status.agent),
        Health::Degraded => println!("{}: running, something needs a person", status.agent),
        Health::NotRunning => println!("{}: not running; this is the last it said", status.agent),
    }
    println!("  headquarters  {} {} {}", status.link.state, status.link.gateway, status.link.detail);
    let buffer = &status.buffer;
    println!(
        "  buffer        {}: {} blocks ({} KiB) wait, {} samples given up, {} databases set aside",
        buffer.state,
        buffer.blocks,
        buffer.bytes / 1024,
        buffer.evicted_samples,
        buffer.quarantined_databases
    );
    println!("  clock         {} ms behind headquarters", status.clock_offset_ms);
    println!("  configuration version {}", status.config_version);
    let answering = status.devices.iter().filter(|device| device.state == "answers").count();
    println!("  devices       {answering}/{} answer", status.devices.len());
    for problem in status.problems() {
        println!("  ! {problem}");
    }
}
