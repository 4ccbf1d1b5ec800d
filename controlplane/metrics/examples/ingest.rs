//! Ingests a day of a fictional ISP and prints what it cost.
//!
//! Series: SUBSCRIBERS × 2 byte counters and DEVICES × 30 (12 ports × in/out octets, 6 gauges), one sample a minute, minute
//! by minute as pollers deliver. A third of the subscribers is idle at a time, a third of the ports never moves.
//!
//! usage: ingest [SUBSCRIBERS 10000] [DEVICES 1000] [HOURS 24] [MINUTES_PER_BATCH 1]
//!
//! CPU seconds are those of the process, engine threads included (seals, roll-ups and merges too); the generator's own, from
//! a pass in which nothing is stored, are subtracted. The directory is made in the system's temporary directory (TMPDIR).

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Context;
use atalaya_metrics::{
    AgentKey, Batch, BatchIdentity, Clock, Column, EmbeddedStore, Epoch, Function, Labels, MetricStore,
    Options, RangeQuery, Selector, SeriesId, SeriesKind, SeriesSpec, TenantKey, TopQuery, Window,
};

const MINUTE: i64 = 60_000;
/// 2026-01-01.
const START: i64 = 1_767_225_600_000;
/// Series whose samples travel in one batch: some ten sites with an agent each.
const SERIES_PER_BATCH: usize = 5_000;

struct WorkloadClock(AtomicI64);

impl Clock for WorkloadClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Xorshift: the same workload every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.next() % u64::from(bound)).unwrap_or(0)
    }

    /// Uniform in [0, 1).
    fn unit(&mut self) -> f64 {
        f64::from(self.below(1 << 31)) / f64::from(1u32 << 31)
    }
}

#[derive(Clone, Copy)]
enum Behaviour {
    Subscriber,
    Port,
    IdlePort,
    Load,
    Memory,
    Slow,
    Latency,
    Loss,
}

struct Source {
    spec: SeriesSpec,
    behaviour: Behaviour,
    /// Bytes a minute at the evening's peak; a gauge's centre.
    base: f64,
    value: f64,
}

fn source(
    metric: &str,
    labels: &[(&str, String)],
    behaviour: Behaviour,
    base: f64,
    value: f64,
) -> anyhow::Result<Source> {
    let kind = match behaviour {
        Behaviour::Subscriber | Behaviour::Port | Behaviour::IdlePort => SeriesKind::Counter,
        _ => SeriesKind::Gauge,
    };
    let labels = Labels::new(metric, labels.iter().map(|(n, v)| (*n, v.as_str())))?;
    Ok(Source { spec: SeriesSpec { labels, kind }, behaviour, base, value })
}

fn sources(subscribers: u32, devices: u32, random: &mut Random) -> anyhow::Result<Vec<Source>> {
    let mut all = Vec::new();
    for s in 0..subscribers {
        let peak = 60.0 * 1e6 / 8.0 * (0.2 + 20.0 * random.unit().powi(4));
        for (metric, part) in [("sub_rx_bytes", 1.0), ("sub_tx_bytes", 0.12)] {
            let first = (random.unit() * 1e12).floor();
            all.push(source(
                metric,
                &[("sub", format!("{s:06}"))],
                Behaviour::Subscriber,
                peak * part,
                first,
            )?);
        }
    }
    for d in 0..devices {
        let device = || ("dev", format!("d{d:05}"));
        for port in 0..12 {
            let peak = 60.0 * 1e8 / 8.0 * random.unit().powi(2);
            let behaviour = if port % 3 == 2 { Behaviour::IdlePort } else { Behaviour::Port };
            for metric in ["if_in_octets", "if_out_octets"] {
                let labels = [device(), ("ifname", format!("ether{port}"))];
                all.push(source(metric, &labels, behaviour, peak, (random.unit() * 1e13).floor())?);
            }
        }
        let gauges = [
            ("cpu", Behaviour::Load, 30.0),
            ("memfree", Behaviour::Memory, 2.1e8),
            ("temp", Behaviour::Slow, 41.0),
            ("volt", Behaviour::Slow, 24.0),
            ("rtt", Behaviour::Latency, 12.0),
            ("loss", Behaviour::Loss, 0.0),
        ];
        for (metric, behaviour, centre) in gauges {
            all.push(source(metric, &[device()], behaviour, centre, centre)?);
        }
    }
    Ok(all)
}

