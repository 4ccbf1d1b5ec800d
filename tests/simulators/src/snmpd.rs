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

use crate::snmp_fleet::ber;

/// Where distributions install it; it is seldom on the path of a user.
const PLACES: &[&str] = &["/usr/sbin/snmpd", "/usr/local/sbin/snmpd", "/opt/homebrew/sbin/snmpd"];
/// Ports tried before giving up: between finding a free one and taking it another process may come.
const ATTEMPTS: usize = 5;
/// How often a request is sent until it is answered, and how long each waits.
const PROBES: usize = 100;
const PROBE_WAIT: Duration = Duration::from_millis(100);

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
            if agent.answers(&config.community).await? {
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

    /// Asks for `sysUpTime.0` until it answers or ends.
    async fn answers(&mut self, community: &str) -> Result<bool, SnmpdError> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        socket.connect(self.address).await?;
        let request = get_uptime(community);
        let mut answer = [0; 1_500];
        for _ in 0..PROBES {
            if self.process.try_wait()?.is_some() {
                return Ok(false);
            }
            // Refused until it listens.
            if socket.send(&request).await.is_ok() {
                let received = tokio::time::timeout(PROBE_WAIT, socket.recv(&mut answer)).await;
                if matches!(received, Ok(Ok(_))) {
                    return Ok(true);
                }
            }
            tokio::time::sleep(PROBE_WAIT / 10).await;
        }
        Ok(false)
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

/// A GetRequest of SNMP v2c for `sysUpTime.0` (RFC 3416), request id 1.
pub(crate) fn get_uptime(community: &str) -> Vec<u8> {
    let name = ber::oid(&[1, 3, 6, 1, 2, 1, 1, 3, 0]);
    let binding = ber::element(ber::SEQUENCE, &[name, ber::element(ber::NULL, &[])].concat());
    let number = |value: u8| ber::element(ber::INTEGER, &[value]);
    let list = ber::element(ber::SEQUENCE, &binding);
    let pdu = ber::element(0xA0, &[number(1), number(0), number(0), list].concat());
    ber::element(ber::SEQUENCE, &[number(1), ber::element(ber::OCTETS, community.as_bytes()), pdu].concat())
}
