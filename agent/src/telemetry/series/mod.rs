//! The registry of series: every text once, every series some twenty bytes (`numbers`).
//!
//! A device is measured again and again in the same order. So each series remembers which one was asked for after it,
//! and a look-up first tries that one: a comparison in place of five hash look-ups.

mod interner;
mod numbers;
mod tables;

use std::sync::atomic::{AtomicU64, Ordering};

use atalaya_protocol::wire;
use parking_lot::Mutex;

use crate::buffer::{Buffer, SeriesDirectory};
use crate::driver::Kind;
use numbers::Series;
use tables::Tables;

/// Most series of one agent: far above 1,000 devices of 48 ports; a driver gone mad stops here.
const MOST_SERIES: usize = 1_000_000;
/// First number given when no database could be read at the start: far from the numbers in that database.
const FIRST_WITHOUT_DATABASE: u32 = 1 << 31;

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
        let registry = Self { tables: Mutex::new(Tables::from(next)), refused: AtomicU64::new(0) };
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
        let usual = last.map_or(0, |last| tables.numbers.next(last));
        if tables.is(usual, device_id, metric, labels, kind) {
            return Some(usual);
        }
        let series = tables.intern(device_id, metric, labels.iter().copied(), kind);
        let number = match tables.numbers.number(series) {
            Some(number) => number,
            None => self.register(&mut tables, series)?,
        };
        if let Some(last) = last {
            tables.numbers.follow(last, number);
        }
        Some(number)
    }

    fn register(&self, tables: &mut Tables, series: Series) -> Option<u32> {
        if tables.numbers.len() >= MOST_SERIES {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let number = tables.next;
        tables.next = tables.next.checked_add(1)?;
        if !tables.numbers.insert(number, series) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
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
        self.tables.lock().numbers.len()
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
            if tables.numbers.series(entry.number).is_some_and(|known| known != series) {
                return false;
            }
            if !tables.numbers.insert(entry.number, series) {
                return false;
            }
            tables.next = tables.next.max(entry.number.saturating_add(1));
        }
        true
    }

    fn all(&self) -> Vec<wire::SeriesEntry> {
        let mut tables = self.tables.lock();
        tables.fresh.clear();
        tables.numbers.iter().filter_map(|number| tables.entry(number)).collect()
    }
}

#[cfg(test)]
mod tests;
