//! The SNMP driver against net-snmp's real agent: its values are those that `snmpbulkwalk` prints.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use atalaya_agent::clock::AgentClock;
use atalaya_agent::driver::registry::Resources;
use atalaya_agent::driver::{
    Credentials, Device, DeviceError, Kind, RouterosOptions, SampleReceiver, SampleSink, Target, TlsMode,
    Value,
};
use atalaya_protocol::wire::CheckStatus;
use atalaya_simulators::snmp_fleet::{Fleet, FleetConfig};
use atalaya_simulators::snmpd::{Snmpd, SnmpdConfig};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::tool_or_skip;

pub(super) const COMMUNITY: &str = "lectura";

#[derive(Default)]
struct Taken(BTreeMap<(String, String), (Kind, Value)>);

impl SampleReceiver for Taken {
    fn receive(&mut self, metric: &str, labels: &[(&str, &str)], kind: Kind, value: Value) {
        let label = labels.first().map(|(_, value)| (*value).to_owned()).unwrap_or_default();
        let before = self.0.insert((metric.into(), label.clone()), (kind, value));
        assert!(before.is_none(), "{metric} of {label} came twice");
    }
}

/// A device as headquarters configured it.
pub(super) fn target(address: SocketAddr, community: &str) -> Target {
    Target {
        device_id: "dev_1".into(),
        site_id: "sit_1".into(),
        name: "switch".into(),
        kind: "snmp".into(),
        host: address.ip().to_string(),
        port: Some(address.port()),
        tls: TlsMode::Off,
        credentials: Credentials::SnmpV2c { community: community.to_owned().into() },
        max_in_flight: 0,
        routeros: RouterosOptions::default(),
    }
}

/// A device, and what receives its answers for as long as it lives.
pub(super) fn device(address: SocketAddr, community: &str) -> (Arc<dyn Device>, JoinSet<anyhow::Result<()>>) {
    let resources = Arc::new(Resources::open(Arc::new(AgentClock::start()), Default::default()));
    let mut sockets = JoinSet::new();
    sockets.spawn(Arc::clone(&resources).run(CancellationToken::new()));
    (resources.device(target(address, community)).unwrap(), sockets)
}

pub(super) async fn snmpd() -> Option<Snmpd> {
    if !tool_or_skip("snmpd", Snmpd::installed()) {
        return None;
    }
    let config = SnmpdConfig {
        community: COMMUNITY.into(),
        system_name: "torre-norte".into(),
        ..SnmpdConfig::default()
    };
    Some(Snmpd::start(&config).await.unwrap())
}

/// What net-snmp's own client reads of a column: index → value as printed.
fn bulkwalk(address: SocketAddr, oid: &str) -> BTreeMap<u32, String> {
    let output = Command::new("snmpbulkwalk")
        .args(["-v2c", "-c", COMMUNITY, "-On", "-Oq", "-Oe", "-Ot", &address.to_string(), oid])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().filter_map(|line| {
        let (name, value) = line.split_once(' ')?;
        let index = name.rsplit_once('.')?.1.parse().ok()?;
        Some((index, value.trim_matches('"').to_owned()))
    });
    rows.collect()
}

const IF_NAME: &str = "1.3.6.1.2.1.31.1.1.1.1";
const LEVELS: &[(&str, &str)] = &[
    ("interface_up", "1.3.6.1.2.1.2.2.1.8"),
    ("interface_speed_bits_per_second", "1.3.6.1.2.1.31.1.1.1.15"),
];
const COUNTERS: &[(&str, &str)] = &[
    ("interface_receive_bytes_total", "1.3.6.1.2.1.31.1.1.1.6"),
    ("interface_transmit_bytes_total", "1.3.6.1.2.1.31.1.1.1.10"),
    ("interface_receive_discards_total", "1.3.6.1.2.1.2.2.1.13"),
    ("interface_receive_errors_total", "1.3.6.1.2.1.2.2.1.14"),
    ("interface_transmit_errors_total", "1.3.6.1.2.1.2.2.1.20"),
];

