//! What a device says, written down for snmpsim (`.snmprec`), with nothing in it that names anybody.
//!
//! Only what is understood is recorded: system group, interfaces, and what the device's profile reads. Numbers stay.
//! Texts stay where the profile says that they are no name (model, version, a number written as text); every other
//! text, address and serial number becomes a stand-in, the same one wherever it occurs, that cannot be turned back: it
//! depends on a key that is thrown away.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::eval::written;
use super::schema::IndexForm;
use super::{Profile, Reading, Table};
use crate::driver::DeviceError;
use crate::driver::snmp::client::Client;
use crate::driver::snmp::habits::Habits;
use crate::driver::snmp::oid::{self, Column};
use crate::driver::snmp::walk::{Held, TableWalk};
use crate::driver::snmp::{ber, parse};

/// Longest text that is kept as it is.
const LONGEST_KEPT: usize = 64;

/// Stand-ins, the same for the same value.
struct Mask {
    key: [u8; 32],
    texts: HashMap<Vec<u8>, usize>,
}

impl Mask {
    fn digest(&self, what: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.key).chain_update(what).finalize().into()
    }

    /// A locally administered address.
    fn mac(&self, mac: [u8; 6]) -> [u8; 6] {
        let [a, b, c, d, ..] = self.digest(&mac);
        [2, 0, a, b, c, d]
    }

    /// An address of the block for benchmarks (RFC 2544).
    fn ipv4(&self, address: [u8; 4]) -> [u8; 4] {
        let [a, b, c, ..] = self.digest(&address);
        [198, 18 + (a & 1), b, c]
    }

    fn text(&mut self, text: &[u8]) -> String {
        if let Ok(mac) = <[u8; 6]>::try_from(text)
            && !text.iter().all(|byte| byte.is_ascii_graphic())
        {
            let stand_in = self.mac(mac);
            return stand_in.iter().map(|byte| char::from(*byte)).collect();
        }
        if is_port(text) || text.is_empty() {
            return String::from_utf8_lossy(text).into_owned();
        }
        let next = self.texts.len() + 1;
        format!("text-{}", self.texts.entry(text.to_vec()).or_insert(next))
    }

    /// A row's index, addresses and texts in it replaced.
    fn index(&mut self, forms: &[IndexForm], index: &[u32]) -> Option<Vec<u32>> {
        let bytes =
            |arcs: &[u32]| arcs.iter().map(|arc| u8::try_from(*arc).ok()).collect::<Option<Vec<u8>>>();
        let widen = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).collect::<Vec<u32>>();
        let (mut masked, mut left) = (Vec::new(), index);
        for form in forms {
            match form {
                IndexForm::Integer | IndexForm::Interface => {
                    let (number, rest) = left.split_first()?;
                    masked.push(*number);
                    left = rest;
                }
                IndexForm::Mac => {
                    let (mac, rest) = left.split_at_checked(6)?;
                    masked.extend(widen(&self.mac(bytes(mac)?.try_into().ok()?)));
                    left = rest;
                }
                IndexForm::Ipv4 => {
                    let (address, rest) = left.split_at_checked(4)?;
                    masked.extend(widen(&self.ipv4(bytes(address)?.try_into().ok()?)));
                    left = rest;
                }
                IndexForm::Text => {
                    let (length, rest) = left.split_first()?;
                    let (text, rest) = rest.split_at_checked(usize::try_from(*length).ok()?)?;
                    let text = self.text(&bytes(text)?);
                    masked.push(u32::try_from(text.len()).ok()?);
                    masked.extend(widen(text.as_bytes()));
                    left = rest;
                }
                IndexForm::Implied => {
                    masked.extend(widen(self.text(&bytes(left)?).as_bytes()));
                    left = &[];
                }
                IndexForm::Rest => {
                    masked.extend_from_slice(left);
                    left = &[];
                }
            }
        }
        left.is_empty().then_some(masked)
    }
}

/// How makers begin the names of ports.
const PORTS: [&str; 26] = [
    "ath",
    "br",
    "bridge",
    "epon",
    "et",
    "eth",
    "ether",
    "ethernet",
    "fa",
    "fastethernet",
    "ge",
    "gi",
    "gigabitethernet",
    "gpon",
    "lan",
    "lte",
    "pon",
    "port",
    "radio",
    "sfp",
    "te",
    "vlan",
    "wan",
    "wifi",
    "wlan",
    "xe",
];

/// A port as makers name them, which says nothing of people: `ether1`, `GPON 0/1/4`.
fn is_port(text: &[u8]) -> bool {
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (maker, rest) = text.split_at(letters);
    let rest = rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"-")).unwrap_or(rest);
    PORTS.iter().any(|port| port.as_bytes().eq_ignore_ascii_case(maker))
        && rest.first().is_some_and(u8::is_ascii_digit)
        && rest.len() <= 12
        && rest.iter().all(|byte| byte.is_ascii_digit() || b"/.:".contains(byte))
}

