//! Whom this program trusts when it asks others by https.

use anyhow::{Context as _, bail};
use rustls::crypto::ring;
use std::{fs, path::Path, sync::Arc};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// Where Debian keeps the authorities that the system trusts.
pub(super) const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

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
