//! A collector of traces on loopback: what it is sent is read by a library that others wrote (opentelemetry-proto).

use super::{Process, python, wait_for};
use anyhow::Context;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// What it is shown with each call.
pub const COLLECTOR_KEY: &str = "clave-del-colector-7d1f0a93";

/// A running collector.
pub struct Collector {
    folder: PathBuf,
    port: u16,
    _process: Process,
}

impl Collector {
    /// Starts it; none where there is no Python that has what it needs.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(folder: &Path) -> anyhow::Result<Option<Self>> {
        let Some(python) = python(&["opentelemetry.proto.collector.trace.v1.trace_service_pb2"]) else {
            return Ok(None);
        };
        fs::create_dir_all(folder)?;
        let mut command = Command::new(python);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/collector.py")).arg(folder);
        let mut process = Process::start("collector", &folder.join("log"), &mut command)?;
        let port = wait_for("the collector to listen", Duration::from_secs(30), || {
            if let Ok(text) = fs::read_to_string(folder.join("port")) {
                return Some(text.trim().parse().context("it writes its port"));
            }
            let status = process.ended().ok().flatten()?;
            Some(Err(anyhow::anyhow!("the collector ended: {status}\n{}", process.log())))
        })?;
        fs::write(folder.join("key"), format!("Authorization: Bearer {COLLECTOR_KEY}\n"))?;
        Ok(Some(Self { folder: folder.to_owned(), port, _process: process }))
    }

    /// `[traces]` of a configuration file that names it.
    pub fn settings(&self) -> String {
        let (folder, port) = (self.folder.display(), self.port);
        format!(
            "[traces]\nendpoint = \"http://127.0.0.1:{port}/v1/traces\"\nheaders = \"file:{folder}/key\"\n"
        )
    }

    /// What it does from now on: `ok`, `hang`, or answers with a status such as `503`.
    ///
    /// # Errors
    /// The file system's.
    pub fn mode(&self, mode: &str) -> anyhow::Result<()> {
        let (new, mode_file) = (self.folder.join("mode.new"), self.folder.join("mode"));
        fs::write(&new, mode)?;
        Ok(fs::rename(new, mode_file)?)
    }

    /// The spans that it took so far, in the order in which they came.
    ///
    /// # Errors
    /// Something that it does not write.
    pub fn spans(&self) -> anyhow::Result<Vec<Value>> {
        super::push::lines(&self.folder.join("spans"))
    }

    /// The calls so far, with their headers, taken or not.
    ///
    /// # Errors
    /// Something that it does not write.
    pub fn calls(&self) -> anyhow::Result<Vec<Value>> {
        super::push::lines(&self.folder.join("headers"))
    }

    /// Every byte that it took.
    pub fn bytes(&self) -> Vec<u8> {
        fs::read(self.folder.join("bytes")).unwrap_or_default()
    }
}