/// The recording as it grows.
struct Recording {
    mask: Mask,
    lines: BTreeMap<Vec<u32>, String>,
}

impl Recording {
    fn put(&mut self, object: &[u8], index: &[u32], tag: &str, value: &str) {
        if let Some(mut name) = dotted_arcs(object) {
            name.extend_from_slice(index);
            self.lines.insert(name, format!("{tag}|{value}"));
        }
    }

    fn put_text(&mut self, object: &[u8], index: &[u32], text: &str) {
        if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return self.put(object, index, "4", text);
        }
        // One character, one byte: that is how stand-ins of addresses come.
        let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'));
        let hex = bytes.fold(String::new(), |mut hex, byte| {
            // Writing to a text cannot fail.
            let _written = write!(hex, "{byte:02x}");
            hex
        });
        self.put(object, index, "4x", &hex);
    }

    /// A value; a text goes through the mask unless `kept` says that it is none.
    fn put_value(&mut self, object: &[u8], index: &[u32], value: &Held, kept: impl Fn(&str) -> bool) {
        let (tag, number) = match value {
            Held::Number(number) => ("2", number.to_string()),
            Held::Gauge32(number) => ("66", number.to_string()),
            Held::Ticks(number) => ("67", number.to_string()),
            Held::Counter32(number) => ("65", number.to_string()),
            Held::Counter64(number) => ("70", number.to_string()),
            Held::Octets(bytes) => {
                let text = parse::text(bytes);
                let keep = text.len() <= LONGEST_KEPT && kept(&text);
                let text = if keep { text } else { self.mask.text(bytes) };
                return self.put_text(object, index, &text);
            }
        };
        self.put(object, index, tag, &number);
    }

    fn finished(self, profile: Option<&Profile>) -> String {
        let known =
            profile.map_or_else(|| "no profile".to_owned(), |profile| format!("profile {}", profile.id));
        let mut text =
            format!("# Recorded from a device ({known}); names, addresses and serial numbers replaced.\n");
        for (name, value) in self.lines {
            let name: Vec<String> = name.iter().map(u32::to_string).collect();
            // Writing to a text cannot fail.
            let _written = writeln!(text, "{}|{value}", name.join("."));
        }
        text
    }
}

/// An encoded identifier as numbers.
fn dotted_arcs(object: &[u8]) -> Option<Vec<u32>> {
    ber::dotted(object).split('.').map(|arc| arc.parse().ok()).collect()
}

/// Whether a text is a value of the metric rather than a name.
fn is_value(reading: &Reading, text: &str) -> bool {
    match &reading.map {
        Some(map) => map.contains_key(text),
        None => written(text).is_some(),
    }
}

/// Asks the device for everything that is understood of it.
///
/// # Errors
/// Why it could not be asked to the end.
pub(in crate::driver::snmp) async fn record(
    client: &Client,
    profile: Option<&Profile>,
    key: [u8; 32],
) -> Result<String, DeviceError> {
    let mut recording = Recording { mask: Mask { key, texts: HashMap::new() }, lines: BTreeMap::new() };
    let system = client.system_group().await?;
    let described = match system.name.as_str() {
        "" => system.description,
        name => system.description.replace(name, "device"),
    };
    recording.put_text(oid::SYS_DESCR, &[0], &described);
    recording.put(oid::SYS_OBJECT_ID, &[0], "6", &system.object_id);
    if let Some(ticks) = system.uptime_ticks {
        recording.put(oid::SYS_UP_TIME, &[0], "67", &ticks.to_string());
    }
    recording.put_text(oid::SYS_NAME, &[0], "device");
    let bulk = profile.is_none_or(Profile::understands_bulk);
    if profile.is_none_or(|profile| profile.interfaces) {
        let columns: Vec<Vec<u8>> =
            Column::EXTENDED.iter().chain(Column::BASIC).map(|column| column.oid().to_vec()).collect();
        walked(client, &columns, Habits::UNKNOWN, bulk, &mut |row, values| {
            for (column, value) in columns.iter().zip(values) {
                if let Some(value) = value {
                    recording.put_value(column, row, value, |_| false);
                }
            }
        })
        .await?;
    }
    if let Some(profile) = profile {
        objects(client, profile, &mut recording).await?;
        let habits = profile.quirks.max_repetitions.map_or(Habits::UNKNOWN, Habits::at_most);
        for table in &profile.tables {
            let columns: Vec<Vec<u8>> = table.columns().collect();
            walked(client, &columns, habits, bulk, &mut |row, values| {
                let Some(row) = recording.mask.index(&table.index, row) else { return };
                for (cell, value) in values.iter().enumerate() {
                    if let (Some(value), Some(column)) = (value, columns.get(cell)) {
                        recording.put_value(column, &row, value, |text| is_cell_value(table, cell, text));
                    }
                }
            })
            .await?;
        }
    }
    Ok(recording.finished(profile))
}

fn is_cell_value(table: &Table, cell: usize, text: &str) -> bool {
    table.metrics.iter().any(|column| column.cell == cell && is_value(&column.metric.reading, text))
}

