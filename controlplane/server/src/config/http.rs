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
    /// Ordered from a public authority, and renewed in time.
    Acme(Acme),
}

/// An authority that issues certificates over ACME (RFC 8555).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acme {
    /// Host names by which browsers reach it; each leads here, on port 80 too.
    pub names: Vec<String>,
    /// E-mail addresses that the authority writes to.
    pub contact: Vec<String>,
    /// Whether the authority's terms of service are agreed to.
    #[serde(default)]
    pub terms_agreed: bool,
    /// `letsencrypt`, `letsencrypt-staging`, or the URL of another authority's directory.
    #[serde(default = "Acme::usual")]
    pub directory: String,
    /// Certificates (PEM) by which the directory's own is judged; the system's when absent.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Port on which the authority asks: 80, but for an authority of one's own.
    #[serde(default = "Acme::usual_port")]
    pub proof_port: u16,
}

impl Acme {
    fn usual() -> String {
        "letsencrypt".to_owned()
    }

    fn usual_port() -> u16 {
        80
    }

    /// URL of the directory.
    pub fn directory_url(&self) -> &str {
        match self.directory.as_str() {
            "letsencrypt" => "https://acme-v02.api.letsencrypt.org/directory",
            "letsencrypt-staging" => "https://acme-staging-v02.api.letsencrypt.org/directory",
            url => url,
        }
    }

    /// Whether it can be meant.
    fn check(&self) -> Result<(), String> {
        let wrong = |name: &&String| {
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
            name.is_empty() || !is_name
        };
        if self.names.is_empty() {
            return Err(
                "http.tls.names is empty: name the hosts by which browsers reach this machine".to_owned()
            );
        }
        if let Some(name) = self.names.iter().find(wrong) {
            return Err(format!(
                "http.tls.names: {name:?} is no host name; every name is proven by itself, so there are no wildcards"
            ));
        }
        if !self.terms_agreed {
            return Err(
                "http.tls.terms_agreed has to be true: the authority issues to nobody who does not agree to \
                        its terms of service"
                    .to_owned(),
            );
        }
        Ok(())
    }
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

    /// Whether what is said of certificates can be meant.
    ///
    /// # Errors
    /// What is wrong, with the name of the setting and the mend.
    pub fn check(&self) -> Result<(), String> {
        let Some(Tls::Acme(acme)) = &self.tls else { return Ok(()) };
        if self.redirect.is_none() {
            return Err("http.tls from = \"acme\" needs http.redirect: the authority asks on port 80, and that door answers"
                .to_owned());
        }
        acme.check()
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
        let acme = "[tls]\nfrom = \"acme\"\nnames = [\"a.example\"]\ncontact = [\"ana@isp.example\"]\n";
        let Some(Tls::Acme(usual)) = read(acme).unwrap().tls else { panic!("it is ACME") };
        assert_eq!(usual.directory_url(), "https://acme-v02.api.letsencrypt.org/directory");
        let wrong = read(&format!("{acme}magic = 1")).unwrap_err().to_string();
        assert!(wrong.contains("magic"), "{wrong}");
        let wrong = read("[allow]\nnetworks = [\"10.0.0.0/99\"]").unwrap_err().to_string();
        assert!(wrong.contains("10.0.0.0/99"), "{wrong}");
    }

    #[test]
    fn an_order_that_cannot_be_meant_is_refused_with_its_mend() {
        let check = |redirect: &str, rest: &str| {
            let text = format!("{redirect}\n[tls]\nfrom = \"acme\"\ncontact = [\"ana@isp.example\"]\n{rest}");
            toml::from_str::<Http>(&text).unwrap().check()
        };
        let (redirect, agreed) = ("redirect = \"0.0.0.0:80\"", "terms_agreed = true");
        let names = |names: &str| format!("names = [{names}]\n{agreed}");
        assert_eq!(check(redirect, &names("\"isp.example\"")), Ok(()));
        assert!(check("", &names("\"isp.example\"")).unwrap_err().contains("http.redirect"));
        assert!(check(redirect, "names = [\"isp.example\"]").unwrap_err().contains("terms_agreed"));
        assert!(check(redirect, &names("")).unwrap_err().contains("http.tls.names"));
        for wrong in ["*.isp.example", "isp example", "a.example,b.example", ""] {
            assert!(check(redirect, &names(&format!("{wrong:?}"))).unwrap_err().contains(wrong), "{wrong}");
        }
    }
}