fn step(source: &mut Source, minute: u32, random: &mut Random) -> f64 {
    let day = 0.55 - 0.45 * (f64::from(minute % 1440) / 1440.0 * std::f64::consts::TAU).cos();
    match source.behaviour {
        Behaviour::Subscriber if random.below(3) == 0 => {}
        Behaviour::Subscriber => source.value += (source.base * day * random.unit() * random.unit()).floor(),
        Behaviour::Port => source.value += (source.base * day * (0.6 + 0.4 * random.unit())).floor(),
        Behaviour::IdlePort => {}
        Behaviour::Load => source.value = f64::from(random.below(60)),
        Behaviour::Memory => source.value = source.base + f64::from(random.below(256)) * 4096.0,
        // To a tenth, as devices report it.
        Behaviour::Slow => source.value = (source.base * 10.0 + f64::from(random.below(11))) / 10.0,
        Behaviour::Latency => source.value = ((source.base + random.unit() * 8.0) * 1000.0).floor() / 1000.0,
        Behaviour::Loss => source.value = if random.below(50) == 0 { 1.0 } else { 0.0 },
    }
    source.value
}

/// CPU time of this process so far.
fn cpu() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().context("the shape of /proc/self/stat")?;
    let ticks = |field: usize| -> anyhow::Result<u64> {
        Ok(after_name.split_whitespace().nth(field).context("too few fields")?.parse()?)
    };
    // utime and stime, in ticks of 10 ms on Linux.
    Ok(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn instant() -> std::time::Instant {
    std::time::Instant::now()
}

struct Workload {
    sources: Vec<Source>,
    random: Random,
    minutes: u32,
    per_batch: u32,
}

impl Workload {
    fn new(subscribers: u32, devices: u32, hours: u32, per_batch: u32) -> anyhow::Result<Self> {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let sources = sources(subscribers, devices, &mut random)?;
        Ok(Self { sources, random, minutes: hours * 60, per_batch })
    }

    /// Runs it; stores into `store` if there is one. Returns the number of samples.
    async fn run(
        &mut self,
        store: Option<(&EmbeddedStore, &TenantKey, &[SeriesId])>,
        clock: &WorkloadClock,
    ) -> anyhow::Result<u64> {
        let (mut samples, mut sequence) = (0u64, 0u64);
        let mut minute = 0;
        while minute < self.minutes {
            let width = self.per_batch.min(self.minutes - minute);
            let ends: Vec<i64> = (minute..minute + width).map(|m| START + i64::from(m) * MINUTE).collect();
            clock.0.store(ends.last().copied().unwrap_or(START), Ordering::Relaxed);
            let mut at = 0;
            while at < self.sources.len() {
                let end = (at + SERIES_PER_BATCH).min(self.sources.len());
                let mut values = Vec::with_capacity((end - at) * ends.len());
                for source in &mut self.sources[at..end] {
                    values.extend((minute..minute + width).map(|m| step(source, m, &mut self.random)));
                }
                samples += u64::try_from(values.len())?;
                sequence += 1;
                if let Some((store, tenant, ids)) = store {
                    let rows = values.chunks(ends.len()).zip(&ids[at..end]);
                    let columns: Vec<Column<'_>> = rows
                        .map(|(values, &series)| Column { series, times: &ends, values, marks: &[] })
                        .collect();
                    let identity =
                        BatchIdentity { agent: AgentKey::new("agt_bench")?, epoch: Epoch([0; 16]), sequence };
                    store.append(tenant, Batch { identity, columns: &columns }).await?;
                }
                at = end;
            }
            minute += width;
        }
        Ok(samples)
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

async fn queries(
    store: &EmbeddedStore,
    tenant: &TenantKey,
    out: &mut impl Write,
    minutes: u32,
) -> anyhow::Result<()> {
    let end = START + i64::from(minutes) * MINUTE;
    let mut ranges = Vec::new();
    for device in 0..50 {
        let selector =
            Selector::metric("if_in_octets").label("dev", &format!("d{device:05}")).label("ifname", "ether0");
        let query =
            RangeQuery { selector, from_ms: START, to_ms: end, step_ms: MINUTE, function: Function::Rate };
        let begin = instant();
        let found = store.range(tenant, &query).await?;
        ranges.push(begin.elapsed());
        anyhow::ensure!(!found.is_empty(), "a series is missing");
    }
    let mut tops = Vec::new();
    for hour in 1..=10i64.min(i64::from(minutes / 60)) {
        let to_ms = end - (hour - 1) * 60 * MINUTE;
        let window = Window { from_ms: to_ms - 60 * MINUTE, to_ms };
        let query = TopQuery {
            selector: Selector::metric("sub_rx_bytes"),
            window,
            count: 20,
            function: Function::Rate,
        };
        let begin = instant();
        store.top(tenant, &query).await?;
        tops.push(begin.elapsed());
    }
    writeln!(out, "range of one series over all, step 1 min, p50: {:?}", median(ranges))?;
    writeln!(out, "top 20 subscribers over 1 h, p50: {:?}", median(tops))?;
    Ok(())
}

fn resident() -> anyhow::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|l| l.starts_with("VmHWM")).context("VmHWM")?;
    Ok(line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let given: Vec<u32> = std::env::args().skip(1).map(|a| a.parse()).collect::<Result<_, _>>()?;
    let arg = |at: usize, default: u32| given.get(at).copied().unwrap_or(default);
    let (subscribers, devices, hours, per_batch) = (arg(0, 10_000), arg(1, 1_000), arg(2, 24), arg(3, 1));
    let mut out = io::stdout().lock();

    let clock = Arc::new(WorkloadClock(AtomicI64::new(START)));
    let before = cpu()?;
    Workload::new(subscribers, devices, hours, per_batch)?.run(None, &clock).await?;
    let generator = cpu()? - before;

    let dir = tempfile::tempdir()?;
    let store = EmbeddedStore::open(dir.path(), Options::default(), Arc::clone(&clock) as Arc<dyn Clock>)?;
    let tenant = TenantKey::new("ten_bench")?;
    let (before, begin) = (cpu()?, instant());
    let mut workload = Workload::new(subscribers, devices, hours, per_batch)?;
    let specs: Vec<SeriesSpec> = workload.sources.iter().map(|s| s.spec.clone()).collect();
    let ids = store.register(&tenant, &specs).await?;
    let samples = workload.run(Some((&store, &tenant, &ids)), &clock).await?;
    store.checkpoint().await?;
    let (used, wall) = (cpu()? - before - generator, begin.elapsed());

    let stats = store.stats();
    let count = f64::from(u32::try_from(samples)?);
    let bytes = |n: u64| -> anyhow::Result<f64> { Ok(f64::from(u32::try_from(n)?)) };
    writeln!(out, "{samples} samples of {} series, {} commits, wall {wall:.1?}", ids.len(), stats.commits)?;
    writeln!(out, "CPU {used:.2?} (generator {generator:.2?} not counted)")?;
    writeln!(out, "durable samples per CPU-second: {:.0}", count / used.as_secs_f64())?;
    writeln!(
        out,
        "bytes per sample: raw {:.2}, with roll-ups {:.2}",
        bytes(stats.raw_bytes)? / count,
        bytes(stats.raw_bytes + stats.rollup_bytes)? / count
    )?;
    writeln!(out, "segments {}, peak resident memory {}", stats.segments, resident()?)?;
    queries(&store, &tenant, &mut out, hours * 60).await?;
    Ok(())
}
