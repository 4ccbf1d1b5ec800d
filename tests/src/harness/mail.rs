//! A mail server that others wrote (aiosmtpd), on loopback, and the Python that it runs in.

use super::{Process, skipped, wait_for};
use anyhow::Context;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A Python that has these modules; none, and a line that says why, where there is none.
///
/// # Panics
/// In CI, where what tests need is installed.
pub fn python(modules: &[&str]) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    let python = std::env::var_os("ATALAYA_PYTHON").map_or_else(default, PathBuf::from);
    let import = format!("import {}", modules.join(", "));
    let reason = match Command::new(&python).args(["-c", &import]).output() {
        Ok(output) if output.status.success() => return Some(python),
        Ok(_) => format!("{} does not {import}", python.display()),
        Err(error) => format!("{}: {error}", python.display()),
    };
    skipped(&format!("{reason} (packaging/setup.sh installs it)"));
    None
}

/// Who the server lets in.
const USER: &str = "avisos";
/// With which password.
pub const MAIL_PASSWORD: &str = "Correo/\"clave+servidor-4e8b21c7";

/// A running server. Its certificate is of its own making, and it lets nobody in without a password.
pub struct MailServer {
    folder: PathBuf,
    port: u16,
    _process: Process,
}

impl MailServer {
    /// Starts it; none where there is no Python that has it.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(folder: &Path) -> anyhow::Result<Option<Self>> {
        let Some(python) = python(&["aiosmtpd", "cryptography"]) else { return Ok(None) };
        fs::create_dir_all(folder)?;
        let mut command = Command::new(python);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/smtp.py")).arg(folder).args([
            "--starttls",
            "--user",
            &format!("{USER}:{MAIL_PASSWORD}"),
        ]);
        let mut process = Process::start("mail-server", &folder.join("log"), &mut command)?;
        let port = wait_for("the mail server to listen", Duration::from_secs(30), || {
            if let Ok(text) = fs::read_to_string(folder.join("port")) {
                return Some(text.trim().parse().context("it writes its port"));
            }
            let status = process.ended().ok().flatten()?;
            Some(Err(anyhow::anyhow!("the mail server ended: {status}\n{}", process.log())))
        })?;
        fs::write(folder.join("password"), format!("{MAIL_PASSWORD}\n"))?;
        Ok(Some(Self { folder: folder.to_owned(), port, _process: process }))
    }

    /// `[mail]` of a configuration file that names it.
    pub fn settings(&self) -> String {
        let folder = self.folder.display();
        format!(
            "[mail]\nhost = \"localhost\"\nport = {}\nca_file = \"{folder}/ca.pem\"\nuser = \"{USER}\"\n\
             password = \"file:{folder}/password\"\nfrom = \"avisos@atalaya.example\"\nweb = \"https://atalaya.example\"\ntimeout_s = 8\n",
            self.port
        )
    }

    /// What it does with the next messages: `ok`, `later`, `never`, `hang`, `die`.
    ///
    /// # Errors
    /// The file system's.
    pub fn plan(&self, next: &[&str]) -> anyhow::Result<()> {
        Ok(fs::write(self.folder.join("plan"), next.join("\n"))?)
    }

    /// What it was given so far, oldest first.
    ///
    /// # Errors
    /// Something that the server does not write.
    pub fn messages(&self) -> anyhow::Result<Vec<Value>> {
        super::push::lines(&self.folder.join("messages"))
    }
}
