//! Blobs in an object store that speaks the S3 protocol: AWS, MinIO, Garage, Ceph, Backblaze and others.
//!
//! Four calls: PUT, GET and DELETE of an object, and ListObjectsV2. All of them may be repeated, so one that fails on the way or
//! meets a busy store is tried again, later each time. Objects are sealed before they come here and at most some tens of MiB:
//! they go in one request, whose body is part of the signature.
//!
//! The credentials are read at each call: whoever renews them replaces the file.

mod answer;
mod request;
mod signature;

use super::outside::Outside;
use anyhow::{Context as _, bail};
use atalaya_kernel::{
    blobs::{BlobStore, Listed, demand_key, is_key},
    time::Clock,
};
use bytes::Bytes;
use request::{Call, Caller, Failure};
use serde::Deserialize;
use std::{io, path::PathBuf, sync::Arc, time::Duration};

/// `[blobs.s3]`.
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
/// The first pause between two attempts; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Most keys that a store lists at once.
const MOST_KEYS: usize = 1_000;

/// The store.
#[derive(Debug, Clone)]
pub struct S3Store(Arc<Caller>);

impl S3Store {
    /// Prepares calls; makes none.
    ///
    /// # Errors
    /// A setting that cannot be, named.
    pub fn new(settings: S3Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let is_bucket = (3..=63).contains(&settings.bucket.len())
            && settings
                .bucket
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte));
        if !is_bucket {
            bail!("[blobs.s3] bucket holds lower-case letters, digits, `.` and `-`");
        }
        let prefix = settings.prefix.strip_suffix('/').unwrap_or(&settings.prefix);
        if !settings.prefix.is_empty() && (!is_key(prefix) || !settings.prefix.ends_with('/')) {
            bail!("[blobs.s3] prefix ends in `/` and holds letters, digits, `.`, `_`, `-` and `/`");
        }
        let outside = Outside {
            section: "[blobs.s3]",
            setting: "endpoint",
            address: &settings.endpoint,
            ca_file: settings.ca_file.as_deref(),
            within: Duration::from_secs(settings.timeout_s.max(1)),
        };
        let agent = outside.agent()?;
        Caller::new(settings, agent, clock)
            .map(|caller| Self(Arc::new(caller)))
            .context("[blobs.s3] endpoint")
    }

    /// Makes a call until it succeeds, fails for good, or has failed too often.
    async fn call(&self, call: Call) -> io::Result<Option<Bytes>> {
        let call = Arc::new(call);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (caller, tried) = (self.0.clone(), call.clone());
            let outcome = tokio::task::spawn_blocking(move || caller.attempt(&tried)).await;
            match outcome.map_err(io::Error::other)? {
                Ok(answer) => return Ok(answer),
                Err(Failure::Passing(error)) if attempt < ATTEMPTS => {
                    tracing::warn!(attempt, %error, "the object store failed; it is tried again");
                    // Spread over half the pause: what failed together is not tried again together.
                    let pause = FIRST_PAUSE.saturating_mul(1 << (attempt - 1));
                    tokio::time::sleep(pause.mul_f64(spread())).await;
                }
                Err(Failure::Passing(error) | Failure::Lasting(error)) => return Err(error),
            }
        }
    }

    fn object(&self, key: &str) -> io::Result<String> {
        demand_key(key)?;
        Ok(format!("{}{key}", self.0.settings.prefix))
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
        self.call(Call::Put { key, body: bytes.into() }).await.map(drop)
    }

    async fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        let key = self.object(key)?;
        Ok(self.call(Call::Get { key }).await?.map(Vec::from))
    }

    async fn delete(&self, key: &str) -> io::Result<()> {
        let key = self.object(key)?;
        self.call(Call::Delete { key }).await.map(drop)
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> io::Result<Vec<Listed>> {
        let ours = &self.0.settings.prefix;
        let mut found: Vec<Listed> = Vec::new();
        let mut after = format!("{ours}{after}");
        while found.len() < limit {
            let most = (limit - found.len()).min(MOST_KEYS);
            let call = Call::List { prefix: format!("{ours}{prefix}"), after: after.clone(), most };
            let page = answer::list(&self.call(call).await?.unwrap_or_default())?;
            let Some(last) = page.listed.last() else { break };
            after.clone_from(&last.key);
            for listed in page.listed {
                let key = listed.key.strip_prefix(ours.as_str());
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
