//! Blobs, and copies of the installation, in an object store that speaks the S3 protocol: AWS, MinIO, Garage, Ceph, Backblaze
//! and others.
//!
//! For blobs four calls: PUT, GET and DELETE of an object, and ListObjectsV2. Objects are sealed before they come here and at
//! most some tens of MiB: they go in one request, whose body is part of the signature. A copy may be a thousand times that: it
//! goes in parts ([`copies`]) and comes back in ranges, and never lies in memory as a whole.
//!
//! All calls may be repeated, so one that fails on the way or meets a busy store is tried again, later each time.
//!
//! The credentials are read at each call: whoever renews them replaces the file.

mod answer;
mod copies;
mod request;
mod signature;

use super::outside::Outside;
use anyhow::{Context as _, bail};
use atalaya_kernel::{
    blobs::{BlobStore, Listed, demand_key, is_key},
    time::Clock,
};
use request::{Answer, Call, Caller, Failure};
use serde::Deserialize;
use std::{io, path::PathBuf, sync::Arc, time::Duration};

/// `[blobs.s3]` and `[backup.s3]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Settings {
    /// `https://s3.sa-east-1.amazonaws.com`, `https://minio.example:9000`; `http` for a store on this machine only.
    pub endpoint: String,
    /// Region that requests are signed for.
    #[serde(default = "default_region")]
    pub region: String,
    /// Bucket; it must be there.
    pub bucket: String,
    /// What keys in the bucket begin with, such as `atalaya/`.
    #[serde(default)]
    pub prefix: String,
    /// Whether the bucket is the first part of the path, and not of the host.
    #[serde(default = "default_path_style")]
    pub path_style: bool,
    /// File with `aws_access_key_id = …` and `aws_secret_access_key = …`, perhaps `aws_session_token = …`; read at each call.
    pub key_file: PathBuf,
    /// Certificates (PEM) that the store's own is judged by; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// Seconds that one attempt of a call may take.
    #[serde(default = "default_timeout")]
    pub timeout_s: u64,
}

impl S3Settings {
    /// Whether whoever lists what the other one names finds what lies here.
    pub(crate) fn is_below(&self, other: &Self) -> bool {
        let same_store = self.endpoint.trim_end_matches('/') == other.endpoint.trim_end_matches('/');
        same_store && self.bucket == other.bucket && self.prefix.starts_with(&other.prefix)
    }
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

const fn default_path_style() -> bool {
    true
}

const fn default_timeout() -> u64 {
    60
}

/// Attempts of a call.
const ATTEMPTS: u32 = 5;
/// Attempts to send a part: a line that is away for half a minute must not cost an upload of hours.
const ATTEMPTS_OF_A_PART: u32 = 8;
/// The first pause between two attempts; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Most keys that a store lists at once.
const MOST_KEYS: usize = 1_000;

/// Whoever makes calls to the store.
#[derive(Debug, Clone)]
pub(crate) struct Client(Arc<Caller>);

impl Client {
    /// Prepares calls; makes none. `section` names the settings in errors: `[blobs.s3]`.
    ///
    /// # Errors
    /// A setting that cannot be, named.
    pub(crate) fn new(
        section: &'static str,
        settings: S3Settings,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let is_bucket = (3..=63).contains(&settings.bucket.len())
            && settings
                .bucket
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
        if !is_bucket {
            bail!("{section} bucket holds lower-case letters, digits, `.` and `-`");
        }
        let prefix = settings.prefix.strip_suffix('/').unwrap_or(&settings.prefix);
        if !settings.prefix.is_empty() && (!is_key(prefix) || !settings.prefix.ends_with('/')) {
            bail!("{section} prefix ends in `/` and holds letters, digits, `.`, `_`, `-` and `/`");
        }
        let outside = Outside {
            section,
            setting: "endpoint",
            address: &settings.endpoint,
            ca_file: settings.ca_file.as_deref(),
            within: Duration::from_secs(settings.timeout_s.max(1)),
        };
        let agent = outside.agent()?;
        Caller::new(section, settings, agent, clock)
            .map(|caller| Self(Arc::new(caller)))
            .with_context(|| format!("{section} endpoint"))
    }

    /// Makes a call until it succeeds, fails for good, or has failed too often.
    async fn call(&self, call: Call) -> io::Result<Option<Answer>> {
        let call = Arc::new(call);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (caller, tried) = (self.0.clone(), call.clone());
            let outcome = tokio::task::spawn_blocking(move || caller.attempt(&tried)).await;
            match outcome.map_err(io::Error::other)? {
                Ok(answer) => return Ok(answer),
                Err(failure) => tokio::time::sleep(pause(&call, attempt, failure)?).await,
            }
        }
    }

