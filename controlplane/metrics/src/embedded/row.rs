//! What a series is made of: raw samples, and summaries of buckets of time.

use super::codec::{Decoder, Encoder};
use super::num::{exact_i64, f64_from_i64, f64_from_u64, long};
use crate::model::{Function, Mark, Sample, SeriesKind, increase};

/// Something with a time that a segment can hold a column of.
pub(crate) trait Row: Copy + Send + Sync + 'static {
    /// UTC ms: of the sample, or of the end of the bucket.
    fn t(&self) -> i64;
    /// Packs all but the times, which were packed before.
    fn encode(rows: &[Self], kind: SeriesKind, out: &mut Encoder);
    /// Unpacks what belongs to `times`; `None` if damaged.
    fn decode(times: &[i64], input: &mut Decoder<'_>) -> Option<(Vec<Self>, SeriesKind)>;
}

/// A sample as it lies in memory: 16 bytes, the mark in the two low bits of the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RawRow {
    time_and_mark: i64,
    pub(crate) value: f64,
}

const fn mark_code(mark: Option<Mark>) -> u8 {
    match mark {
        None => 0,
        Some(Mark::Reset) => 1,
        Some(Mark::Wrap32) => 2,
    }
}

impl RawRow {
    /// `t_ms` beyond ±2^61 saturates; the time bounds of the store are far inside.
    pub(crate) fn new(t_ms: i64, value: f64, mark: Option<Mark>) -> Self {
        let t = t_ms.clamp(i64::MIN >> 2, i64::MAX >> 2);
        Self { time_and_mark: (t << 2) | i64::from(mark_code(mark)), value }
    }

    pub(crate) fn mark(&self) -> Option<Mark> {
        match self.time_and_mark & 3 {
            1 => Some(Mark::Reset),
            2 => Some(Mark::Wrap32),
            _ => None,
        }
    }

    pub(crate) fn sample(&self) -> Sample {
        Sample { t_ms: self.t(), value: self.value }
    }
}

impl Row for RawRow {
    fn t(&self) -> i64 {
        self.time_and_mark >> 2
    }

    fn encode(rows: &[Self], kind: SeriesKind, out: &mut Encoder) {
        let values: Vec<f64> = rows.iter().map(|r| r.value).collect();
        out.values(&values);
        let marks = || rows.iter().enumerate().filter_map(|(i, r)| Some((i, r.mark()?)));
        out.number(kind_code(kind));
        out.number(long(marks().count()));
        for (i, mark) in marks() {
            out.number(long(i));
            out.number(u64::from(mark_code(Some(mark))));
        }
    }

    fn decode(times: &[i64], input: &mut Decoder<'_>) -> Option<(Vec<Self>, SeriesKind)> {
        let values = input.values(times.len())?;
        let kind = kind_of(input.number()?)?;
        let mut rows: Vec<Self> = times.iter().zip(values).map(|(&t, v)| Self::new(t, v, None)).collect();
        for _ in 0..input.number()? {
            let at = usize::try_from(input.number()?).ok()?;
            let code = input.number()?;
            let row = rows.get_mut(at)?;
            row.time_and_mark = (row.time_and_mark & !3) | i64::try_from(code & 3).ok()?;
        }
        Some((rows, kind))
    }
}

fn kind_code(kind: SeriesKind) -> u64 {
    match kind {
        SeriesKind::Counter => 0,
        SeriesKind::Gauge => 1,
    }
}

fn kind_of(code: u64) -> Option<SeriesKind> {
    match code {
        0 => Some(SeriesKind::Counter),
        1 => Some(SeriesKind::Gauge),
        _ => None,
    }
}

/// What is known of the samples of one window. Summaries of neighbouring windows add up to that of both.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) last: f64,
    /// Sum of the steps that end in the window.
    pub(crate) increase: f64,
    /// Time that those steps took, ms; 0 when there is none.
    pub(crate) covered_ms: i64,
}

impl Summary {
    /// Adds the sample `row`, later than all before; `before` is its predecessor in the series.
    pub(crate) fn add(&mut self, row: &RawRow, before: Option<&RawRow>) {
        let value = row.value;
        let one = Self { count: 1, sum: value, min: value, max: value, last: value, ..Self::default() };
        self.merge(&match before {
            Some(before) => Self {
                increase: increase(before.value, value, row.mark()),
                covered_ms: row.t().saturating_sub(before.t()),
                ..one
            },
            None => one,
        });
    }

    /// Adds a later window.
    pub(crate) fn merge(&mut self, later: &Self) {
        if self.count == 0 {
            *self = *later;
            return;
        }
        self.count += later.count;
        self.sum += later.sum;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.last = later.last;
        self.increase += later.increase;
        self.covered_ms = self.covered_ms.saturating_add(later.covered_ms);
    }

    /// The function's value; `None` when the window does not tell.
    pub(crate) fn value(&self, function: Function) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        match function {
            Function::Raw | Function::Last => Some(self.last),
            Function::Min => Some(self.min),
            Function::Max => Some(self.max),
            Function::Avg => Some(self.sum / f64_from_u64(self.count)),
            Function::Increase => (self.covered_ms > 0).then_some(self.increase),
            Function::Rate => {
                (self.covered_ms > 0).then(|| self.increase * 1000.0 / f64_from_i64(self.covered_ms))
            }
        }
    }
}

