//! What a device says, written down for snmpsim (`.snmprec`), with nothing in it that names anybody.
//!
//! Only what is understood is recorded: system group, interfaces, and what the device's profile reads. Numbers stay.
//! Texts stay where the profile says that they are no name (model, version, a number written as text); every other
//! text, address and serial number becomes a stand-in, the same one wherever it occurs, that cannot be turned back: it
//! depends on a key that is thrown away.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::eval::written;
use super::mask::Mask;
use super::{Profile, Reading, Table};
use crate::driver::DeviceError;
use crate::driver::snmp::client::Client;
use crate::driver::snmp::habits::Habits;
use crate::driver::snmp::oid::{self, Column};
use crate::driver::snmp::walk::{Held, Row, TableWalk};
use crate::driver::snmp::{ber, parse};

/// Longest text that is kept as it is.
const LONGEST_KEPT: usize = 64;

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
    let mut recording = Recording { mask: Mask::new(key), lines: BTreeMap::new() };
    let system = client.system_group().await?;
    recording.put_text(oid::SYS_DESCR, &[0], &without_name(&system.description, &system.name));
    recording.put(oid::SYS_OBJECT_ID, &[0], "6", &system.object_id);
    if let Some(ticks) = system.uptime_ticks {
        recording.put(oid::SYS_UP_TIME, &[0], "67", &ticks.to_string());
    }
    recording.put_text(oid::SYS_NAME, &[0], "device");
    let bulk = profile.is_none_or(Profile::understands_bulk);
    if profile.is_none_or(|profile| profile.interfaces) {
        let columns: Vec<Vec<u8>> =
            Column::EXTENDED.iter().chain(Column::BASIC).map(|column| column.oid().to_vec()).collect();
        walked(client, &columns, Habits::UNKNOWN, bulk, &mut |row| {
            for (column, value) in columns.iter().zip(&row.cells) {
                if let Some(value) = value {
                    recording.put_value(column, &row.index, value, |_| false);
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
            walked(client, &columns, habits, bulk, &mut |row| {
                let Some(index) = recording.mask.index(&table.index, &row.index) else { return };
                for (cell, value) in row.cells.iter().enumerate() {
                    if let (Some(value), Some(column)) = (value, columns.get(cell)) {
                        recording.put_value(column, &index, value, |text| is_cell_value(table, cell, text));
                    }
                }
            })
            .await?;
        }
    }
    Ok(recording.finished(profile))
}

/// Systems whose description is that of `uname -a`: the second word is the host's name, whatever sysName says.
const UNAMES: [&str; 6] = ["Linux", "FreeBSD", "OpenBSD", "NetBSD", "Darwin", "SunOS"];

/// A description without the device's name in it, with its domain or without.
fn without_name(description: &str, name: &str) -> String {
    let mut words = description.split_ascii_whitespace();
    let uname = words.next().filter(|system| UNAMES.contains(system)).and_then(|_| words.next());
    // Radios leave the name out: the kernel's version comes next.
    let uname = uname.filter(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
    let host = name.split('.').next();
    let mut names: Vec<&str> = [Some(name), host, uname].into_iter().flatten().collect();
    names.retain(|name| !name.is_empty());
    // The longest first, or its beginning would be replaced alone.
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.dedup();
    names.iter().fold(description.to_owned(), |text, name| text.replace(name, "device"))
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
    take: &mut (dyn FnMut(&Row) + Send),
) -> Result<(), DeviceError> {
    let mut walk = TableWalk::new(columns.iter().cloned());
    while !walk.ended() {
        client.advance(&mut walk, &mut habits, bulk).await?;
        for row in walk.take_whole() {
            take(&row);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_is_taken_out_of_the_description_whether_sysname_says_it_or_not() {
        assert_eq!(without_name("Linux torre 5.10 x86", "torre.example"), "Linux device 5.10 x86");
        assert_eq!(without_name("Linux torre 5.10 x86", "enlace"), "Linux device 5.10 x86");
        assert_eq!(without_name("Linux 2.6.33 #1 mips", "enlace"), "Linux 2.6.33 #1 mips");
        assert_eq!(without_name("RouterOS CCR", ""), "RouterOS CCR");
        assert_eq!(without_name("Switch torre.example v2", "torre.example"), "Switch device v2");
    }

    #[test]
    fn a_recording_is_sorted_and_its_texts_are_plain_or_hex() {
        let mut recording = Recording { mask: Mask::new([7; 32]), lines: BTreeMap::new() };
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
