//! The simulated SNMP devices.

use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use atalaya_simulators::control::ControlClient;
use atalaya_simulators::snmp_fleet::Served;
use atalaya_simulators::snmp_fleet::control::Request;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::process::terminate;

/// The simulated devices, in a process of their own.
pub(crate) struct Fleet {
    child: Child,
    pub(crate) addresses: Vec<std::net::SocketAddr>,
    control: std::net::SocketAddr,
}

#[derive(serde::Deserialize)]
struct Announced {
    snmp: Vec<std::net::SocketAddr>,
    control: std::net::SocketAddr,
}

impl Fleet {
    pub(crate) async fn start(program: &Path, devices: u32) -> anyhow::Result<Self> {
        let mut child = Command::new(program)
            .args(["snmp-fleet", "--control", "127.0.0.1:0", "--devices", &devices.to_string()])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| program.display().to_string())?;
        let output = child.stdout.take().context("piped")?;
        let line = BufReader::new(output).lines().next_line().await?.context("the fleet did not start")?;
        let Announced { snmp, control } = serde_json::from_str(&line)?;
        Ok(Self { child, addresses: snmp, control })
    }

    /// What it served so far.
    pub(crate) async fn served(&self) -> anyhow::Result<Served> {
        let mut control = ControlClient::connect(self.control).await?;
        Ok(control.ask_as(&Request::Served).await?)
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        terminate(&mut self.child).await
    }
}
