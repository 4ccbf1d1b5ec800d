//! Ingests a day of a fictional ISP and prints what it cost.
//!
//! Minute by minute as pollers deliver; `workload.rs` says what.
//!
//! usage: ingest [SUBSCRIBERS 10000] [DEVICES 1000] [HOURS 24] [MINUTES_PER_BATCH 1]
//!
//! CPU seconds are those of the process, engine threads included (seals, roll-ups and merges too); the generator's own, from
//! a pass in which nothing is stored, are subtracted. The directory is made in the system's temporary directory (TMPDIR).

mod workload;

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::Context;
use atalaya_metrics::{
    AgentKey, Batch, BatchIdentity, Clock, Column, EmbeddedStore, Epoch, Function, Labels, MetricStore,
    Options, RangeQuery, Selector, SeriesId, SeriesKind, SeriesSpec, TenantKey, TopQuery, Window,
};

use workload::{Source, Workload};

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

/// Feeds so many minutes; stores into `store` if there is one. Returns the number of samples.
async fn run(
    mut workload: Workload,
    minutes: u32,
    per_batch: u32,
    store: Option<(&EmbeddedStore, &TenantKey, &[SeriesId])>,
    clock: &WorkloadClock,
) -> anyhow::Result<u64> {
    let (mut samples, mut sequence) = (0u64, 0u64);
    let mut minute = 0;
    while minute < minutes {
        let width = per_batch.min(minutes - minute);
        let ends: Vec<i64> = (minute..minute + width).map(|m| START + i64::from(m) * MINUTE).collect();
        clock.0.store(ends.last().copied().unwrap_or(START), Ordering::Relaxed);
        let mut at = 0;
        while at < workload.sources.len() {
            let end = (at + SERIES_PER_BATCH).min(workload.sources.len());
            let mut values = Vec::with_capacity((end - at) * ends.len());
            for source in at..end {
                values.extend((minute..minute + width).map(|m| workload.next(source, m)));
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

/// The series of the store.
fn specs(workload: &Workload) -> anyhow::Result<Vec<SeriesSpec>> {
    let spec = |source: &Source| {
        let labels = source.labels.iter().map(|(name, value)| (*name, value.as_str()));
        let kind = if source.is_counter() { SeriesKind::Counter } else { SeriesKind::Gauge };
        Ok(SeriesSpec { labels: Labels::new(source.metric, labels)?, kind })
    };
    workload.sources.iter().map(spec).collect()
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
    run(Workload::new(subscribers, devices), hours * 60, per_batch, None, &clock).await?;
    let generator = cpu()? - before;

    let dir = tempfile::tempdir()?;
    let store = EmbeddedStore::open(dir.path(), Options::default(), Arc::clone(&clock) as Arc<dyn Clock>)?;
    let tenant = TenantKey::new("ten_bench")?;
    let (before, begin) = (cpu()?, instant());
    let workload = Workload::new(subscribers, devices);
    let ids = store.register(&tenant, &specs(&workload)?).await?;
    let samples = run(workload, hours * 60, per_batch, Some((&store, &tenant, &ids)), &clock).await?;
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
