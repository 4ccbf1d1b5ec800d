//! Base units, and the endings of metric names that say them (Prometheus' naming: one base unit each).

use serde::Deserialize;

/// What one of a metric's numbers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A count, a state, 0 or 1.
    None,
    /// A part of a whole, 0 to 1.
    Ratio,
    /// Degrees Celsius.
    Celsius,
    /// Volts.
    Volts,
    /// Amperes.
    Amperes,
    /// Watts.
    Watts,
    /// Joules (watt-seconds).
    Joules,
    /// Hertz.
    Hertz,
    /// Metres.
    Meters,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Bits per second.
    BitsPerSecond,
    /// Turns per minute: what every fan says.
    Rpm,
    /// Power over one milliwatt, decibels.
    Dbm,
    /// A ratio in decibels.
    Decibels,
}

impl Unit {
    /// Every unit with an ending.
    pub const ALL: &'static [Self] = &[
        Self::Ratio,
        Self::Celsius,
        Self::Volts,
        Self::Amperes,
        Self::Watts,
        Self::Joules,
        Self::Hertz,
        Self::Meters,
        Self::Seconds,
        Self::Bytes,
        Self::BitsPerSecond,
        Self::Rpm,
        Self::Dbm,
        Self::Decibels,
    ];

    /// How names of its metrics end, before a counter's `_total`.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Ratio => "_ratio",
            Self::Celsius => "_celsius",
            Self::Volts => "_volts",
            Self::Amperes => "_amperes",
            Self::Watts => "_watts",
            Self::Joules => "_joules",
            Self::Hertz => "_hertz",
            Self::Meters => "_meters",
            Self::Seconds => "_seconds",
            Self::Bytes => "_bytes",
            Self::BitsPerSecond => "_bits_per_second",
            Self::Rpm => "_rpm",
            Self::Dbm => "_dbm",
            Self::Decibels => "_decibels",
        }
    }

    /// Whether a name (without `_total`) says this unit and no other.
    pub fn fits(self, name: &str) -> bool {
        match self {
            Self::None => Self::ALL.iter().all(|other| !name.ends_with(other.ending())),
            // `_bits_per_second` does not end in `_seconds`, so no ending hides in another.
            unit => name.ends_with(unit.ending()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_one_unit() {
        assert!(Unit::Seconds.fits("ups_on_battery_seconds"));
        assert!(!Unit::Seconds.fits("link_capacity_bits_per_second"));
        assert!(Unit::None.fits("wireless_stations"));
        assert!(!Unit::None.fits("system_temperature_celsius"));
        for (at, unit) in Unit::ALL.iter().enumerate() {
            let fitting = Unit::ALL.iter().filter(|other| other.fits(unit.ending())).count();
            assert_eq!(fitting, 1, "{at} {unit:?}");
        }
    }
}
