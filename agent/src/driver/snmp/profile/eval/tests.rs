use proptest::prelude::*;

use super::*;
use crate::driver::SampleReceiver;
use crate::driver::snmp::profile::{Profile, parse as read};

const PROFILE: &str = r#"id = "example"
name = "Example"
provenance = "synthetic"
sources = ["EXAMPLE-MIB"]
[match]
object_id = ["1.3.6.1.4.1.99999"]

[[metric]]
name = "system_voltage_volts"
oid = "1.3.6.1.4.1.99999.1.0"
object = "a"
unit = "volts"
scale = 0.1
offset = -1.0
invalid = [-1]

[[metric]]
name = "power_supply_ok"
oid = "1.3.6.1.4.1.99999.2.0"
object = "b"
unit = "none"
map = { 2 = 1, off = 0 }

[[metric]]
name = "solar_energy_joules_total"
oid = "1.3.6.1.4.1.99999.3.0"
object = "c"
unit = "joules"
kind = "counter"
scale = 3600000.0

[[table]]
name = "sensors"
entry = "1.3.6.1.4.1.99999.9.1"
object = "d"
index = [{ label = "interface", form = "interface" }, { form = "integer" }, { label = "station", form = "mac" }]
labels = [{ label = "name", column = 2 }, { label = "address", column = 3, form = "mac" }]

[[table.metric]]
name = "sensor_temperature_celsius"
column = 4
object = "e"
unit = "celsius"
where = { column = 5, equals = [8] }
prefix_column = 6
decimals_column = 7

[[table.metric]]
name = "storage_used_bytes"
column = 8
object = "f"
unit = "bytes"
times_column = 9
labels = { kind = "disk" }
"#;

fn profile() -> Profile {
    read("example.toml", PROFILE).unwrap()
}

#[derive(Default)]
struct Taken(Vec<(String, Value)>);

impl SampleReceiver for Taken {
    fn receive(&mut self, metric: &str, labels: &[(&str, &str)], _: Kind, value: Value) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.0.push((format!("{metric} {}", labels.join(",")), value));
    }
}

/// What one object gives.
fn object(at: usize, value: Held) -> Option<Value> {
    let mut taken = Taken::default();
    let profile = profile();
    let mut counters = Counters::default();
    scalar(&profile.scalars[at], at, Some(&value), &mut counters, &mut SampleSink::new(&mut taken));
    taken.0.pop().map(|(_, value)| value)
}

fn text(text: &str) -> Held {
    Held::Octets(text.as_bytes().into())
}

#[test]
fn a_level_is_scaled_moved_and_left_out_where_the_device_does_not_know() {
    assert_eq!(object(0, Held::Number(244)), Some(Value::Float(23.4)));
    assert_eq!(object(0, Held::Number(-1)), None);
    assert_eq!(object(0, text("24.5 V")), Some(Value::Float(24.5 / 10.0 - 1.0)));
    assert_eq!(object(0, text(" -58dBm")), Some(Value::Float(-6.8)));
    for nothing in ["", "n/a", "-", "--", "+", "V 24"] {
        assert_eq!(object(0, text(nothing)), None, "{nothing}");
    }
}

#[test]
fn a_map_takes_numbers_and_texts_and_nothing_else() {
    assert_eq!(object(1, Held::Number(2)), Some(Value::Int(1)));
    assert_eq!(object(1, text("off")), Some(Value::Int(0)));
    assert_eq!(object(1, Held::Number(3)), None);
    assert_eq!(object(1, text("2x")), None);
}

#[test]
fn a_counter_stays_whole() {
    assert_eq!(object(2, Held::Number(1_234)), Some(Value::Int(4_442_400_000)));
    assert_eq!(object(2, Held::Counter64(u64::MAX)), Some(Value::Int(i64::MAX)));
    assert_eq!(object(2, Held::Number(-5)), None);
    assert_eq!(object(2, text("1.5")), None);
}

fn cells(of: &[(usize, Held)]) -> Vec<Option<Held>> {
    // Columns in the order in which the profile names them first: 2, 3, 4, 5, 8, 9 and those beside.
    let mut cells = vec![None; 8];
    for (at, value) in of {
        cells[*at] = Some(value.clone());
    }
    cells
}

fn rows(profile: &Profile, rows: &[Row]) -> Vec<(String, Value)> {
    let mut taken = Taken::default();
    let names = InterfaceNames::from([(7, "ether7".to_owned())]);
    let mut counters = Counters::default();
    for given in rows {
        row(&profile.tables[0], 0, given, &names, &mut counters, &mut SampleSink::new(&mut taken));
    }
    taken.0
}

