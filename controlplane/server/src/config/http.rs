//! Web app and API: where they listen, behind what, and who is let in.

use super::Network;
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf};

/// Web app and API.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Address and TCP port.
    pub listen: SocketAddr,
    /// Whether a proxy in front speaks HTTPS, so that cookies must be `Secure`.
    pub https: bool,
    /// Domain below which each tenant has a host: `SLUG.isp.example`.
    pub base_domain: Option<String>,
    /// Proxies in front: from these peers alone `X-Forwarded-For` or `Forwarded` says who the client is.
    pub trusted_proxies: Vec<Network>,
    /// HTTPS by the program itself; plain HTTP when absent.
    pub tls: Option<Tls>,
    /// Address on which plain HTTP is sent on to HTTPS.
    pub redirect: Option<SocketAddr>,
    /// Who is let in; everybody when absent.
    pub allow: Option<Allow>,
}

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Tls {
    /// Files that somebody else keeps fresh; they are read again when they change.
    Files {
        /// Certificates in PEM form, the leaf first.
        certificate: PathBuf,
        /// Its key in PEM form.
        key: PathBuf,
    },
    /// Made by this machine, in the data folder: browsers warn until a person told them to trust it.
    SelfMade {
        /// Host names and addresses by which browsers reach it.
        names: Vec<String>,
    },
}

/// Who is let in. One of the two suffices; the machine itself always is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Allow {
    /// Addresses and networks.
    pub networks: Vec<Network>,
    /// Countries, ISO 3166 two letters; they need `country_file`.
    pub countries: Vec<String>,
    /// Which network is in which country, in MaxMind's format. It is read again when it changes.
    pub country_file: Option<PathBuf>,
}

impl Default for Http {
    fn default() -> Self {
        let listen = ([0, 0, 0, 0], 8080).into();
        Self {
            listen,
            https: false,
            base_domain: None,
            trusted_proxies: Vec::new(),
            tls: None,
            redirect: None,
            allow: None,
        }
    }
}

impl Http {
    /// Whether browsers speak HTTPS, to us or to a proxy in front.
    pub fn is_https(&self) -> bool {
        self.https || self.tls.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_comes_from_one_place() {
        let read = |text: &str| toml::from_str::<Http>(text);
        let http = read("[tls]\nfrom = \"files\"\ncertificate = \"/a\"\nkey = \"/b\"").unwrap();
        assert!(http.is_https());
        let names = Tls::SelfMade { names: vec!["a.example".to_owned()] };
        assert_eq!(read("[tls]\nfrom = \"self-made\"\nnames = [\"a.example\"]").unwrap().tls, Some(names));
        let wrong = read("[tls]\nfrom = \"files\"\ncertificate = \"/a\"").unwrap_err().to_string();
        assert!(wrong.contains("key"), "{wrong}");
        let wrong = read("[tls]\nfrom = \"magic\"").unwrap_err().to_string();
        assert!(wrong.contains("self-made"), "{wrong}");
        let wrong = read("[allow]\nnetworks = [\"10.0.0.0/99\"]").unwrap_err().to_string();
        assert!(wrong.contains("10.0.0.0/99"), "{wrong}");
    }
}
