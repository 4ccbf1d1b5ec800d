//! What the query API says of a device is what the device says, asked by a client that others wrote.

use super::{Database, on_each_database};
use atalaya_tests::{
    harness::wait_for,
    isp::{Isp, Site, Size},
};
use std::{collections::BTreeMap, process::Command, time::Duration};

const SOON: Duration = Duration::from_secs(60);
const IF_NAME: &str = "1.3.6.1.2.1.31.1.1.1.1";
const IF_OPER_STATUS: &str = "1.3.6.1.2.1.2.2.1.8";
const IF_HC_IN_OCTETS: &str = "1.3.6.1.2.1.31.1.1.1.6";
const IF_HC_OUT_OCTETS: &str = "1.3.6.1.2.1.31.1.1.1.10";

on_each_database!(the_query_api_says_what_the_device_says);

fn the_query_api_says_what_the_device_says(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = database.isp(folder.path(), Size { subscribers: 1, sites: 1 });
    let site = &isp.sites[0];
    let names = walk(site, IF_NAME);
    let before = [walk(site, IF_HC_IN_OCTETS), walk(site, IF_HC_OUT_OCTETS)];
    let first = wait_for("a first measurement", SOON, || newest(&isp, "interface_receive_bytes_total"));
    // The next one was measured after `before`, whatever the first was.
    let later = |metric: &str| {
        wait_for("the next measurement", SOON, || newest(&isp, metric).filter(|values| values.0 > first.0)).1
    };
    let measured = [later("interface_receive_bytes_total"), later("interface_transmit_bytes_total")];
    let after = [walk(site, IF_HC_IN_OCTETS), walk(site, IF_HC_OUT_OCTETS)];
    let up = later("interface_up");
    let status = walk(site, IF_OPER_STATUS);

    assert!(!names.is_empty(), "snmpd shows this machine's interfaces");
    let told: Vec<&String> = measured[0].keys().collect();
    let mut expected: Vec<&String> = names.values().collect();
    expected.sort();
    assert_eq!(told, expected, "the same interfaces");
    for (index, name) in &names {
        for direction in 0..2 {
            let value = measured[direction][name];
            let count = |walked: &BTreeMap<String, String>| walked[index].parse::<f64>().expect("a counter");
            let (lowest, highest) = (count(&before[direction]), count(&after[direction]));
            assert!(lowest <= value && value <= highest, "{name}: {lowest} <= {value} <= {highest}");
        }
        let is_up = f64::from(u8::from(status[index].starts_with("up") || status[index] == "1"));
        assert!((up[name] - is_up).abs() < f64::EPSILON, "{name} is {}", status[index]);
    }
}

/// A column by row index, as net-snmp's client reads it.
fn walk(site: &Site, column: &str) -> BTreeMap<String, String> {
    let output = Command::new("snmpbulkwalk")
        .args(["-v2c", "-c", "netandina", "-Oqn", "-m", ""])
        .arg(site.switch.address.to_string())
        .arg(column)
        .output()
        .expect("net-snmp's tools are installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rows = text.lines().filter_map(|line| {
        let (oid, value) = line.split_once(' ')?;
        let index = oid.rsplit('.').next()?;
        Some((index.to_owned(), value.trim_matches('"').to_owned()))
    });
    rows.collect()
}

/// The newest value of each interface of the switch, and the oldest of their times.
fn newest(isp: &Isp, metric: &str) -> Option<(i64, BTreeMap<String, f64>)> {
    let path = format!("/metrics/last?metric={metric}&device={}", isp.sites[0].switch_id);
    let answer = isp.owner.get(&path).expect("measurements can be read");
    let series = answer["series"].as_array().expect("a list of series").clone();
    let time = series.iter().filter_map(|series| series["t"].as_i64()).min()?;
    let value = |series: &serde_json::Value| {
        Some((series["labels"]["interface"].as_str()?.to_owned(), series["value"].as_f64()?))
    };
    Some((time, series.iter().filter_map(value).collect()))
}
