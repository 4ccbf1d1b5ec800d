//! Devices that are large, slow, sulky or wrong, played by a socket.

mod scripted;

use std::collections::BTreeMap;
use std::time::Duration;

use scripted::{Object, Scene, Scripted};

use super::habits::Habits;
use super::state::Since;
use super::walk::{Held, TableWalk};
use super::*;
use crate::driver::{Kind, SampleReceiver, Value};

const LARGE: u32 = 10_000;

/// A device with a table of ten thousand rows of two columns.
fn large() -> Scripted {
    let mut device = Scripted::new();
    let mut objects = Vec::new();
    for column in [2, 3] {
        for row in 1..=LARGE {
            let oid = format!("1.3.6.1.4.1.99999.1.1.{column}.{row}");
            let name = ber::encoded(&oid).unwrap();
            let arcs = oid.split('.').map(|arc| arc.parse().unwrap()).collect();
            objects.push(Object { arcs, name, tag: 0x42, content: row.to_be_bytes().to_vec() });
        }
    }
    // In order already, and all behind the system group.
    device.objects.extend(objects);
    device
}

async fn rows_of(client: &Client, habits: &mut Habits) -> usize {
    let columns = ["1.3.6.1.4.1.99999.1.1.2", "1.3.6.1.4.1.99999.1.1.3"];
    let mut walk = TableWalk::new(columns.map(|oid| ber::encoded(oid).unwrap()));
    let mut rows = 0;
    while !walk.ended() {
        client.advance(&mut walk, habits, true).await.unwrap();
        for row in walk.take_whole() {
            rows += 1;
            let number = Held::Gauge32(row.index[0]);
            assert_eq!(row.cells, [Some(number.clone()), Some(number)]);
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_rows_are_read_also_of_a_device_that_chokes() {
    let scene = Scene::of(large()).await;
    let mut habits = Habits::UNKNOWN;
    assert_eq!(rows_of(&scene.client(), &mut habits).await, 10_000);
    assert!(scene.requests() < 700, "{} requests", scene.requests());

    let scene = Scene::of(Scripted { most: 8, ..large() }).await;
    let mut habits = Habits::UNKNOWN;
    assert_eq!(rows_of(&scene.client(), &mut habits).await, 10_000);
    let first = scene.requests();
    assert_eq!(rows_of(&scene.client(), &mut habits).await, 10_000);
    let second = scene.requests() - first;
    assert!(second < first, "what choked it is remembered: {first} requests, then {second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_would_be_too_big_are_asked_for_in_smaller_ones() {
    let scene = Scene::of(Scripted { largest: 484, ..large() }).await;
    assert_eq!(rows_of(&scene.client(), &mut { Habits::UNKNOWN }).await, 10_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_too_long_for_a_device_is_asked_in_parts_from_then_on() {
    let mut device = Scripted { most: 4, ..Scripted::new() };
    let objects: Vec<Vec<u8>> = (1..=9)
        .map(|object| {
            let oid = format!("1.3.6.1.4.1.99999.2.{object}.0");
            if object != 5 {
                device.put(&oid, 0x02, &[object]);
            }
            ber::encoded(&oid).unwrap()
        })
        .collect();
    let scene = Scene::of(device).await;
    let client = scene.client();
    let values = client.get(&objects).await.unwrap();
    let numbers: Vec<Option<i64>> =
        values.iter().map(|value| value.as_ref().and_then(Held::number)).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 0, 6, 7, 8, 9].map(|number| Some(number).filter(|number| *number > 0)));
    let before = scene.requests();
    client.get(&objects).await.unwrap();
    assert_eq!(scene.requests() - before, 3, "four, four and one");
}

const PROFILE: &str = r#"
id = "example"
name = "Example"
provenance = "synthetic"
sources = ["EXAMPLE-MIB"]
interfaces = false
match = { object_id = ["1.3.6.1.4.1.99999"] }

[[metric]]
name = "example_level"
oid = "1.3.6.1.4.1.99999.3.1.0"
object = "exLevel"
unit = "none"

[[table]]
name = "large"
entry = "1.3.6.1.4.1.99999.1.1"
object = "EXAMPLE-MIB::exTable"
index = [{ label = "row", form = "integer" }]

[[table.metric]]
name = "example_large"
column = 2
object = "exLarge"
unit = "none"

[[table]]
name = "small"
entry = "1.3.6.1.4.1.99999.4.1"
object = "EXAMPLE-MIB::exSmallTable"
index = [{ label = "row", form = "integer" }]

[[table.metric]]
name = "example_small"
column = 1
object = "exSmall"
unit = "none"
"#;

#[derive(Default)]
struct Taken(BTreeMap<String, Vec<i64>>);

impl SampleReceiver for Taken {
    fn receive(&mut self, metric: &str, labels: &[(&str, &str)], _: Kind, value: Value) {
        let Value::Int(value) = value else { return };
        let label = labels.first().map_or("", |(_, value)| value);
        self.0.entry(format!("{metric} {label}")).or_default().push(value);
    }
}

impl Taken {
    fn last(&self, series: &str) -> Option<i64> {
        self.0.get(series)?.last().copied()
    }
}

fn plan() -> Plan {
    Plan::new(Arc::new(profile::parse("example.toml", PROFILE).unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_too_long_for_one_measurement_goes_on_in_the_next_and_starves_nobody() {
    let mut device = Scripted { per_request: Duration::from_millis(50), ..large() };
    device.put("1.3.6.1.4.1.99999.3.1.0", 0x02, &[42]);
    device.put("1.3.6.1.4.1.99999.4.1.1.7", 0x02, &[9]);
    let scene = Scene::of(device).await;
    let (client, plan, clock) = (scene.client(), plan(), Arc::clone(&scene.device.clock));
    let mut taken = Taken::default();
    let (mut measurements, elapsed) = (0, Since::Elapsed(Duration::from_secs(60)));
    while taken.last("snmp_table_rows large").is_none() {
        measurements += 1;
        assert!(measurements < 20, "it never ends");
        let begun = clock.elapsed();
        let mut sink = SampleSink::new(&mut taken);
        plan.read(&client, &InterfaceNames::default(), elapsed, clock.elapsed(), clock.as_ref(), &mut sink)
            .await;
        let took = clock.elapsed().saturating_sub(begun);
        assert!(took <= Duration::from_millis(5_200), "{took:?}");
        clock.advance(Duration::from_secs(60));
    }
    assert!(measurements > 1, "it was short enough for one");
    assert_eq!(taken.last("snmp_table_rows large"), Some(10_000));
    assert_eq!(taken.last("snmp_table_read_ok large"), Some(1));
    for row in [1, 5_000, 10_000] {
        assert_eq!(taken.0[&format!("example_large {row}")], [row], "once");
    }
    assert_eq!(taken.0.keys().filter(|series| series.starts_with("example_large ")).count(), 10_000);
    // The others in every measurement but the first, in which the large one came before the small.
    assert_eq!(taken.0["example_level "].len(), measurements);
    assert!(taken.0["example_small 7"].len() + 1 >= measurements);

    // A walk that stood still for too long is not half a table.
    let mut sink = SampleSink::new(&mut taken);
    plan.read(&client, &InterfaceNames::default(), elapsed, clock.elapsed(), clock.as_ref(), &mut sink).await;
    clock.advance(Duration::from_secs(3_600));
    let mut again = Taken::default();
    let mut sink = SampleSink::new(&mut again);
    plan.read(&client, &InterfaceNames::default(), elapsed, clock.elapsed(), clock.as_ref(), &mut sink).await;
    assert_eq!(again.0["example_large 1"], [1], "from the beginning");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_goes_round_in_circles_rests_and_the_rest_is_measured() {
    let mut device = large();
    device.put("1.3.6.1.4.1.99999.3.1.0", 0x02, &[42]);
    device.put("1.3.6.1.4.1.99999.4.1.1.7", 0x02, &[9]);
    device.stuck = Some("1.3.6.1.4.1.99999.1.1.2".split('.').map(|arc| arc.parse().unwrap()).collect());
    let scene = Scene::of(device).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("example.toml"), PROFILE).unwrap();
    let (profiles, errors) = Profiles::with_folder(folder.path());
    assert!(errors.is_empty(), "{errors:?}");
    let clock = Arc::clone(&scene.device.clock);
    let (sockets, profiles) = (Arc::clone(&scene.sockets), Arc::new(profiles));
    let device = SnmpDevice::new(scene.target.clone(), sockets, profiles, clock.clone()).unwrap();
    let mut taken = Taken::default();
    for _ in 0..2 {
        Measure::measure(&device, &mut SampleSink::new(&mut taken)).await.unwrap();
        clock.advance(Duration::from_secs(60));
    }
    assert_eq!(taken.0["snmp_table_read_ok large"], [0], "once, and then it rests");
    assert_eq!(taken.0["example_small 7"], [9, 9]);
    assert_eq!(taken.0["example_level "], [42, 42]);
    assert_eq!(taken.0["snmp_table_read_ok objects"], [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_silent_from_the_start_costs_two_tries() {
    let mut device = Scripted::new();
    for row in 1u8..=30 {
        device.put(&format!("1.3.6.1.2.1.31.1.1.1.1.{row}"), 0x04, format!("ether{row}").as_bytes());
        device.put(&format!("1.3.6.1.2.1.31.1.1.1.6.{row}"), 0x46, &[row]);
    }
    device.most = 0;
    let sulky = Scene::of(device).await;
    let client = sulky.client();
    for _ in 0..2 {
        let error = client.interfaces(oid::Column::EXTENDED, true).await.unwrap_err();
        assert!(matches!(error, DeviceError::Timeout { .. }), "{error}");
    }
    assert_eq!(sulky.requests(), 4, "two tries each");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_goes_down_in_the_middle_costs_two_silences() {
    let mut device = Scripted { lives: 1, ..Scripted::new() };
    for row in 1u8..=100 {
        device.put(&format!("1.3.6.1.2.1.31.1.1.1.1.{row}"), 0x04, format!("ether{row}").as_bytes());
    }
    let scene = Scene::of(device).await;
    let client = scene.client();
    let error = client.interfaces(oid::Column::EXTENDED, true).await.unwrap_err();
    assert!(matches!(error, DeviceError::Timeout { .. }), "{error}");
    assert_eq!(scene.requests(), 1 + 4, "one answered, then two silences of two tries each");
    let objects: Vec<Vec<u8>> =
        (1..=40).map(|object| ber::encoded(&format!("1.3.6.1.4.1.99999.2.{object}.0")).unwrap()).collect();
    let error = client.get(&objects).await.unwrap_err();
    assert!(matches!(error, DeviceError::Timeout { .. }), "{error}");
    assert_eq!(scene.requests(), 5 + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_met_silence_is_asked_whole_again_after_a_while() {
    let mut device = Scripted { most: 4, ..Scripted::new() };
    let objects: Vec<Vec<u8>> = (1..=8)
        .map(|object| {
            let oid = format!("1.3.6.1.4.1.99999.2.{object}.0");
            device.put(&oid, 0x02, &[object]);
            ber::encoded(&oid).unwrap()
        })
        .collect();
    let scene = Scene::of(device).await;
    let client = scene.client();
    let mut asked = Vec::new();
    for _ in 0..11 {
        let before = scene.requests();
        client.get(&objects).await.unwrap();
        asked.push(scene.requests() - before);
    }
    // Two tries to eight objects, then four and four; after ten calm readings eight are tried again.
    assert_eq!(asked[0], 4);
    assert!(asked[1..10].iter().all(|requests| *requests == 2), "{asked:?}");
    assert_eq!(asked[10], 4);
}
