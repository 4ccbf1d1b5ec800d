//! The transit engine of Vault or OpenBao: it wraps and opens the platform's keys, and never gives out the key it does that
//! with.
//!
//! Two calls over HTTP, `POST /v1/MOUNT/encrypt/NAME` and `/decrypt/NAME`. The context goes into what is wrapped, so that
//! a wrapped key that was moved to another row does not pass for that row's. The token is read at each call: whoever
//! renews it replaces the file.

use super::outside::Outside;
use anyhow::bail;
use atalaya_kernel::{
    Error,
    secrets::{KeyProvider, SecretBytes, Wrapped},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{fs, path::PathBuf, sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// `[secrets.transit]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitSettings {
    /// `https://vault.example:8200`; `http` for an engine on this machine only.
    pub address: String,
    /// Where the engine is mounted.
    #[serde(default = "default_mount")]
    pub mount: String,
    /// Name of its key.
    pub key: String,
    /// File with the token; read at each call.
    pub token_file: Option<PathBuf>,
    /// Environment variable with the token, where there is no file.
    pub token_env: Option<String>,
    /// Namespace of the engine.
    pub namespace: Option<String>,
    /// Certificates (PEM) that its own is judged by; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// Seconds that a call may take.
    #[serde(default = "default_timeout")]
    pub timeout_s: u64,
}

fn default_mount() -> String {
    "transit".to_owned()
}

const fn default_timeout() -> u64 {
    5
}

/// Bytes of the context's digest in front of a key.
const DIGEST: usize = 32;

/// The engine.
#[derive(Debug, Clone)]
pub struct Transit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: TransitSettings,
    agent: ureq::Agent,
}

impl Transit {
    /// Prepares calls; makes none.
    ///
    /// # Errors
    /// A setting that cannot be, named.
    pub fn new(settings: TransitSettings) -> anyhow::Result<Self> {
        let is_word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte))
        };
        if !is_word(&settings.mount) || !is_word(&settings.key) {
            bail!("[secrets.transit] mount and key hold letters, digits, `.`, `_`, `-` and `/`");
        }
        if settings.token_file.is_none() && settings.token_env.is_none() {
            bail!("[secrets.transit] needs token_file or token_env");
        }
        let outside = Outside {
            section: "[secrets.transit]",
            setting: "address",
            address: &settings.address,
            ca_file: settings.ca_file.as_deref(),
            within: Duration::from_secs(settings.timeout_s.max(1)),
        };
        let agent = outside.agent()?;
        Ok(Self(Arc::new(Inner { settings, agent })))
    }

    async fn call(&self, verb: &'static str, body: Value) -> Result<Value, Error> {
        let inner = self.0.clone();
        tokio::task::spawn_blocking(move || inner.call(verb, &body)).await.map_err(Error::internal)?
    }

    /// What names of keys of this engine start with.
    fn prefix(&self) -> String {
        format!("transit/{}/{}/", self.0.settings.mount, self.0.settings.key)
    }
}

impl Inner {
    fn token(&self) -> Result<Zeroizing<String>, Error> {
        let settings = &self.settings;
        if let Some(path) = &settings.token_file {
            let text = fs::read_to_string(path).map_err(|error| {
                Error::Unavailable(format!(
                    "[secrets.transit] token_file: cannot read {}: {error}",
                    path.display()
                ))
            })?;
            let text = Zeroizing::new(text);
            return Ok(Zeroizing::new(text.trim().to_owned()));
        }
        let name = settings.token_env.clone().unwrap_or_default();
        std::env::var(&name).map(Zeroizing::new).map_err(|_| {
            Error::Unavailable(format!("[secrets.transit] token_env: there is no variable {name}"))
        })
    }

