//! `atalaya-sim`: the simulators as processes.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use atalaya_simulators::clock::Pace;
use atalaya_simulators::control;
use atalaya_simulators::relay::{self, Link, Relay, Transport};
use atalaya_simulators::routeros::{self, RouterSim, SimConfig, Version};
use atalaya_simulators::snmp_fleet::{self, Fleet, FleetConfig};
use atalaya_simulators::snmpd::{Snmpd, SnmpdConfig};
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
    Routeros(Box<RouterosArgs>),
    /// A bad link to a server.
    Relay(RelayArgs),
    /// The real SNMP agent of net-snmp on a port of its own.
    Snmpd(SnmpdArgs),
    /// Many SNMP devices on loopback addresses, to measure pollers against.
    SnmpFleet(FleetArgs),
}

#[derive(Debug, Args)]
struct FleetArgs {
    /// How many devices.
    #[arg(long, default_value_t = 1_000)]
    devices: u32,
    /// Address of the first, a loopback one; the others follow.
    #[arg(long, default_value = "127.0.16.1")]
    first: std::net::Ipv4Addr,
    /// UDP port of all; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Interfaces of each.
    #[arg(long, default_value_t = 24)]
    interfaces: u32,
    /// Community that is answered.
    #[arg(long, default_value = "public")]
    community: String,
    /// Largest answer, bytes of UDP payload.
    #[arg(long, default_value_t = 1_472)]
    largest: usize,
    /// Milliseconds from a request to its answer.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// So many of the last devices never answer.
    #[arg(long, default_value_t = 0)]
    silent: u32,
    /// Where the control port listens.
    #[arg(long)]
    control: Option<SocketAddr>,
}

#[derive(Debug, Args)]
struct RelayArgs {
    /// What is relayed.
    #[arg(long, value_enum, default_value = "udp")]
    transport: Transport,
    /// Where clients connect.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The server behind.
    #[arg(long)]
    upstream: SocketAddr,
    /// Seed of the losses.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Datagrams lost of 1,000.
    #[arg(long, default_value_t = 0)]
    loss_permille: u16,
    /// Milliseconds of delay each way.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// Where the control port listens.
    #[arg(long)]
    control: Option<SocketAddr>,
}

#[derive(Debug, Args)]
struct SnmpdArgs {
    /// Read-only community.
    #[arg(long, default_value = "public")]
    community: String,
    /// Its name.
    #[arg(long, default_value = "sim-switch")]
    system_name: String,
    /// UDP port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
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
        What::Relay(args) => relay(&args).await,
        What::Snmpd(args) => snmpd(args).await,
        What::SnmpFleet(args) => fleet(args).await,
    }
}

async fn routeros(args: &RouterosArgs) -> anyhow::Result<()> {
    let sim = RouterSim::start(args.sim_config()?).await?;
    let control = control_port(args.control).await?;
    announce(&serde_json::json!({
        "api": sim.address(),
        "api_ssl": sim.tls_address(),
        "control": control.as_ref().map(TcpListener::local_addr).transpose()?,
    }));
    run(control, move |request| routeros::control::answer(&sim, request)).await
}

async fn relay(args: &RelayArgs) -> anyhow::Result<()> {
    let relay = Relay::start(args.transport, args.listen, args.upstream, args.seed).await?;
    relay.set_link(Link { loss_permille: args.loss_permille, delay_ms: args.delay_ms, cut: false });
    let control = control_port(args.control).await?;
    announce(&serde_json::json!({
        "listen": relay.address(),
        "control": control.as_ref().map(TcpListener::local_addr).transpose()?,
    }));
    run(control, move |request| relay::control::answer(&relay, request)).await
}

async fn snmpd(args: SnmpdArgs) -> anyhow::Result<()> {
    let SnmpdArgs { community, system_name, port } = args;
    let agent = Snmpd::start(&SnmpdConfig { community, system_name, port, ..SnmpdConfig::default() }).await?;
    announce(&serde_json::json!({ "snmp": agent.address() }));
    terminated().await;
    agent.stop().await.context("stopping snmpd")
}

async fn fleet(args: FleetArgs) -> anyhow::Result<()> {
    let FleetArgs { devices, first, port, interfaces, community, largest, delay_ms, silent, control } = args;
    let config = FleetConfig { devices, first, port, interfaces, community, largest, delay_ms, silent };
    let fleet = Fleet::start(config).await?;
    let control = control_port(control).await?;
    announce(&serde_json::json!({
        "snmp": fleet.addresses(),
        "control": control.as_ref().map(TcpListener::local_addr).transpose()?,
    }));
    run(control, move |request| snmp_fleet::control::answer(&fleet, request)).await
}

async fn control_port(address: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    Ok(Some(TcpListener::bind(address).await.with_context(|| format!("control port {address}"))?))
}

/// Answers the control port, if there is one, until the process is told to end.
async fn run<R: serde::de::DeserializeOwned>(
    control: Option<TcpListener>,
    answer: impl Fn(R) -> Result<serde_json::Value, String> + Send + Sync + 'static,
) -> anyhow::Result<()> {
    match control {
        Some(listener) => tokio::select! {
            served = control::serve(listener, answer) => served.context("control port"),
            () = terminated() => Ok(()),
        },
        None => {
            // The simulator lives in the closure.
            terminated().await;
            drop(answer);
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
