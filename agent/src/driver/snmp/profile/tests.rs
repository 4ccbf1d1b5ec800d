use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::embedded::EMBEDDED;
use super::*;
use crate::driver::snmp::parse::System;

const GOOD: &str = r#"id = "example"
name = "Example"
provenance = "synthetic"
sources = ["EXAMPLE-MIB"]

[match]
object_id = ["1.3.6.1.4.1.99999"]

[[metric]]
name = "system_temperature_celsius"
oid = "1.3.6.1.4.1.99999.1.0"
object = "exampleTemperature"
unit = "celsius"
scale = 0.1
labels = { sensor = "board" }

[[table]]
name = "stations"
entry = "1.3.6.1.4.1.99999.2.1"
object = "EXAMPLE-MIB::stationTable"
index = [{ label = "station", form = "mac" }]
labels = [{ label = "name", column = 2 }]

[[table.metric]]
name = "wireless_receive_bytes_total"
column = 3
object = "stationBytes"
unit = "bytes"
kind = "counter"
"#;

/// The mistakes of the good profile after one text was replaced.
fn told(old: &str, new: &str) -> Vec<String> {
    assert!(GOOD.contains(old), "{old}");
    let errors = parse("own.toml", &GOOD.replacen(old, new, 1)).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn every_mistake_names_file_and_line() {
    parse("own.toml", GOOD).unwrap();
    for (old, new, expected) in [
        ("id = \"example\"", "id = \"Ex ample\"", "own.toml:1: id `Ex ample`"),
        ("object_id = [\"1.3.6.1.4.1.99999\"]", "", "own.toml:1: match: give object_id"),
        (
            "object_id = [\"1.3.6.1.4.1.99999\"]",
            "object_id = [\"1.3.x\"]",
            "own.toml:7: `1.3.x` is no object",
        ),
        (
            "object_id = [\"1.3.6.1.4.1.99999\"]",
            "description = [\" \"]",
            "own.toml:7: description: an empty text",
        ),
        ("[match]", "[mach]", "own.toml:6: unknown field `mach`"),
        (
            "oid = \"1.3.6.1.4.1.99999.1.0\"",
            "oid = \"1.3.6.1.4.1.99999.1\"",
            "own.toml:11: an object that is no column",
        ),
        (
            "\"system_temperature_celsius\"",
            "\"system_temperature\"",
            "own.toml:10: metric `system_temperature`: with its unit the name ends in _celsius",
        ),
        (
            "\"system_temperature_celsius\"",
            "\"device_temperature_celsius\"",
            "own.toml:10: metric `device_temperature_celsius` is the agent's own",
        ),
        (
            "\"system_temperature_celsius\"",
            "\"Temperature_celsius\"",
            "own.toml:10: metric `Temperature_celsius`: give lower case",
        ),
        ("unit = \"celsius\"", "unit = \"kelvin\"", "own.toml:13: unknown variant `kelvin`"),
        (
            "unit = \"celsius\"",
            "unit = \"none\"",
            "own.toml:10: metric `system_temperature_celsius` has no unit",
        ),
        ("scale = 0.1", "scale = 0.0", "own.toml:14: scale: give a number that is not zero"),
        ("scale = 0.1", "scale = 0.1\nmap = { 1 = 2 }", "own.toml:14: scale: the map gives"),
        (
            "scale = 0.1",
            "kind = \"counter\"",
            "own.toml:10: counter `system_temperature_celsius`: its name ends in _total",
        ),
        ("scale = 0.1", "min_interval_seconds = 0", "own.toml:14: min_interval_seconds: give 1 to 86400"),
        ("sensor = \"board\"", "device = \"board\"", "own.toml:15: label `device` is added by headquarters"),
        ("exampleTemperature", " ", "own.toml:12: object: give the MIB's name"),
        ("label = \"station\"", "label = \"name\"", "own.toml:22: label `name` is there twice"),
        (
            "form = \"mac\" }",
            "form = \"rest\" }, { form = \"integer\" }",
            "own.toml:21: this form takes what is left",
        ),
        ("column = 2", "column = 0", "own.toml:22: columns are numbered from 1"),
        ("_bytes_total\"", "_bytes\"", "own.toml:25: counter `wireless_receive_bytes`"),
        (
            "kind = \"counter\"",
            "kind = \"counter\"\nscale = 0.5",
            "own.toml:30: scale: a counter counts whole",
        ),
        ("provenance = \"synthetic\"", "", "own.toml:1: missing field `provenance`"),
    ] {
        let told = told(old, new);
        assert!(told.iter().any(|line| line.starts_with(expected)), "{new}: {told:#?}");
    }
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once_in_their_order() {
    let text = GOOD
        .replace("99999.1.0", "99999.1")
        .replace("column = 2", "column = 0")
        .replace("\"example\"", "\"\"");
    let lines: Vec<usize> = parse("own.toml", &text).unwrap_err().iter().map(|error| error.line).collect();
    assert_eq!(lines, [1, 11, 22]);
}

#[test]
fn one_name_means_one_thing_and_no_series_comes_twice() {
    let again = "\n[[metric]]\nname = \"system_temperature_celsius\"\noid = \"1.3.6.1.4.1.99999.9.0\"\nobject = \"other\"\nunit = \"celsius\"\nlabels = { sensor = \"board\" }\n";
    let twice = GOOD.replacen("\n[[table]]", &format!("{again}\n[[table]]"), 1);
    let errors = parse("own.toml", &twice).unwrap_err();
    assert_eq!((errors.len(), errors[0].line), (1, 18), "{errors:?}");
    let table = "\n[[table]]\nname = \"stations\"\nentry = \"1.3.6.1.4.1.99999.3.1\"\nobject = \"x\"\nindex = [{ form = \"integer\" }]\nmetric = []\n";
    let errors = parse("own.toml", &format!("{GOOD}{table}")).unwrap_err();
    let told: Vec<String> = errors.iter().map(|error| error.words.clone()).collect();
    assert!(told.iter().any(|words| words.contains("table `stations` is there twice")), "{told:?}");
    assert!(told.iter().any(|words| words.contains("its rows are one series")), "{told:?}");
    assert!(told.iter().any(|words| words.contains("read for nothing")), "{told:?}");
}

fn embedded() -> Vec<Profile> {
    EMBEDDED
        .iter()
        .map(|(file, text)| parse(file, text).unwrap_or_else(|errors| panic!("{errors:#?}")))
        .collect()
}

#[test]
fn what_is_built_in_is_whole_and_is_the_folder() {
    let profiles = embedded();
    assert!(profiles.len() >= 25, "{}", profiles.len());
    for profile in &profiles {
        assert_eq!(profile.file, format!("{}.toml", profile.id));
        assert!(!profile.sources.is_empty() && !profile.measures().is_empty(), "{}", profile.id);
        assert!(profile.measures().iter().all(|measured| measured.every <= Duration::from_secs(3_600)));
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let listed: BTreeSet<String> = EMBEDDED.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(there, listed);
    assert_eq!(Profiles::embedded().all().count(), profiles.len());
}

#[test]
fn a_metric_means_the_same_in_every_profile() {
    let mut meanings: BTreeMap<String, (Unit, Kind, String)> = BTreeMap::new();
    for profile in embedded() {
        for measured in profile.measures() {
            let meaning = (measured.unit, measured.kind, profile.id.clone());
            let first = meanings.entry(measured.metric.to_owned()).or_insert_with(|| meaning.clone());
            assert_eq!(
                (first.0, first.1),
                (meaning.0, meaning.1),
                "{}: {} and {}",
                measured.metric,
                first.2,
                profile.id
            );
        }
    }
}

fn chosen(profiles: &Profiles, object_id: &str, description: &str, has: &[&str]) -> Option<String> {
    let system = System { description: description.into(), object_id: object_id.into(), ..System::default() };
    let candidates = Candidates::of(profiles, &system);
    let there: Vec<bool> = candidates
        .subtrees()
        .iter()
        .map(|subtree| has.contains(&crate::driver::snmp::ber::dotted(subtree).as_str()))
        .collect();
    candidates.settle(&there).map(|profile| profile.id.clone())
}

#[test]
fn the_profile_that_knows_more_of_a_device_wins() {
    let all = Profiles::embedded();
    let e = |rest: &str| format!("1.3.6.1.4.1.{rest}");
    let of = |object_id: &str, has: &[&str]| chosen(&all, &e(object_id), "Linux", has);
    assert_eq!(of("14988.1", &[]).as_deref(), Some("mikrotik-routeros"));
    assert_eq!(of("8072.3.2.10", &[]).as_deref(), Some("linux-host"));
    assert_eq!(of("8072.3.2.10", &["1.3.6.1.4.1.41112.1.10.1"]).as_deref(), Some("ubiquiti-ltu"));
    assert_eq!(of("10002.1", &["1.3.6.1.4.1.41112.1.4.1"]).as_deref(), Some("ubiquiti-airmax"));
    assert_eq!(of("10002.1", &[]), None);
    assert_eq!(of("2011.2.115", &[]).as_deref(), Some("huawei-olt"));
    assert_eq!(of("2011.2.1150", &[]).as_deref(), Some("huawei-vrp"));
    assert_eq!(
        of("318.1.3.27", &["1.3.6.1.4.1.318.1.1.1.1", "1.3.6.1.2.1.33.1.1"]).as_deref(),
        Some("apc-ups")
    );
    assert_eq!(of("99999.1", &["1.3.6.1.2.1.33.1.1"]).as_deref(), Some("ups-rfc1628"));
    assert_eq!(of("99999.1", &[]), None);
    // What a device says of itself may be nonsense.
    assert_eq!(chosen(&all, "", "", &[]), None);
}

#[test]
fn a_folder_adds_and_overrides_and_a_broken_file_spoils_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("example.toml", GOOD);
    write("mine.toml", &GOOD.replace("\"example\"", "\"linux-host\"").replace("\"Example\"", "\"My Linux\""));
    write("twice.toml", GOOD);
    write("broken.toml", "id = \"mikrotik-routeros\"\nname = ");
    write("notes.txt", "no profile");
    let (profiles, errors) = Profiles::with_folder(folder.path());
    assert_eq!(profiles.get("linux-host").unwrap().name, "My Linux");
    assert_eq!(profiles.get("mikrotik-routeros").unwrap().name, "MikroTik RouterOS");
    assert_eq!(profiles.all().count(), EMBEDDED.len() + 1);
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("broken.toml:2: "), "{told:?}");
    assert!(told[1].contains("twice.toml:1: the id `example` is already that of"), "{told:?}");
    assert_eq!(chosen(&profiles, "1.3.6.1.4.1.99999.7", "", &[]).as_deref(), Some("example"));
}

proptest! {
    #[test]
    fn any_text_is_a_profile_or_refused(text in "\\PC*") {
        let _either = parse("own.toml", &text);
    }

    /// A good file with some of its characters changed reaches further into the reader than noise does.
    #[test]
    fn a_damaged_profile_is_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (at, changed) in changes {
            let at = at.index(text.len());
            text[at] = changed;
        }
        let whole: String = text.iter().collect();
        let _either = parse("own.toml", &whole);
        let part: String = text[..cut.index(text.len())].iter().collect();
        if let Err(errors) = parse("own.toml", &part) {
            prop_assert!(errors.iter().all(|error| error.line <= part.lines().count() + 1));
        }
    }
}
