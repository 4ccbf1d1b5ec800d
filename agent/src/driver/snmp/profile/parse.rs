//! File → profile. Every mistake is told with its line, all of a file at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;

use super::matching::Matching;
use super::schema::{ColumnText, IndexForm, KindText, LabelText, MetricText, ProfileText, TableText};
use super::unit::Unit;
use super::{
    ColumnMetric, IdentityObjects, LabelSource, Metric, Profile, Quirks, Reading, Scalar, Scale, Table,
};
use crate::driver::Kind;
use crate::driver::snmp::ber;

/// Labels that headquarters adds.
const THEIRS: [&str; 4] = ["agent", "device", "site", "tenant"];
/// Beginnings of metrics that the agent makes itself.
const OURS: [&str; 4] = ["agent_", "device_", "icmp_", "snmp_"];
/// Metrics of the compiled walk of the interface tables.
const COMPILED: [&str; 9] = [
    "interface_counter_discontinuity_seconds",
    "interface_receive_bytes_total",
    "interface_receive_discards_total",
    "interface_receive_errors_total",
    "interface_speed_bits_per_second",
    "interface_transmit_bytes_total",
    "interface_transmit_errors_total",
    "interface_up",
    "system_uptime_seconds",
];
const LONGEST_INTERVAL: u64 = 86_400;
/// As long as a name may be at headquarters.
const LONGEST_NAME: usize = 128;

/// A mistake in a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {words}")]
pub struct ProfileError {
    /// The file.
    pub file: String,
    /// Its line, from 1; 0 when the file as a whole cannot be read.
    pub line: usize,
    /// What is wrong and the mend.
    pub words: String,
}

/// Reads a profile; `file` is for the errors.
///
/// # Errors
/// Every mistake that was found, by line.
pub fn parse(file: &str, text: &str) -> Result<Profile, Vec<ProfileError>> {
    let mut told = Told { file, text, errors: Vec::new(), meanings: HashMap::new() };
    let read: ProfileText = toml::from_str(text).map_err(|error| {
        told.refuse(error.span().unwrap_or_default(), error.message().to_owned());
        std::mem::take(&mut told.errors)
    })?;
    let profile = told.profile(read);
    if told.errors.is_empty() {
        return Ok(profile);
    }
    told.errors.sort_by_key(|error| error.line);
    Err(told.errors)
}

/// Whether labels and metrics may have this name at headquarters.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(allowed)
}

struct Told<'t> {
    file: &'t str,
    text: &'t str,
    errors: Vec<ProfileError>,
    /// What a metric's name stood for first: one name means one thing.
    meanings: HashMap<String, (Unit, Kind)>,
}

