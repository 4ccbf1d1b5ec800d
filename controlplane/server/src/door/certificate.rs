//! The certificate that the door shows, from files that are read again when they change.

use crate::{adapters::PkiClock, config::Tls};
use anyhow::Context;
use atalaya_kernel::runtime::Runtime;
use atalaya_pki::{UnixTime, server::ShownCertificate, web};
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether the files changed.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// A chain and its key, and where they come from.
pub(crate) struct Certificate {
    files: Files,
    shown: Arc<ShownCertificate>,
    clock: Arc<PkiClock>,
}

#[derive(Debug, Clone)]
struct Files {
    chain: PathBuf,
    key: PathBuf,
    /// Names of one that this machine makes itself.
    self_made: Option<Vec<String>>,
}

impl Certificate {
    /// Reads it, and makes it first where this machine is to.
    ///
    /// # Errors
    /// Files that cannot be read or do not fit, with their names.
    pub(crate) fn open(tls: &Tls, data: &Path, runtime: &Arc<Runtime>) -> anyhow::Result<Self> {
        let files = match tls {
            Tls::Files { certificate, key } => {
                Files { chain: certificate.clone(), key: key.clone(), self_made: None }
            }
            Tls::SelfMade { names } => {
                anyhow::ensure!(
                    !names.is_empty(),
                    "http.tls.names is empty: name the hosts by which browsers reach this machine"
                );
                let folder = data.join("tls");
                Files {
                    chain: folder.join("certificate.pem"),
                    key: folder.join("key.pem"),
                    self_made: Some(names.clone()),
                }
            }
        };
        let clock = Arc::new(PkiClock(runtime.clock.clone()));
        files.renew(clock.now())?;
        let shown =
            ShownCertificate::new(files.read()?).context("certificate and key of http.tls do not fit")?;
        Ok(Self { files, shown, clock })
    }

    /// How TLS is spoken with it.
    ///
    /// # Errors
    /// TLS that cannot be had.
    pub(super) fn tls(&self) -> anyhow::Result<rustls::ServerConfig> {
        Ok(web::config(self.shown.clone(), self.clock.clone())?)
    }

    /// Shows what the files hold, whenever that changes; what cannot be read leaves the old one. Until told to stop.
    ///
    /// # Errors
    /// None.
    pub(crate) async fn follow(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut seen = self.files.stamp();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let look = self.files.clone();
            let now = self.clock.now();
            let looked = tokio::task::spawn_blocking(move || {
                look.renew(now)?;
                let stamp = look.stamp();
                Ok::<_, anyhow::Error>((stamp != seen).then(|| look.read().map(|read| (stamp, read))))
            });
            match looked.await? {
                Ok(None) => {}
                Ok(Some(Ok((stamp, read)))) => match self.shown.replace(read) {
                    Ok(()) => {
                        seen = stamp;
                        tracing::info!("another certificate is shown from now on");
                    }
                    // A chain and its key are two files: between the two they do not fit.
                    Err(error) => {
                        tracing::warn!(%error, "the new certificate cannot be shown, the old one stays");
                    }
                },
                Ok(Some(Err(error))) | Err(error) => {
                    tracing::warn!("the certificate cannot be read, the old one stays: {error:#}");
                }
            }
        }
    }
}

impl Files {
    fn read(&self) -> anyhow::Result<atalaya_pki::ServerCertificate> {
        let bytes =
            |path: &Path| fs::read(path).with_context(|| format!("http.tls: cannot read {}", path.display()));
        let (chain, key) = (bytes(&self.chain)?, zeroize::Zeroizing::new(bytes(&self.key)?));
        web::read(&chain, &key)
            .with_context(|| format!("http.tls: {} with {}", self.chain.display(), self.key.display()))
    }

    /// When each was last changed; nothing where that cannot be told.
    fn stamp(&self) -> [Option<std::time::SystemTime>; 2] {
        [&self.chain, &self.key].map(|path| fs::metadata(path).and_then(|about| about.modified()).ok())
    }

    /// Makes one where this machine is to and there is none, it names others, or it is past two thirds of its life.
    fn renew(&self, now: UnixTime) -> anyhow::Result<()> {
        let Some(names) = &self.self_made else { return Ok(()) };
        let fresh = self.read().ok().is_some_and(|read| {
            web::names(&read) == *names
                && ShownCertificate::new(read).and_then(|shown| shown.is_due(now)).is_ok_and(|due| !due)
        });
        if fresh {
            return Ok(());
        }
        let made = web::self_made(names, now).context("http.tls.names")?;
        let folder = self.chain.parent().context("a file lies in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        write(&self.key, &made.key, 0o600)?;
        write(&self.chain, &made.chain, 0o644)?;
        tracing::info!(path = %self.chain.display(), "made a certificate; browsers warn until they are told to trust it");
        Ok(())
    }
}

/// In one step, so that nobody reads half of it.
fn write(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    let written = (|| {
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&part, path)
    })();
    written.with_context(|| format!("cannot write {}", path.display()))
}
