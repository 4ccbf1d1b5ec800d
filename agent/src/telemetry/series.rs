//! The registry of series: every text once, every series some twenty bytes.
//!
//! A device is measured again and again in the same order. So each series remembers which one was asked for after it,
//! and a look-up first tries that one: a comparison in place of five hash look-ups.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use atalaya_protocol::wire;
use parking_lot::Mutex;

use crate::buffer::{Buffer, SeriesDirectory};
use crate::driver::Kind;

/// Most series of one agent: far above 1,000 devices of 48 ports; a driver gone mad stops here.
const MOST_SERIES: usize = 1_000_000;
/// First number given when no database could be read at the start: far from the numbers in that database.
const FIRST_WITHOUT_DATABASE: u32 = 1 << 31;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Series {
    metric: u32,
    device: u32,
    labels: u32,
    kind: Kind,
}

#[derive(Debug)]
struct Interner<T: ?Sized> {
    by_value: HashMap<Arc<T>, u32>,
    values: Vec<Arc<T>>,
}

// Derived, it would ask for a default text.
impl<T: ?Sized> Default for Interner<T> {
    fn default() -> Self {
        Self { by_value: HashMap::new(), values: Vec::new() }
    }
}

impl<T: ?Sized + Eq + std::hash::Hash> Interner<T>
where
    Arc<T>: for<'a> From<&'a T>,
{
    fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.by_value.get(value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).expect("fewer texts than series, which are bounded");
        let shared: Arc<T> = Arc::from(value);
        self.values.push(Arc::clone(&shared));
        self.by_value.insert(shared, number);
        number
    }

    fn value(&self, number: u32) -> Option<&T> {
        self.values.get(usize::try_from(number).ok()?).map(AsRef::as_ref)
    }
}

/// A series and what usually comes after it.
#[derive(Debug, Clone, Copy)]
struct Known {
    series: Series,
    /// Number of the series that was asked for after this one; 0 = none yet.
    next: u32,
}

/// Series by number. Numbers are given one after the other from two beginnings, so two lists hold them.
#[derive(Debug, Default)]
struct Numbers {
    with_database: Vec<Option<Known>>,
    without_database: Vec<Option<Known>>,
    len: usize,
}

impl Numbers {
    fn place(&self, number: u32) -> (&Vec<Option<Known>>, usize) {
        let (list, first) = match number {
            ..FIRST_WITHOUT_DATABASE => (&self.with_database, 0),
            _ => (&self.without_database, FIRST_WITHOUT_DATABASE),
        };
        (list, usize::try_from(number - first).unwrap_or(usize::MAX))
    }

    fn get(&self, number: u32) -> Option<&Known> {
        let (list, at) = self.place(number);
        list.get(at)?.as_ref()
    }

    fn get_mut(&mut self, number: u32) -> Option<&mut Known> {
        let (_, at) = self.place(number);
        let low = number < FIRST_WITHOUT_DATABASE;
        let list = if low { &mut self.with_database } else { &mut self.without_database };
        list.get_mut(at)?.as_mut()
    }

    /// False when the number is too far from the others to have been given by a registry.
    fn insert(&mut self, number: u32, series: Series) -> bool {
        let (_, at) = self.place(number);
        if at > 2 * MOST_SERIES {
            return false;
        }
        let low = number < FIRST_WITHOUT_DATABASE;
        let list = if low { &mut self.with_database } else { &mut self.without_database };
        if list.len() <= at {
            list.resize(at + 1, None);
        }
        self.len += usize::from(list[at].is_none());
        list[at] = Some(Known { series, next: 0 });
        true
    }

    fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let numbers = |list: &Vec<Option<Known>>, first: u32| {
            let known: Vec<u32> =
                (first..).zip(list).filter(|(_, known)| known.is_some()).map(|(number, _)| number).collect();
            known
        };
        numbers(&self.with_database, 0)
            .into_iter()
            .chain(numbers(&self.without_database, FIRST_WITHOUT_DATABASE))
    }
}

#[derive(Debug, Default)]
struct Tables {
    texts: Interner<str>,
    /// Pairs of text numbers: name, value, name, value, …
    label_sets: Interner<[u32]>,
    by_series: HashMap<Series, u32>,
    by_number: Numbers,
    next: u32,
    /// Numbers that the buffer has not been told yet.
    fresh: Vec<u32>,
    scratch: Vec<u32>,
}

/// Every series of this process.
#[derive(Debug)]
pub struct Registry {
    tables: Mutex<Tables>,
    refused: AtomicU64,
}

