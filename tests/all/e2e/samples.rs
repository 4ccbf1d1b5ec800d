//! Not a sample is lost or doubled, wherever agent and control plane are killed.
//!
//! The simulated router answers each counter with the number of counters that it served so far, so that every value
//! exists once, and logs it. The agent's buffer tells which blocks it confirmed. What the query API answers must be
//! exactly what was confirmed, and each value of it must be one that the router served.

use super::{
    Database, now_ms, on_each_database, soak,
    witness::{self, Sample},
};
use atalaya_simulators::routeros::CounterMode;
use atalaya_tests::{
    harness::wait_for,
    isp::{Isp, Size, id_of},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

const SOON: Duration = Duration::from_secs(60);
/// Devices that are measured: the site's router under several names, so that a block is never far away.
const DEVICES: usize = 8;
/// A stamp is the agent's time when the answer came, and the router's log has its own: both read the same clock.
const STAMP_TOLERANCE_MS: i64 = 2_000;

/// Where the control plane is killed: before a batch is written, after it is durable and before it is acknowledged, and
/// with half of the acknowledgement sent.
const CONTROL_PLANE: [&str; 3] =
    ["gateway.before_metric_write", "gateway.before_metric_ack", "gateway.mid_frame"];
/// Where the agent is killed: after a block is written and before it is confirmed, after it is confirmed and before it is
/// sent, and with half of it sent.
const AGENT: [&str; 3] = ["buffer.after_append", "buffer.after_confirm", "uplink.mid_frame"];

on_each_database!(every_confirmed_sample_is_stored_once);

fn every_confirmed_sample_is_stored_once(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let size = Size { subscribers: 1, sites: 1 };
    let shape =
        |config: &mut atalaya_simulators::routeros::SimConfig| config.counters = CounterMode::ServeCount;
    let mut isp = Isp::start_with(folder.path(), database.options(folder.path()), size, shape)
        .expect("the fictional ISP starts");
    let devices = more_names_of_the_router(&isp, DEVICES);
    let rounds: usize = if soak() { 20 } else { 3 };

    for round in 0..rounds {
        for point in CONTROL_PLANE {
            isp.control_plane.restart(Some(&nth(point, round))).expect("it starts with a fault");
            isp.control_plane.process.wait_for_abort(SOON);
        }
        isp.control_plane.restart(None).expect("it starts again");
        for point in AGENT {
            let agent = &mut isp.sites[0].agent;
            agent.restart(Some(&nth(point, round))).expect("it starts with a fault");
            agent.process.wait_for_abort(SOON);
        }
        isp.sites[0].agent.restart(None).expect("it starts again");
        // At any time at all, too.
        isp.control_plane.restart(None).expect("it starts again");
        isp.sites[0].agent.restart(None).expect("it starts again");
    }

    // The router goes, so that nothing new is measured, and the agent writes what it has and ends.
    let served = served(&isp);
    let site = &mut isp.sites[0];
    site.router.process.kill().expect("the router can be killed");
    site.agent.process.stop(SOON).expect("the agent ends when asked");
    let ended = now_ms();
    let expected = of_devices(witness::confirmed(&site.agent.witness().expect("the buffer told")), &devices);
    site.agent.restart(None).expect("it starts again");
    isp.owner = isp
        .control_plane
        .log_in(atalaya_tests::isp::TENANT, atalaya_tests::isp::OWNER, atalaya_tests::isp::PASSWORD)
        .expect("the owner logs in");
    let stored = wait_for("the backlog to be drained", SOON, || {
        // What it measures from now on, a router that does not answer, is of another story.
        let mut stored = stored(&isp, &expected, &devices);
        stored.retain(|sample| sample.at_ms <= ended);
        (stored.len() >= expected.len()).then_some(stored)
    });
    assert_same(&expected, &stored);
    assert_served(&stored, &served);
    let confirmed: BTreeSet<u64> = stored.iter().filter(|sample| is_counter(sample)).map(whole).collect();
    let unconfirmed = served.keys().filter(|value| !confirmed.contains(value)).count();
    eprintln!(
        "{database:?}: {} kills, {} samples stored once, {} counter values served and never confirmed",
        rounds * (CONTROL_PLANE.len() + AGENT.len() + 2),
        stored.len(),
        unconfirmed
    );
    // Eight counters of each device, at most one measurement of each in flight when the agent dies.
    let deaths = rounds * (AGENT.len() + 1) + 2;
    assert!(unconfirmed <= deaths * DEVICES * 8, "{unconfirmed} values never reached the buffer");
    assert!(confirmed.len() > rounds * DEVICES, "something was measured: {}", confirmed.len());
}

/// The first, second or third pass of a point, so that it is not always the same block.
fn nth(point: &str, round: usize) -> String {
    format!("{point}:{}", round % 3 + 1)
}

/// Makes the site's router more devices than it is; all their ids.
pub(super) fn more_names_of_the_router(isp: &Isp, devices_wanted: usize) -> BTreeSet<String> {
    let site = &isp.sites[0];
    let mut devices = BTreeSet::from([site.router_id.clone()]);
    for number in 2..=devices_wanted {
        let device = json!({
            "site_id": site.id, "agent_id": site.agent_id, "name": format!("RB-1-{number}"), "kind": "routeros",
            "host": site.router.api.ip().to_string(), "port": site.router.api.port(), "tls": false,
            "credentials": {"user": "admin", "password": "admin"}, "measure_interval_s": 10,
        });
        let made = isp.owner.post("/devices", &device).expect("a device can be added");
        devices.insert(id_of(&made).expect("it has an id"));
    }
    devices
}

fn device_of(sample: &Sample) -> &str {
    sample.series.split(' ').nth(1).unwrap_or_default()
}

fn is_counter(sample: &Sample) -> bool {
    sample.series.starts_with("interface_receive_bytes_total ")
        || sample.series.starts_with("interface_transmit_bytes_total ")
}

/// A serve count, exactly.
fn whole(sample: &Sample) -> u64 {
    format!("{:.0}", sample.value).parse().expect("a count is a whole number")
}

pub(super) fn of_devices(samples: Vec<Sample>, devices: &BTreeSet<String>) -> Vec<Sample> {
    samples.into_iter().filter(|sample| devices.contains(device_of(sample))).collect()
}

/// What the router served on its Ethernet ports: value → Unix ms.
fn served(isp: &Isp) -> HashMap<u64, i64> {
    let log = isp.sites[0].router.ask(&json!({"op": "served", "since": 0, "limit": 1_000_000}));
    let entries = log.as_array().expect("a list");
    assert_eq!(entries.first().map(|entry| entry["sequence"].clone()), Some(json!(0)), "the log is whole");
    let ethernet = entries
        .iter()
        .filter(|entry| entry["interface"].as_str().is_some_and(|interface| interface.starts_with("ether")));
    ethernet
        .map(|entry| (entry["value"].as_u64().unwrap_or(0), entry["unix_ms"].as_i64().unwrap_or(0)))
        .collect()
}

/// Everything that the query API has of the metrics and devices expected.
pub(super) fn stored(isp: &Isp, expected: &[Sample], devices: &BTreeSet<String>) -> Vec<Sample> {
    let metrics: BTreeSet<&str> =
        expected.iter().filter_map(|sample| sample.series.split(' ').next()).collect();
    let from = expected.iter().map(|sample| sample.at_ms).min().unwrap_or(0) - 60_000;
    let to = expected.iter().map(|sample| sample.at_ms).max().unwrap_or(0) + 60_000;
    let mut stored = Vec::new();
    for metric in metrics {
        for device in devices {
            let path = format!("/metrics/range?metric={metric}&device={device}&from={from}&to={to}&fn=raw");
            let answer = isp.owner.get(&path).expect("measurements can be read");
            for series in answer["series"].as_array().expect("a list of series") {
                stored.extend(points(metric, device, series));
            }
        }
    }
    stored
}

fn points(metric: &str, device: &str, series: &Value) -> Vec<Sample> {
    // The gateway's own labels are not the agent's.
    let labels: Vec<String> = series["labels"]
        .as_object()
        .expect("labels by name")
        .iter()
        .filter(|(name, _)| !["__name__", "agent", "device", "site", "tenant"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let name = format!("{metric} {device} {}", labels.join(","));
    let points = series["points"].as_array().expect("a list of points");
    points
        .iter()
        .map(|point| Sample {
            series: name.clone(),
            at_ms: point[0].as_i64().expect("a time"),
            value: point[1].as_f64().expect("a value"),
        })
        .collect()
}

/// The same series with as many samples, each with the same value at the same time. Times are compared within what the
/// correction of the agent's clock may move them.
pub(super) fn assert_same(expected: &[Sample], stored: &[Sample]) {
    let (expected, stored) = (by_series(expected), by_series(stored));
    let names = |samples: &BTreeMap<String, Vec<(i64, u64)>>| samples.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&stored), names(&expected), "the series");
    for (series, expected) in &expected {
        let stored = &stored[series];
        let values = |samples: &[(i64, u64)]| samples.iter().map(|sample| sample.1).collect::<Vec<_>>();
        assert_eq!(values(stored), values(expected), "values of {series}, in order of time");
        for (stored, expected) in stored.iter().zip(expected) {
            let moved = (stored.0 - expected.0).abs();
            assert!(moved <= STAMP_TOLERANCE_MS, "{series}: a sample moved by {moved} ms");
        }
    }
}

/// Times and bits of values, by series, in order of time.
fn by_series(samples: &[Sample]) -> BTreeMap<String, Vec<(i64, u64)>> {
    let mut by_series: BTreeMap<String, Vec<(i64, u64)>> = BTreeMap::new();
    for sample in samples {
        by_series.entry(sample.series.clone()).or_default().push((sample.at_ms, sample.value.to_bits()));
    }
    for samples in by_series.values_mut() {
        samples.sort_unstable();
    }
    by_series
}

/// Every counter stored is one that the router served, at that time, and none is there twice.
fn assert_served(stored: &[Sample], served: &HashMap<u64, i64>) {
    let mut seen = BTreeSet::new();
    for sample in stored.iter().filter(|sample| is_counter(sample)) {
        let value = whole(sample);
        let served_ms = served.get(&value).unwrap_or_else(|| panic!("{value} was never served: {sample:?}"));
        assert!(seen.insert(value), "{value} is stored twice");
        let apart = (served_ms - sample.at_ms).abs();
        assert!(apart <= STAMP_TOLERANCE_MS, "{value} is stamped {apart} ms from when it was served");
    }
}
