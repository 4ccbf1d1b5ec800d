//! `agent.toml`: one struct per section, validated once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::buffer::Bounds;
use crate::driver::icmp::EchoPlan;
use crate::driver::snmp::profile::{ProfileError, Profiles};

/// Where device profiles of one's own are looked for when `agent.toml` names no folder.
pub const PROFILES_DIR: &str = "/etc/atalaya-agent/profiles";

/// Everything in `agent.toml`. Every field has a default: an empty file, or none, is a valid configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Local {
    /// Where identity, buffer, journal and the last configuration live.
    pub state_dir: PathBuf,
    /// `host:port` of gateways that replace those of the join string, tried in order.
    pub gateways: Vec<String>,
    /// How much the buffer may hold.
    pub buffer: BufferSection,
    /// How ICMP targets are probed.
    pub icmp: IcmpSection,
    /// What is known of devices that speak SNMP.
    pub snmp: SnmpSection,
    /// What of the link may be used.
    pub uplink: UplinkSection,
    /// What is logged.
    pub log: LogSection,
}

/// `[buffer]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BufferSection {
    /// Most MiB of samples on disk.
    pub max_mib: u64,
    /// Samples older than this many hours are given up.
    pub max_age_hours: u64,
    /// MiB of the file system left to others.
    pub min_free_mib: u64,
    /// Most MiB of samples in memory while the disk refuses.
    pub memory_mib: u64,
}

/// `[icmp]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IcmpSection {
    /// Echoes per measurement.
    pub count: u32,
    /// Milliseconds between two echoes.
    pub spacing_ms: u64,
    /// Milliseconds after which an echo is lost.
    pub timeout_ms: u64,
}

/// `[snmp]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SnmpSection {
    /// Folder whose `*.toml` add device profiles or replace those built in, by id. Left out: [`PROFILES_DIR`] where it
    /// exists.
    pub profiles_dir: Option<PathBuf>,
}

