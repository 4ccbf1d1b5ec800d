//! Samples that are in the log but not sealed yet.

use super::num::index;
use super::row::{RawRow, Row};

/// Rows of one series in the order of arrival.
#[derive(Default)]
pub(crate) struct HeadSeries {
    pub(crate) rows: Vec<RawRow>,
    /// Arrival was not in order of time, or a time came twice.
    disordered: bool,
}

/// Fresh rows of one tenant by series.
#[derive(Default)]
pub(crate) struct Head {
    series: Vec<HeadSeries>,
    pub(crate) samples: u64,
}

impl Head {
    pub(crate) fn push(&mut self, local: u32, rows: impl Iterator<Item = RawRow>) {
        let at = index(local);
        if at >= self.series.len() {
            self.series.resize_with(at + 1, HeadSeries::default);
        }
        let series = &mut self.series[at];
        for row in rows {
            series.disordered |= series.rows.last().is_some_and(|last| last.t() >= row.t());
            series.rows.push(row);
            self.samples += 1;
        }
    }

    /// Appends to `out` what a window may need of a series: rows inside and, where rows are in order, the one before.
    pub(crate) fn copy_into(&self, local: u32, from_ms: i64, to_ms: i64, out: &mut Vec<RawRow>) {
        let Some(series) = self.series.get(index(local)) else { return };
        if series.disordered {
            out.extend_from_slice(&series.rows);
            return;
        }
        let start = series.rows.partition_point(|r| r.t() <= from_ms).saturating_sub(1);
        let end = series.rows.partition_point(|r| r.t() <= to_ms);
        out.extend_from_slice(&series.rows[start.min(end)..end]);
    }

    /// Series that have rows, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &[RawRow])> {
        let numbered = self.series.iter().zip(0u32..);
        numbered.filter(|(s, _)| !s.rows.is_empty()).map(|(s, local)| (local, s.rows.as_slice()))
    }
}
