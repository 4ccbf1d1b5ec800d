//! The SNMP fleet, judged by a client that others wrote: net-snmp's.

use std::net::SocketAddr;
use std::process::{Command, Output};

use atalaya_simulators::snmp_fleet::{Fleet, FleetConfig};

const INTERFACES: u32 = 24;
/// Seven scalars, the engine's time, 17 + 12 columns.
const OBJECTS: usize = 8 + 29 * 24;

async fn fleet(config: FleetConfig) -> Fleet {
    Fleet::start(FleetConfig { devices: 3, interfaces: INTERFACES, ..config }).await.expect("loopback")
}

/// Whether net-snmp's client is there; with `CI=true` it must be.
fn installed() -> bool {
    let there = Command::new("snmpbulkwalk").arg("-V").output().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "snmpbulkwalk is not installed (Debian package snmp)");
    there
}

async fn ask(program: &'static str, more: &[&str], address: SocketAddr, oids: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(["-v2c", "-On", "-Oq", "-Oe", "-Ot"]).args(more);
    command.arg(address.to_string()).args(oids);
    tokio::task::spawn_blocking(move || command.output()).await.expect("joined").expect("installed")
}

fn lines(output: &Output) -> Vec<(String, String)> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // A bulk walk says at the end that there is no more.
    let values = text.lines().filter(|line| !line.contains("No more variables left"));
    let pairs = values.filter_map(|line| line.split_once(' '));
    pairs.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_walk_and_a_plain_walk_give_the_same_tree() {
    if !installed() {
        return;
    }
    let fleet = fleet(FleetConfig::default()).await;
    let device = fleet.addresses()[1];
    let bulk = lines(&ask("snmpbulkwalk", &["-cpublic", "-Cr25"], device, &["1"]).await);
    let plain = lines(&ask("snmpwalk", &["-cpublic"], device, &["1"]).await);
    let names = |walk: &[(String, String)]| walk.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(bulk.len(), OBJECTS);
    assert_eq!(names(&bulk), names(&plain));
    // What does not move is the same too; counters only grow.
    let counter = |name: &str| {
        name.starts_with(".1.3.6.1.2.1.31.1.1.1.6.") || name.starts_with(".1.3.6.1.2.1.31.1.1.1.10.")
    };
    for ((name, before), (_, after)) in bulk.iter().zip(&plain) {
        if counter(name) {
            let number = |text: &str| text.parse::<u64>().expect("a counter");
            assert!(number(before) > u64::from(u32::MAX) && number(before) <= number(after), "{name}");
        }
    }
    let value = |name: &str| bulk.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
    assert_eq!(value(".1.3.6.1.2.1.1.5.0").as_deref(), Some("dev00001"));
    assert_eq!(value(".1.3.6.1.2.1.31.1.1.1.1.24").as_deref(), Some("ether24"));
    assert_eq!(value(".1.3.6.1.2.1.2.2.1.8.8").as_deref(), Some("2"));
    assert_eq!(fleet.served().refused, 0);
    assert!(fleet.served().bindings >= 2 * OBJECTS as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_too_big_and_another_community_is_silence() {
    if !installed() {
        return;
    }
    let fleet =
        fleet(FleetConfig { largest: 120, community: "other".to_owned(), ..FleetConfig::default() }).await;
    let silent =
        ask("snmpget", &["-cpublic", "-r0", "-t1"], fleet.addresses()[0], &["1.3.6.1.2.1.1.5.0"]).await;
    assert!(String::from_utf8_lossy(&silent.stderr).contains("Timeout"), "{silent:?}");
    let descr = "1.3.6.1.2.1.1.1.0";
    let one = ask("snmpget", &["-cother"], fleet.addresses()[0], &[descr]).await;
    assert_eq!(lines(&one)[0].1, "snmp-fleet synthetic router");
    let many = ask("snmpget", &["-cother"], fleet.addresses()[0], &[descr; 4]).await;
    assert!(String::from_utf8_lossy(&many.stderr).contains("tooBig"), "{many:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_devices_take_requests_and_answer_none() {
    if !installed() {
        return;
    }
    let fleet = fleet(FleetConfig { silent: 1, ..FleetConfig::default() }).await;
    let uptime = "1.3.6.1.2.1.1.3.0";
    assert_eq!(lines(&ask("snmpget", &["-cpublic"], fleet.addresses()[1], &[uptime]).await).len(), 1);
    let silent = ask("snmpget", &["-cpublic", "-r0", "-t1"], fleet.addresses()[2], &[uptime]).await;
    assert!(!silent.status.success());
    assert_eq!((fleet.served().requests, fleet.served().uptimes, fleet.served().refused), (2, 1, 1));
}
