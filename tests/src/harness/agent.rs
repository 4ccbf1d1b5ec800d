//! An agent as a process.

use super::{Process, program};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Where the agent's buffer tells what it was given and what it confirmed.
const WITNESS: &str = "witness";

/// A running agent.
pub struct Agent {
    /// The process.
    pub process: Process,
    folder: PathBuf,
}

fn command(folder: &Path) -> anyhow::Result<Command> {
    logging(folder, "info")
}

fn logging(folder: &Path, filter: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(program("atalaya-agent")?);
    let local = folder.join("agent.toml");
    if local.exists() {
        command.arg("--config").arg(local);
    }
    command.arg("--state-dir").arg(folder.join("state")).args(["--log", filter]);
    Ok(command)
}

impl Agent {
    /// Enrols with a join string; what it said.
    ///
    /// # Errors
    /// It failed, with what it said.
    pub fn enroll(folder: &Path, join: &str) -> anyhow::Result<String> {
        Self::enroll_with(folder, join, None)
    }

    /// Enrols, to abort at a named fault point if one is given; what it said.
    ///
    /// # Errors
    /// It failed, with how it ended and what it said.
    pub fn enroll_with(folder: &Path, join: &str, fault: Option<&str>) -> anyhow::Result<String> {
        std::fs::create_dir_all(folder)?;
        let mut command = command(folder)?;
        if let Some(fault) = fault {
            command.env("ATALAYA_FAULT", fault);
        }
        let output = command.args(["enroll", "--join", join]).output()?;
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        anyhow::ensure!(output.status.success(), "enrolment failed: {} {said}", output.status);
        Ok(said)
    }

    /// Starts an enrolled agent, to abort at a named fault point if one is given.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(folder: &Path, fault: Option<&str>) -> anyhow::Result<Self> {
        let mut command = command(folder)?;
        command.arg("run");
        command.env("ATALAYA_WITNESS", folder.join(WITNESS));
        if let Some(fault) = fault {
            command.env("ATALAYA_FAULT", fault);
        }
        let process = Process::start("agent", &folder.join("log"), &mut command)?;
        Ok(Self { process, folder: folder.to_owned() })
    }

    /// Starts an enrolled agent that logs by a filter of its own, such as `debug`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start_logging(folder: &Path, filter: &str) -> anyhow::Result<Self> {
        let mut command = logging(folder, filter)?;
        command.arg("run");
        let process = Process::start("agent", &folder.join("log"), &mut command)?;
        Ok(Self { process, folder: folder.to_owned() })
    }

    /// Starts it again after it ended, to abort at a named fault point if one is given. One that still runs is killed
    /// without warning.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn restart(&mut self, fault: Option<&str>) -> anyhow::Result<()> {
        self.process.kill()?;
        *self = Self::start(&self.folder, fault)?;
        Ok(())
    }

    /// Its folder, with the state in `state`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Everything that its buffer told so far, over all its runs.
    ///
    /// # Errors
    /// There is no such file.
    pub fn witness(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.folder.join(WITNESS))?)
    }

    /// What it says of itself (`status --json`); null when that cannot be read.
    pub fn status(&self) -> serde_json::Value {
        let output =
            command(&self.folder).and_then(|mut command| Ok(command.args(["status", "--json"]).output()?));
        output.ok().and_then(|output| serde_json::from_slice(&output.stdout).ok()).unwrap_or_default()
    }
}
