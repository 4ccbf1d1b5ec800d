//! When copies are made, and where they lie.

use atalaya_kernel::time::TimeZone;
use serde::{Deserialize, Deserializer};
use std::{path::PathBuf, str::FromStr};

/// Copies of the installation.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Backup {
    /// Whether one is made each day; when absent, wherever it is not development.
    pub daily: Option<bool>,
    /// From which time of the day on.
    pub at: TimeOfDay,
    /// Whose time of the day.
    pub time_zone: TimeZone,
    /// Folder for the copies; `backups` in the data folder when absent. Better on another disk.
    pub folder: Option<PathBuf>,
    /// How many are kept; the newest always is.
    pub keep: u32,
}

impl Default for Backup {
    fn default() -> Self {
        // Half past two in Lima and Bogotá, when nobody pays and no run is on.
        Self { daily: None, at: TimeOfDay(7 * 60 + 30), time_zone: utc(), folder: None, keep: 7 }
    }
}

fn utc() -> TimeZone {
    "UTC".parse().expect("UTC is a zone everywhere")
}

/// `HH:MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Minutes since midnight.
    pub const fn minute_of_day(self) -> u16 {
        self.0
    }
}

/// A text that is no time of the day.
#[derive(Debug, thiserror::Error)]
#[error("expected a time of the day such as 03:30, got {0:?}")]
pub struct NotATime(String);

impl FromStr for TimeOfDay {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let wrong = || NotATime(text.to_owned());
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        let part = |text: &str, below: u16| -> Result<u16, NotATime> {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|value| digits && *value < below).ok_or_else(wrong)
        };
        Ok(Self(part(hour, 24)? * 60 + part(minute, 60)?))
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_day_has_two_digits_twice() {
        assert_eq!("03:30".parse::<TimeOfDay>().unwrap().minute_of_day(), 210);
        assert_eq!("23:59".parse::<TimeOfDay>().unwrap().minute_of_day(), 1439);
        for wrong in ["", "3:30", "24:00", "12:60", "12.30", "+1:00", "12:30:00"] {
            assert!(wrong.parse::<TimeOfDay>().is_err(), "{wrong}");
        }
    }
}