impl Registry {
    /// Takes over what the buffer's database registered; `in_memory` when it could not be read.
    pub fn new(persisted: Vec<wire::SeriesEntry>, in_memory: bool) -> Self {
        let next = if in_memory { FIRST_WITHOUT_DATABASE } else { 1 };
        let registry =
            Self { tables: Mutex::new(Tables { next, ..Tables::default() }), refused: AtomicU64::new(0) };
        registry.adopt(persisted);
        registry
    }

    /// Takes over what the buffer's database registered.
    pub fn of(buffer: &Buffer) -> Self {
        let registry = Self::new(Vec::new(), buffer.in_memory());
        buffer.each_series(&mut |entries| {
            if !registry.adopt(entries) {
                tracing::error!("the buffer's database holds series that contradict each other");
            }
        });
        registry
    }

    /// The number of a series, registered now if it is new. `None` when there are too many: counted.
    pub fn number(&self, device_id: &str, metric: &str, labels: &[(&str, &str)], kind: Kind) -> Option<u32> {
        self.number_after(None, device_id, metric, labels, kind)
    }

    /// As [`Registry::number`], where `last` is the number that was asked for before of the same device.
    pub fn number_after(
        &self,
        last: Option<u32>,
        device_id: &str,
        metric: &str,
        labels: &[(&str, &str)],
        kind: Kind,
    ) -> Option<u32> {
        let mut tables = self.tables.lock();
        let usual = last.and_then(|last| tables.by_number.get(last)).map_or(0, |known| known.next);
        if tables.is(usual, device_id, metric, labels, kind) {
            return Some(usual);
        }
        let series = tables.intern(device_id, metric, labels.iter().copied(), kind);
        let number = match tables.by_series.get(&series) {
            Some(number) => *number,
            None => self.register(&mut tables, series)?,
        };
        if let Some(before) = last.and_then(|last| tables.by_number.get_mut(last)) {
            before.next = number;
        }
        Some(number)
    }

