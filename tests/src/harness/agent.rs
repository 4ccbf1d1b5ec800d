//! An agent as a process.

use super::{Process, program};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A running agent.
pub struct Agent {
    /// The process.
    pub process: Process,
    folder: PathBuf,
}

fn command(folder: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(program("atalaya-agent")?);
    command.arg("--state-dir").arg(folder.join("state")).args(["--log", "info"]);
    Ok(command)
}

impl Agent {
    /// Enrols with a join string; what it said.
    ///
    /// # Errors
    /// It failed, with what it said.
    pub fn enroll(folder: &Path, join: &str) -> anyhow::Result<String> {
        std::fs::create_dir_all(folder)?;
        let output = command(folder)?.args(["enroll", "--join", join]).output()?;
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        anyhow::ensure!(output.status.success(), "enrolment failed: {said}");
        Ok(said)
    }

    /// Starts an enrolled agent, to abort at a named fault point if one is given.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(folder: &Path, fault: Option<&str>) -> anyhow::Result<Self> {
        let mut command = command(folder)?;
        command.arg("run");
        if let Some(fault) = fault {
            command.env("ATALAYA_FAULT", fault);
        }
        let process = Process::start("agent", &folder.join("log"), &mut command)?;
        Ok(Self { process, folder: folder.to_owned() })
    }

    /// What it says of itself: the status file; null before the first one.
    pub fn status(&self) -> serde_json::Value {
        let text = std::fs::read_to_string(self.folder.join("state/status.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Kills it without warning and starts it again.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn kill_and_restart(mut self) -> anyhow::Result<Self> {
        self.process.kill()?;
        Self::start(&self.folder, None)
    }

    /// Starts it again after it ended.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn restart(self) -> anyhow::Result<Self> {
        Self::start(&self.folder, None)
    }
}
