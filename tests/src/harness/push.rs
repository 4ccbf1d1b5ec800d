//! A push service on loopback, with browsers behind it: messages are decrypted by a library that others wrote (`http_ece`).

use super::{Process, skipped, wait_for};
use anyhow::Context;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A running push service.
pub struct PushService {
    folder: PathBuf,
    port: u16,
    _process: Process,
}

impl PushService {
    /// Starts it; none, and a line that says why, where Node has not what it needs.
    ///
    /// # Errors
    /// It does not start.
    ///
    /// # Panics
    /// In CI, where what tests need is installed.
    pub fn start(folder: &Path) -> anyhow::Result<Option<Self>> {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        if !tests.join("../controlplane/web/node_modules/http_ece").exists() {
            skipped("http_ece is not installed (npm --prefix controlplane/web ci installs it)");
            return Ok(None);
        }
        fs::create_dir_all(folder)?;
        let mut command = Command::new("node");
        command.arg(tests.join("node/push_service.mjs")).arg(folder);
        let mut process = Process::start("push-service", &folder.join("log"), &mut command)?;
        let port = wait_for("the push service to listen", Duration::from_secs(30), || {
            if let Ok(text) = fs::read_to_string(folder.join("port")) {
                return Some(text.trim().parse().context("it writes its port"));
            }
            let status = process.ended().ok().flatten()?;
            Some(Err(anyhow::anyhow!("the push service ended: {status}\n{}", process.log())))
        })?;
        Ok(Some(Self { folder: folder.to_owned(), port, _process: process }))
    }

    /// `[push]` of a configuration file that lets it be asked.
    pub fn settings() -> &'static str {
        "[push]\nnetworks = [\"127.0.0.1\"]\ncontact = \"mailto:red@isp.example\"\n"
    }

    /// A browser that subscribed with a public key, as it is switched on: `endpoint`, `p256dh`, `auth`, and a `name`.
    ///
    /// # Errors
    /// It does not answer.
    pub fn browser(&self, key: &str) -> anyhow::Result<Value> {
        let url = format!("http://127.0.0.1:{}/browsers", self.port);
        let mut answer = ureq::post(&url).send_json(json!({"key": key}))?;
        Ok(answer.body_mut().read_json()?)
    }

    /// What it does with the next messages: a status with `Retry-After` behind it, `hang`, `die`.
    ///
    /// # Errors
    /// The file system's.
    pub fn plan(&self, next: &[&str]) -> anyhow::Result<()> {
        Ok(fs::write(self.folder.join("plan"), next.join("\n"))?)
    }

    /// What it was given so far, oldest first, whatever it said to it.
    ///
    /// # Errors
    /// Something that it does not write.
    pub fn messages(&self) -> anyhow::Result<Vec<Value>> {
        lines(&self.folder.join("messages"))
    }
}

/// Whole lines of JSON of a file that may be written to right now.
///
/// # Errors
/// A line that is none.
pub(super) fn lines(path: &Path) -> anyhow::Result<Vec<Value>> {
    let text = fs::read_to_string(path).unwrap_or_default();
    // The last line may be on its way.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).context("a line is a message")).collect()
}
