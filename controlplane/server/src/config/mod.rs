//! `atalaya.toml`: where data lies and where to listen. Everything has a default; what belongs to a tenant is a setting
//! in the database and not here.

mod backup;
mod network;

pub use backup::{Backup, TimeOfDay};
pub use network::Network;

use anyhow::{Context, bail};
use atalaya_kernel::{installation::Environment, secrets::InstallationKey};
use serde::Deserialize;
use std::{
    fs,
    io::Write,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Name of the file and of the systemd credential that hold the installation key.
const KEY_NAME: &str = "installation-key";
/// Where the package puts it and the data: on a terminal there is no credential, and the key is the same one.
const SYSTEM_KEY: &str = "/etc/atalaya/installation-key";
const SYSTEM_DATA: &str = "/var/lib/atalaya";
/// Environment variable that holds it where neither is wanted.
const KEY_VARIABLE: &str = "ATALAYA_INSTALLATION_KEY";

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
    /// Copies of everything.
    pub backup: Backup,
}

/// Web app and API.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and TCP port.
    pub listen: SocketAddr,
    /// Whether a proxy in front speaks HTTPS, so that cookies must be `Secure`.
    pub https: bool,
    /// Domain below which each tenant has a host: `SLUG.isp.example`.
    pub base_domain: Option<String>,
    /// Proxies in front: from these peers alone `X-Forwarded-For` or `Forwarded` says who the client is.
    pub trusted_proxies: Vec<Network>,
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
            backup: Backup::default(),
        }
    }
}
impl Default for Http {
    fn default() -> Self {
        let listen = ([0, 0, 0, 0], 8080).into();
        Self { listen, https: false, base_domain: None, trusted_proxies: Vec::new() }
    }
}
impl Default for Gateway {
    fn default() -> Self {
        Self { listen: ([0, 0, 0, 0], 7443).into(), advertise: Vec::new() }
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

    /// Folder that copies lie in.
    pub fn backup_folder(&self) -> PathBuf {
        self.backup.folder.clone().unwrap_or_else(|| self.data_dir.join("backups"))
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

    /// The installation key: the systemd credential, the environment, or a file in the data folder that the first
    /// start makes. A key that is missing beside an existing database is never made anew: nothing would open any more.
    ///
    /// # Errors
    /// No key where there is data, or an unreadable one.
    pub fn installation_key(&self) -> anyhow::Result<InstallationKey> {
        if let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") {
            let path = Path::new(&folder).join(KEY_NAME);
            if path.exists() {
                return read_key(&path);
            }
        }
        if let Ok(text) = std::env::var(KEY_VARIABLE) {
            return Ok(InstallationKey::from_hex(&text)?);
        }
        if self.data_dir == Path::new(SYSTEM_DATA) && Path::new(SYSTEM_KEY).exists() {
            return read_key(Path::new(SYSTEM_KEY));
        }
        let path = self.data_dir.join(KEY_NAME);
        if path.exists() {
            return read_key(&path);
        }
        if self.database.is_none() && self.data_dir.join("atalaya.db").exists() {
            bail!(
                "{} is missing and the database is there: put the key back (from its backup, the credential or {KEY_VARIABLE}); \
                 without it no stored secret opens",
                path.display()
            );
        }
        let key = InstallationKey::generate();
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(key.to_hex().as_bytes())?;
        file.sync_all()?;
        tracing::info!(path = %path.display(), "made the installation key: keep a copy apart from the backups");
        Ok(key)
    }
}

fn read_key(path: &Path) -> anyhow::Result<InstallationKey> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    InstallationKey::from_hex(&text).with_context(|| format!("{} is wrong", path.display()))
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
    }

    #[test]
    fn the_installation_key_is_made_once_and_never_anew_beside_data() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data_dir: folder.path().join("data"), ..Config::default() };
        config.prepare().unwrap();
        let first = config.installation_key().unwrap().to_hex();
        assert_eq!(config.installation_key().unwrap().to_hex(), first);
        fs::write(config.data_dir.join("atalaya.db"), "").unwrap();
        fs::remove_file(config.data_dir.join(KEY_NAME)).unwrap();
        assert!(config.installation_key().is_err());
    }
}
