//! When copies are made, and where they lie.

use super::Config;
use crate::{
    adapters::S3Settings,
    backup::{Folder, ObjectStore, Place},
};
use anyhow::bail;
use atalaya_kernel::time::{Clock, TimeZone};
use serde::{Deserialize, Deserializer};
use std::{path::PathBuf, str::FromStr, sync::Arc};

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
    /// An object store instead of a folder.
    pub s3: Option<S3Settings>,
    /// How many are kept; the newest always is.
    pub keep: u32,
}

impl Default for Backup {
    fn default() -> Self {
        // Half past two in Lima and Bogotá, when nobody pays and no run is on.
        Self { daily: None, at: TimeOfDay(7 * 60 + 30), time_zone: utc(), folder: None, s3: None, keep: 7 }
    }
}

impl Config {
    /// The place that copies lie in.
    ///
    /// # Errors
    /// A setting that cannot be, named.
    pub fn backup_place(&self, clock: Arc<dyn Clock>) -> anyhow::Result<Arc<dyn Place>> {
        let here = self.data_dir.join("backups");
        match (&self.backup.s3, &self.backup.folder) {
            (Some(_), Some(_)) => {
                bail!(
                    "[backup] names a folder and [backup.s3]: copies lie in one of them; take the other one out"
                )
            }
            (Some(settings), None) => {
                if self.blobs.s3.as_ref().is_some_and(|blobs| settings.is_below(blobs)) {
                    bail!(
                        "[backup.s3] prefix begins as that of [blobs.s3], in the same bucket: each copy would hold all copies \
                         before it; give the two prefixes of their own"
                    );
                }
                Ok(Arc::new(ObjectStore::new(settings.clone(), clock, here)?))
            }
            (None, folder) => Ok(Arc::new(Folder::new(folder.clone().unwrap_or(here)))),
        }
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
    use atalaya_kernel::time::SystemClock;

    #[test]
    fn copies_lie_in_one_place_and_not_among_the_files() {
        let store = |section: &str, prefix: &str| {
            format!(
                "[{section}.s3]\nendpoint = \"http://127.0.0.1:9\"\nbucket = \"isp\"\nprefix = \"{prefix}\"\nkey_file = \"/nowhere\"\n"
            )
        };
        let place = |text: &str| {
            let config: Config = toml::from_str(text)?;
            config.backup_place(Arc::new(SystemClock))
        };
        let name = "atalaya-2026-11-05T150709Z.copy".parse().unwrap();
        let shown = |text: &str| place(text).unwrap().shown(&name);
        assert_eq!(shown(""), "/var/lib/atalaya/backups/atalaya-2026-11-05T150709Z.copy");
        assert_eq!(shown("[backup]\nfolder = \"/mnt/x\""), "/mnt/x/atalaya-2026-11-05T150709Z.copy");
        let both = format!("{}{}", store("backup", "copies/"), store("blobs", "files/"));
        assert_eq!(shown(&both), "s3://isp/copies/atalaya-2026-11-05T150709Z.copy");
        for (wrong, named) in [
            (format!("[backup]\nfolder = \"/mnt/x\"\n{}", store("backup", "")), "[backup] names a folder"),
            (format!("{}{}", store("backup", ""), store("blobs", "")), "[backup.s3] prefix"),
            (format!("{}{}", store("backup", "a/b/"), store("blobs", "a/")), "[backup.s3] prefix"),
            (store("backup", "no-slash"), "[backup.s3] prefix ends in"),
            (
                store("backup", "").replace("127.0.0.1:9", "minio.example"),
                "[backup.s3] endpoint must be https",
            ),
        ] {
            let error = place(&wrong).err().map(|error| format!("{error:#}")).unwrap_or_default();
            assert!(error.contains(named), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_time_of_the_day_has_two_digits_twice() {
        assert_eq!("03:30".parse::<TimeOfDay>().unwrap().minute_of_day(), 210);
        assert_eq!("23:59".parse::<TimeOfDay>().unwrap().minute_of_day(), 1439);
        for wrong in ["", "3:30", "24:00", "12:60", "12.30", "+1:00", "12:30:00"] {
            assert!(wrong.parse::<TimeOfDay>().is_err(), "{wrong}");
        }
    }
}
