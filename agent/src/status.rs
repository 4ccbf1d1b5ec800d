//! What the agent says of itself to whoever stands beside it: one file, written anew every few seconds.
//!
//! Nothing of this agent listens on the network, so `status` reads `STATE_DIR/status.json`. A file that has not been
//! written for a while belongs to an agent that does not run.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Name of the file in the state directory.
pub const FILE: &str = "status.json";
/// A file older than this was left by an agent that stopped.
const STALE_AFTER_MS: i64 = 30_000;

/// Everything in the file. Times are Unix ms, corrected unless told otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// When it was written, by this machine's own clock.
    pub written_local_ms: i64,
    /// Process.
    pub pid: u32,
    /// Version of the program.
    pub version: String,
    /// `agt_…`
    pub agent: String,
    /// The connection to headquarters.
    pub link: Link,
    /// The buffer of samples.
    pub buffer: BufferView,
    /// Version of the configuration in force; 0 = none yet.
    pub config_version: u64,
    /// Server time minus this machine's time, ms; 0 before the first connection.
    pub clock_offset_ms: i64,
    /// Why cuts are not applied at present; empty when they are.
    pub cuts_held_reason: String,
    /// What this machine cannot do, and the mend.
    pub machine_problems: Vec<String>,
    /// Devices by id.
    pub devices: Vec<DeviceView>,
}

/// The connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// `connected`, `connecting`, `waiting`, `superseded`, `revoked`, …
    pub state: String,
    /// `host:port`
    pub gateway: String,
    /// Since when.
    pub since_ms: i64,
    /// Why it is not connected.
    pub detail: String,
}

/// The buffer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BufferView {
    /// `ok`, `disk_full`, `read_only`, `quarantined`.
    pub state: String,
    /// Blocks not yet acknowledged.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Time of the oldest; 0 when there is none.
    pub oldest_ms: i64,
    /// Samples given up because of the bounds.
    pub evicted_samples: u64,
    /// Databases set aside.
    pub quarantined_databases: u64,
    /// Size of the database.
    pub disk_bytes: u64,
}

/// One device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceView {
    /// `dev_…`
    pub device_id: String,
    /// Its name.
    pub name: String,
    /// `answers`, `silent`, `refuses`, `unknown`.
    pub state: String,
    /// Its own words, or ours.
    pub detail: String,
    /// In this state since.
    pub since_ms: i64,
    /// Model, where it tells.
    pub model: String,
}

/// How well the agent is, as the exit code of `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Everything works: exit code 0.
    Well,
    /// It works, and something needs a person: 1.
    Degraded,
    /// No agent runs on this state directory: 3.
    NotRunning,
}

impl Health {
    /// Exit code of the process.
    pub fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Degraded => 1,
            Self::NotRunning => 3,
        }
    }
}

impl Status {
    /// Writes the file as a whole.
    ///
    /// # Errors
    /// The disk's.
    pub fn write(&self, state_dir: &Path) -> io::Result<()> {
        let unfinished = state_dir.join(format!("{FILE}.new"));
        fs::write(&unfinished, serde_json::to_vec_pretty(self)?)?;
        fs::rename(unfinished, state_dir.join(FILE))
    }

    /// Reads the file; `None` when there is none.
    ///
    /// # Errors
    /// It cannot be read, or is no status.
    pub fn read(state_dir: &Path) -> io::Result<Option<Self>> {
        match fs::read(state_dir.join(FILE)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What needs a person, in words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.machine_problems.clone();
        // The first attempt after a start has no reason yet, and needs nobody.
        if self.link.state != "connected" && !(self.link.state == "connecting" && self.link.detail.is_empty())
        {
            problems.push(format!("headquarters: {} ({})", self.link.state, self.link.detail));
        }
        match self.buffer.state.as_str() {
            "ok" => {}
            "disk_full" => problems.push("buffer: the disk is full, the oldest samples are given up".into()),
            "read_only" => problems.push("buffer: the disk cannot be written, samples live in memory".into()),
            _ => problems.push("buffer: a damaged database was set aside, a fresh one is in use".into()),
        }
        if !self.cuts_held_reason.is_empty() {
            problems.push(format!("cuts are held: {}", self.cuts_held_reason));
        }
        for device in self.devices.iter().filter(|device| !device.detail.is_empty()) {
            problems.push(format!("{} ({}): {}", device.name, device.device_id, device.detail));
        }
        problems
    }

    /// How well it is; `local_ms` is now by this machine's own clock, `process_lives` whether the process is there.
    pub fn health(&self, local_ms: i64, process_lives: bool) -> Health {
        if !process_lives || (local_ms - self.written_local_ms).abs() > STALE_AFTER_MS {
            Health::NotRunning
        } else if self.problems().is_empty() {
            Health::Well
        } else {
            Health::Degraded
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well() -> Status {
        let link = Link { state: "connected".into(), ..Link::default() };
        let buffer = BufferView { state: "ok".into(), ..BufferView::default() };
        Status { written_local_ms: 1_000, link, buffer, ..Status::default() }
    }

    #[test]
    fn health_follows_problems_and_age() {
        assert_eq!(well().health(2_000, true), Health::Well);
        assert_eq!(well().health(2_000, false), Health::NotRunning);
        assert_eq!(well().health(90_000, true), Health::NotRunning);
        let mut status = well();
        status.buffer.state = "read_only".into();
        assert_eq!(status.health(2_000, true), Health::Degraded);
        let mut status = well();
        status.link.state = "connecting".into();
        assert_eq!(status.problems(), Vec::<String>::new(), "the first attempt needs nobody");
        status.link.detail = "no answer".into();
        assert_eq!(status.problems(), ["headquarters: connecting (no answer)"]);
    }

    #[test]
    fn the_file_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Status::read(dir.path()).unwrap().is_none());
        well().write(dir.path()).unwrap();
        assert_eq!(Status::read(dir.path()).unwrap(), Some(well()));
        fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(Status::read(dir.path()).is_err());
    }
}
