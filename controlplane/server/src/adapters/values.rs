//! Numbers and times of the wire as the domains have them. What does not fit is clamped: an agent's absurd number must
//! not become another agent's refusal.

use atalaya_kernel::time::Timestamp;

/// A count.
pub(super) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A count, outward; never negative with us.
pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A count of 32 bits, outward.
pub(super) fn small(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

/// Unix ms; 0 = none.
pub(super) fn moment(ms: i64) -> Option<Timestamp> {
    (ms != 0).then(|| Timestamp::from_millis(ms))
}

/// Unix ms; 0 = none.
pub(super) fn millis(at: Option<Timestamp>) -> i64 {
    at.map_or(0, Timestamp::as_millis)
}

/// Words of a device, cut to what a row may hold, without control characters that a log or page would obey.
pub(super) fn words(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(1_000).collect()
}
