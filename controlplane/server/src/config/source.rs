//! Where a secret outside the database comes from: a file, the environment, or a credential of the service manager.

use anyhow::Context;
use serde::{Deserialize, Deserializer};
use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};
use zeroize::Zeroizing;

/// Folder of systemd's credentials.
pub(super) const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// A place that a secret is kept in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `file:PATH`.
    File(PathBuf),
    /// `env:NAME`.
    Environment(String),
    /// `credential:NAME`: what the service manager put into its folder of credentials.
    Credential(String),
}

/// A text that is no such place.
#[derive(Debug, thiserror::Error)]
#[error("expected file:PATH, env:NAME or credential:NAME, got {0:?}")]
pub struct NotAPlace(String);

impl FromStr for Source {
    type Err = NotAPlace;
    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        Ok(match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Self::File(PathBuf::from(path)),
            Some(("env", name)) if !name.is_empty() => Self::Environment(name.to_owned()),
            Some(("credential", name)) if !name.is_empty() && !name.contains('/') => {
                Self::Credential(name.to_owned())
            }
            // It may be the secret itself, in the wrong place: its beginning is enough to find it.
            _ => return Err(NotAPlace(text.chars().take(3).chain(['…']).collect())),
        })
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Source {
    /// What lies there; `setting` names it in errors.
    ///
    /// # Errors
    /// Nothing is there, or it cannot be read.
    pub(super) fn read(&self, setting: &str) -> anyhow::Result<Zeroizing<String>> {
        match self {
            Self::File(path) => {
                read_file(path).with_context(|| format!("{setting} names file:{}", path.display()))
            }
            Self::Environment(name) => std::env::var(name)
                .map(Zeroizing::new)
                .with_context(|| format!("{setting} names env:{name}, and there is no such variable")),
            Self::Credential(name) => {
                let folder = std::env::var_os(CREDENTIALS).with_context(|| {
                    format!("{setting} names credential:{name}, and {CREDENTIALS} is not set: start it by its unit, with LoadCredential={name}:FILE")
                })?;
                read_file(&Path::new(&folder).join(name))
                    .with_context(|| format!("{setting} names credential:{name}"))
            }
        }
    }
}

fn read_file(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    fs::read_to_string(path).map(Zeroizing::new).with_context(|| format!("cannot read {}", path.display()))
}
