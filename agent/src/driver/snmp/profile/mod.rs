//! Device profiles: what is known of a vendor's MIB, as data.
//!
//! A profile is a TOML file: by what a device is recognised (`match`), which objects say what it is (`identity`), which
//! give samples one by one (`metric`) or row by row (`table`), how often at most, and what the device cannot bear
//! (`quirks`). Those of `agent/profiles` are built in; a folder named in `agent.toml` adds others or replaces them by
//! id, without a new build. The interface tables are not in profiles: every device has them, and their walk is compiled.
//!
//! - `schema`: the file's fields. `parse`: file → [`Profile`], every mistake with file and line. `unit`: base units.
//! - `library`: all profiles of this process. `matching`: which of them a device is.
//! - `record`: what a device says, anonymised by `mask`, to test a profile with.
//! - `eval`: values → samples. `plan`: what one device is asked in one measurement, and what is remembered of it.
//!
//! A profile never invents: what a device does not say, says outside the map, or marks as invalid is no sample. A
//! broken file refuses that file and nothing else.

mod embedded;
mod eval;
mod library;
mod mask;
mod matching;
mod parse;
mod plan;
mod record;
mod schema;
mod unit;

use std::collections::BTreeMap;
use std::time::Duration;

pub use library::Profiles;
pub use parse::{ProfileError, parse};
pub use schema::Provenance;
pub use unit::Unit;

pub(super) use eval::InterfaceNames;
pub(super) use matching::Candidates;
pub(super) use plan::Plan;
pub(super) use record::record;

use crate::driver::Kind;
use schema::{IndexForm, TextForm};

/// What is known of one family of devices.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Stable, unique: `mikrotik-routeros`.
    pub id: String,
    /// For people.
    pub name: String,
    /// Where the recording that it is tested with comes from.
    pub provenance: Provenance,
    /// MIBs and manuals that it was written from.
    pub sources: Vec<String>,
    /// The file that it came from.
    pub file: String,
    /// Whether the interface tables are walked.
    pub interfaces: bool,
    matching: matching::Matching,
    identity: IdentityObjects,
    quirks: Quirks,
    scalars: Vec<Scalar>,
    tables: Vec<Table>,
}

/// One metric of a profile, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured<'p> {
    /// Its name.
    pub metric: &'p str,
    /// Names of its labels, sorted.
    pub labels: Vec<&'p str>,
    /// The MIB's name of the object.
    pub object: &'p str,
    /// The object's identifier, dotted; for a column, without the row.
    pub oid: String,
    /// Its unit.
    pub unit: Unit,
    /// Counter or gauge.
    pub kind: Kind,
    /// The least time between two readings; zero = at each measurement.
    pub every: Duration,
}

impl Profile {
    /// Every metric, in the file's order.
    pub fn measures(&self) -> Vec<Measured<'_>> {
        let scalars = self.scalars.iter().map(|scalar| Measured {
            metric: &scalar.metric.name,
            labels: scalar.labels.iter().map(|(name, _)| name.as_str()).collect(),
            object: &scalar.metric.object,
            oid: super::ber::dotted(&scalar.object),
            unit: scalar.metric.unit,
            kind: scalar.metric.kind,
            every: scalar.every,
        });
        let columns = self.tables.iter().flat_map(|table| {
            table.metrics.iter().map(|column| Measured {
                metric: &column.metric.name,
                labels: column.labels.iter().map(|(name, _)| name.as_str()).collect(),
                object: &column.metric.object,
                oid: super::ber::dotted(&table.column(column.cell)),
                unit: column.metric.unit,
                kind: column.metric.kind,
                every: table.every,
            })
        });
        scalars.chain(columns).collect()
    }

    /// Whether devices of this family understand GETBULK.
    pub(super) fn understands_bulk(&self) -> bool {
        self.quirks.bulk
    }
}

/// Objects, encoded, that say what a device is.
#[derive(Debug, Clone, Default)]
struct IdentityObjects {
    model: Option<Vec<u8>>,
    version: Option<Vec<u8>>,
    serial: Option<Vec<u8>>,
}

/// What a device cannot bear.
#[derive(Debug, Clone, Copy)]
struct Quirks {
    /// Whether it understands GETBULK.
    bulk: bool,
    /// Rows of one GETBULK at most.
    max_repetitions: Option<u32>,
}

#[derive(Debug, Clone)]
struct Metric {
    name: String,
    object: String,
    unit: Unit,
    kind: Kind,
    reading: Reading,
}

/// How a device's number becomes ours.
#[derive(Debug, Clone)]
struct Reading {
    scale: Scale,
    offset: f64,
    /// Number or text of the device → ours; anything else is no sample.
    map: Option<BTreeMap<String, i64>>,
    /// Numbers by which the device says that it does not know.
    invalid: Vec<i64>,
    /// The factor of a counter, which stays whole.
    whole: u64,
}

/// A factor. Tenths are a division, which keeps 23.4 what it is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scale {
    One,
    Times(f64),
    Over(f64),
}

#[derive(Debug, Clone)]
struct Scalar {
    object: Vec<u8>,
    metric: Metric,
    /// Sorted by name.
    labels: Vec<(String, String)>,
    every: Duration,
}

#[derive(Debug, Clone)]
struct Table {
    name: String,
    entry: Vec<u8>,
    every: Duration,
    index: Vec<IndexForm>,
    /// Numbers of the columns that are walked.
    columns: Vec<u32>,
    metrics: Vec<ColumnMetric>,
}

impl Table {
    /// The identifier of a walked column.
    fn column(&self, cell: usize) -> Vec<u8> {
        let mut oid = self.entry.clone();
        if let Some(column) = self.columns.get(cell) {
            super::ber::put_arc(&mut oid, *column);
        }
        oid
    }

    /// The identifiers of all walked columns.
    fn columns(&self) -> impl Iterator<Item = Vec<u8>> {
        (0..self.columns.len()).map(|cell| self.column(cell))
    }
}

#[derive(Debug, Clone)]
struct ColumnMetric {
    metric: Metric,
    cell: usize,
    /// Sorted by name.
    labels: Vec<(String, LabelSource)>,
    /// Only of rows in which this cell has one of these numbers.
    condition: Option<(usize, Vec<i64>)>,
    times: Option<usize>,
    decimals: Option<usize>,
    prefix: Option<usize>,
}

/// Where the value of a label comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LabelSource {
    Fixed(String),
    /// A part of the index.
    Index(usize),
    Cell(usize, TextForm),
}

#[cfg(test)]
mod tests;
