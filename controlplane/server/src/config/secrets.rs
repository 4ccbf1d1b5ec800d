//! `[secrets]`: which key outside the database wraps the platform's keys, and which former ones may still open something.

use super::{
    Config, SYSTEM_DATA,
    source::{CREDENTIALS, Source},
};
use crate::adapters::{Transit, TransitSettings};
use anyhow::{Context, bail};
use atalaya_kernel::secrets::{InstallationKey, KeyProvider};
use serde::{Deserialize, Deserializer};
use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, str::FromStr, sync::Arc};

/// Name of the file and of the systemd credential that hold the installation key.
pub(super) const KEY_NAME: &str = "installation-key";
/// Where the package puts it: on a terminal there is no credential, and the key is the same one.
const SYSTEM_KEY: &str = "/etc/atalaya/installation-key";
/// Environment variable that holds it where neither is wanted.
const KEY_VARIABLE: &str = "ATALAYA_INSTALLATION_KEY";

/// Keys outside the database.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// The one in use.
    pub key: KeySource,
    /// Those before it, newest first: they open and never wrap.
    pub former: Vec<KeySource>,
    /// The transit engine that `transit` means.
    pub transit: Option<TransitSettings>,
}

/// Where a key comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KeySource {
    /// A credential, the environment, the package's file, or one in the data folder that the first start makes.
    #[default]
    Auto,
    /// A place that is named.
    At(Source),
    /// `transit`: the key stays where `[secrets.transit]` says.
    Transit,
}

/// A text that is no source of a key.
#[derive(Debug, thiserror::Error)]
#[error("expected auto, file:PATH, env:NAME, credential:NAME or transit, got {0:?}")]
pub struct NotASource(String);

impl FromStr for KeySource {
    type Err = NotASource;
    fn from_str(text: &str) -> Result<Self, NotASource> {
        match text {
            "auto" => Ok(Self::Auto),
            "transit" => Ok(Self::Transit),
            place => place.parse().map(Self::At).map_err(|_| NotASource(text.to_owned())),
        }
    }
}

impl<'de> Deserialize<'de> for KeySource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Config {
    /// The keys outside the database, the one in use first.
    ///
    /// # Errors
    /// One that is missing or unreadable, with the setting that names it.
    pub fn key_providers(&self) -> anyhow::Result<Vec<Arc<dyn KeyProvider>>> {
        let sources = std::iter::once(&self.secrets.key).chain(&self.secrets.former);
        sources.map(|source| self.provider(source)).collect()
    }

    fn provider(&self, source: &KeySource) -> anyhow::Result<Arc<dyn KeyProvider>> {
        let key = match source {
            KeySource::Auto => self.installation_key()?,
            KeySource::At(source) => {
                let text = source.read("[secrets]").with_context(|| match source {
                    Source::File(path) => {
                        format!("there is no key in {}; `atalaya secrets new-key` makes one", path.display())
                    }
                    _ => "there is no key".to_owned(),
                })?;
                InstallationKey::from_hex(&text).context("what [secrets] names is no key")?
            }
            KeySource::Transit => {
                let settings = self.secrets.transit.clone();
                let settings = settings.context("[secrets] names transit: say where in [secrets.transit]")?;
                return Ok(Arc::new(Transit::new(settings)?));
            }
        };
        Ok(Arc::new(key))
    }

    /// The installation key: the systemd credential, the environment, or a file in the data folder that the first
    /// start makes. A key that is missing beside an existing database is never made anew: nothing would open any more.
    fn installation_key(&self) -> anyhow::Result<InstallationKey> {
        if let Some(folder) = std::env::var_os(CREDENTIALS) {
            let path = Path::new(&folder).join(KEY_NAME);
            if path.exists() {
                return read_key(&path);
            }
        }
        if let Some(key) = from_environment(KEY_VARIABLE)? {
            return Ok(key);
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
        let key = make_key(&path)?;
        tracing::info!(path = %path.display(), "made the installation key: keep a copy apart from the backups");
        Ok(key)
    }
}

/// Makes a key in a new file that its owner alone may read.
///
/// # Errors
/// A file that is there already, or cannot be written.
pub fn make_key(path: &Path) -> anyhow::Result<InstallationKey> {
    let key = InstallationKey::generate();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot make {}", path.display()))?;
    file.write_all(key.to_hex().as_bytes())?;
    file.sync_all()?;
    Ok(key)
}

fn from_environment(name: &str) -> anyhow::Result<Option<InstallationKey>> {
    let Ok(text) = std::env::var(name) else { return Ok(None) };
    let text = zeroize::Zeroizing::new(text);
    InstallationKey::from_hex(&text).map(Some).with_context(|| format!("the variable {name} is wrong"))
}

fn read_key(path: &Path) -> anyhow::Result<InstallationKey> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = zeroize::Zeroizing::new(text);
    InstallationKey::from_hex(&text).with_context(|| format!("{} is wrong", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_installation_key_is_made_once_and_never_anew_beside_data() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data_dir: folder.path().join("data"), ..Config::default() };
        config.prepare().unwrap();
        let first = config.installation_key().unwrap().name();
        assert_eq!(config.installation_key().unwrap().name(), first);
        fs::write(config.data_dir.join("atalaya.db"), "").unwrap();
        fs::remove_file(config.data_dir.join(KEY_NAME)).unwrap();
        assert!(config.installation_key().is_err());
    }

    #[test]
    fn a_source_is_named_and_a_missing_key_says_which_setting_wants_it() {
        let parsed = |text: &str| text.parse::<KeySource>();
        assert_eq!(parsed("file:/etc/key").unwrap(), KeySource::At(Source::File("/etc/key".into())));
        assert_eq!(parsed("env:KEY").unwrap(), KeySource::At(Source::Environment("KEY".to_owned())));
        assert_eq!(parsed("credential:key").unwrap(), KeySource::At(Source::Credential("key".to_owned())));
        for wrong in ["", "file:", "credential:a/b", "vault", "env:"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("former");
        make_key(&path).unwrap();
        assert!(make_key(&path).is_err(), "one that is there is never overwritten");
        let text = format!("[secrets]\nformer = [\"file:{}\"]\n", path.display());
        let mut config: Config = toml::from_str(&text).unwrap();
        config.data_dir = folder.path().to_owned();
        assert_eq!(config.key_providers().unwrap().len(), 2);
        for (key, mend) in [
            ("file:/nowhere/key", "new-key"),
            ("env:ATALAYA_NO_SUCH_KEY", "ATALAYA_NO_SUCH_KEY"),
            ("transit", "[secrets.transit]"),
        ] {
            config.secrets.key = parsed(key).unwrap();
            let error = config.key_providers().err().map(|error| format!("{error:#}")).unwrap_or_default();
            assert!(error.contains(mend), "{key}: {error}");
        }
    }
}