/// Roll-up of one bucket. Kept by kind: a counter's mean and a gauge's increase mean nothing and are not stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RollupRow {
    /// End of the bucket, UTC ms; it holds the samples of (end − resolution, end].
    pub(crate) end_ms: i64,
    pub(crate) summary: Summary,
}

/// Whether a roll-up of such a series can answer.
pub(crate) fn rollup_answers(kind: SeriesKind, function: Function) -> bool {
    match kind {
        SeriesKind::Counter => matches!(function, Function::Last | Function::Increase | Function::Rate),
        SeriesKind::Gauge => {
            matches!(function, Function::Last | Function::Min | Function::Max | Function::Avg)
        }
    }
}

impl Row for RollupRow {
    fn t(&self) -> i64 {
        self.end_ms
    }

    fn encode(rows: &[Self], kind: SeriesKind, out: &mut Encoder) {
        let floats = |f: fn(&Summary) -> f64| rows.iter().map(|r| f(&r.summary)).collect::<Vec<_>>();
        let counts: Vec<i64> =
            rows.iter().map(|r| i64::try_from(r.summary.count).unwrap_or(i64::MAX)).collect();
        out.number(kind_code(kind));
        out.integers(&counts);
        match kind {
            SeriesKind::Counter => {
                let covered: Vec<i64> = rows.iter().map(|r| r.summary.covered_ms).collect();
                out.integers(&covered);
                let (last, rise) = (floats(|s| s.last), floats(|s| s.increase));
                out.values(&rise);
                match residuals(&last, &rise) {
                    Some(rest) => {
                        out.number(1);
                        out.values(&last[..1]);
                        out.integers(&rest);
                    }
                    None => {
                        out.number(0);
                        out.values(&last);
                    }
                }
            }
            SeriesKind::Gauge => {
                for column in [
                    floats(|s| without_noise(s.sum)),
                    floats(|s| s.min),
                    floats(|s| s.max),
                    floats(|s| s.last),
                ] {
                    out.values(&column);
                }
            }
        }
    }

    fn decode(times: &[i64], input: &mut Decoder<'_>) -> Option<(Vec<Self>, SeriesKind)> {
        let n = times.len();
        let kind = kind_of(input.number()?)?;
        let counts = input.integers(n)?;
        let mut rows: Vec<Self> = times
            .iter()
            .zip(counts)
            .map(|(&end_ms, count)| {
                let count = u64::try_from(count).ok()?;
                Some(Self { end_ms, summary: Summary { count, ..Summary::default() } })
            })
            .collect::<Option<_>>()?;
        let mut fill = |column: Vec<f64>, field: fn(&mut Summary) -> &mut f64| {
            rows.iter_mut().zip(column).for_each(|(row, value)| *field(&mut row.summary) = value);
        };
        match kind {
            SeriesKind::Counter => {
                let covered = input.integers(n)?;
                let rise = input.values(n)?;
                let last = match input.number()? {
                    0 => input.values(n)?,
                    _ => {
                        let first = *input.values(1)?.first()?;
                        lasts(first, &rise, &input.integers(n.checked_sub(1)?)?)
                    }
                };
                fill(rise, |s| &mut s.increase);
                fill(last, |s| &mut s.last);
                rows.iter_mut().zip(covered).for_each(|(row, ms)| row.summary.covered_ms = ms);
            }
            SeriesKind::Gauge => {
                fill(input.values(n)?, |s| &mut s.sum);
                fill(input.values(n)?, |s| &mut s.min);
                fill(input.values(n)?, |s| &mut s.max);
                fill(input.values(n)?, |s| &mut s.last);
            }
        }
        Some((rows, kind))
    }
}

/// A sum of decimal fractions with what binary addition put behind the third place taken off: that noise would cost eight
/// bytes a bucket and tells nothing.
fn without_noise(sum: f64) -> f64 {
    let rounded = (sum * 1000.0).round() / 1000.0;
    if (rounded - sum).abs() <= sum.abs() * 1e-12 { rounded } else { sum }
}

/// Where a counter neither reset nor lost a bucket, its last value is the one before plus the increase: what differs from
/// that, nearly always zeros, is stored instead of the value. `None` if that would not be exact.
fn residuals(last: &[f64], rise: &[f64]) -> Option<Vec<i64>> {
    let rest: Vec<i64> = last
        .windows(2)
        .zip(&rise[1..])
        .map(|(pair, rise)| exact_i64(pair[1] - pair[0] - rise + 0.0))
        .collect::<Option<_>>()?;
    let same = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits());
    same(&lasts(*last.first()?, rise, &rest), last).then_some(rest)
}

fn lasts(first: f64, rise: &[f64], rest: &[i64]) -> Vec<f64> {
    let mut value = first;
    let later = rise.iter().skip(1).zip(rest).map(|(rise, &rest)| {
        value = value + rise + f64_from_i64(rest);
        value
    });
    std::iter::once(first).chain(later).collect()
}

/// Sorts by time; of rows with one time the last in the given order stays.
pub(crate) fn sort_and_collapse<R: Row>(rows: &mut Vec<R>) {
    if rows.windows(2).all(|w| w[0].t() < w[1].t()) {
        return;
    }
    rows.sort_by_key(Row::t);
    rows.dedup_by(|later, kept| {
        let same = later.t() == kept.t();
        if same {
            *kept = *later;
        }
        same
    });
}
