//! A profile as its file says it. Every field that can be wrong by itself carries its place in the file.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::unit::Unit;
use crate::driver::Kind;

/// Where the recording that a profile is tested with comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// A real device, anonymised.
    Real,
    /// Written by hand from the published MIB. Not seen on hardware.
    Mib,
    /// Written by hand where no MIB is published. Not seen on hardware.
    Synthetic,
}

impl Provenance {
    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Real => "tested with a recording of a real device",
            Self::Mib => "written from the published MIB, not seen on hardware",
            Self::Synthetic => "synthetic, not seen on hardware",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileText {
    pub(super) id: Spanned<String>,
    pub(super) name: Spanned<String>,
    pub(super) provenance: Provenance,
    /// MIBs and manuals, for people.
    pub(super) sources: Vec<String>,
    /// Whether the interface tables are walked.
    #[serde(default = "yes")]
    pub(super) interfaces: bool,
    #[serde(rename = "match", default)]
    pub(super) matching: MatchText,
    #[serde(default)]
    pub(super) identity: IdentityText,
    #[serde(default)]
    pub(super) quirks: QuirksText,
    #[serde(default)]
    pub(super) metric: Vec<MetricText>,
    #[serde(default)]
    pub(super) table: Vec<TableText>,
}

/// All that is given must hold; of a list one.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MatchText {
    /// Beginnings of sysObjectID.
    pub(super) object_id: Vec<Spanned<String>>,
    /// Parts of sysDescr, capitals or not.
    pub(super) description: Vec<Spanned<String>>,
    /// A subtree in which the device has something.
    pub(super) exists: Option<Spanned<String>>,
}

/// Objects that say what the device is.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct IdentityText {
    pub(super) model: Option<Spanned<String>>,
    pub(super) version: Option<Spanned<String>>,
    pub(super) serial: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct QuirksText {
    /// Whether it understands GETBULK.
    pub(super) bulk: bool,
    /// Rows of one GETBULK at most.
    pub(super) max_repetitions: Option<Spanned<u32>>,
}

impl Default for QuirksText {
    fn default() -> Self {
        Self { bulk: true, max_repetitions: None }
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KindText {
    #[default]
    Gauge,
    Counter,
}

impl From<KindText> for Kind {
    fn from(kind: KindText) -> Self {
        match kind {
            KindText::Gauge => Self::Gauge,
            KindText::Counter => Self::Counter,
        }
    }
}

/// One object, one sample.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricText {
    pub(super) name: Spanned<String>,
    pub(super) oid: Spanned<String>,
    /// The MIB's name of it.
    pub(super) object: Spanned<String>,
    pub(super) unit: Unit,
    #[serde(default)]
    pub(super) kind: KindText,
    pub(super) scale: Option<Spanned<f64>>,
    #[serde(default)]
    pub(super) offset: f64,
    pub(super) map: Option<BTreeMap<String, i64>>,
    #[serde(default)]
    pub(super) invalid: Vec<i64>,
    #[serde(default)]
    pub(super) labels: BTreeMap<Spanned<String>, String>,
    pub(super) min_interval_seconds: Option<Spanned<u64>>,
}

/// A table walked column by column.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableText {
    pub(super) name: Spanned<String>,
    /// Its entry: what the column's number follows.
    pub(super) entry: Spanned<String>,
    /// The MIB's name of it.
    pub(super) object: Spanned<String>,
    pub(super) min_interval_seconds: Option<Spanned<u64>>,
    pub(super) index: Vec<IndexText>,
    #[serde(default)]
    pub(super) labels: Vec<LabelText>,
    pub(super) metric: Vec<ColumnText>,
}

/// How a part of a row's index is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum IndexForm {
    /// One number.
    Integer,
    /// Six numbers that are a MAC address.
    Mac,
    /// Four numbers that are an IPv4 address.
    Ipv4,
    /// A length, and so many characters.
    Text,
    /// Characters to the end of the index.
    Implied,
    /// An ifIndex: the label is the interface's name.
    Interface,
    /// Whatever is left, dotted.
    Rest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IndexText {
    /// Left out: the part tells no rows apart.
    pub(super) label: Option<Spanned<String>>,
    pub(super) form: Spanned<IndexForm>,
}

/// How the text of a column is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TextForm {
    #[default]
    Text,
    /// Six bytes.
    Mac,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LabelText {
    pub(super) label: Spanned<String>,
    pub(super) column: Spanned<u32>,
    #[serde(default)]
    pub(super) form: TextForm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConditionText {
    pub(super) column: Spanned<u32>,
    pub(super) equals: Vec<i64>,
}

/// One column, one sample a row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnText {
    pub(super) name: Spanned<String>,
    pub(super) column: Spanned<u32>,
    /// The MIB's name of it.
    pub(super) object: Spanned<String>,
    pub(super) unit: Unit,
    #[serde(default)]
    pub(super) kind: KindText,
    pub(super) scale: Option<Spanned<f64>>,
    #[serde(default)]
    pub(super) offset: f64,
    pub(super) map: Option<BTreeMap<String, i64>>,
    #[serde(default)]
    pub(super) invalid: Vec<i64>,
    #[serde(default)]
    pub(super) labels: BTreeMap<Spanned<String>, String>,
    /// Only of rows in which another column has one of these numbers.
    #[serde(rename = "where")]
    pub(super) condition: Option<ConditionText>,
    /// A column that the value is multiplied with (hrStorageAllocationUnits).
    pub(super) times_column: Option<Spanned<u32>>,
    /// A column that says how many decimals the value has (entPhySensorPrecision).
    pub(super) decimals_column: Option<Spanned<u32>>,
    /// A column that says the value's SI prefix (entPhySensorScale).
    pub(super) prefix_column: Option<Spanned<u32>>,
}

fn yes() -> bool {
    true
}
