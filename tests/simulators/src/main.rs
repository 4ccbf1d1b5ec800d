//! `atalaya-sim`: the simulators as processes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use atalaya_simulators::clock::Pace;
use atalaya_simulators::routeros::{RouterSim, SimConfig, Version, control};
use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;

/// Simulated devices and a bad link. Prints one JSON line with its addresses once it is ready.
#[derive(Debug, Parser)]
#[command(name = "atalaya-sim", version)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A MikroTik router with subscribers.
    Routeros(RouterosArgs),
}

#[derive(Debug, Args)]
struct RouterosArgs {
    /// Configuration as JSON (see `SimConfig`); what other options say goes first.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where the API listens.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Where the API over TLS listens.
    #[arg(long)]
    listen_tls: Option<SocketAddr>,
    /// Where the control port listens.
    #[arg(long)]
    control: Option<SocketAddr>,
    /// RouterOS version, such as 7.18.2.
    #[arg(long)]
    version: Option<Version>,
    /// A small ISP with this many PPPoE subscribers that dial, instead of an empty router.
    #[arg(long)]
    subscribers: Option<u32>,
    /// Device time runs this many times faster.
    #[arg(long)]
    speed: Option<u32>,
    /// Name of the router.
    #[arg(long)]
    identity: Option<String>,
}

impl RouterosArgs {
    fn sim_config(&self) -> anyhow::Result<SimConfig> {
        let mut config = match (&self.config, self.subscribers) {
            (Some(path), _) => {
                let text =
                    std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
                serde_json::from_str(&text).with_context(|| format!("in {}", path.display()))?
            }
            (None, Some(subscribers)) => SimConfig::isp(subscribers, true),
            (None, None) => SimConfig::default(),
        };
        config.listen = self.listen.unwrap_or(config.listen);
        config.listen_tls = self.listen_tls.or(config.listen_tls);
        config.version = self.version.unwrap_or(config.version);
        config.pace = self.speed.map_or(config.pace, Pace::Times);
        if let Some(identity) = &self.identity {
            config.identity.clone_from(identity);
        }
        Ok(config)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match Cli::parse().what {
        What::Routeros(args) => routeros(&args).await,
    }
}

async fn routeros(args: &RouterosArgs) -> anyhow::Result<()> {
    let sim = Arc::new(RouterSim::start(args.sim_config()?).await?);
    let control = match args.control {
        Some(address) => {
            Some(TcpListener::bind(address).await.with_context(|| format!("control port {address}"))?)
        }
        None => None,
    };
    let control_address = control.as_ref().map(TcpListener::local_addr).transpose()?;
    announce(&serde_json::json!({
        "api": sim.address(),
        "api_ssl": sim.tls_address(),
        "control": control_address,
    }));
    match control {
        Some(listener) => tokio::select! {
            served = control::serve(sim, listener) => served.context("control port"),
            () = terminated() => Ok(()),
        },
        None => {
            terminated().await;
            Ok(())
        }
    }
}

/// Says on standard output that the simulator is ready, and where.
#[allow(clippy::print_stdout)] // this line is the interface to whoever started the process
fn announce(addresses: &serde_json::Value) {
    println!("{addresses}");
}

/// Waits for SIGINT or SIGTERM.
async fn terminated() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(error) => {
            tracing::error!(%error, "cannot wait for SIGTERM");
            return;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