#[tokio::test]
async fn values_are_those_of_snmpbulkwalk() {
    let Some(agent) = snmpd().await else { return };
    let address = agent.address();
    let (device, _sockets) = device(address, COMMUNITY);
    let walks = |columns: &[(&str, &str)]| -> BTreeMap<String, BTreeMap<u32, String>> {
        columns.iter().map(|(metric, oid)| ((*metric).to_owned(), bulkwalk(address, oid))).collect()
    };
    let names = bulkwalk(address, IF_NAME);
    assert!(names.values().any(|name| name == "lo"), "{names:?}");
    // net-snmp keeps interface counters for some seconds, so what lies between two walks bounds what we read.
    let before = walks(COUNTERS);
    let mut taken = Taken::default();
    device.measure().unwrap().measure(&mut SampleSink::new(&mut taken)).await.unwrap();
    let after = walks(COUNTERS);
    let levels = walks(LEVELS);

    for (index, name) in &names {
        let (kind, speed) = taken.0[&("interface_speed_bits_per_second".to_owned(), name.clone())];
        assert_eq!(kind, Kind::Gauge);
        let megabits: i64 = levels["interface_speed_bits_per_second"][index].parse().unwrap();
        assert_eq!(speed, Value::Int(megabits * 1_000_000), "speed of {name}");
        let up = levels["interface_up"][index].as_str();
        assert_eq!(
            taken.0[&("interface_up".to_owned(), name.clone())].1,
            Value::Int(i64::from(up == "1")),
            "{name} {up}"
        );
        for (metric, _) in COUNTERS {
            let (kind, value) = taken.0[&((*metric).to_owned(), name.clone())];
            assert_eq!(kind, Kind::Counter);
            let Value::Int(value) = value else { panic!("{metric} is no whole number") };
            let number =
                |walk: &BTreeMap<String, BTreeMap<u32, String>>| walk[*metric][index].parse::<i64>().unwrap();
            let range = number(&before)..=number(&after);
            assert!(range.contains(&value), "{metric} of {name}: {value} not in {range:?}");
        }
    }
    let (_, uptime) = taken.0[&("system_uptime_seconds".to_owned(), String::new())];
    assert!(uptime.as_f64() >= 0.0 && uptime.as_f64() < 600.0, "{uptime:?}");
    let identity = device.identify().identify().await.unwrap();
    assert_eq!(identity.name, "torre-norte");
    assert!(identity.model.contains("Linux"), "{}", identity.model);
}

#[tokio::test]
async fn a_connection_test_names_what_fails() {
    let Some(agent) = snmpd().await else { return };
    let (known, _sockets) = device(agent.address(), COMMUNITY);
    let stages = known.test_connection().await;
    assert!(stages.iter().all(|stage| stage.status() == CheckStatus::Passed), "{stages:?}");
    let (stranger, _sockets) = device(agent.address(), "another");
    let stages = stranger.test_connection().await;
    assert_eq!(stages[0].status(), CheckStatus::Failed);
    assert!(stages[0].detail.contains("another community"), "{}", stages[0].detail);
    assert_eq!(stages[1].status(), CheckStatus::Skipped);
}

#[tokio::test]
async fn a_silent_device_costs_two_requests_and_says_so() {
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let (device, _sockets) = device(nobody.local_addr().unwrap(), COMMUNITY);
    let mut taken = Taken::default();
    let mut sink = SampleSink::new(&mut taken);
    let measured = device.measure().unwrap().measure(&mut sink);
    let error = tokio::time::timeout(Duration::from_secs(20), measured).await.unwrap().unwrap_err();
    assert!(matches!(error, DeviceError::Timeout { .. }), "{error}");
    nobody.set_nonblocking(true).unwrap();
    let mut datagram = [0; 2000];
    let requests = std::iter::from_fn(|| nobody.recv(&mut datagram).ok()).count();
    assert_eq!(requests, 2);
    assert!(taken.0.is_empty());
}

/// Requests of one measurement of a device of 24 interfaces, and what it gave.
async fn measured_on(largest: usize) -> (u64, usize) {
    let config = FleetConfig { devices: 1, community: COMMUNITY.into(), largest, ..FleetConfig::default() };
    let fleet = Fleet::start(config).await.unwrap();
    let (device, _sockets) = device(fleet.addresses()[0], COMMUNITY);
    let mut values = 0;
    let mut requests = 0;
    // The first measurement learns how large the answers are.
    for _ in 0..2 {
        let mut taken = Taken::default();
        requests = fleet.served().requests;
        device.measure().unwrap().measure(&mut SampleSink::new(&mut taken)).await.unwrap();
        requests = fleet.served().requests - requests;
        values = taken.0.len();
        assert_eq!(taken.0[&("interface_up".into(), "ether8".into())].1, Value::Int(0));
    }
    (requests, values)
}

#[tokio::test]
async fn a_table_is_read_in_answers_as_large_as_the_link_takes_and_smaller_where_the_device_wants() {
    // 24 interfaces of eight metrics, and the uptime.
    assert_eq!(measured_on(1_472).await, (4, 193));
    let (requests, values) = measured_on(484).await;
    assert_eq!(values, 193);
    assert!(requests > 4, "{requests} requests to a device that sends 484 bytes at most");
}
