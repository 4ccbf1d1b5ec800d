//! Which hours new samples touch, and what the buckets of an hour hold. Pure.

use crate::embedded::resolution::{HOUR, bucket_end};
use crate::embedded::row::{RawRow, RollupRow, Row, Summary};
use crate::model::Window;

/// Whole hours whose roll-ups `fresh` (ascending) changes, as ascending runs that do not touch.
///
/// A sample changes its own hour, and the hour of its successor, whose step now starts elsewhere. `successor` gives the time
/// of the first row after a moment among the rows that have roll-ups already.
pub(crate) fn touched_hours<E>(
    fresh: &[RawRow],
    mut successor: impl FnMut(i64) -> Result<Option<i64>, E>,
) -> Result<Vec<Window>, E> {
    let mut hours: Vec<i64> = Vec::new();
    for (i, row) in fresh.iter().enumerate() {
        let hour = bucket_end(row.t(), HOUR);
        if hours.last() != Some(&hour) {
            hours.push(hour);
        }
        let next_in_hour = fresh.get(i + 1).is_some_and(|next| bucket_end(next.t(), HOUR) == hour);
        if !next_in_hour && let Some(next) = successor(row.t())? {
            let next_hour = bucket_end(next, HOUR);
            if next_hour > hour {
                hours.push(next_hour);
            }
        }
    }
    hours.sort_unstable();
    hours.dedup();
    let mut runs: Vec<Window> = Vec::new();
    for hour in hours {
        match runs.last_mut() {
            Some(run) if run.to_ms == hour - HOUR => run.to_ms = hour,
            _ => runs.push(Window { from_ms: hour - HOUR, to_ms: hour }),
        }
    }
    Ok(runs)
}

/// Roll-ups of `rows` (ascending) in buckets of `width` ms; `before` precedes the first.
pub(crate) fn roll_up(before: Option<&RawRow>, rows: &[RawRow], width: i64) -> Vec<RollupRow> {
    let mut out: Vec<RollupRow> = Vec::new();
    let mut before = before;
    for row in rows {
        let end_ms = bucket_end(row.t(), width);
        if out.last().is_none_or(|last| last.end_ms != end_ms) {
            out.push(RollupRow { end_ms, summary: Summary::default() });
        }
        if let Some(bucket) = out.last_mut() {
            bucket.summary.add(row, before);
        }
        before = Some(row);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(minute: i64) -> RawRow {
        RawRow::new(minute * 60_000, 1.0, None)
    }

    #[test]
    fn the_successors_hour_is_touched_too() {
        let fresh = [row(10), row(20), row(59), row(300)];
        let known = |t: i64| Ok::<_, ()>((t == 59 * 60_000).then_some(61 * 60_000));
        let runs = touched_hours(&fresh, known).unwrap();
        let hours: Vec<_> = runs.iter().map(|r| (r.from_ms / HOUR, r.to_ms / HOUR)).collect();
        assert_eq!(hours, [(0, 2), (4, 5)]);
    }

    #[test]
    fn a_bucket_includes_its_end_and_not_its_start() {
        let rows = [row(5), row(6), row(10), row(11)];
        let ends: Vec<_> =
            roll_up(None, &rows, 300_000).iter().map(|r| (r.end_ms / 60_000, r.summary.count)).collect();
        assert_eq!(ends, [(5, 1), (10, 2), (15, 1)]);
    }
}
