//! Reads rows of one series across segments and fresh samples.

use std::io;
use std::sync::Arc;

use crate::embedded::resolution::Resolution;
use crate::embedded::row::{RawRow, RollupRow, Row, sort_and_collapse};
use crate::embedded::segment::{Cursor, Segment};
use crate::embedded::stats::Counters;
use crate::model::Window;

/// Rows of a window and the one before it.
pub(crate) struct RawRead {
    pub(crate) before: Option<RawRow>,
    pub(crate) rows: Vec<RawRow>,
}

/// Cursors over a tenant's segments. Fast when series are asked for in ascending order.
pub(crate) struct Reader {
    /// By resolution, oldest first.
    cursors: [Vec<Cursor>; 3],
    /// Raw cursors by the end of their time, latest first.
    raw_by_end: Vec<usize>,
}

/// The best predecessor found so far, and how young its source is.
#[derive(Default)]
struct Before {
    row: Option<RawRow>,
    source: usize,
}

impl Before {
    fn consider(&mut self, row: RawRow, source: usize) {
        if self.row.is_none_or(|best| (row.t(), source) >= (best.t(), self.source)) {
            *self = Self { row: Some(row), source };
        }
    }

    fn could_be_in(&self, end: i64) -> bool {
        self.row.is_none_or(|best| end >= best.t())
    }
}

impl Reader {
    pub(crate) fn new(segments: &[Vec<Arc<Segment>>; 3], counters: &Arc<Counters>) -> Self {
        let open = |list: &Vec<Arc<Segment>>| -> Vec<Cursor> {
            list.iter().map(|s| Cursor::new(Arc::clone(s), Arc::clone(counters))).collect()
        };
        let cursors = [open(&segments[0]), open(&segments[1]), open(&segments[2])];
        let mut raw_by_end: Vec<usize> = (0..cursors[0].len()).collect();
        raw_by_end.sort_by_key(|&i| std::cmp::Reverse(cursors[0][i].segment.max_t));
        Self { cursors, raw_by_end }
    }

    /// Rows of (from, to], and the row before if `want_before`. `fresh` (ascending) overrides what is sealed.
    pub(crate) fn raw(
        &mut self,
        series: u32,
        fresh: &[RawRow],
        window: Window,
        want_before: bool,
    ) -> io::Result<RawRead> {
        let Window { from_ms, to_ms } = window;
        let raw = &mut self.cursors[Resolution::Raw.index()];
        let (mut rows, mut before) = (Vec::new(), Before::default());
        let mut take = |source: usize, all: &[RawRow], before: &mut Before| {
            let start = all.partition_point(|r| r.t() <= from_ms);
            let end = all.partition_point(|r| r.t() <= to_ms).max(start);
            rows.extend_from_slice(&all[start..end]);
            if let Some(row) = all[..start].last() {
                before.consider(*row, source);
            }
        };
        for (source, cursor) in raw.iter_mut().enumerate() {
            if cursor.segment.min_t > to_ms || cursor.segment.max_t <= from_ms {
                continue;
            }
            let overlaps = cursor.span(series)?.is_some_and(|(min, max)| min <= to_ms && max > from_ms);
            if overlaps && let Some((all, _)) = cursor.rows::<RawRow>(series)? {
                take(source, &all, &mut before);
            }
        }
        take(usize::MAX, fresh, &mut before);
        sort_and_collapse(&mut rows);
        if want_before {
            for &source in &self.raw_by_end {
                let cursor = &mut raw[source];
                if !before.could_be_in(cursor.segment.max_t) {
                    break;
                }
                let Some((min, max)) = cursor.span(series)? else { continue };
                if min > from_ms || max > from_ms || !before.could_be_in(max) {
                    continue;
                }
                if let Some((all, _)) = cursor.rows::<RawRow>(series)?
                    && let Some(row) = all.last()
                {
                    before.consider(*row, source);
                }
            }
        }
        Ok(RawRead { before: before.row, rows })
    }

    /// Time of the first sealed row of a series after `t`.
    pub(crate) fn successor(&mut self, series: u32, t: i64) -> io::Result<Option<i64>> {
        let mut next: Option<i64> = None;
        for cursor in &mut self.cursors[Resolution::Raw.index()] {
            if cursor.segment.max_t <= t || cursor.span(series)?.is_none_or(|(_, max)| max <= t) {
                continue;
            }
            let rows = cursor.rows::<RawRow>(series)?.map(|(rows, _)| rows).unwrap_or_default();
            let after = rows.get(rows.partition_point(|r| r.t() <= t)).map(Row::t);
            next = next.into_iter().chain(after).min();
        }
        Ok(next)
    }

    /// Stored roll-ups with an end in (from, to].
    pub(crate) fn rollups(
        &mut self,
        series: u32,
        resolution: Resolution,
        window: Window,
    ) -> io::Result<Vec<RollupRow>> {
        let mut rows: Vec<RollupRow> = Vec::new();
        for cursor in &mut self.cursors[resolution.index()] {
            if cursor.segment.min_t > window.to_ms || cursor.segment.max_t <= window.from_ms {
                continue;
            }
            if let Some((all, _)) = cursor.rows::<RollupRow>(series)? {
                rows.extend(
                    all.into_iter().filter(|r| r.end_ms > window.from_ms && r.end_ms <= window.to_ms),
                );
            }
        }
        sort_and_collapse(&mut rows);
        Ok(rows)
    }

    /// Newest row of a series, fresh or sealed.
    pub(crate) fn newest(&mut self, series: u32, fresh: &[RawRow]) -> io::Result<Option<RawRow>> {
        let all_time = Window { from_ms: i64::MAX, to_ms: i64::MAX };
        Ok(self.raw(series, fresh, all_time, true)?.before)
    }
}