    /// One call; the `data` of its answer.
    fn call(&self, verb: &str, body: &Value) -> Result<Value, Error> {
        let settings = &self.settings;
        let address = settings.address.trim_end_matches('/');
        let url = format!("{address}/v1/{}/{verb}/{}", settings.mount, settings.key);
        let mut request = self.agent.post(&url).header("X-Vault-Token", self.token()?.as_str());
        if let Some(namespace) = &settings.namespace {
            request = request.header("X-Vault-Namespace", namespace);
        }
        let away = |what: String| Error::Unavailable(format!("the transit engine at {address}: {what}"));
        let mut answer = request
            .send_json(body)
            .map_err(|error| away(format!("{error} (is it up, and [secrets.transit] address right?)")))?;
        let status = answer.status().as_u16();
        let read = answer.body_mut().read_json::<Value>();
        if status == 200 {
            let mut read = read.map_err(|error| away(format!("its answer cannot be read: {error}")))?;
            return Ok(read["data"].take());
        }
        let mend = match status {
            403 => {
                "the token is not valid or may not use this key: renew it ([secrets.transit] token_file or token_env)"
            }
            404 => "there is no such engine or key: look at [secrets.transit] mount, key and namespace",
            503 => "it is sealed: unseal it",
            _ => "see its own log",
        };
        let said = read
            .ok()
            .and_then(|read| read["errors"][0].as_str().map(|text| text.chars().take(200).collect()));
        Err(away(format!(
            "{verb} answered {status}: {mend} ({})",
            said.unwrap_or_else(|| "it gave no reason".to_owned())
        )))
    }
}

fn digest(context: &str) -> [u8; DIGEST] {
    Sha256::digest(context.as_bytes()).into()
}

#[async_trait::async_trait]
impl KeyProvider for Transit {
    fn shown(&self) -> String {
        format!("{}* at {}", self.prefix(), self.0.settings.address)
    }

    fn knows(&self, by: &str) -> bool {
        by.starts_with(&self.prefix())
    }

    async fn wrap(&self, context: &str, key: &[u8]) -> Result<Wrapped, Error> {
        let plain = Zeroizing::new([digest(context).as_slice(), key].concat());
        let data = self.call("encrypt", json!({"plaintext": STANDARD.encode(&*plain)})).await?;
        let ciphertext = data["ciphertext"].as_str().unwrap_or_default();
        // `vault:v3:…`: the version of the engine's key stands in it.
        let version = ciphertext.split(':').nth(1).filter(|version| version.starts_with('v'));
        let version = version.ok_or_else(|| Error::internal("a transit ciphertext without a version"))?;
        Ok(Wrapped { by: format!("{}{version}", self.prefix()), bytes: ciphertext.as_bytes().to_vec() })
    }

    async fn unwrap(&self, context: &str, wrapped: &Wrapped) -> Result<SecretBytes, Error> {
        let ciphertext = std::str::from_utf8(&wrapped.bytes).map_err(Error::internal)?;
        let data = self.call("decrypt", json!({"ciphertext": ciphertext})).await?;
        let plain =
            data["plaintext"].as_str().and_then(|text| STANDARD.decode(text).ok()).map(SecretBytes::new);
        let plain = plain.ok_or_else(|| Error::internal("the transit engine gave no plaintext"))?;
        let Some((found, key)) = plain.expose().split_at_checked(DIGEST) else {
            return Err(Error::internal("a wrapped key is too short"));
        };
        if found != digest(context) {
            return Err(Error::internal("a wrapped key was moved from another place"));
        }
        Ok(SecretBytes::new(key.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(address: &str) -> TransitSettings {
        let text = format!("address = \"{address}\"\nkey = \"atalaya\"\ntoken_env = \"NO_SUCH_TOKEN\"");
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn keys_cross_no_network_in_the_clear() {
        for right in ["http://127.0.0.1:8200", "http://localhost:8200/", "http://[::1]:8200"] {
            assert!(Transit::new(settings(right)).is_ok(), "{right}");
        }
        for wrong in [
            "http://vault.example:8200",
            "http://127.0.0.1.example",
            "http://localhost.example",
            "vault:8200",
        ] {
            assert!(Transit::new(settings(wrong)).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_missing_token_names_its_setting() {
        let transit = Transit::new(settings("http://127.0.0.1:9")).unwrap();
        let error = transit.wrap("a", b"key").await.unwrap_err().to_string();
        assert!(error.contains("token_env") && error.contains("NO_SUCH_TOKEN"), "{error}");
    }
}