/// The profile's single objects and those of identity.
async fn objects(client: &Client, profile: &Profile, recording: &mut Recording) -> Result<(), DeviceError> {
    let identity = &profile.identity;
    for object in [&identity.model, &identity.version].into_iter().flatten() {
        if let Some(Some(value)) = client.get(std::slice::from_ref(object)).await?.first() {
            recording.put_value(object, &[], value, |_| true);
        }
    }
    if let Some(object) = &identity.serial {
        recording.put_text(object, &[], "serial");
    }
    let asked: Vec<Vec<u8>> = profile.scalars.iter().map(|scalar| scalar.object.clone()).collect();
    for (scalar, value) in profile.scalars.iter().zip(client.get(&asked).await?) {
        if let Some(value) = value {
            let reading = &scalar.metric.reading;
            recording.put_value(&scalar.object, &[], &value, |text| is_value(reading, text));
        }
    }
    Ok(())
}

async fn walked(
    client: &Client,
    columns: &[Vec<u8>],
    mut habits: Habits,
    bulk: bool,
    take: &mut (dyn FnMut(&[u32], &[Option<Held>]) + Send),
) -> Result<(), DeviceError> {
    let mut walk = TableWalk::new(columns.iter().cloned());
    while !walk.ended() {
        client.advance(&mut walk, &mut habits, bulk).await?;
        for row in walk.take_whole() {
            take(&row.index, &row.cells);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask() -> Mask {
        Mask { key: [7; 32], texts: HashMap::new() }
    }

    #[test]
    fn ports_stay_and_names_do_not() {
        for port in ["ether1", "GPON 0/1/4", "Gi-1/0/24", "eth0.100"] {
            assert!(is_port(port.as_bytes()), "{port}");
        }
        for name in [
            "",
            "ether1-torre-norte",
            "<pppoe-ana>",
            "5491155550000",
            "Juan Perez 2",
            "casa12",
            "SIM000001",
            "lo",
            "ether",
        ] {
            assert!(!is_port(name.as_bytes()), "{name}");
        }
        let mut mask = mask();
        assert_eq!(mask.text(b"ether1"), "ether1");
        assert_eq!(mask.text("Ana Muñoz".as_bytes()), "text-1");
        assert_eq!(mask.text(b"torre norte"), "text-2");
        assert_eq!(mask.text("Ana Muñoz".as_bytes()), "text-1");
    }

    #[test]
    fn an_address_has_one_stand_in_wherever_it_stands() {
        let mut mask = mask();
        let mac = [0x48, 0xA9, 0x8A, 1, 2, 3];
        let stand_in = mask.mac(mac);
        assert_eq!(stand_in[..2], [2, 0]);
        assert_ne!(stand_in, mask.mac([0x48, 0xA9, 0x8A, 1, 2, 4]));
        let index: Vec<u32> = mac.iter().map(|byte| u32::from(*byte)).chain([7]).collect();
        let masked = mask.index(&[IndexForm::Mac, IndexForm::Integer], &index).unwrap();
        let expected: Vec<u32> = stand_in.iter().map(|byte| u32::from(*byte)).chain([7]).collect();
        assert_eq!(masked, expected);
        let text = mask.text(&mac);
        assert_eq!(text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>(), stand_in);
        let address = mask.index(&[IndexForm::Ipv4], &[10, 1, 2, 3]).unwrap();
        assert!(address[0] == 198 && (18..20).contains(&address[1]), "{address:?}");
        assert_eq!(mask.index(&[IndexForm::Ipv4], &[10, 1, 2]), None);
        assert_eq!(mask.index(&[IndexForm::Text], &[3, 65, 110, 97]).unwrap()[..1], [6]);
    }

    #[test]
    fn a_recording_is_sorted_and_its_texts_are_plain_or_hex() {
        let mut recording = Recording { mask: mask(), lines: BTreeMap::new() };
        let object = ber::encoded("1.3.6.1.4.1.99999.1").unwrap();
        recording.put_value(&object, &[10], &Held::Octets(Box::from(&b"Ana"[..])), |_| false);
        recording.put_value(&object, &[9], &Held::Octets(Box::from(&b"-61.5"[..])), |_| true);
        recording.put_value(&object, &[2], &Held::Gauge32(5), |_| false);
        recording.put_value(&object, &[1], &Held::Octets([0x48, 0xA9, 0x8A, 1, 2, 3].into()), |_| false);
        let text = recording.finished(None);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("# Recorded from a device (no profile)"));
        assert!(
            lines[1].starts_with("1.3.6.1.4.1.99999.1.1|4x|0200")
                && lines[1].len() == "1.3.6.1.4.1.99999.1.1|4x|".len() + 12
        );
        assert_eq!(
            lines[2..],
            [
                "1.3.6.1.4.1.99999.1.2|66|5",
                "1.3.6.1.4.1.99999.1.9|4|-61.5",
                "1.3.6.1.4.1.99999.1.10|4|text-1"
            ]
        );
    }
}