    /// The same, for a thread that may block: it also works while the runtime shuts down.
    fn call_blocking(&self, call: &Call) -> io::Result<Option<Answer>> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.0.attempt(call) {
                Ok(answer) => return Ok(answer),
                // It may end early, and the next attempt is a little sooner then.
                Err(failure) => std::thread::park_timeout(pause(call, attempt, failure)?),
            }
        }
    }
}

/// How long to wait before the next attempt.
///
/// # Errors
/// There is none: it fails for good, or has failed too often.
fn pause(call: &Call, attempt: u32, failure: Failure) -> io::Result<Duration> {
    let most = if matches!(call, Call::Part { .. }) { ATTEMPTS_OF_A_PART } else { ATTEMPTS };
    match failure {
        Failure::Passing(error) if attempt < most => {
            tracing::warn!(attempt, %error, "the object store failed; it is tried again");
            // Spread over half the pause: what failed together is not tried again together.
            Ok(FIRST_PAUSE.saturating_mul(1 << (attempt - 1)).mul_f64(spread()))
        }
        Failure::Passing(error) | Failure::Lasting(error) => Err(error),
    }
}

/// The store, for blobs.
#[derive(Debug, Clone)]
pub struct S3Store(Client);

impl S3Store {
    /// Prepares calls; makes none.
    ///
    /// # Errors
    /// A setting that cannot be, named.
    pub fn new(settings: S3Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        Client::new("[blobs.s3]", settings, clock).map(Self)
    }

    fn prefix(&self) -> &str {
        &self.0.0.settings.prefix
    }

    fn object(&self, key: &str) -> io::Result<String> {
        demand_key(key)?;
        Ok(format!("{}{key}", self.prefix()))
    }
}

/// From 0.75 to 1.25, at random.
fn spread() -> f64 {
    let mut byte = [0; 1];
    atalaya_kernel::secrets::fill_random(&mut byte);
    0.75 + f64::from(byte[0]) / 510.0
}

#[async_trait::async_trait]
impl BlobStore for S3Store {
    async fn put(&self, key: &str, bytes: Vec<u8>) -> io::Result<()> {
        let key = self.object(key)?;
        self.0.call(Call::Put { key, body: bytes.into() }).await.map(drop)
    }

    async fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        let key = self.object(key)?;
        Ok(self.0.call(Call::Get { key }).await?.map(|answer| answer.body.into()))
    }

    async fn delete(&self, key: &str) -> io::Result<()> {
        let key = self.object(key)?;
        self.0.call(Call::Delete { key }).await.map(drop)
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> io::Result<Vec<Listed>> {
        let ours = self.prefix();
        let mut found: Vec<Listed> = Vec::new();
        let mut after = format!("{ours}{after}");
        while found.len() < limit {
            let most = (limit - found.len()).min(MOST_KEYS);
            let call = Call::List { prefix: format!("{ours}{prefix}"), after: after.clone(), most };
            let answer = self.0.call(call).await?;
            let page = answer::list(&answer.map(|answer| answer.body).unwrap_or_default())?;
            let Some(last) = page.found.last() else { break };
            after.clone_from(&last.listed.key);
            for listed in page.found.into_iter().map(|object| object.listed) {
                let key = listed.key.strip_prefix(ours);
                let key =
                    key.ok_or_else(|| io::Error::other("the object store listed what was not asked for"))?;
                found.push(Listed { key: key.to_owned(), ..listed });
            }
            if !page.is_truncated {
                break;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::time::SystemClock;

    fn store(more: &str) -> anyhow::Result<S3Store> {
        let text = format!("bucket = \"isp-files\"\nkey_file = \"/nowhere\"\n{more}");
        S3Store::new(toml::from_str(&text)?, Arc::new(SystemClock))
    }

    #[test]
    fn settings_that_cannot_be_are_named() {
        for (wrong, named) in [
            ("endpoint = \"http://minio.example:9000\"", "endpoint must be https"),
            ("endpoint = \"http://127.0.0.1:9\"\nprefix = \"isp\"", "prefix ends in"),
            ("endpoint = \"http://127.0.0.1:9\"\nprefix = \"../\"", "prefix ends in"),
            ("endpoint = \"http://127.0.0.1:9/path\"", "[blobs.s3] endpoint"),
            ("endpoint = \"http://127.0.0.1:9\"\nregions = \"x\"", "regions"),
        ] {
            let error = store(wrong).err().map(|error| format!("{error:#}")).unwrap_or_default();
            assert!(error.contains(named), "{wrong}: {error}");
        }
        assert!(store("endpoint = \"http://127.0.0.1:9\"\nprefix = \"isp/files/\"").is_ok());
    }

    #[tokio::test]
    async fn a_key_file_that_is_not_there_is_named_at_once() {
        let store = store("endpoint = \"http://127.0.0.1:9\"").unwrap();
        let error = store.get("ten_1/blb_1").await.unwrap_err().to_string();
        assert!(error.contains("key_file") && error.contains("/nowhere"), "{error}");
    }
}