    fn register(&self, tables: &mut Tables, series: Series) -> Option<u32> {
        if tables.by_series.len() >= MOST_SERIES {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let number = tables.next;
        tables.next = tables.next.checked_add(1)?;
        if !tables.by_number.insert(number, series) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        tables.by_series.insert(series, number);
        tables.fresh.push(number);
        Some(number)
    }

    /// Series registered since the last call, for the buffer.
    pub fn take_fresh(&self) -> Vec<wire::SeriesEntry> {
        let mut tables = self.tables.lock();
        let fresh = std::mem::take(&mut tables.fresh);
        fresh.into_iter().filter_map(|number| tables.entry(number)).collect()
    }

    /// What numbers stand for; unknown ones are left out.
    pub fn entries(&self, numbers: &[u32]) -> Vec<wire::SeriesEntry> {
        let tables = self.tables.lock();
        numbers.iter().filter_map(|number| tables.entry(*number)).collect()
    }

    /// Series known.
    pub fn len(&self) -> usize {
        self.tables.lock().by_number.len
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Samples refused because there were too many series.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl SeriesDirectory for Registry {
    fn adopt(&self, persisted: Vec<wire::SeriesEntry>) -> bool {
        let mut tables = self.tables.lock();
        for entry in persisted {
            let kind = if entry.kind() == wire::MetricKind::Counter { Kind::Counter } else { Kind::Gauge };
            let labels = entry.labels.iter().map(|label| (label.name.as_str(), label.value.as_str()));
            let series = tables.intern(&entry.device_id, &entry.name, labels, kind);
            if tables.by_number.get(entry.number).is_some_and(|known| known.series != series) {
                return false;
            }
            if !tables.by_number.insert(entry.number, series) {
                return false;
            }
            tables.by_series.entry(series).or_insert(entry.number);
            tables.next = tables.next.max(entry.number.saturating_add(1));
        }
        true
    }

    fn all(&self) -> Vec<wire::SeriesEntry> {
        let mut tables = self.tables.lock();
        tables.fresh.clear();
        tables.by_number.iter().filter_map(|number| tables.entry(number)).collect()
    }
}

impl Tables {
    fn intern<'a>(
        &mut self,
        device_id: &str,
        metric: &str,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
        kind: Kind,
    ) -> Series {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        for (name, value) in labels {
            scratch.push(self.texts.number(name));
            scratch.push(self.texts.number(value));
        }
        let series = Series {
            metric: self.texts.number(metric),
            device: self.texts.number(device_id),
            labels: self.label_sets.number(&scratch),
            kind,
        };
        self.scratch = scratch;
        series
    }

    /// Whether a number stands for this series; tells without hashing.
    fn is(&self, number: u32, device_id: &str, metric: &str, labels: &[(&str, &str)], kind: Kind) -> bool {
        let Some(Known { series, .. }) = self.by_number.get(number) else { return false };
        let text = |number: u32, wanted: &str| self.texts.value(number) == Some(wanted);
        let known_labels = self.label_sets.value(series.labels).unwrap_or_default();
        series.kind == kind
            && text(series.device, device_id)
            && text(series.metric, metric)
            && known_labels.len() == 2 * labels.len()
            && known_labels
                .chunks_exact(2)
                .zip(labels)
                .all(|(pair, (name, value))| text(pair[0], name) && text(pair[1], value))
    }

    fn entry(&self, number: u32) -> Option<wire::SeriesEntry> {
        let series = self.by_number.get(number)?.series;
        let text = |number: u32| self.texts.value(number).unwrap_or_default().to_owned();
        let kind = match series.kind {
            Kind::Counter => wire::MetricKind::Counter,
            Kind::Gauge => wire::MetricKind::Gauge,
        };
        let labels = self.label_sets.value(series.labels).unwrap_or_default();
        Some(wire::SeriesEntry {
            number,
            name: text(series.metric),
            device_id: text(series.device),
            labels: labels
                .chunks_exact(2)
                .map(|pair| wire::Label { name: text(pair[0]), value: text(pair[1]) })
                .collect(),
            kind: kind.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_has_one_number_and_the_number_tells_the_series() {
        let registry = Registry::new(Vec::new(), false);
        let labels = [("interface", "ether1")];
        let first = registry.number("dev_1", "interface_up", &labels, Kind::Gauge).unwrap();
        let other = registry.number("dev_2", "interface_up", &labels, Kind::Gauge).unwrap();
        assert_ne!(first, other);
        assert_eq!(registry.number("dev_1", "interface_up", &labels, Kind::Gauge), Some(first));
        let entries = registry.entries(&[first, 999]);
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].device_id.as_str(), entries[0].labels[0].value.as_str()), ("dev_1", "ether1"));
        assert_eq!(registry.take_fresh().len(), 2);
        assert!(registry.take_fresh().is_empty());
    }

    #[test]
    fn the_usual_order_is_a_hint_and_never_an_answer() {
        let registry = Registry::new(Vec::new(), false);
        let ask = |last, device: &str, interface: &str, kind| {
            registry.number_after(last, device, "interface_up", &[("interface", interface)], kind).unwrap()
        };
        let first = ask(None, "dev_1", "ether1", Kind::Gauge);
        let second = ask(Some(first), "dev_1", "ether2", Kind::Gauge);
        assert_eq!(ask(Some(first), "dev_1", "ether2", Kind::Gauge), second);
        // Anything that differs is another series, whatever came next the last time.
        let others = [
            ask(Some(first), "dev_2", "ether2", Kind::Gauge),
            ask(Some(first), "dev_1", "ether3", Kind::Gauge),
            ask(Some(first), "dev_1", "ether2", Kind::Counter),
        ];
        assert!(others.iter().all(|number| *number != second), "{others:?} {second}");
        assert_eq!(ask(Some(first), "dev_1", "ether2", Kind::Gauge), second);
        assert_eq!(ask(Some(u32::MAX), "dev_1", "ether1", Kind::Gauge), first);
    }

    #[test]
    fn a_number_that_no_registry_gave_is_refused() {
        let registry = Registry::new(Vec::new(), false);
        registry.number("dev_1", "device_up", &[], Kind::Gauge);
        let mut persisted = registry.all();
        persisted[0].number = FIRST_WITHOUT_DATABASE - 1;
        assert!(!Registry::new(Vec::new(), false).adopt(persisted));
    }

    #[test]
    fn numbers_survive_a_restart_and_are_not_given_twice() {
        let before = Registry::new(Vec::new(), false);
        let old = before.number("dev_1", "device_up", &[], Kind::Gauge).unwrap();
        let after = Registry::new(before.all(), false);
        assert_eq!(after.number("dev_1", "device_up", &[], Kind::Gauge), Some(old));
        assert_ne!(after.number("dev_1", "system_uptime_seconds", &[], Kind::Gauge), Some(old));
    }

    #[test]
    fn a_database_that_means_something_else_is_refused() {
        let here = Registry::new(Vec::new(), false);
        here.number("dev_1", "device_up", &[], Kind::Gauge);
        let there = Registry::new(Vec::new(), false);
        there.number("dev_9", "device_up", &[], Kind::Gauge);
        assert!(!here.adopt(there.all()));
        let started_in_memory = Registry::new(Vec::new(), true);
        started_in_memory.number("dev_1", "device_up", &[], Kind::Gauge);
        assert!(started_in_memory.adopt(there.all()));
    }
}
