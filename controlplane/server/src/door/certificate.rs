//! The certificate that the door shows: from files that are read again when they change, or of a public authority.

use super::{domains::Domains, keeper::Keeper};
use crate::{
    adapters::{Authority, PkiClock},
    config::{Http, Tls},
};
use anyhow::Context;
use atalaya_kernel::{acme::Wanted, runtime::Runtime};
use atalaya_pki::{
    UnixTime,
    server::ShownCertificate,
    web::{self, ShownByName},
};
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
    source: Source,
    shown: Arc<ShownCertificate>,
    /// What is shown to whom.
    by_name: Arc<ShownByName>,
    clock: Arc<PkiClock>,
}

enum Source {
    Files(Files),
    Authority(Box<Ordered>),
}

/// What an authority issues for: the names of the configuration, and those that ISPs have of their own.
struct Ordered {
    keeper: Keeper,
    authority: Arc<Authority>,
    own: Vec<String>,
    directory: String,
    runtime: Arc<Runtime>,
    may_order: bool,
}

#[derive(Debug, Clone)]
struct Files {
    chain: PathBuf,
    key: PathBuf,
    /// Names of one that this machine makes itself.
    self_made: Option<Vec<String>>,
}

impl Certificate {
    /// Reads it, and makes it first where this machine is to; none where the door speaks no TLS. `may_order` says whether
    /// something may leave this installation.
    ///
    /// # Errors
    /// Settings that cannot be meant, and files that cannot be read or do not fit, with their names.
    pub(crate) async fn open(
        http: &Http,
        data: &Path,
        runtime: &Arc<Runtime>,
        may_order: bool,
    ) -> anyhow::Result<Option<Self>> {
        http.check().map_err(anyhow::Error::msg)?;
        let Some(tls) = &http.tls else { return Ok(None) };
        let clock = Arc::new(PkiClock(runtime.clock.clone()));
        let (source, first) = match tls {
            Tls::Files { certificate, key } => {
                let files = Files { chain: certificate.clone(), key: key.clone(), self_made: None };
                let read = files.read()?;
                (Source::Files(files), read)
            }
            Tls::SelfMade { names } => {
                anyhow::ensure!(
                    !names.is_empty(),
                    "http.tls.names is empty: name the hosts by which browsers reach this machine"
                );
                let files = Files::self_made(names, data);
                files.renew(clock.now())?;
                let read = files.read()?;
                (Source::Files(files), read)
            }
            Tls::Acme(settings) => {
                let authority = Arc::new(Authority::new(settings, runtime.clone())?);
                let directory = settings.directory_url().to_owned();
                let wanted = Wanted::new(&directory, &settings.names);
                let mut keeper =
                    Keeper::open(authority.clone(), wanted, runtime.clone(), may_order, false).await?;
                let read = match keeper.newer().await {
                    Ok(kept) => kept,
                    Err(error) => {
                        tracing::error!("the kept certificate cannot be shown: {error:#}");
                        None
                    }
                };
                let read = match read {
                    Some(read) => read,
                    // Browsers warn of it, and that is better than a door that does not open.
                    None => {
                        let files = Files::self_made(&settings.names, data);
                        files.renew(clock.now())?;
                        files.read()?
                    }
                };
                let (own, runtime) = (settings.names.clone(), runtime.clone());
                let ordered = Ordered { keeper, authority, own, directory, runtime, may_order };
                (Source::Authority(Box::new(ordered)), read)
            }
        };
        let shown = ShownCertificate::new(first).context("certificate and key of http.tls do not fit")?;
        let by_name = ShownByName::new(shown.clone());
        Ok(Some(Self { source, shown, by_name, clock }))
    }

    /// What it shows now.
    pub(crate) fn shown(&self) -> Arc<ShownCertificate> {
        self.shown.clone()
    }

    /// How TLS is spoken with it.
    ///
    /// # Errors
    /// TLS that cannot be had.
    pub(super) fn tls(&self) -> anyhow::Result<rustls::ServerConfig> {
        Ok(web::config(self.by_name.clone(), self.clock.clone())?)
    }

    /// Shows the newest one there is until told to stop; while there is none that can be read, the old one stays.
    ///
    /// # Errors
    /// None.
    pub(crate) async fn follow(self, stop: CancellationToken) -> anyhow::Result<()> {
        match self.source {
            Source::Files(files) => files.follow(&self.shown, &self.clock, stop).await,
            Source::Authority(ordered) => {
                let Ordered { keeper, authority, own, directory, runtime, may_order } = *ordered;
                let domains =
                    Domains { authority, directory, own, runtime, may_order, shown: self.by_name.clone() };
                tokio::try_join!(keeper.follow(self.shown, stop.clone()), domains.follow(stop)).map(drop)
            }
        }
    }
}

impl Files {
    /// One that this machine makes for these names, in its data folder.
    fn self_made(names: &[String], data: &Path) -> Self {
        let folder = data.join("tls");
        Self {
            chain: folder.join("certificate.pem"),
            key: folder.join("key.pem"),
            self_made: Some(names.to_vec()),
        }
    }

    /// Shows what the files hold, whenever that changes.
    async fn follow(
        self,
        shown: &ShownCertificate,
        clock: &PkiClock,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut seen = self.stamp();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let look = self.clone();
            let now = clock.now();
            let looked = tokio::task::spawn_blocking(move || {
                look.renew(now)?;
                let stamp = look.stamp();
                Ok::<_, anyhow::Error>((stamp != seen).then(|| look.read().map(|read| (stamp, read))))
            });
            match looked.await? {
                Ok(None) => {}
                Ok(Some(Ok((stamp, read)))) => match shown.replace(read) {
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