impl Told<'_> {
    fn refuse(&mut self, at: Range<usize>, words: impl Into<String>) {
        let before = self.text.as_bytes().get(..at.start).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        self.errors.push(ProfileError { file: self.file.to_owned(), line, words: words.into() });
    }

    fn profile(&mut self, read: ProfileText) -> Profile {
        let id = read.id.get_ref();
        let good = |c: char| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit();
        if id.is_empty() || id.len() > 64 || !id.chars().all(good) {
            self.refuse(read.id.span(), format!("id `{id}`: give lower case letters, digits and dashes"));
        }
        if read.name.get_ref().trim().is_empty() {
            self.refuse(read.name.span(), "name: say what the devices are called");
        }
        let matching = &read.matching;
        if matching.object_id.is_empty() && matching.description.is_empty() && matching.exists.is_none() {
            self.refuse(
                read.id.span(),
                "match: give object_id, description or exists, or no device is ever one",
            );
        }
        let matching = Matching {
            object_ids: matching.object_id.iter().map(|oid| self.oid(oid)).collect(),
            descriptions: matching.description.iter().map(|text| self.description(text)).collect(),
            exists: matching.exists.as_ref().map(|oid| self.oid(oid)),
        };
        let identity = IdentityObjects {
            model: read.identity.model.as_ref().map(|oid| self.oid(oid)),
            version: read.identity.version.as_ref().map(|oid| self.oid(oid)),
            serial: read.identity.serial.as_ref().map(|oid| self.oid(oid)),
        };
        let max_repetitions = read.quirks.max_repetitions.map(|most| {
            if !(1..=64).contains(most.get_ref()) {
                self.refuse(most.span(), "max_repetitions: give 1 to 64");
            }
            *most.get_ref()
        });
        let mut seen = HashSet::new();
        let scalars = read.metric.into_iter().map(|metric| self.scalar(metric, &mut seen)).collect();
        let mut tables: Vec<Table> = Vec::new();
        for table in read.table {
            if tables.iter().any(|other| other.name == *table.name.get_ref()) {
                self.refuse(table.name.span(), format!("table `{}` is there twice", table.name.get_ref()));
            }
            let table = self.table(table);
            tables.push(table);
        }
        Profile {
            id: read.id.into_inner(),
            name: read.name.into_inner(),
            provenance: read.provenance,
            sources: read.sources,
            file: self.file.to_owned(),
            interfaces: read.interfaces,
            matching,
            identity,
            quirks: Quirks { bulk: read.quirks.bulk, max_repetitions },
            scalars,
            tables,
        }
    }

    fn oid(&mut self, oid: &Spanned<String>) -> Vec<u8> {
        ber::encoded(oid.get_ref()).unwrap_or_else(|| {
            let words = format!("`{}` is no object identifier: give numbers and dots", oid.get_ref());
            self.refuse(oid.span(), words);
            Vec::new()
        })
    }

    fn description(&mut self, text: &Spanned<String>) -> String {
        if text.get_ref().trim().is_empty() {
            self.refuse(text.span(), "description: an empty text is in every description");
        }
        text.get_ref().to_lowercase()
    }

    fn every(&mut self, seconds: Option<Spanned<u64>>) -> Duration {
        let Some(seconds) = seconds else { return Duration::ZERO };
        if !(1..=LONGEST_INTERVAL).contains(seconds.get_ref()) {
            self.refuse(seconds.span(), format!("min_interval_seconds: give 1 to {LONGEST_INTERVAL}"));
        }
        Duration::from_secs(*seconds.get_ref())
    }

    fn scalar(&mut self, read: MetricText, seen: &mut HashSet<String>) -> Scalar {
        let object = self.oid(&read.oid);
        if !object.is_empty() && object.last() != Some(&0) {
            self.refuse(read.oid.span(), "an object that is no column ends in .0");
        }
        let labels: Vec<(String, String)> =
            read.labels.into_iter().map(|(name, value)| (self.label(&name), value)).collect();
        if !seen.insert(format!("{} {labels:?}", read.name.get_ref())) {
            let words = format!("`{}` is there twice with the same labels", read.name.get_ref());
            self.refuse(read.name.span(), words);
        }
        let reading = self.reading(read.scale, read.offset, read.map, read.invalid, read.kind);
        let metric = self.metric(&read.name, &read.object, read.unit, read.kind, reading);
        Scalar { object, metric, labels, every: self.every(read.min_interval_seconds) }
    }

    fn metric(
        &mut self,
        name: &Spanned<String>,
        object: &Spanned<String>,
        unit: Unit,
        kind: KindText,
        reading: Reading,
    ) -> Metric {
        let (text, kind) = (name.get_ref().as_str(), Kind::from(kind));
        if !is_name(text) {
            self.refuse(
                name.span(),
                format!("metric `{text}`: give lower case letters, digits and underscores"),
            );
        }
        if COMPILED.contains(&text) || OURS.iter().any(|ours| text.starts_with(ours)) {
            self.refuse(name.span(), format!("metric `{text}` is the agent's own: take another name"));
        }
        let stem = text.strip_suffix("_total");
        match (kind, stem) {
            (Kind::Counter, None) => {
                self.refuse(name.span(), format!("counter `{text}`: its name ends in _total"));
            }
            (Kind::Gauge, Some(_)) => {
                self.refuse(name.span(), format!("gauge `{text}`: only a counter's name ends in _total"));
            }
            (Kind::Counter, Some(_)) | (Kind::Gauge, None) => {}
        }
        if !unit.fits(stem.unwrap_or(text)) {
            let words = match unit.ending() {
                "" => format!("metric `{text}` has no unit, and a name that ends as if it had"),
                ending => format!("metric `{text}`: with its unit the name ends in {ending}"),
            };
            self.refuse(name.span(), words);
        }
        if *self.meanings.entry(text.to_owned()).or_insert((unit, kind)) != (unit, kind) {
            self.refuse(name.span(), format!("metric `{text}` has another unit or kind above"));
        }
        if object.get_ref().trim().is_empty() {
            self.refuse(object.span(), "object: give the MIB's name of it");
        }
        Metric { name: text.to_owned(), object: object.get_ref().clone(), unit, kind, reading }
    }

    fn reading(
        &mut self,
        scale: Option<Spanned<f64>>,
        offset: f64,
        map: Option<BTreeMap<String, i64>>,
        invalid: Vec<i64>,
        kind: KindText,
    ) -> Reading {
        let (mut factor, mut whole) = (Scale::One, 1);
        if let Some(scale) = scale {
            let value = *scale.get_ref();
            if !value.is_normal() {
                self.refuse(scale.span(), "scale: give a number that is not zero");
            } else if map.is_some() {
                self.refuse(scale.span(), "scale: the map gives the values already");
            } else if kind == KindText::Counter && (value < 1.0 || value.fract() != 0.0) {
                self.refuse(scale.span(), "scale: a counter counts whole base units; give a whole number");
            }
            factor = Scale::of(value);
            if kind == KindText::Counter {
                whole = format!("{value:.0}").parse().unwrap_or(1);
            }
        }
        let offset = if offset.is_finite() { offset } else { 0.0 };
        Reading { scale: factor, offset, map, invalid, whole }
    }

    fn label(&mut self, name: &Spanned<String>) -> String {
        let text = name.get_ref();
        if !is_name(text) {
            self.refuse(
                name.span(),
                format!("label `{text}`: give lower case letters, digits and underscores"),
            );
        } else if THEIRS.contains(&text.as_str()) {
            self.refuse(name.span(), format!("label `{text}` is added by headquarters: take another name"));
        }
        text.clone()
    }

    fn table(&mut self, read: TableText) -> Table {
        let entry = self.oid(&read.entry);
        if read.object.get_ref().trim().is_empty() {
            self.refuse(read.object.span(), "object: give the MIB's name of it");
        }
        let mut labels: Vec<(String, LabelSource)> = Vec::new();
        let last = read.index.len().saturating_sub(1);
        for (at, part) in read.index.iter().enumerate() {
            if at < last && matches!(part.form.get_ref(), IndexForm::Implied | IndexForm::Rest) {
                self.refuse(part.form.span(), "this form takes what is left of the index: put it last");
            }
            if let Some(label) = &part.label {
                let name = self.label(label);
                self.add_label(&mut labels, label, (name, LabelSource::Index(at)));
            }
        }
        let mut columns = Columns::default();
        for LabelText { label, column, form } in read.labels {
            let name = self.label(&label);
            let cell = self.cell(&mut columns, &column);
            self.add_label(&mut labels, &label, (name, LabelSource::Cell(cell, form)));
        }
        if labels.is_empty() {
            self.refuse(
                read.name.span(),
                "without a label of its index or of a column its rows are one series",
            );
        }
        if read.metric.is_empty() {
            self.refuse(read.name.span(), "a table without a metric is read for nothing");
        }
        let mut seen = HashSet::new();
        let metrics: Vec<ColumnMetric> = read
            .metric
            .into_iter()
            .map(|metric| self.column_metric(metric, &labels, &mut columns, &mut seen))
            .collect();
        let every = self.every(read.min_interval_seconds);
        let index = read.index.iter().map(|part| *part.form.get_ref()).collect();
        Table { name: read.name.into_inner(), entry, every, index, columns: columns.0, metrics }
    }

    fn add_label(
        &mut self,
        labels: &mut Vec<(String, LabelSource)>,
        at: &Spanned<String>,
        label: (String, LabelSource),
    ) {
        if labels.iter().any(|(name, _)| *name == label.0) {
            self.refuse(at.span(), format!("label `{}` is there twice", label.0));
        }
        labels.push(label);
    }

    /// Where the value of a column stands in a row of the walk.
    fn cell(&mut self, columns: &mut Columns, column: &Spanned<u32>) -> usize {
        if *column.get_ref() == 0 {
            self.refuse(column.span(), "columns are numbered from 1");
        }
        columns.cell(*column.get_ref())
    }

    fn column_metric(
        &mut self,
        read: ColumnText,
        of_table: &[(String, LabelSource)],
        columns: &mut Columns,
        seen: &mut HashSet<String>,
    ) -> ColumnMetric {
        let mut labels = of_table.to_vec();
        let told = format!(
            "{} {:?} {:?}",
            read.name.get_ref(),
            read.labels.values().collect::<Vec<_>>(),
            read.condition.as_ref().map(|condition| (condition.column.get_ref(), &condition.equals))
        );
        if !seen.insert(told) {
            let words = format!("`{}` is there twice with the same labels", read.name.get_ref());
            self.refuse(read.name.span(), words);
        }
        for (name, value) in read.labels {
            let text = self.label(&name);
            self.add_label(&mut labels, &name, (text, LabelSource::Fixed(value)));
        }
        labels.sort_by(|one, other| one.0.cmp(&other.0));
        let reading = self.reading(read.scale, read.offset, read.map, read.invalid, read.kind);
        let metric = self.metric(&read.name, &read.object, read.unit, read.kind, reading);
        let cell = self.cell(columns, &read.column);
        let condition =
            read.condition.map(|condition| (self.cell(columns, &condition.column), condition.equals));
        let mut beside = |column: Option<Spanned<u32>>| column.map(|column| self.cell(columns, &column));
        let (times, decimals, prefix) =
            (beside(read.times_column), beside(read.decimals_column), beside(read.prefix_column));
        ColumnMetric { metric, cell, labels, condition, times, decimals, prefix }
    }
}

/// Columns that a table's walk reads, each once.
#[derive(Default)]
struct Columns(Vec<u32>);

impl Columns {
    fn cell(&mut self, column: u32) -> usize {
        self.0.iter().position(|there| *there == column).unwrap_or_else(|| {
            self.0.push(column);
            self.0.len() - 1
        })
    }
}

impl Scale {
    fn of(factor: f64) -> Self {
        let inverse = (1.0 / factor).round();
        if factor == 1.0 {
            Self::One
        } else if factor.abs() < 1.0 && (inverse * factor - 1.0).abs() < 1e-9 {
            Self::Over(inverse)
        } else {
            Self::Times(factor)
        }
    }
}