/// `[uplink]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UplinkSection {
    /// KiB a second at most for old samples; live ones are not bounded.
    pub backlog_kib_per_second: u64,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSection {
    /// Filter, as `info` or `atalaya_agent=debug,warn`.
    pub filter: String,
    /// For people or for machines.
    pub format: LogFormat,
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Local {
    fn default() -> Self {
        Self {
            state_dir: "/var/lib/atalaya-agent".into(),
            gateways: Vec::new(),
            buffer: BufferSection::default(),
            icmp: IcmpSection::default(),
            snmp: SnmpSection::default(),
            uplink: UplinkSection::default(),
            log: LogSection::default(),
        }
    }
}

impl Default for BufferSection {
    fn default() -> Self {
        Self { max_mib: 512, max_age_hours: 7 * 24, min_free_mib: 64, memory_mib: 16 }
    }
}

impl Default for IcmpSection {
    fn default() -> Self {
        Self { count: 5, spacing_ms: 200, timeout_ms: 1000 }
    }
}

impl Default for UplinkSection {
    fn default() -> Self {
        Self { backlog_kib_per_second: 2048 }
    }
}

impl Default for LogSection {
    fn default() -> Self {
        Self { filter: "info".into(), format: LogFormat::Text }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not TOML, or has a field that does not exist.
    #[error("{path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, field and what was expected.
        reason: String,
    },
    /// A value cannot work.
    #[error("{field} = {value}: {mend}")]
    Invalid {
        /// Section and name of the field.
        field: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        mend: &'static str,
    },
}

impl Local {
    /// Reads and validates a file; `None` means defaults.
    ///
    /// # Errors
    /// What is wrong, with the field and the mend.
    pub fn load(path: Option<&Path>) -> Result<Self, LocalError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .map_err(|source| LocalError::Unreadable { path: path.to_owned(), source })?;
        let local: Self = toml::from_str(&text)
            .map_err(|error| LocalError::Malformed { path: path.to_owned(), reason: error.to_string() })?;
        local.validate()?;
        Ok(local)
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first that cannot work.
    pub fn validate(&self) -> Result<(), LocalError> {
        let within = |field, value: u64, lowest: u64, highest: u64, mend| {
            if (lowest..=highest).contains(&value) {
                Ok(())
            } else {
                Err(LocalError::Invalid { field, value: value.to_string(), mend })
            }
        };
        within("buffer.max_mib", self.buffer.max_mib, 8, 1 << 20, "give 8 to 1048576")?;
        within("buffer.max_age_hours", self.buffer.max_age_hours, 1, 24 * 365, "give 1 to 8760")?;
        within("buffer.min_free_mib", self.buffer.min_free_mib, 0, 1 << 20, "give 0 to 1048576")?;
        within("buffer.memory_mib", self.buffer.memory_mib, 1, 1024, "give 1 to 1024")?;
        within("icmp.count", u64::from(self.icmp.count), 1, 100, "give 1 to 100")?;
        within("icmp.spacing_ms", self.icmp.spacing_ms, 10, 10_000, "give 10 to 10000")?;
        within("icmp.timeout_ms", self.icmp.timeout_ms, 10, 10_000, "give 10 to 10000")?;
        let backlog = self.uplink.backlog_kib_per_second;
        within("uplink.backlog_kib_per_second", backlog, 1, 1 << 20, "give 1 to 1048576")?;
        if !self.state_dir.is_absolute() {
            let value = self.state_dir.display().to_string();
            return Err(LocalError::Invalid { field: "state_dir", value, mend: "give an absolute path" });
        }
        for gateway in &self.gateways {
            let port = gateway.rsplit_once(':').and_then(|(host, port)| {
                let port: u16 = port.parse().ok()?;
                (!host.is_empty() && port > 0).then_some(port)
            });
            if port.is_none() {
                let mend = "give host:port, as gateway.example.net:7443";
                return Err(LocalError::Invalid { field: "gateways", value: gateway.clone(), mend });
            }
        }
        Ok(())
    }

    /// Bounds of the buffer.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            max_bytes: self.buffer.max_mib << 20,
            max_age: Duration::from_secs(self.buffer.max_age_hours * 3600),
            min_free_bytes: self.buffer.min_free_mib << 20,
            memory_bytes: self.buffer.memory_mib << 20,
            ..Bounds::default()
        }
    }

    /// Device profiles: those built in and those of the folder, and what is wrong in the folder. What is wrong there
    /// leaves the rest in force.
    pub fn profiles(&self) -> (Profiles, Vec<ProfileError>) {
        let default = || Some(PathBuf::from(PROFILES_DIR)).filter(|folder| folder.is_dir());
        match self.snmp.profiles_dir.clone().or_else(default) {
            Some(folder) => Profiles::with_folder(&folder),
            None => (Profiles::embedded(), Vec::new()),
        }
    }

    /// How ICMP targets are probed.
    pub fn echo_plan(&self) -> EchoPlan {
        EchoPlan {
            count: self.icmp.count,
            spacing: Duration::from_millis(self.icmp.spacing_ms),
            timeout: Duration::from_millis(self.icmp.timeout_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Local, LocalError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Local::load(Some(file.path()))
    }

    #[test]
    fn an_empty_file_is_the_default_and_sections_override() {
        assert_eq!(load("").unwrap().buffer.max_mib, 512);
        let local = load("state_dir = '/srv/agent'\n[buffer]\nmax_mib = 64\n[icmp]\ncount = 3\n").unwrap();
        assert_eq!(local.bounds().max_bytes, 64 << 20);
        assert_eq!(local.echo_plan().count, 3);
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_and_what_is_built_in_stays() {
        let local = load("[snmp]\nprofiles_dir = '/nonexistent/profiles'\n").unwrap();
        let (profiles, errors) = local.profiles();
        assert!(!profiles.is_empty());
        assert!(errors[0].to_string().starts_with("/nonexistent/profiles:0: "), "{errors:?}");
    }

    #[test]
    fn errors_name_the_field_and_the_mend() {
        let told = |text: &str| load(text).unwrap_err().to_string();
        assert_eq!(told("[buffer]\nmax_mib = 1"), "buffer.max_mib = 1: give 8 to 1048576");
        assert_eq!(told("state_dir = 'here'"), "state_dir = here: give an absolute path");
        assert!(told("gateways = ['hq']").contains("give host:port"));
        assert!(told("[bufer]\nmax_mib = 1").contains("unknown field `bufer`"));
        assert!(
            Local::load(Some(Path::new("/nonexistent/agent.toml")))
                .unwrap_err()
                .to_string()
                .contains("/nonexistent")
        );
    }
}
