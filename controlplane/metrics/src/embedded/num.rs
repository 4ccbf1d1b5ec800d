//! Conversions of numbers, each saying what it loses.

/// Greatest magnitude at which every integer is an `f64` of its own.
pub(crate) const EXACT: f64 = 9_007_199_254_740_992.0;

/// Nearest `f64`; exact up to 2^53.
#[allow(clippy::cast_precision_loss, reason = "callers keep to 2^53 or want a mean")]
pub(crate) fn f64_from_i64(value: i64) -> f64 {
    value as f64
}

/// Nearest `f64`; exact up to 2^53.
#[allow(clippy::cast_precision_loss, reason = "callers want a mean or a ratio")]
pub(crate) fn f64_from_u64(value: u64) -> f64 {
    value as f64
}

/// The integer that `value` is, if it is one of at most 2^53.
#[allow(clippy::cast_possible_truncation, reason = "checked: integral and within 2^53")]
pub(crate) fn exact_i64(value: f64) -> Option<i64> {
    let integral =
        value.trunc() == value && value.abs() <= EXACT && !(value == 0.0 && value.is_sign_negative());
    integral.then_some(value as i64)
}

/// Index from a stored number; this code runs on 32 bits at least.
pub(crate) fn index(value: u32) -> usize {
    usize::try_from(value).expect("usize has at least 32 bits")
}

/// Length as u64.
pub(crate) fn long(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// Two's complement bits of a signed number.
#[allow(clippy::cast_sign_loss, reason = "a reinterpretation, undone by `signed`")]
pub(crate) fn unsigned(value: i64) -> u64 {
    value as u64
}

/// Undoes `unsigned`.
#[allow(clippy::cast_possible_wrap, reason = "a reinterpretation, undone by `unsigned`")]
pub(crate) fn signed(value: u64) -> i64 {
    value as i64
}

/// Low eight bits.
#[allow(clippy::cast_possible_truncation, reason = "masked")]
pub(crate) fn low_byte(value: u64) -> u8 {
    (value & 0xff) as u8
}
