//! A router has latency and loss like anything that is only pinged, until a person turns it off.

use super::{Database, on_each_database};
use atalaya_tests::{
    harness::wait_until,
    isp::{Isp, Size},
};
use serde_json::{Value, json};
use std::time::Duration;

on_each_database!(every_device_has_latency_until_it_is_turned_off);

/// The newest value of a metric of a device.
fn last(isp: &Isp, metric: &str, device: &str) -> Option<Value> {
    let answer = isp.owner.get(&format!("/metrics/last?metric={metric}&device={device}")).ok()?;
    answer["series"].get(0).cloned()
}

#[allow(clippy::print_stderr, reason = "a test says what it could not do")]
fn every_device_has_latency_until_it_is_turned_off(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = database.isp(folder.path(), Size { subscribers: 1, sites: 1 });
    let site = &isp.sites[0];
    for device in [&site.router_id, &site.switch_id] {
        wait_until("the device to be measured", Duration::from_secs(60), || {
            last(&isp, "device_up", device).is_some()
        });
        // What a driver read does not wait for the echoes beside it.
        let mut problems = Vec::new();
        wait_until("latency, or why this machine may not measure it", Duration::from_secs(60), || {
            problems = site.status()["machine_problems"].as_array().expect("a list").clone();
            !problems.is_empty() || last(&isp, "icmp_loss_ratio", device).is_some()
        });
        if !problems.is_empty() {
            assert!(std::env::var_os("CI").is_none(), "{problems:?}");
            eprintln!("not tested: {problems:?}");
            return;
        }
        wait_until("an echo", Duration::from_secs(60), || {
            last(&isp, "icmp_rtt_seconds", device).is_some_and(|seen| seen["value"].as_f64() > Some(0.0))
        });
    }
    let path = format!("/devices/{}", site.router_id);
    let router = isp.owner.get(&path).expect("the router can be read");
    assert_eq!(router["ping"], true, "{router}");
    let revision = router["revision"].as_i64().expect("it has a version");
    isp.owner.patch(&path, revision, &json!({"ping": false})).expect("it can be turned off");
    let newest = |metric: &str| last(&isp, metric, &site.router_id).and_then(|seen| seen["t"].as_i64());
    wait_until("measuring to go on without echoes", Duration::from_secs(60), || {
        // Two measurements later than the last echo.
        newest("device_up") > newest("icmp_loss_ratio").map(|at| at + 15_000)
    });
}
