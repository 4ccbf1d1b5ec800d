//! Answers from a view: which resolution serves, and the fold of its rows into windows.

use std::io;

use super::buckets::{roll_up, touched_hours};
use super::reader::Reader;
use super::view::{SeriesView, View};
use crate::embedded::num::long;
use crate::embedded::options::Options;
use crate::embedded::resolution::Resolution;
use crate::embedded::row::{RawRow, RollupRow, Row, Summary, rollup_answers};
use crate::model::{
    Function, LabelledPoints, LabelledSample, Point, QueryError, RangeQuery, Sample, SeriesKind, TopQuery,
    Window,
};

/// Windows of one width, one after the other: the k-th is (start + k·step, start + (k+1)·step].
#[derive(Debug, Clone, Copy)]
struct Grid {
    start: i64,
    step: i64,
    count: i64,
}

impl Grid {
    fn of_range(query: &RangeQuery) -> Self {
        let count = (query.to_ms - query.from_ms) / query.step_ms + 1;
        Self { start: query.from_ms.saturating_sub(query.step_ms), step: query.step_ms, count }
    }

    fn of_window(window: Window) -> Self {
        Self { start: window.from_ms, step: window.to_ms.saturating_sub(window.from_ms), count: 1 }
    }

    fn end(&self, k: i64) -> i64 {
        self.start.saturating_add((k + 1).saturating_mul(self.step))
    }

    fn window(&self) -> Window {
        Window { from_ms: self.start, to_ms: self.end(self.count - 1) }
    }

    /// End of the window that holds `t`, which is within the grid.
    fn end_of(&self, t: i64) -> i64 {
        self.end((t - self.start - 1).div_euclid(self.step))
    }

    /// Coarsest resolution whose buckets fill the windows exactly; a coarser one where the finer is no longer kept.
    fn resolution(&self, kind: SeriesKind, function: Function, options: &Options, now_ms: i64) -> Resolution {
        if !rollup_answers(kind, function) {
            return Resolution::Raw;
        }
        let fits = |r: &Resolution| self.start % r.width() == 0 && self.step % r.width() == 0;
        let finest = Resolution::ALL.into_iter().rev().find(fits).unwrap_or(Resolution::Raw);
        let kept = |r: &Resolution| self.start >= now_ms.saturating_sub(options.retention(*r));
        let from_finest = Resolution::ALL.into_iter().skip(finest.index());
        from_finest.into_iter().find(kept).unwrap_or(Resolution::Hour)
    }
}

/// Points of every series of the view, ordered by labels.
pub(crate) fn evaluate_range(
    view: View,
    mut reader: Reader,
    query: &RangeQuery,
    options: &Options,
    now_ms: i64,
) -> io::Result<Result<Vec<LabelledPoints>, QueryError>> {
    let mut answer = Vec::new();
    let mut total = 0u64;
    let grid = Grid::of_range(query);
    for series in view.series {
        let points: Vec<Point> = if query.function == Function::Raw {
            let window = Window { from_ms: query.from_ms.saturating_sub(1), to_ms: query.to_ms };
            let read = reader.raw(series.local, &series.fresh, window, false)?;
            read.rows.iter().map(|r| Point { t_ms: r.t(), value: r.value }).collect()
        } else {
            let resolution = grid.resolution(series.kind, query.function, options, now_ms);
            windows(&series, &mut reader, grid, resolution, query.function)?
                .into_iter()
                .filter_map(|(t_ms, s)| Some(Point { t_ms, value: s.value(query.function)? }))
                .collect()
        };
        total += long(points.len());
        if total > options.points_per_answer {
            return Ok(Err(QueryError::TooLarge(options.points_per_answer)));
        }
        if !points.is_empty() {
            answer.push(LabelledPoints { labels: series.labels, points });
        }
    }
    answer.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(Ok(answer))
}

