//! Every profile that is built in, on snmpsim with its recording: the values by name are those that stand beside it.
//!
//! `tests/recordings/ID.snmprec` is what the device says, `ID.values` what that means; both were written by hand from
//! the MIB (see the folder's page), so the profile is a third opinion.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use atalaya_agent::driver::snmp::profile::{Profiles, Provenance};
use atalaya_agent::driver::{Device, Kind, SampleReceiver, SampleSink, Value};
use atalaya_simulators::snmpsim::Snmpsim;

use super::snmp::device;
use crate::support::tool_or_skip;

fn recordings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}

/// Samples by `metric{label="value"}`.
#[derive(Default)]
struct Taken(BTreeMap<String, f64>);

impl SampleReceiver for Taken {
    fn receive(&mut self, metric: &str, labels: &[(&str, &str)], _: Kind, value: Value) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let series = format!("{metric}{{{}}}", labels.join(","));
        let before = self.0.insert(series.clone(), value.as_f64());
        assert!(before.is_none(), "{series} came twice");
    }
}

fn expected(id: &str) -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(recordings().join(format!("{id}.values"))).unwrap();
    text.lines()
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            (series.to_owned(), value.parse().unwrap())
        })
        .collect()
}

/// snmpsim with all recordings; `None` when it is not installed and that is allowed.
async fn snmpsim() -> Option<Snmpsim> {
    let python = Snmpsim::python().await;
    if let Err(reason) = &python {
        eprintln!("{reason} (packaging/setup.sh installs it)");
    }
    if !tool_or_skip("snmpsim", python.is_ok()) {
        return None;
    }
    Some(Snmpsim::start(&python.unwrap(), &recordings(), "linux-host").await.unwrap())
}

async fn measured(device: &dyn Device) -> BTreeMap<String, f64> {
    let mut taken = Taken::default();
    device.measure().unwrap().measure(&mut SampleSink::new(&mut taken)).await.unwrap();
    taken.0
}

/// What differs between two lists of values, as lines.
fn differences(measured: &BTreeMap<String, f64>, expected: &BTreeMap<String, f64>) -> Vec<String> {
    let near = |one: f64, other: f64| (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0);
    let mut lines = Vec::new();
    for (series, value) in expected {
        match measured.get(series) {
            None => lines.push(format!("missing: {series} {value}")),
            Some(got) if !near(*got, *value) => lines.push(format!("{series}: {got}, not {value}")),
            Some(_) => {}
        }
    }
    let more = measured.keys().filter(|series| !expected.contains_key(*series));
    lines.extend(more.map(|series| format!("unexpected: {series}")));
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn every_profile_reads_its_recording() {
    let Some(snmpsim) = snmpsim().await else { return };
    let mut wrong = Vec::new();
    for profile in Profiles::embedded().all() {
        let (device, _sockets) = device(snmpsim.address(), &profile.id);
        let differences = differences(&measured(device.as_ref()).await, &expected(&profile.id));
        wrong.extend(differences.into_iter().map(|line| format!("{}: {line}", profile.id)));
        let identity = device.identify().identify().await.unwrap();
        assert!(!identity.model.is_empty(), "{}", profile.id);
    }
    let log = std::fs::read_to_string(snmpsim.log()).unwrap_or_default();
    assert!(wrong.is_empty(), "{wrong:#?}\n{log}");
}

/// A recording is served under its profile's id, and the device behind it must be found to be of that profile.
#[tokio::test(flavor = "multi_thread")]
async fn every_recording_is_found_to_be_its_profile_and_survives_being_recorded_again() {
    use atalaya_agent::clock::AgentClock;
    use atalaya_agent::driver::registry::Resources;
    use std::sync::Arc;
    use tokio::task::JoinSet;
    use tokio_util::sync::CancellationToken;

    let Some(snmpsim) = snmpsim().await else { return };
    let resources = Arc::new(Resources::open(Arc::new(AgentClock::start()), Default::default()));
    let mut sockets = JoinSet::new();
    sockets.spawn(Arc::clone(&resources).run(CancellationToken::new()));
    let again = tempfile::tempdir().unwrap();
    for profile in Profiles::embedded().all() {
        let target = super::snmp::target(snmpsim.address(), &profile.id);
        let device = resources.snmp_device(target).unwrap();
        let found = device.profile().await.unwrap();
        assert_eq!(found.map(|found| found.id.clone()).as_ref(), Some(&profile.id));
        let text = device.record().await.unwrap();
        assert!(!text.contains("ejemplo"), "{}: the name of the device is in its recording", profile.id);
        std::fs::write(again.path().join(format!("{}.snmprec", profile.id)), text).unwrap();
    }
    // What was recorded gives the same numbers; labels that were names have stand-ins now.
    let python = Snmpsim::python().await.unwrap();
    let second = Snmpsim::start(&python, again.path(), "linux-host").await.unwrap();
    for profile in Profiles::embedded().all() {
        let (device, _sockets) = device(second.address(), &profile.id);
        let numbers = |values: BTreeMap<String, f64>| -> Vec<String> {
            let name = |series: &str| series.split('{').next().unwrap().to_owned();
            let mut numbers: Vec<String> =
                values.iter().map(|(series, value)| format!("{} {value:.6e}", name(series))).collect();
            numbers.sort();
            numbers
        };
        let (first, second) = (expected(&profile.id), measured(device.as_ref()).await);
        assert_eq!(numbers(second), numbers(first), "{}", profile.id);
    }
}

#[test]
fn every_profile_has_a_recording_and_says_where_it_is_from() {
    let mut files: Vec<String> = std::fs::read_dir(recordings())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".md"))
        .collect();
    files.sort();
    let mut wanted: Vec<String> = Profiles::embedded()
        .all()
        .flat_map(|profile| [format!("{}.snmprec", profile.id), format!("{}.values", profile.id)])
        .collect();
    wanted.sort();
    assert_eq!(files, wanted);
    for profile in Profiles::embedded().all() {
        let text = std::fs::read_to_string(recordings().join(format!("{}.snmprec", profile.id))).unwrap();
        let first = text.lines().next().unwrap();
        let words = match profile.provenance {
            Provenance::Real => "Recorded from a device",
            Provenance::Mib => "Written from the published MIB, values invented. Not seen on hardware.",
            Provenance::Synthetic => "Synthetic",
        };
        assert!(first.starts_with('#') && first.contains(words), "{}: {first}", profile.id);
    }
}
