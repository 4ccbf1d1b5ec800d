//! The real SNMP agent of net-snmp, on a free loopback port, with a configuration of its own.
//!
//! It reads nothing of the machine's own configuration and keeps its state in a temporary directory, which
//! goes with it. It is ready when it answers a request.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use thiserror::Error;
use tokio::net::UdpSocket;
use tokio::process::{Child, Command};

use crate::first_answer::first_answer;

/// Where distributions install it; it is seldom on the path of a user.
const PLACES: &[&str] = &["/usr/sbin/snmpd", "/usr/local/sbin/snmpd", "/opt/homebrew/sbin/snmpd"];
/// Ports tried before giving up: between finding a free one and taking it another process may come.
const ATTEMPTS: usize = 5;
/// How long it may take until it answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the agent says and to whom.
#[derive(Debug, Clone)]
pub struct SnmpdConfig {
    /// Read-only community of SNMP v2c.
    pub community: String,
    /// `sysName.0`.
    pub system_name: String,
    /// `sysLocation.0`.
    pub location: String,
    /// UDP port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Further lines of `snmpd.conf`, such as `pass_persist`.
    pub extra: Vec<String>,
}

impl Default for SnmpdConfig {
    fn default() -> Self {
        Self {
            community: "public".to_owned(),
            system_name: "sim-switch".to_owned(),
            location: "nowhere".to_owned(),
            port: 0,
            extra: Vec::new(),
        }
    }
}

/// Why the agent does not run.
#[derive(Debug, Error)]
pub enum SnmpdError {
    /// It is not installed.
    #[error("snmpd is not installed (Debian package snmpd)")]
    Missing,
    /// Files or sockets.
    #[error("cannot prepare snmpd")]
    Io(#[from] std::io::Error),
    /// It does not answer; what it wrote.
    #[error("snmpd does not answer: {0}")]
    Silent(String),
}

/// A running agent. It is killed when dropped.
#[derive(Debug)]
pub struct Snmpd {
    address: SocketAddr,
    process: Child,
    files: TempDir,
}

impl Snmpd {
    /// Whether it is installed.
    pub fn installed() -> bool {
        program().is_some()
    }

    /// Starts an agent; it answers when this returns.
    ///
    /// # Errors
    /// [`SnmpdError`].
    pub async fn start(config: &SnmpdConfig) -> Result<Self, SnmpdError> {
        let program = program().ok_or(SnmpdError::Missing)?;
        let mut said = String::new();
        for _ in 0..ATTEMPTS {
            let mut agent = Self::launch(&program, config).await?;
            if first_answer(&mut agent.process, agent.address, &config.community, PATIENCE).await? {
                return Ok(agent);
            }
            said = tokio::fs::read_to_string(agent.log()).await.unwrap_or_default();
            if config.port != 0 {
                break;
            }
        }
        Err(SnmpdError::Silent(said))
    }

    async fn launch(program: &Path, config: &SnmpdConfig) -> Result<Self, SnmpdError> {
        let port = if config.port == 0 {
            UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port()
        } else {
            config.port
        };
        let files = tempfile::Builder::new().prefix("snmpd").tempdir()?;
        let path = files.path().join("snmpd.conf");
        tokio::fs::write(&path, text(config, port)).await?;
        let log = std::fs::File::create(files.path().join("log"))?;
        let process = Command::new(program)
            // Foreground, log to standard error, our file alone.
            .args(["-f", "-Le", "-C", "-c"])
            .arg(&path)
            .env("SNMP_PERSISTENT_DIR", files.path())
            .env("SNMPCONFPATH", files.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
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

    /// Kills it and waits until it is gone.
    ///
    /// # Errors
    /// It cannot be killed.
    pub async fn stop(mut self) -> std::io::Result<()> {
        self.process.kill().await
    }
}

fn program() -> Option<PathBuf> {
    PLACES.iter().map(PathBuf::from).find(|path| path.is_file())
}

fn text(config: &SnmpdConfig, port: u16) -> String {
    let mut text = format!(
        "agentaddress udp:127.0.0.1:{port}\nrocommunity {} 127.0.0.1\nsysName {}\nsysLocation {}\nsysContact nobody\n",
        config.community, config.system_name, config.location
    );
    for line in &config.extra {
        text.push_str(line);
        text.push('\n');
    }
    text
}
