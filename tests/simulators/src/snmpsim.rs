//! snmpsim, which answers as the device of a recording: the recording's name is the community.
//!
//! It is a Python program of its own (BSD-2-Clause), run with the Python that `ATALAYA_PYTHON` names or that of
//! `tests/.venv`, which `packaging/setup.sh` makes from `tests/requirements.lock`. It is ready when it answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use thiserror::Error;
use tokio::net::UdpSocket;
use tokio::process::{Child, Command};

use crate::first_answer::first_answer;

/// Ports tried before giving up: between finding a free one and taking it another process may come.
const ATTEMPTS: usize = 3;
/// How long it may take until it answers: it makes an index of its recordings first.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why it does not run.
#[derive(Debug, Error)]
pub enum SnmpsimError {
    /// Files or sockets.
    #[error("cannot prepare snmpsim")]
    Io(#[from] std::io::Error),
    /// It does not answer; what it wrote.
    #[error("snmpsim does not answer: {0}")]
    Silent(String),
}

/// A running snmpsim. It is killed when dropped.
#[derive(Debug)]
pub struct Snmpsim {
    address: SocketAddr,
    process: Child,
    files: TempDir,
}

impl Snmpsim {
    /// A Python that has snmpsim.
    ///
    /// # Errors
    /// Why there is none, for people.
    pub async fn python() -> Result<PathBuf, String> {
        let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
        let python = std::env::var_os("ATALAYA_PYTHON").map_or_else(default, PathBuf::from);
        match Command::new(&python).args(["-c", "import snmpsim, pysmi"]).output().await {
            Ok(output) if output.status.success() => Ok(python),
            Ok(_) => Err(format!("{} has no snmpsim", python.display())),
            Err(error) => Err(format!("{}: {error}", python.display())),
        }
    }

    /// Serves a folder of recordings; `community` is the name of one of them. It answers when this returns.
    ///
    /// # Errors
    /// [`SnmpsimError`].
    pub async fn start(python: &Path, recordings: &Path, community: &str) -> Result<Self, SnmpsimError> {
        let mut said = String::new();
        for _ in 0..ATTEMPTS {
            let mut simulator = Self::launch(python, recordings).await?;
            if first_answer(&mut simulator.process, simulator.address, community, PATIENCE).await? {
                return Ok(simulator);
            }
            said = tokio::fs::read_to_string(simulator.log()).await.unwrap_or_default();
        }
        Err(SnmpsimError::Silent(said))
    }

    async fn launch(python: &Path, recordings: &Path) -> Result<Self, SnmpsimError> {
        let port = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port();
        let files = tempfile::Builder::new().prefix("snmpsim").tempdir()?;
        let log = std::fs::File::create(files.path().join("log"))?;
        let mut command = Command::new(python);
        command
            .args(["-m", "snmpsim.commands.responder", "--log-level", "error"])
            .arg(format!("--agent-udpv4-endpoint=127.0.0.1:{port}"))
            .arg("--data-dir")
            .arg(recordings)
            .arg("--cache-dir")
            .arg(files.path().join("cache"));
        // As root it wants to be told whom to become.
        if std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
            command.args(["--process-user", "root", "--process-group", "root"]);
        }
        let process = command
            .env("HOME", files.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { address: (Ipv4Addr::LOCALHOST, port).into(), process, files })
    }

    /// Where it answers, UDP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it writes, for a failing test to show.
    pub fn log(&self) -> PathBuf {
        self.files.path().join("log")
    }
}
