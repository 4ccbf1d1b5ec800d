//! VictoriaMetrics on the same samples, by Prometheus' remote write: 10,000 samples a request, minute by minute.
//!
//! <https://prometheus.io/docs/specs/prw/remote_write_spec/>

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use prost::Message;

use super::{Cost, MINUTE, size_of};
use crate::process::{Memory, cpu, cpu_at_rest, signal_to_stop};
use crate::workload::Workload;
use atalaya_tests::harness::wait_until;

const SAMPLES_PER_REQUEST: usize = 10_000;

#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

/// Runs it on the workload; what is missing when it is not installed.
pub(super) fn measure(mut workload: Workload, minutes: u32) -> anyhow::Result<Result<Cost, String>> {
    let folder = tempfile::tempdir()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let started = Command::new("victoria-metrics")
        .arg(format!("-storageDataPath={}", folder.path().display()))
        .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
        .args(["-retentionPeriod=100y", "-loggerLevel=ERROR"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else {
        return Ok(Err("VictoriaMetrics (Debian package victoria-metrics)".to_owned()));
    };
    let agent = ureq::Agent::new_with_defaults();
    let base = format!("http://127.0.0.1:{port}");
    wait_until("VictoriaMetrics to listen", Duration::from_secs(30), || {
        agent.get(format!("{base}/health")).call().is_ok()
    });
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let first_ms = i64::try_from(now.as_millis())? - i64::from(minutes) * MINUTE;
    let labels: Vec<Vec<Label>> = workload.sources.iter().map(labels).collect();
    let (mut samples, mut wire_bytes) = (0u32, 0u32);
    let before = cpu(child.id())?;
    for minute in 0..minutes {
        let timestamp = first_ms + i64::from(minute) * MINUTE;
        let mut at = 0;
        for labels in labels.chunks(SAMPLES_PER_REQUEST) {
            let mut timeseries = Vec::with_capacity(labels.len());
            for labels in labels {
                let value = workload.next(at, minute);
                at += 1;
                timeseries
                    .push(TimeSeries { labels: labels.clone(), samples: vec![Sample { value, timestamp }] });
            }
            samples += u32::try_from(timeseries.len())?;
            let plain = WriteRequest { timeseries }.encode_to_vec();
            let body = snap::raw::Encoder::new().compress_vec(&plain)?;
            wire_bytes += u32::try_from(body.len())?;
            agent.post(format!("{base}/api/v1/write")).send(&body[..])?;
        }
    }
    // What is in memory yet is made durable and searchable, as ours is when it is acknowledged.
    agent.get(format!("{base}/internal/force_flush")).call()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let used = runtime.block_on(cpu_at_rest(child.id()))? - before;
    let memory = Memory::of(child.id())?.rss;
    signal_to_stop(child.id())?;
    child.wait()?;
    Ok(Ok(Cost {
        samples: f64::from(samples),
        cpu: used,
        wire_bytes: f64::from(wire_bytes),
        disk_bytes: f64::from(u32::try_from(size_of(folder.path())?)?),
        memory,
    }))
}

/// As the protocol wants them: sorted by name.
fn labels(source: &crate::workload::Source) -> Vec<Label> {
    let name = Label { name: "__name__".to_owned(), value: source.metric.to_owned() };
    let others =
        source.labels.iter().map(|(name, value)| Label { name: (*name).to_owned(), value: value.clone() });
    let mut labels: Vec<Label> = std::iter::once(name).chain(others).collect();
    labels.sort_by(|a, b| a.name.cmp(&b.name));
    labels
}
