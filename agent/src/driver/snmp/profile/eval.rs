//! Values → samples. Pure but for the counters that are carried on.

use std::collections::HashMap;

use super::schema::{IndexForm, TextForm};
use super::{ColumnMetric, LabelSource, Metric, Reading, Scalar, Scale, Table};
use crate::driver::snmp::parse;
use crate::driver::snmp::state::Wide;
use crate::driver::snmp::walk::{Held, Row};
use crate::driver::{Kind, SampleSink, Value};

/// Names of interfaces by ifIndex.
pub(in crate::driver::snmp) type InterfaceNames = HashMap<u32, String>;

/// Which series a 32-bit counter is: its table (`None` = a single object), its metric there, its row.
type Key = (Option<usize>, usize, Box<[u32]>);

/// The 32-bit counters of one device.
#[derive(Debug, Default)]
pub(super) struct Counters {
    wide: HashMap<Key, (Wide, u32)>,
    /// Counts walks, so that rows which a walk did not meet can be forgotten.
    round: u32,
}

impl Counters {
    fn carry(&mut self, key: Key, count: u32) -> u64 {
        let (wide, carried) = Wide::carry(self.wide.get(&key).map(|(wide, _)| *wide), count);
        self.wide.insert(key, (wide, self.round));
        carried
    }

    /// The device restarted: everything counts anew.
    pub(super) fn forget(&mut self) {
        self.wide.clear();
    }

    /// The walk of a table ended; `begun` is the round in which it began. Rows that it did not meet are gone.
    pub(super) fn walked(&mut self, table: usize, begun: u32) {
        self.wide.retain(|key, (_, round)| key.0 != Some(table) || *round >= begun);
    }

    /// Begins a walk; gives its round.
    pub(super) fn begin(&mut self) -> u32 {
        self.round += 1;
        self.round
    }
}

/// The sample of a single object, if the device gave one.
pub(super) fn scalar(
    scalar: &Scalar,
    at: usize,
    value: Option<&Held>,
    counters: &mut Counters,
    sink: &mut SampleSink<'_>,
) {
    let Some(value) = value else { return };
    let sample = match scalar.metric.kind {
        Kind::Gauge => level(&scalar.metric.reading, value, Size::PLAIN),
        Kind::Counter => count(&scalar.metric, value, counters, (None, at, Box::default())),
    };
    if let Some(sample) = sample {
        let labels: Vec<(&str, &str)> =
            scalar.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        sink.push(&scalar.metric.name, &labels, scalar.metric.kind, sample);
    }
}

/// The samples of a row. A row whose index has another shape than the profile says gives none.
pub(super) fn row(
    table: &Table,
    at: usize,
    row: &Row,
    names: &InterfaceNames,
    counters: &mut Counters,
    sink: &mut SampleSink<'_>,
) {
    let Some(index) = index_parts(&table.index, &row.index, names) else { return };
    for (number, column) in table.metrics.iter().enumerate() {
        let Some(value) = row.cells.get(column.cell).and_then(Option::as_ref) else { continue };
        if !meets(column, row) {
            continue;
        }
        let sample = match column.metric.kind {
            Kind::Gauge => Size::of(column, row).and_then(|size| level(&column.metric.reading, value, size)),
            Kind::Counter => {
                count(&column.metric, value, counters, (Some(at), number, row.index.clone().into()))
            }
        };
        let Some(sample) = sample else { continue };
        let values: Vec<String> = column.labels.iter().map(|(_, from)| label(from, &index, row)).collect();
        let labels: Vec<(&str, &str)> = column
            .labels
            .iter()
            .zip(&values)
            .map(|((name, _), value)| (name.as_str(), value.as_str()))
            .collect();
        sink.push(&column.metric.name, &labels, column.metric.kind, sample);
    }
}

fn cell(row: &Row, at: usize) -> Option<&Held> {
    row.cells.get(at)?.as_ref()
}

fn meets(column: &ColumnMetric, row: &Row) -> bool {
    let Some((at, wanted)) = &column.condition else { return true };
    cell(row, *at).and_then(Held::number).is_some_and(|number| wanted.contains(&number))
}

/// What other columns of a row say of a value's size. Tenths are a division, as in [`Scale`].
#[derive(Debug, Clone, Copy, PartialEq)]
struct Size {
    times: f64,
    over: f64,
}

impl Size {
    const PLAIN: Self = Self { times: 1.0, over: 1.0 };

    /// The size of a column's value; `None` when other columns say it and cannot be read.
    fn of(column: &ColumnMetric, row: &Row) -> Option<Self> {
        let number = |at: usize| cell(row, at)?.number();
        let mut size = Self::PLAIN;
        if let Some(at) = column.times {
            size.times *= Value::Int(number(at)?).as_f64();
        }
        if let Some(at) = column.decimals {
            // Negative: so many digits before the point are exact, which changes nothing of the value.
            let decimals = i32::try_from(number(at)?).ok()?.clamp(0, 9);
            size.over *= 10f64.powi(decimals);
        }
        if let Some(at) = column.prefix {
            // EntitySensorDataScale (RFC 3433): yocto is 1, units are 9, yotta is 17.
            let steps = i32::try_from(number(at)?).ok().filter(|step| (1..=17).contains(step))? - 9;
            let power = 10f64.powi(steps.abs() * 3);
            if steps < 0 { size.over *= power } else { size.times *= power }
        }
        Some(size)
    }
}

