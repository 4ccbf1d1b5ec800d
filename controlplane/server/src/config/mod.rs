//! `atalaya.toml`: where data lies and where to listen. Everything has a default; what belongs to a tenant is a setting
//! in the database and not here.

mod backup;
mod blobs;
mod http;
mod mail;
mod push;
mod secrets;
mod source;
mod traces;

pub use atalaya_kernel::network::Network;
pub use backup::{Backup, TimeOfDay};
pub use blobs::Blobs;
pub use http::{Acme, Allow, Http, Tls};
pub use mail::{Encryption, Mail};
pub use push::Push;
pub use secrets::{KeySource, Secrets, make_key};
pub use source::Source;
pub use traces::Traces;

use anyhow::Context;
use atalaya_kernel::installation::Environment;
use serde::Deserialize;
use std::{
    fs,
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

/// Where the package puts the data.
const SYSTEM_DATA: &str = "/var/lib/atalaya";

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Folder of the database, metrics and blobs.
    pub data_dir: PathBuf,
    /// URL of a PostgreSQL database; SQLite in the data folder when absent.
    pub database: Option<String>,
    /// URL of the same database as the role that owns its tables and migrates; `database` does it when absent.
    pub database_owner: Option<String>,
    /// What the installation is for; a copy opened in another one starts in safe mode.
    pub environment: Environment,
    /// Web app and API.
    pub http: Http,
    /// Agents.
    pub gateway: Gateway,
    /// Measurements.
    pub metrics: Metrics,
    /// Work that nobody waits for.
    pub jobs: Jobs,
    /// Copies of everything.
    pub backup: Backup,
    /// Files and pictures.
    pub blobs: Blobs,
    /// Keys outside the database.
    pub secrets: Secrets,
    /// Log-in by identity providers.
    pub single_sign_on: SingleSignOn,
    /// The mail server; no message leaves without one.
    pub mail: Option<Mail>,
    /// Web push.
    pub push: Push,
    /// What is written to the log.
    pub log: Log,
    /// The collector of traces; no spans are made without one.
    pub traces: Option<Traces>,
}

/// Log-in by identity providers; which there are is a setting of each ISP.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SingleSignOn {
    /// Networks in which issuers may be asked although they are not of the public internet.
    pub networks: Vec<Network>,
}

/// Agents.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// Address and UDP port.
    pub listen: SocketAddr,
    /// Addresses that agents are told to connect to: `host:port`. The machine's own when absent.
    pub advertise: Vec<String>,
}

/// Measurements.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Days that raw samples are kept.
    pub raw_days: u32,
}

/// Work that nobody waits for.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jobs {
    /// Days that a job is kept once it is done, at least one: asked for again with the same key meanwhile, it is not done twice.
    /// What was given up is kept until somebody settles it.
    pub done_days: NonZeroU32,
}

/// What is written to the log.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// A statement of the database that takes longer, ms, is written down: its text without its values.
    pub slow_query_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from(SYSTEM_DATA),
            database: None,
            database_owner: None,
            environment: Environment::Production,
            http: Http::default(),
            gateway: Gateway::default(),
            metrics: Metrics::default(),
            jobs: Jobs::default(),
            backup: Backup::default(),
            blobs: Blobs::default(),
            secrets: Secrets::default(),
            single_sign_on: SingleSignOn::default(),
            mail: None,
            push: Push::default(),
            log: Log::default(),
            traces: None,
        }
    }
}
impl Default for Gateway {
    fn default() -> Self {
        Self { listen: ([0, 0, 0, 0], 7443).into(), advertise: Vec::new() }
    }
}
impl Default for Log {
    fn default() -> Self {
        Self { slow_query_ms: 1_000 }
    }
}
impl Default for Jobs {
    fn default() -> Self {
        Self { done_days: NonZeroU32::new(30).unwrap_or(NonZeroU32::MIN) }
    }
}
impl Default for Metrics {
    fn default() -> Self {
        Self { raw_days: 30 }
    }
}

impl Config {
    /// Reads a file; the defaults without one.
    ///
    /// # Errors
    /// A file that cannot be read or has a wrong field, named.
    pub fn read(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is wrong", path.display()))
    }

    /// URL of the database.
    pub fn database_url(&self) -> String {
        self.database
            .clone()
            .unwrap_or_else(|| format!("sqlite:{}", self.data_dir.join("atalaya.db").display()))
    }

    /// Whether a copy is made each day.
    pub fn backs_up_daily(&self) -> bool {
        self.backup.daily.unwrap_or(self.environment != Environment::Development)
    }

    /// Makes the data folder, for its owner only.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn prepare(&self) -> anyhow::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o750);
        builder
            .create(&self.data_dir)
            .with_context(|| format!("cannot make the data folder {}", self.data_dir.display()))
    }
}

/// What tells this machine from another one.
pub fn host_fingerprint() -> String {
    ["/etc/machine-id", "/etc/hostname"]
        .iter()
        .find_map(|path| {
            fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        })
        .unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_defaults_and_a_typo_is_named() {
        let config: Config = toml::from_str("").unwrap();
        assert_eq!(config.http.listen.port(), 8080);
        let error = toml::from_str::<Config>("[http]\nlisten_on = \"x\"").unwrap_err();
        assert!(error.to_string().contains("listen_on"), "{error}");
        let error = toml::from_str::<Config>("[http]\ntrusted_proxies = [\"10.0.0.0/99\"]").unwrap_err();
        assert!(error.to_string().contains("10.0.0.0/99"), "{error}");
        assert_eq!(config.jobs.done_days.get(), 30);
        assert!(
            toml::from_str::<Config>("[jobs]\ndone_days = 0").is_err(),
            "a job has to be known for a while"
        );
    }
}
