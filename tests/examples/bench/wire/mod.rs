//! From the wire into the store: a tower that was alone for hours sends what its buffer kept.
//!
//! The buffer is filled beforehand by the agent's own packer; then the real agent sends it to the real control plane
//! through a relay that counts bytes. What is measured is the control plane's process: QUIC, TLS, decoding, whose a
//! sample is, durable commit, acknowledgement, roll-ups.

mod victoria;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use atalaya_agent::buffer::{Bounds, Buffer};
use atalaya_agent::clock::AgentClock;
use atalaya_agent::driver::{Kind, Value};
use atalaya_agent::telemetry::{Packer, Registry, Sample};
use atalaya_simulators::relay::{Relay, Transport};
use atalaya_tests::harness::{Agent, Api, Options as Start, wait_until};
use atalaya_tests::isp::{Founded, id_of};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::Options;
use crate::process::{Memory, cpu, cpu_at_rest};
use crate::table::{beside, line, spread};
use crate::workload::Workload;

const MINUTE: i64 = 60_000;
/// Subscribers for each device, as in an ISP of wireless towers.
const SUBSCRIBERS_PER_DEVICE: u32 = 50;
/// Samples handed to the packer together.
const TOGETHER: usize = 1 << 15;
const DRAINED_WITHIN: Duration = Duration::from_secs(600);

/// What it took to store the workload.
struct Cost {
    samples: f64,
    cpu: f64,
    wire_bytes: f64,
    disk_bytes: f64,
    /// MiB
    memory: f64,
}

/// Our figures beside VictoriaMetrics' on the same samples.
pub(crate) fn measure(options: &Options, runtime: &Runtime) -> anyhow::Result<()> {
    let (mut ours, mut theirs, mut no_victoria) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..options.runs {
        ours.push(by_agent(options, runtime)?);
        match victoria::measure(workload(options), minutes(options))? {
            Ok(cost) => theirs.push(cost),
            Err(missing) => no_victoria = format!("not installed: {missing}"),
        }
    }
    let figure = |work: &str, digits: usize, aim: &str, of: fn(&Cost) -> f64| {
        let ours: Vec<f64> = ours.iter().map(of).collect();
        let theirs: Vec<f64> = theirs.iter().map(of).collect();
        let peer = beside("VictoriaMetrics", &ours, &theirs, digits, &no_victoria);
        line(work, &spread(&ours, digits), aim, &peer);
    };
    figure("metrics from the wire, durable samples per CPU-second", 0, "1,000,000", |c| c.samples / c.cpu);
    figure("  bytes per sample on the wire", 2, "", |c| c.wire_bytes / c.samples);
    figure("  bytes per sample on disk, after a stop", 2, "2.5", |c| c.disk_bytes / c.samples);
    figure("  resident memory of the server afterwards, MiB", 0, "", |c| c.memory);
    Ok(())
}

fn minutes(options: &Options) -> u32 {
    options.hours * 60
}

fn workload(options: &Options) -> Workload {
    Workload::new(options.subscribers, options.subscribers / SUBSCRIBERS_PER_DEVICE)
}

