//! The installation's root and the tenants' issuing authorities: opened from their sealed rows, kept in memory for the
//! handshake.

use atalaya_kernel::{
    Ctx, Error,
    ids::{InstallationId, TenantId},
    runtime::Runtime,
    secrets::SecretBytes,
    time::Clock,
};
use atalaya_network::agents::authority::{self, KeyPair};
use atalaya_pki::{CertificateDer, IssuingAuthority, Root, UnixTime, server::AuthorityDirectory};
use parking_lot::RwLock;
use rustls::time_provider::TimeProvider;
use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

/// Root and authorities of an installation.
pub struct Authorities {
    runtime: Arc<Runtime>,
    installation: String,
    root: Root,
    known: RwLock<HashMap<String, Vec<CertificateDer<'static>>>>,
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorities").field("installation", &self.installation).finish_non_exhaustive()
    }
}

impl Authorities {
    /// Opens the root, making it on first start.
    ///
    /// # Errors
    /// The database's, or a root sealed under another installation key.
    pub async fn open(runtime: Arc<Runtime>, installation: &InstallationId) -> Result<Arc<Self>, Error> {
        let now = unix_time(runtime.clock.as_ref());
        let installation = installation.to_string();
        let make = || {
            let root = Root::generate(&installation, now).map_err(Error::internal)?;
            Ok(KeyPair {
                certificate: root.certificate().to_vec(),
                key: SecretBytes::new(root.key_der().to_vec()),
            })
        };
        let pair = authority::root_ensure(&runtime, &make).await?;
        let root =
            Root::load(&installation, &pair.certificate, pair.key.expose()).map_err(Error::internal)?;
        let opened = Self { runtime, installation, root, known: RwLock::default() };
        opened.refresh().await?;
        Ok(Arc::new(opened))
    }

    /// The root, for the gateway's certificate and for join strings.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The issuing authority of the context's tenant, made when there is none yet.
    ///
    /// # Errors
    /// The database's.
    pub async fn issuer(&self, ctx: &Ctx) -> Result<IssuingAuthority, Error> {
        let tenant = ctx.tenant().to_string();
        let now = self.now();
        let make = || {
            let made = self.root.issue_authority(&tenant, now).map_err(Error::internal)?;
            Ok(KeyPair {
                certificate: made.certificate().to_vec(),
                key: SecretBytes::new(made.key_der().to_vec()),
            })
        };
        let pair = authority::authority_ensure(ctx, &make).await?;
        let issuer =
            IssuingAuthority::load(&self.installation, &tenant, &pair.certificate, pair.key.expose())
                .map_err(Error::internal)?;
        self.remember(ctx.tenant(), issuer.certificate().clone());
        Ok(issuer)
    }

    /// Looks for authorities that other processes made.
    ///
    /// # Errors
    /// The database's.
    pub async fn refresh(&self) -> Result<(), Error> {
        for (tenant, certificate) in authority::authorities_list(&self.runtime).await? {
            self.remember(&tenant, CertificateDer::from(certificate));
        }
        Ok(())
    }

    fn remember(&self, tenant: &TenantId, certificate: CertificateDer<'static>) {
        let has = |known: &HashMap<String, Vec<CertificateDer<'static>>>| {
            known.get(tenant.as_str()).is_some_and(|certificates| certificates.contains(&certificate))
        };
        if !has(&self.known.read()) {
            self.known.write().entry(tenant.to_string()).or_default().push(certificate);
        }
    }

    pub(super) fn installation_id(&self) -> &str {
        &self.installation
    }

    pub(crate) fn now(&self) -> UnixTime {
        unix_time(self.runtime.clock.as_ref())
    }
}

impl AuthorityDirectory for Authorities {
    fn installation(&self) -> &str {
        &self.installation
    }

    fn authorities(&self, tenant: &str) -> Vec<CertificateDer<'static>> {
        self.known.read().get(tenant).cloned().unwrap_or_default()
    }
}

fn unix_time(clock: &dyn Clock) -> UnixTime {
    let ms = u64::try_from(clock.now().as_millis()).unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_millis(ms))
}

/// The control plane's clock, for judging certificates.
#[derive(Clone)]
pub struct PkiClock(pub Arc<dyn Clock>);

impl PkiClock {
    /// Now.
    pub fn now(&self) -> UnixTime {
        unix_time(self.0.as_ref())
    }
}

impl fmt::Debug for PkiClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PkiClock")
    }
}

impl TimeProvider for PkiClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.now())
    }
}
