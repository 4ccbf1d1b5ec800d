//! `make demo`: an ISP on this machine, on real programs and simulated routers.

use anyhow::Context;
use atalaya_tests::{
    harness::Options,
    isp::{Isp, OWNER, PASSWORD, Size, in_parallel},
};
use clap::Parser;
use serde_json::json;
use std::{
    net::{SocketAddr, TcpListener, UdpSocket},
    path::PathBuf,
    time::Duration,
};
use tokio::signal::unix::{SignalKind, signal};

/// Starts an ISP with simulated routers and fictional subscribers, and stops it on Ctrl-C.
#[derive(Debug, Parser)]
struct Demo {
    /// Where the web app listens.
    #[arg(long, env = "ATALAYA_DEMO_HTTP", default_value = "127.0.0.1:8080")]
    http: SocketAddr,
    /// Where agents are let in (UDP).
    #[arg(long, env = "ATALAYA_DEMO_GATEWAY", default_value = "127.0.0.1:7443")]
    gateway: SocketAddr,
    /// Folder of its data, emptied at the start.
    #[arg(long, env = "ATALAYA_DEMO_FOLDER", default_value = "target/demo")]
    folder: PathBuf,
    /// Subscribers of each of the two sites.
    #[arg(long, default_value_t = 150)]
    subscribers: u32,
    /// Stops once everything is up, for tests.
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let demo = Demo::parse();
    free("web app", "--http or ATALAYA_DEMO_HTTP", TcpListener::bind(demo.http).map(drop), demo.http)?;
    free(
        "gateway",
        "--gateway or ATALAYA_DEMO_GATEWAY",
        UdpSocket::bind(demo.gateway).map(drop),
        demo.gateway,
    )?;
    if demo.folder.exists() {
        std::fs::remove_dir_all(&demo.folder)
            .with_context(|| format!("cannot empty {}", demo.folder.display()))?;
    }
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let once = demo.once;
    let start = tokio::task::spawn_blocking(move || start(&demo));
    let isp = tokio::select! {
        started = start => started??,
        // What was started so far ends with this process's children.
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    tell(&isp);
    if !once {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    }
    tokio::task::spawn_blocking(move || stop(isp)).await?
}

fn free(what: &str, mend: &str, bound: std::io::Result<()>, address: SocketAddr) -> anyhow::Result<()> {
    bound.with_context(|| format!("{address} for the {what} is taken: choose another with {mend}"))
}

fn start(demo: &Demo) -> anyhow::Result<Isp> {
    let options = Options {
        http: demo.http,
        gateway: demo.gateway,
        ..Options::in_folder(&demo.folder.join("control-plane"))
    };
    let isp = Isp::start(&demo.folder, options, Size { subscribers: demo.subscribers, sites: 2 })?;
    // Some are behind with their bills, so that there is something to preview.
    in_parallel(isp.sites.iter(), |site| {
        for subscriber in site.subscribers.iter().step_by(10) {
            let bill = json!({
                "customer_id": subscriber.customer, "service_id": subscriber.service, "description": "Mensualidad anterior",
                "amount": {"amount": 5_900, "currency": "PEN"}, "due_on": "2026-10-10",
            });
            isp.owner.post("/invoices", &bill)?;
        }
        Ok(())
    })?;
    // One router is held as headquarters wants it; the other only observed, as a newly attached one is.
    isp.sites[0].enforce(&isp.owner)?;
    Ok(isp)
}

#[allow(clippy::print_stdout, reason = "the demo talks to the person who started it")]
fn tell(isp: &Isp) {
    println!();
    println!("  NetAndina is up:  http://{}", isp.control_plane.http());
    println!("  Log in as         {OWNER}");
    println!("  with password     {PASSWORD}");
    println!();
    println!(
        "  2 sites, each with an agent, a simulated MikroTik and a real snmpd; {} subscribers.",
        isp.sites.iter().map(|site| site.subscribers.len()).sum::<usize>()
    );
    println!("  RB-1 is in enforce: cut somebody and watch. RB-2 is in observe: look at its plan first.");
    println!("  Some are overdue: see Cobranza, make a preview. Ctrl-C stops everything.");
    println!();
}

fn stop(isp: Isp) -> anyhow::Result<()> {
    let within = Duration::from_secs(20);
    let Isp { mut control_plane, sites, .. } = isp;
    for mut site in sites {
        site.agent.process.stop(within)?;
        site.router.process.stop(within)?;
        site.switch.process.stop(within)?;
    }
    control_plane.process.stop(within)
}