fn by_agent(options: &Options, runtime: &Runtime) -> anyhow::Result<Cost> {
    let folder = tempfile::tempdir()?;
    let Founded { mut control_plane, owner, .. } =
        Founded::start(Start::in_folder(&folder.path().join("control-plane")))?;
    let site = id_of(&owner.post("/sites", &json!({"name": "Cerro Alto"}))?)?;
    let token = owner.post("/agent-tokens", &json!({"site_id": site, "name": "agente"}))?;
    let home = folder.path().join("agent");
    Agent::enroll(&home, token["join_string"].as_str().context("a token has a join string")?)?;
    let relay = runtime.block_on(Relay::start(
        Transport::Udp,
        "127.0.0.1:0".parse()?,
        control_plane.options.gateway,
        1,
    ))?;
    // Its whole backlog as fast as the server takes it.
    let local = format!("gateways = [\"{}\"]\n[uplink]\nbacklog_kib_per_second = 1048576\n", relay.address());
    std::fs::write(home.join("agent.toml"), local)?;
    let samples = fill(&home.join("state"), &mut workload(options), minutes(options))?;

    let server = control_plane.process.id();
    let before = cpu(server)?;
    let agent = Agent::start(&home, None)?;
    wait_until("the backlog to be stored", DRAINED_WITHIN, || {
        let status = agent.status();
        // Its own figures make a new block now and then.
        status["link"]["state"] == "connected" && status["buffer"]["blocks"].as_u64() < Some(3)
    });
    let used = runtime.block_on(cpu_at_rest(server))? - before;
    all_there(&owner, minutes(options))?;
    let memory = Memory::of(server)?.rss;
    let passed = relay.passed();
    drop(agent);
    // What it keeps in memory for a while goes to its files.
    control_plane.process.stop(DRAINED_WITHIN)?;
    let bytes = |bytes: u64| -> anyhow::Result<f64> { Ok(f64::from(u32::try_from(bytes)?)) };
    let cost = Cost {
        samples: f64::from(samples),
        cpu: used,
        wire_bytes: bytes(passed.bytes_to_server + passed.bytes_to_client)?,
        disk_bytes: bytes(size_of(&folder.path().join("control-plane/data/metrics"))?)?,
        memory,
    };
    runtime.block_on(relay.shutdown());
    Ok(cost)
}

/// Puts the workload of the last hours into the agent's buffer; the number of samples.
fn fill(state_dir: &Path, workload: &mut Workload, minutes: u32) -> anyhow::Result<u32> {
    let clock = AgentClock::start();
    let now_ms = atalaya_agent::clock::Clock::now_ms(&clock);
    let first_ms = now_ms - i64::from(minutes) * MINUTE;
    let buffer = Arc::new(Buffer::open(&state_dir.join("buffer"), Bounds::default(), [7; 16]));
    let registry = Arc::new(Registry::of(&buffer));
    let packer = Packer::new(Arc::clone(&registry), buffer, Arc::default());
    let number = |source: &crate::workload::Source| {
        let labels: Vec<(&str, &str)> =
            source.labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let kind = if source.is_counter() { Kind::Counter } else { Kind::Gauge };
        registry.number("", source.metric, &labels, kind).context("too many series for an agent")
    };
    let numbers: Vec<u32> = workload.sources.iter().map(number).collect::<anyhow::Result<_>>()?;
    let mut all = 0;
    for minute in 0..minutes {
        let mut samples = Vec::with_capacity(numbers.len());
        for (at, series) in numbers.iter().enumerate() {
            let value = workload.next(at, minute);
            let value = match workload.sources[at].is_counter() {
                #[allow(
                    clippy::cast_possible_truncation,
                    reason = "counters of the workload are whole, far below 2^53"
                )]
                true => Value::Int(value as i64),
                false => Value::Float(value),
            };
            samples.push(Sample { series: *series, local_ms: first_ms + i64::from(minute) * MINUTE, value });
        }
        all += u32::try_from(samples.len())?;
        for chunk in samples.chunks(TOGETHER) {
            packer.write(chunk.to_vec(), &clock, false);
        }
    }
    Ok(all)
}

/// One series is asked for, so that nothing is measured that was not stored.
fn all_there(owner: &Api, minutes: u32) -> anyhow::Result<()> {
    let clock = AgentClock::start();
    let to = atalaya_agent::clock::Clock::now_ms(&clock) + MINUTE;
    let from = to - i64::from(minutes + 2) * MINUTE;
    let found =
        owner.get(&format!("/metrics/range?metric=rtt&labels=dev:d00000&from={from}&to={to}&fn=raw"))?;
    let points = found["series"][0]["points"].as_array().map_or(0, Vec::len);
    anyhow::ensure!(points == usize::try_from(minutes)?, "{points} of {minutes} samples are there: {found}");
    Ok(())
}

/// Bytes of all files below a folder.
fn size_of(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let kind = entry.metadata()?;
        bytes += if kind.is_dir() { size_of(&entry.path())? } else { kind.len() };
    }
    Ok(bytes)
}
