//! The way to services that an installation is told of: never in the clear beyond this machine, and judged by the authorities
//! that the system trusts or by those of the setting.

use anyhow::{Context as _, bail};
use rustls::crypto::ring;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// Where Debian keeps the authorities that the system trusts.
pub(super) const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
/// What addresses of this machine begin with.
const HERE: [&str; 3] = ["http://127.0.0.1", "http://[::1]", "http://localhost"];

/// A service as a section of the configuration names it.
pub(super) struct Outside<'a> {
    /// `[secrets.transit]`.
    pub(super) section: &'static str,
    /// Name of the setting that holds the address.
    pub(super) setting: &'static str,
    pub(super) address: &'a str,
    /// Certificates (PEM) that its own is judged by; the system's when absent.
    pub(super) ca_file: Option<&'a Path>,
    /// How long a call may take.
    pub(super) within: Duration,
}

impl Outside<'_> {
    /// Whether it may be spoken with in the clear: it is of this machine.
    fn is_here(&self) -> bool {
        HERE.iter().any(|here| {
            self.address
                .strip_prefix(here)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        })
    }

    /// Looks at the address.
    ///
    /// # Errors
    /// One that cannot be, by the name of its setting.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let (section, setting) = (self.section, self.setting);
        if !(self.address.starts_with("https://") || self.is_here()) {
            bail!("{section} {setting} must be https://…: secrets would cross the network in the clear");
        }
        Ok(())
    }

    /// Prepares calls; makes none.
    ///
    /// # Errors
    /// A setting that cannot be, named.
    pub(super) fn agent(&self) -> anyhow::Result<ureq::Agent> {
        self.check()?;
        let (section, is_here) = (self.section, self.is_here());
        let mut config = ureq::Agent::config_builder()
            .timeout_global(Some(self.within))
            .http_status_as_error(false)
            .max_redirects(0);
        if !is_here {
            let path = self.ca_file.map_or_else(|| PathBuf::from(SYSTEM_ROOTS), Path::to_owned);
            config = config.tls_config(trusting(&path).with_context(|| format!("{section} ca_file"))?);
        }
        Ok(config.build().new_agent())
    }
}

/// TLS that trusts the authorities of a file (PEM).
///
/// # Errors
/// A file that cannot be read, or without a certificate.
pub(super) fn trusting(path: &Path) -> anyhow::Result<TlsConfig> {
    let pem = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let roots: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if roots.is_empty() {
        bail!("there is no certificate in {}", path.display());
    }
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::from(roots))
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .build())
}