#[test]
fn a_row_has_labels_of_its_index_and_columns_and_values_sized_by_other_columns() {
    let profile = profile();
    let place = |column: u32| profile.tables[0].columns.iter().position(|there| *there == column).unwrap();
    let index = vec![7, 99, 2, 0, 0, 0, 0, 255];
    let whole = Row {
        index,
        cells: cells(&[
            (place(2), text("gabinete")),
            (place(3), Held::Octets([2, 0, 0, 0, 0, 9].into())),
            (place(4), Held::Number(412)),
            (place(5), Held::Number(8)),
            (place(6), Held::Number(9)),
            (place(7), Held::Number(1)),
            (place(8), Held::Number(10)),
            (place(9), Held::Number(4_096)),
        ]),
    };
    let labels = "address=02:00:00:00:00:09,interface=ether7";
    assert_eq!(
        rows(&profile, std::slice::from_ref(&whole)),
        [
            (
                format!("sensor_temperature_celsius {labels},name=gabinete,station=02:00:00:00:00:ff"),
                Value::Float(41.2)
            ),
            (
                format!("storage_used_bytes {labels},kind=disk,name=gabinete,station=02:00:00:00:00:ff"),
                Value::Float(40_960.0)
            ),
        ]
    );
    // Another type of sensor, a size that cannot be read, an index of another shape.
    let mut other = whole.clone();
    other.cells[place(5)] = Some(Held::Number(3));
    other.cells[place(9)] = None;
    assert!(rows(&profile, &[other]).is_empty());
    for index in
        [vec![7, 99, 2, 0, 0, 0, 0], vec![7, 99, 2, 0, 0, 0, 0, 256], vec![7, 99, 2, 0, 0, 0, 0, 1, 1]]
    {
        assert!(rows(&profile, &[Row { index, ..whole.clone() }]).is_empty());
    }
}

#[test]
fn parts_of_an_index() {
    let names = InterfaceNames::from([(3, "sfp3".to_owned())]);
    let parts = |forms: &[IndexForm], index: &[u32]| index_parts(forms, index, &names);
    use IndexForm::{Implied, Integer, Interface, Ipv4, Rest, Text};
    assert_eq!(parts(&[Interface, Interface], &[3, 4]).unwrap(), ["sfp3", "4"]);
    assert_eq!(parts(&[Ipv4, Rest], &[198, 18, 0, 1, 9, 8]).unwrap(), ["198.18.0.1", "9.8"]);
    assert_eq!(parts(&[Text, Integer], &[2, 97, 98, 5]).unwrap(), ["ab", "5"]);
    assert_eq!(parts(&[Implied], &[97, 98]).unwrap(), ["ab"]);
    assert_eq!(parts(&[Text], &[9, 97]), None);
    assert_eq!(parts(&[Text], &[u32::MAX]), None);
    assert_eq!(parts(&[Integer], &[]), None);
}

#[test]
fn a_narrow_counter_is_carried_on_until_its_row_is_gone() {
    let mut counters = Counters::default();
    let key = |row: u32| -> Key { (Some(0), 0, vec![row].into()) };
    let first = counters.begin();
    counters.carry(key(1), u32::MAX - 9);
    counters.carry(key(2), 7);
    counters.walked(0, first);
    let second = counters.begin();
    assert_eq!(counters.carry(key(1), 10), (1 << 32) + 10);
    counters.walked(0, second);
    assert_eq!(counters.wide.len(), 1);
    counters.forget();
    assert_eq!(counters.carry(key(1), 3), 3);
}

proptest! {
    #[test]
    fn any_row_is_read_or_left_out(index in prop::collection::vec(any::<u32>(), 0..20), numbers: [i64; 8], bytes: Vec<u8>) {
        let profile = profile();
        let mut all: Vec<Option<Held>> = numbers.iter().map(|number| Some(Held::Number(*number))).collect();
        all[0] = Some(Held::Octets(bytes.clone().into()));
        for (_, value) in rows(&profile, &[Row { index, cells: all }]) {
            prop_assert!(value.as_f64().is_finite());
        }
        let _number = written(&parse::text(&bytes));
    }

    #[test]
    fn written_numbers_are_read(whole in -1_000_000i64..1_000_000, hundredths in 0u8..100) {
        prop_assert!(matches!(written(&whole.to_string()), Some(Raw::Whole(read)) if read == whole));
        let text = format!("{whole}.{hundredths:02}");
        prop_assert!(matches!(written(&text), Some(Raw::Decimal(read)) if read == text.parse::<f64>().unwrap()));
    }
}
