//! `[mail]`: the server that takes e-mail, who it comes from, and where links in it lead.

use super::{Config, Source};
use crate::adapters::Smtp;
use anyhow::Context;
use atalaya_people::messaging::{Mailer, Outbound, WebAddress};
use serde::Deserialize;
use std::{path::PathBuf, sync::Arc};

/// The mail server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Its name, or its address.
    pub host: String,
    /// Its TCP port; the usual one of the encryption when absent.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub encryption: Encryption,
    /// Certificates (PEM) that the server's is judged by; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// Who we are to the server; nobody when absent.
    pub user: Option<String>,
    /// Where the password lies.
    pub password: Option<Source>,
    /// Address that messages come from.
    pub from: String,
    /// Where the web app is, for links: `https://isp.example`.
    pub web: String,
    /// Seconds that handing over a message may take, 1 to 12.
    #[serde(default = "default_timeout")]
    pub timeout_s: u64,
}

const fn default_timeout() -> u64 {
    10
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// It begins in the clear and must become TLS before anything is said (RFC 3207). Port 587.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314). Port 465.
    Tls,
    /// Not at all: for a server on this machine only. Port 25.
    None,
}

impl Encryption {
    /// The usual port.
    pub const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

impl Config {
    /// What can leave this process.
    ///
    /// # Errors
    /// A setting of `[mail]` that cannot be, named.
    pub fn outbound(&self, safe_mode: bool) -> anyhow::Result<Outbound> {
        let push = self.push.offer(self.mail.as_ref())?;
        let Some(mail) = &self.mail else { return Ok(Outbound { safe_mode, mail: None, push }) };
        let web = WebAddress::new(&mail.web, self.http.base_domain.as_deref()).context("[mail] web")?;
        let mailer: Arc<dyn Mailer> = Arc::new(mail.mailer()?);
        Ok(Outbound { safe_mode, mail: Some((mailer, web)), push })
    }
}

impl Mail {
    /// Opens no connection.
    ///
    /// # Errors
    /// A setting that cannot be, named.
    pub fn mailer(&self) -> anyhow::Result<Smtp> {
        let password = self.password.as_ref().map(|source| source.read("[mail] password")).transpose()?;
        Smtp::new(self, password.as_deref().map(|text| text.trim_end_matches(['\r', '\n'])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(further: &str) -> anyhow::Result<Outbound> {
        let text = format!("[mail]\nfrom = \"avisos@isp.example\"\nweb = \"https://isp.example\"\n{further}");
        let config: Config = toml::from_str(&text)?;
        config.outbound(false)
    }

    #[test]
    fn a_wrong_setting_is_named() {
        assert!(read("host = \"smtp.example\"").unwrap().sends_mail());
        assert!(read("host = \"127.0.0.1\"\nencryption = \"none\"").unwrap().sends_mail());
        for (further, named) in [
            ("host = \"smtp.example\"\nencryption = \"none\"", "encryption"),
            ("host = \"smtp.example\"\nencryption = \"ssl\"", "ssl"),
            ("host = \"smtp.example\"\ntimeout_s = 60", "timeout_s"),
            ("host = \"smtp.example\"\nuser = \"x\"", "password"),
            ("host = \"smtp.example\"\npassword = \"hunter2\"", "file:PATH"),
            ("host = \"smtp.example\"\nuser = \"x\"\npassword = \"file:/nowhere\"", "[mail] password"),
            ("host = \"smtp.example\"\nca_file = \"/nowhere\"", "ca_file"),
            ("encryption = \"tls\"", "host"),
        ] {
            let error = read(further).err().map(|error| format!("{error:#}")).unwrap_or_default();
            assert!(error.contains(named), "{further}: {error}");
        }
        let config: Config =
            toml::from_str("[mail]\nhost = \"a\"\nfrom = \"x\"\nweb = \"https://a\"").unwrap();
        assert!(format!("{:#}", config.outbound(false).err().unwrap()).contains("from"));
        let config: Config =
            toml::from_str("[mail]\nhost = \"a\"\nfrom = \"x@y.example\"\nweb = \"a\"").unwrap();
        assert!(format!("{:#}", config.outbound(false).err().unwrap()).contains("web"));
        let config: Config = toml::from_str("").unwrap();
        assert!(!config.outbound(false).unwrap().sends_mail());
    }
}
