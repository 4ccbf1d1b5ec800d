//! A program of ours as a child process: its log in a file, killed when dropped.

use anyhow::{Context, bail};
use std::{
    fs::{self, File},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use super::wait_for;

/// Names the folder of the programs when it is not that of this one: benches start release builds.
const PROGRAMS: &str = "ATALAYA_PROGRAMS";

/// Path of a program that was built beside this one.
///
/// # Errors
/// It was not built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    if let Some(folder) = std::env::var_os(PROGRAMS) {
        return Ok(PathBuf::from(folder).join(name));
    }
    let here = std::env::current_exe().context("a process knows its program")?;
    // Tests lie in a folder `deps` below the programs.
    let found = here.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    found.with_context(|| format!("{name} is not built: run `cargo build --workspace --bins`"))
}

/// A running child.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program; what it says goes to `LOG_FOLDER/NAME.log`, appended.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(name: &'static str, log_folder: &Path, command: &mut Command) -> anyhow::Result<Self> {
        fs::create_dir_all(log_folder)?;
        let log = log_folder.join(format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child, log })
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, when it has.
    ///
    /// # Errors
    /// The operating system's.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Kills it without warning, as a power cut does to a process.
    ///
    /// # Errors
    /// The operating system's.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it aborts by itself, as it does at a named fault point.
    ///
    /// # Panics
    /// When it does not within the time.
    pub fn wait_for_abort(&mut self, within: Duration) {
        let name = self.name;
        let status = wait_for(&format!("{name} to abort"), within, || self.child.try_wait().ok().flatten());
        assert_eq!(status.signal(), Some(6), "{name} ended another way: {status}\n{}", self.log());
    }

    /// Asks it to stop and waits; killed when it does not.
    ///
    /// # Errors
    /// It had to be killed, or ended with a failure.
    pub fn stop(&mut self, within: Duration) -> anyhow::Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        anyhow::ensure!(told.success(), "cannot signal {}", self.name);
        let mut left = within.as_millis() / 25;
        while self.child.try_wait()?.is_none() {
            if left == 0 {
                self.kill()?;
                bail!("{} did not stop within {} s", self.name, within.as_secs());
            }
            left -= 1;
            super::wait::pause();
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Asked first: a simulator may have a child of its own to take along. It is killed when it does not stop.
        let _ = self.stop(Duration::from_secs(3));
    }
}