/// The greatest series of the view, greatest first.
pub(crate) fn evaluate_top(
    view: View,
    mut reader: Reader,
    query: &TopQuery,
    options: &Options,
    now_ms: i64,
) -> io::Result<Vec<LabelledSample>> {
    let grid = Grid::of_window(query.window);
    let mut ranked = Vec::new();
    for series in view.series {
        let resolution = grid.resolution(series.kind, query.function, options, now_ms);
        let found = windows(&series, &mut reader, grid, resolution, query.function)?;
        let value = found.first().and_then(|(_, summary)| summary.value(query.function));
        if let Some(value) = value {
            let sample = Sample { t_ms: query.window.to_ms, value };
            ranked.push(LabelledSample { labels: series.labels, sample });
        }
    }
    let order = |a: &LabelledSample, b: &LabelledSample| {
        b.sample.value.total_cmp(&a.sample.value).then_with(|| a.labels.cmp(&b.labels))
    };
    if query.count < ranked.len() && query.count > 0 {
        ranked.select_nth_unstable_by(query.count - 1, order);
    }
    ranked.truncate(query.count);
    ranked.sort_by(order);
    Ok(ranked)
}

/// Newest sample of every series of the view, ordered by labels.
pub(crate) fn newest(view: View, mut reader: Reader) -> io::Result<Vec<LabelledSample>> {
    let mut answer = Vec::new();
    for series in view.series {
        if let Some(row) = reader.newest(series.local, &series.fresh)? {
            answer.push(LabelledSample { labels: series.labels, sample: row.sample() });
        }
    }
    answer.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(answer)
}

/// Summaries of the windows that have samples, by the windows' ends.
fn windows(
    series: &SeriesView,
    reader: &mut Reader,
    grid: Grid,
    resolution: Resolution,
    function: Function,
) -> io::Result<Vec<(i64, Summary)>> {
    let whole = grid.window();
    let mut out: Vec<(i64, Summary)> = Vec::new();
    if resolution == Resolution::Raw {
        let steps = matches!(function, Function::Increase | Function::Rate);
        let read = reader.raw(series.local, &series.fresh, whole, steps)?;
        let mut before: Option<&RawRow> = read.before.as_ref();
        for row in &read.rows {
            window_of(&mut out, grid.end_of(row.t())).add(row, before);
            before = Some(row);
        }
    } else {
        for row in buckets(series, reader, whole, resolution)? {
            window_of(&mut out, grid.end_of(row.end_ms)).merge(&row.summary);
        }
    }
    Ok(out)
}

fn window_of(out: &mut Vec<(i64, Summary)>, end: i64) -> &mut Summary {
    if out.last().is_none_or(|(last, _)| *last != end) {
        out.push((end, Summary::default()));
    }
    let last = out.len() - 1;
    &mut out[last].1
}

/// Roll-ups with an end in the window: stored ones, but hours that fresh samples touch are computed.
fn buckets(
    series: &SeriesView,
    reader: &mut Reader,
    whole: Window,
    resolution: Resolution,
) -> io::Result<Vec<RollupRow>> {
    let mut rows = reader.rollups(series.local, resolution, whole)?;
    let touched = touched_hours(&series.fresh, |t| reader.successor(series.local, t))?;
    let in_question: Vec<Window> =
        touched.into_iter().filter(|run| run.to_ms > whole.from_ms && run.from_ms < whole.to_ms).collect();
    rows.retain(|row| !in_question.iter().any(|run| row.end_ms > run.from_ms && row.end_ms <= run.to_ms));
    for run in in_question {
        let read = reader.raw(series.local, &series.fresh, run, true)?;
        let computed = roll_up(read.before.as_ref(), &read.rows, resolution.width());
        rows.extend(computed.into_iter().filter(|r| r.end_ms > whole.from_ms && r.end_ms <= whole.to_ms));
    }
    rows.sort_by_key(Row::t);
    Ok(rows)
}