/// What a device's value is before it is scaled.
pub(super) enum Raw {
    Whole(i64),
    Decimal(f64),
}

fn raw(reading: &Reading, value: &Held) -> Option<Raw> {
    let raw = match value {
        Held::Octets(bytes) => written(&parse::text(bytes))?,
        number => Raw::Whole(number.number()?),
    };
    match raw {
        Raw::Whole(number) if reading.invalid.contains(&number) => None,
        raw => Some(raw),
    }
}

/// A number that a device wrote as text, its unit after it or not: `-58`, `12.5 V`.
pub(super) fn written(text: &str) -> Option<Raw> {
    let text = text.trim_start();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let whole = digits(unsigned);
    if whole == 0 {
        return None;
    }
    let sign = text.len() - unsigned.len();
    let after = unsigned.get(whole..)?;
    let fraction = after.strip_prefix('.').map_or(0, digits);
    if fraction > 0 {
        return text.get(..sign + whole + 1 + fraction)?.parse().ok().map(Raw::Decimal);
    }
    text.get(..sign + whole)?.parse().ok().map(Raw::Whole)
}

fn mapped(map: &std::collections::BTreeMap<String, i64>, value: &Held) -> Option<i64> {
    let key = match value {
        Held::Octets(bytes) => parse::text(bytes),
        number => number.number()?.to_string(),
    };
    map.get(&key).copied()
}

fn level(reading: &Reading, value: &Held, size: Size) -> Option<Value> {
    if let Some(map) = &reading.map {
        return mapped(map, value).map(Value::Int);
    }
    let raw = raw(reading, value)?;
    let plain = reading.scale == Scale::One && reading.offset == 0.0 && size == Size::PLAIN;
    let number = match raw {
        Raw::Whole(number) if plain => return Some(Value::Int(number)),
        Raw::Whole(number) => Value::Int(number).as_f64(),
        Raw::Decimal(number) => number,
    };
    let scaled = match reading.scale {
        Scale::One => number,
        Scale::Times(times) => number * times,
        Scale::Over(over) => number / over,
    };
    Some(scaled * size.times / size.over + reading.offset).filter(|value| value.is_finite()).map(Value::Float)
}

fn count(metric: &Metric, value: &Held, counters: &mut Counters, key: Key) -> Option<Value> {
    let count = match value {
        Held::Counter32(count) => counters.carry(key, *count),
        Held::Counter64(count) => *count,
        _ => match raw(&metric.reading, value)? {
            Raw::Whole(number) => u64::try_from(number).ok()?,
            Raw::Decimal(_) => return None,
        },
    };
    Some(Value::from(count.saturating_mul(metric.reading.whole)))
}

fn label(from: &LabelSource, index: &[String], row: &Row) -> String {
    match from {
        LabelSource::Fixed(value) => value.clone(),
        LabelSource::Index(at) => index.get(*at).cloned().unwrap_or_default(),
        LabelSource::Cell(at, form) => match (cell(row, *at), form) {
            (Some(Held::Octets(bytes)), TextForm::Mac) if bytes.len() == 6 => mac(bytes.iter().copied()),
            (Some(Held::Octets(bytes)), _) => parse::text(bytes),
            (value, _) => value.and_then(Held::number).map(|number| number.to_string()).unwrap_or_default(),
        },
    }
}

fn mac(bytes: impl Iterator<Item = u8>) -> String {
    bytes.map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

fn dotted(arcs: &[u32]) -> String {
    arcs.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}

/// A row's index in the profile's parts; `None` when it has another shape.
fn index_parts(forms: &[IndexForm], index: &[u32], names: &InterfaceNames) -> Option<Vec<String>> {
    let bytes = |arcs: &[u32]| arcs.iter().map(|arc| u8::try_from(*arc).ok()).collect::<Option<Vec<u8>>>();
    let mut parts = Vec::with_capacity(forms.len());
    let mut left = index;
    for form in forms {
        let length = match form {
            IndexForm::Integer | IndexForm::Interface => 1,
            IndexForm::Mac => 6,
            IndexForm::Ipv4 => 4,
            IndexForm::Text => {
                let (length, rest) = left.split_first()?;
                left = rest;
                usize::try_from(*length).ok()?
            }
            IndexForm::Implied | IndexForm::Rest => left.len(),
        };
        let (part, rest) = left.split_at_checked(length)?;
        left = rest;
        parts.push(match form {
            IndexForm::Integer | IndexForm::Rest => dotted(part),
            IndexForm::Interface => {
                let number = part.first()?;
                names.get(number).cloned().unwrap_or_else(|| number.to_string())
            }
            IndexForm::Mac => mac(bytes(part)?.into_iter()),
            IndexForm::Ipv4 => bytes(part).map(|_| dotted(part))?,
            IndexForm::Text | IndexForm::Implied => parse::text(&bytes(part)?),
        });
    }
    left.is_empty().then_some(parts)
}

#[cfg(test)]
mod tests;
