//! A control plane as a process.

use super::{Api, Process, program, wait_for};
use anyhow::Context;
use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// How it is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of its data and log.
    pub folder: PathBuf,
    /// URL of a PostgreSQL database; SQLite in the folder when absent.
    pub database: Option<String>,
    /// URL of the same database as the role that owns its tables, when the control plane is to migrate it.
    pub database_owner: Option<String>,
    /// Where the web app listens; port 0 takes a free one.
    pub http: SocketAddr,
    /// Where agents are let in; port 0 takes a free one.
    pub gateway: SocketAddr,
    /// Which environment it is told to be.
    pub environment: &'static str,
    /// Named fault point at which it aborts.
    pub fault: Option<String>,
    /// Folder of systemd's credentials, if it is started as by systemd.
    pub credentials: Option<PathBuf>,
    /// Text of its configuration file; the defaults when absent.
    pub config: Option<String>,
    /// Filter of its log lines, such as `debug`; its own default when absent.
    pub log: Option<String>,
    /// Whether each line of its log is a JSON object.
    pub log_json: bool,
    /// How long it may take to be ready.
    pub ready_within: Duration,
}

impl Options {
    /// On free loopback ports with SQLite.
    pub fn in_folder(folder: &Path) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            folder: folder.to_owned(),
            database: None,
            database_owner: None,
            http: free,
            gateway: free,
            environment: "development",
            fault: None,
            credentials: None,
            config: None,
            log: None,
            log_json: false,
            ready_within: Duration::from_secs(60),
        }
    }
}

/// A running control plane.
pub struct ControlPlane {
    /// The process.
    pub process: Process,
    /// How it was started, with the ports that it took, so that it can be started again on them.
    pub options: Options,
}

impl ControlPlane {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// It ended instead, with its log.
    pub fn start(mut options: Options) -> anyhow::Result<Self> {
        let ready_file = options.folder.join("ready.json");
        fs::create_dir_all(&options.folder)?;
        let _ = fs::remove_file(&ready_file);
        let mut command = command(&options)?;
        command
            .arg("serve")
            .args(["--http-listen", &options.http.to_string()])
            .args(["--gateway-listen", &options.gateway.to_string()])
            .arg("--ready-file")
            .arg(&ready_file);
        if let Some(fault) = &options.fault {
            command.env("ATALAYA_FAULT", fault);
        }
        let mut process = Process::start("control-plane", &options.folder.join("log"), &mut command)?;
        let ready = wait_for("the control plane to be ready", options.ready_within, || {
            let ready = fs::read_to_string(&ready_file).ok();
            if let Some(ready) = ready.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
            {
                return Some(Ok(ready));
            }
            let status = process.ended().ok().flatten()?;
            Some(Err(anyhow::anyhow!("the control plane ended: {status}\n{}", process.log())))
        })?;
        let address = |name: &str| {
            ready[name]
                .as_str()
                .and_then(|text| text.parse().ok())
                .with_context(|| format!("no {name} in {ready}"))
        };
        options.http = address("http")?;
        options.gateway = address("gateway")?;
        Ok(Self { process, options })
    }

    /// Stops it by a signal that cannot be caught, if it still runs, and starts it again on the same ports, to abort
    /// at a named fault point if one is given.
    ///
    /// # Errors
    /// It does not start again.
    pub fn restart(&mut self, fault: Option<&str>) -> anyhow::Result<()> {
        self.process.kill()?;
        *self = Self::start(Options { fault: fault.map(str::to_owned), ..self.options.clone() })?;
        Ok(())
    }

    /// Where web app and API are.
    pub fn http(&self) -> SocketAddr {
        self.options.http
    }

    /// Runs another command of the same program on the same data; what it printed.
    ///
    /// # Errors
    /// It failed, with what it said.
    pub fn command(&self, arguments: &[&str], input: &str) -> anyhow::Result<String> {
        run_command(&self.options, arguments, input)
    }

    /// Logs in.
    ///
    /// # Errors
    /// A wrong pair, or no answer.
    pub fn log_in(&self, tenant: &str, email: &str, password: &str) -> anyhow::Result<Api> {
        Ok(Api::log_in(self.http(), tenant, email, password)?)
    }
}

fn command(options: &Options) -> anyhow::Result<Command> {
    let mut command = Command::new(program("atalaya")?);
    command.arg("--data-dir").arg(options.folder.join("data")).args(["--environment", options.environment]);
    if let Some(config) = &options.config {
        let path = options.folder.join("atalaya.toml");
        fs::write(&path, config)?;
        command.arg("--config").arg(path);
    }
    if let Some(credentials) = &options.credentials {
        command.env("CREDENTIALS_DIRECTORY", credentials);
    }
    if let Some(log) = &options.log {
        command.env("ATALAYA_LOG", log);
    }
    if options.log_json {
        command.args(["--log-format", "json"]);
    }
    if let Some(database) = &options.database {
        command.env("ATALAYA_DATABASE", database);
    }
    if let Some(owner) = &options.database_owner {
        command.env("ATALAYA_DATABASE_OWNER", owner);
    }
    Ok(command)
}

/// Runs a command of the control plane's program on the data of these options.
///
/// # Errors
/// It failed, with what it said.
pub fn run_command(options: &Options, arguments: &[&str], input: &str) -> anyhow::Result<String> {
    let mut child = command(options)?
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().context("its input is ours")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "atalaya {} failed: {said}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
