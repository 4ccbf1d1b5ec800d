//! How fine data is kept, and for how long.

/// Milliseconds of a minute.
pub(crate) const MINUTE: i64 = 60_000;
/// Milliseconds of an hour, the widest bucket: what is recomputed is recomputed by whole hours.
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// Milliseconds of a day.
pub(crate) const DAY: i64 = 24 * HOUR;

/// How fine data is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Resolution {
    Raw,
    FiveMinutes,
    Hour,
}

impl Resolution {
    pub(crate) const ALL: [Self; 3] = [Self::Raw, Self::FiveMinutes, Self::Hour];
    pub(crate) const ROLLUPS: [Self; 2] = [Self::FiveMinutes, Self::Hour];

    /// Position in arrays by resolution; also its number on disk.
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Raw => 0,
            Self::FiveMinutes => 1,
            Self::Hour => 2,
        }
    }

    /// Width of a bucket, ms.
    pub(crate) const fn width(self) -> i64 {
        match self {
            Self::Raw => 1,
            Self::FiveMinutes => 5 * MINUTE,
            Self::Hour => HOUR,
        }
    }

    /// Longest time that one merged segment may span: data goes away by whole segments.
    pub(crate) const fn max_span(self) -> i64 {
        match self {
            Self::Raw => 4 * DAY,
            Self::FiveMinutes => 32 * DAY,
            Self::Hour => 400 * DAY,
        }
    }

    /// Beginning of its files' names.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
        }
    }
}

/// End of the bucket of `width` that holds `t`: buckets are open to the left.
pub(crate) fn bucket_end(t: i64, width: i64) -> i64 {
    let into = t.rem_euclid(width);
    if into == 0 { t } else { t.saturating_add(width - into) }
}
