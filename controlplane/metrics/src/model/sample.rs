//! One measured value, and what the difference of two of them means.
//!
//! Values are `f64`, as in Prometheus, so that both engines give the same answers. Integers are exact up to 2^53 (9.0e15);
//! a 10 Gbit/s port at full load passes that after 83 days. Beyond it a Counter64 is rounded to a relative 1.1e-16: near
//! 2^63 that is 1,024 bytes, far below what a rate shows, but equality of single counter values is lost there.

use super::Labels;

/// Whether a series counts up or moves freely. Decides which roll-ups are worth keeping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SeriesKind {
    /// Only rises, but for resets and wraps (SNMP Counter32 and Counter64, interface and queue bytes).
    Counter,
    /// Moves freely (temperature, load, signal in dBm, latency).
    Gauge,
}

/// A series as it is registered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeriesSpec {
    /// Its identity within the tenant.
    pub labels: Labels,
    /// How its values behave; the first registration decides.
    pub kind: SeriesKind,
}

/// One value at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// UTC, milliseconds since 1970.
    pub t_ms: i64,
    /// The value as the device gave it: counters raw, never a rate.
    pub value: f64,
}

/// What the agent knows about a counter's step to this sample beyond its value.
///
/// Without a mark a fall is a reset: right for Counter64, which does not wrap in a device's life, and the smaller error for
/// the others. The agent marks what uptime, discontinuity time or session id tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// The counter restarted from 0 since the sample before, even if its value is higher.
    Reset,
    /// A 32-bit counter passed 2^32 once since the sample before.
    Wrap32,
}

/// How far a counter rose between two neighbouring samples.
///
/// Never negative; a gap in time does not matter, since counters are raw.
#[must_use]
pub fn increase(before: f64, after: f64, mark: Option<Mark>) -> f64 {
    const TWO_32: f64 = 4_294_967_296.0;
    match mark {
        Some(Mark::Reset) => after.max(0.0),
        Some(Mark::Wrap32) if after < before => (after + TWO_32 - before).max(0.0),
        _ if after < before => after.max(0.0),
        _ => after - before,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_resets_and_wraps() {
        assert_eq!(increase(100.0, 130.0, None), 30.0);
        assert_eq!(increase(100.0, 30.0, None), 30.0);
        assert_eq!(increase(100.0, 130.0, Some(Mark::Reset)), 130.0);
        assert_eq!(increase(4_294_967_290.0, 4.0, Some(Mark::Wrap32)), 10.0);
        assert_eq!(increase(10.0, 12.0, Some(Mark::Wrap32)), 2.0);
    }
}
