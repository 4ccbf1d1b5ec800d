//! The running agent: everything is made here, tied together here, and stopped here.
//!
//! Read [`run`] and you know the process. Order matters in two places: the buffer and the stores are open before
//! anybody writes to them, and at the end the tasks that produce samples stop before the packer has written its last
//! block, so a clean stop loses nothing.

mod bridges;
mod health;
mod time;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc, watch};

use crate::buffer::{self, Buffer};
use crate::clock::{AgentClock, Clock};
use crate::config::{ConfigKeeper, Local, SealingKey};
use crate::driver::registry::Resources;
use crate::enforcer::{Enforcer, Stores};
use crate::enrol::{CertificateTime, Enrolled, IdentityStore, Renewal};
use crate::jobs::Jobs;
use crate::poller::{DeviceBoard, Poller};
use crate::supervise::{Liveness, Supervisor};
use crate::telemetry::{BufferedSamples, Packer, Registry};
use crate::uplink::{Ports, Uplink, UplinkSettings};
use bridges::{Health, Unsealer};
use time::AgentTime;
pub(crate) use time::{BuildTime, build_time_ms};

/// Measurements on their way to the packer; beyond it the poller waits.
const SAMPLE_QUEUE: usize = 256;
/// A clean stop takes this long at most.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Runs the agent of an enrolled state directory until SIGTERM or SIGINT.
///
/// # Errors
/// It is not enrolled, its stores do not open, or a task ended unexpectedly: the text names it.
pub async fn run(local: Local) -> anyhow::Result<()> {
    let state_dir = local.state_dir.clone();
    let clock = Arc::new(AgentClock::start());
    let time_source: Arc<dyn Clock> = clock.clone();
    let run_id = buffer::mint();
    let identity = IdentityStore::open(&state_dir)?;
    let enrolled = identity
        .enrolled()?
        .context("this agent is not enrolled: run `atalaya-agent enroll --join STRING` first")?;
    let sealing = SealingKey::load_or_create(&state_dir.join("identity"))?;

    let buffer = open_buffer(&state_dir, &local, run_id).await?;
    let registry = Arc::new(Registry::of(&buffer));
    let agent_time =
        Arc::new(AgentTime::open(&state_dir, clock.clone(), Arc::clone(&buffer), enrolled.confirmed_time_ms));
    let (profiles, wrong) = local.profiles();
    wrong.iter().for_each(|error| tracing::error!(%error, "a device profile is not in force"));
    let resources = Arc::new(Resources::with_profiles(time_source.clone(), local.echo_plan(), profiles));
    let keeper = Arc::new(ConfigKeeper::open(&state_dir, sealing.clone(), Arc::clone(&resources)));
    let stores = Stores::open(&state_dir.join("journal"), time_source.now_ms())?;
    let (presence, present) = watch::channel(false);
    let unsealer = Arc::new(Unsealer(sealing.clone()));
    let enforcer = Arc::new(Enforcer::new(&stores, time_source.clone(), unsealer, present)?);
    let board = Arc::new(DeviceBoard::default());
    let liveness = Arc::new(Liveness::default());
    let confirmed = Arc::new(Notify::new());
    let (samples, arrivals) = mpsc::channel(SAMPLE_QUEUE);

    let gateways = gateways(&local, &enrolled);
    let floor = Arc::new(CertificateTime(agent_time.clone()));
    let renewal =
        Arc::new(Renewal::new(identity.clone(), gateways.clone(), agent_time.clone(), floor, rand::random()));
    let settings = UplinkSettings {
        gateways,
        run_id,
        sealing_key: sealing.public(),
        backlog_bytes_per_second: local.uplink.backlog_kib_per_second << 10,
    };
    let jobs =
        Arc::new(Jobs::new(enforcer.clone(), keeper.clone(), stores.database.clone(), time_source.clone())?);
    let ports = Ports {
        samples: Arc::new(BufferedSamples::new(
            buffer.clone(),
            registry.clone(),
            time_source.clone(),
            confirmed.clone(),
            run_id,
        )),
        desired: stores.desired.clone(),
        observed: stores.outbox.clone(),
        config: keeper.clone(),
        jobs: jobs.clone(),
        output: jobs,
        clock: agent_time.clone(),
        health: Arc::new(Health { board: board.clone(), enforcer: enforcer.clone() }),
    };
    let (uplink, link) = Uplink::new(settings, ports, identity, renewal.clone());
    let reporter = Arc::new(health::Reporter {
        state_dir,
        agent: enrolled.agent.clone(),
        clock: time_source.clone(),
        time: agent_time,
        buffer: buffer.clone(),
        registry: registry.clone(),
        board: board.clone(),
        echoes: resources.echoes.clone(),
        snmp: resources.snmp.clone(),
        config: keeper.subscribe(),
        enforcer: enforcer.clone(),
        link: link.clone(),
    });
    let poller = Poller {
        clock: time_source.clone(),
        registry: registry.clone(),
        samples: samples.clone(),
        board,
        liveness: liveness.clone(),
    };

    let mut tasks = Supervisor::new();
    let stop = tasks.token();
    tasks.start("packer", Packer::new(registry, buffer, confirmed).run(arrivals, time_source, stop.clone()));
    tasks.start("sockets", resources.clone().run(stop.clone()));
    tasks.start("poller", poller.run(keeper.subscribe(), stop.clone()));
    tasks.start("configuration", bridges::configure(keeper.subscribe(), enforcer.clone(), stop.clone()));
    tasks.start("presence", bridges::presence(link, presence, stop.clone()));
    tasks.start("enforcer", enforcer.run(stop.clone()));
    tasks.start("uplink", uplink.run(stop.clone()));
    tasks.start("renewal", renewal.run(stop.clone()));
    tasks.start("status", reporter.clone().write_status(stop.clone()));
    tasks.start("self", reporter.measure_self(samples, stop.clone()));
    tasks.start("watchdog", health::feed_watchdog(liveness, stop));

    health::tell(&[sd_notify::NotifyState::Ready]);
    tracing::info!(agent = enrolled.agent, version = env!("CARGO_PKG_VERSION"), "the agent runs");
    let (mut terminated, mut interrupted) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let ended = tokio::select! {
        ended = tasks.first_end() => Err(ended),
        _ = terminated.recv() => Ok(()),
        _ = interrupted.recv() => Ok(()),
    };
    health::tell(&[sd_notify::NotifyState::Stopping]);
    let stopped = tasks.stop(STOP_WITHIN).await;
    ended.and(stopped)?;
    tracing::info!("the agent stopped");
    Ok(())
}

async fn open_buffer(state_dir: &Path, local: &Local, run_id: [u8; 16]) -> anyhow::Result<Arc<Buffer>> {
    let (dir, bounds) = (state_dir.join("buffer"), local.bounds());
    let opened = tokio::task::spawn_blocking(move || Buffer::open(&dir, bounds, run_id)).await?;
    Ok(Arc::new(opened))
}

/// Those of `agent.toml`, or else those of the join string.
pub(crate) fn gateways(local: &Local, enrolled: &Enrolled) -> Vec<String> {
    if local.gateways.is_empty() { enrolled.gateways.clone() } else { local.gateways.clone() }
}
