//! Questions and answers.
//!
//! Time is cut into windows that are open to the left: the point at `t` tells of the samples in (t − step, t]. A counter's
//! step from one sample to the next belongs to the window of the later one, whatever the age of the earlier, so windows
//! neither lose nor double an increase and their sums add up.

use super::{Labels, Sample, Selector};

/// Most points that one series of an answer may have (the bound that Prometheus has too).
pub const MAX_POINTS_PER_SERIES: u64 = 11_000;

/// What is computed from the samples of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// Samples as stored; the step is not looked at.
    Raw,
    /// Newest value.
    Last,
    /// Smallest value.
    Min,
    /// Greatest value.
    Max,
    /// Mean of the values.
    Avg,
    /// How far the counter rose (resets and wraps taken into account).
    Increase,
    /// Increase per second of the time that the window's steps cover, which is exact over gaps as well.
    Rate,
}

/// A range of time: (from, to], UTC milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Start, not included.
    pub from_ms: i64,
    /// End, included.
    pub to_ms: i64,
}

/// Asks for points at `from`, `from + step`, … up to `to`, for each selected series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeQuery {
    /// Which series.
    pub selector: Selector,
    /// First point; align it to the step, so that roll-ups can serve the query. For [`Function::Raw`] the first moment.
    pub from_ms: i64,
    /// No point is later than this.
    pub to_ms: i64,
    /// Distance of points and width of their windows, milliseconds, at least 1.
    pub step_ms: i64,
    /// What a point tells.
    pub function: Function,
}

/// Asks for the series with the greatest values over one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopQuery {
    /// Which series compete.
    pub selector: Selector,
    /// Over what time.
    pub window: Window,
    /// How many are wanted.
    pub count: usize,
    /// What is compared; [`Function::Raw`] is not a ranking.
    pub function: Function,
}

/// One computed value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// End of the window (the sample's own time for [`Function::Raw`]), UTC milliseconds.
    pub t_ms: i64,
    /// The value.
    pub value: f64,
}

/// Points of one series, ascending; a window without samples has no point.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledPoints {
    /// Which series.
    pub labels: Labels,
    /// Its points.
    pub points: Vec<Point>,
}

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledSample {
    /// Which series.
    pub labels: Labels,
    /// The value; for a ranking its time is the end of the window.
    pub sample: Sample,
}

/// A question that has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The step is not positive.
    #[error("the step must be at least one millisecond")]
    Step,
    /// A time or step beyond 2^52 ms (year 142,000) either way.
    #[error("times must lie within 2^52 ms of 1970")]
    Time,
    /// The range ends before it begins.
    #[error("the range ends before it begins")]
    Backwards,
    /// More than [`MAX_POINTS_PER_SERIES`] points a series.
    #[error("{0} points a series are too many: take a larger step or a shorter range")]
    TooManyPoints(u64),
    /// The answer would not fit the bound of the store.
    #[error("the answer is larger than {0} points: select fewer series, a larger step or a shorter range")]
    TooLarge(u64),
    /// Raw samples cannot be ranked.
    #[error("raw samples cannot be ranked: choose a function")]
    RankRaw,
}

/// Far enough out that arithmetic on times could overflow.
fn is_far(ms: i64) -> bool {
    ms.unsigned_abs() > 1 << 52
}

impl RangeQuery {
    /// Checks range, step and number of points.
    ///
    /// # Errors
    /// [`QueryError::Step`], [`QueryError::Time`], [`QueryError::Backwards`], [`QueryError::TooManyPoints`].
    pub fn validate(&self) -> Result<(), QueryError> {
        if self.step_ms < 1 {
            return Err(QueryError::Step);
        }
        if [self.from_ms, self.to_ms, self.step_ms].into_iter().any(is_far) {
            return Err(QueryError::Time);
        }
        if self.to_ms < self.from_ms {
            return Err(QueryError::Backwards);
        }
        let points = self.to_ms.abs_diff(self.from_ms) / self.step_ms.unsigned_abs() + 1;
        if self.function != Function::Raw && points > MAX_POINTS_PER_SERIES {
            return Err(QueryError::TooManyPoints(points));
        }
        Ok(())
    }
}

impl TopQuery {
    /// Checks window and function.
    ///
    /// # Errors
    /// [`QueryError::Time`], [`QueryError::Backwards`], [`QueryError::RankRaw`].
    pub fn validate(&self) -> Result<(), QueryError> {
        if is_far(self.window.from_ms) || is_far(self.window.to_ms) {
            return Err(QueryError::Time);
        }
        if self.window.to_ms <= self.window.from_ms {
            return Err(QueryError::Backwards);
        }
        if self.function == Function::Raw {
            return Err(QueryError::RankRaw);
        }
        Ok(())
    }
}
