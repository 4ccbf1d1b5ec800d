//! Keeps the certificate of a public authority: shows the one that any process of the installation got, and orders the next when
//! it is due, one process at a time.

use crate::adapters::{Authority, jitter};
use anyhow::Context;
use atalaya_kernel::{
    Error,
    acme::{self, Issued, Standing, Wanted},
    runtime::Runtime,
    time::Timestamp,
    write_tx,
};
use atalaya_pki::{ServerCertificate, server::ShownCertificate, web};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether another process got one, or one is due.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long an order may take: less than its claim holds.
const ORDER_WITHIN: Duration = Duration::from_secs(5 * 60);
/// How often it is written down that the certificate is wanted.
const WANT_EVERY: Duration = Duration::from_secs(30 * 60);

/// The certificate of some names.
pub(super) struct Keeper {
    authority: Arc<Authority>,
    wanted: Wanted,
    runtime: Arc<Runtime>,
    /// Whether something may leave this installation.
    may_order: bool,
    /// Issue that is shown; 0: none.
    seen: i64,
    said_wanted: Timestamp,
    /// Whether names are asked first whether they lead here: those that nobody wrote into the configuration.
    proves_first: bool,
    /// What failed last.
    told: String,
}

impl Keeper {
    /// Writes down that the certificate is wanted. Without `may_order` it only shows what is there; with `proves_first` names are
    /// asked first whether they lead here.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn open(
        authority: Arc<Authority>,
        wanted: Wanted,
        runtime: Arc<Runtime>,
        may_order: bool,
        proves_first: bool,
    ) -> Result<Self, Error> {
        let (said_wanted, told) = (runtime.clock.now(), String::new());
        let mut keeper =
            Self { authority, wanted, runtime, may_order, seen: 0, said_wanted, proves_first, told };
        keeper.want(said_wanted).await?;
        Ok(keeper)
    }

    async fn want(&mut self, now: Timestamp) -> Result<Standing, Error> {
        let platform = self.runtime.platform();
        let standing = write_tx!(platform, tx => { acme::want(&mut tx, &self.wanted, now).await })?;
        self.said_wanted = now;
        Ok(standing)
    }

    /// The newest certificate, if it is newer than the one that was taken last.
    ///
    /// # Errors
    /// One that does not open or cannot be read, or the database's.
    pub(super) async fn newer(&mut self) -> anyhow::Result<Option<ServerCertificate>> {
        let mut tx = self.runtime.platform().begin_read().await.map_err(Error::from)?;
        let standing = acme::find(&mut tx, &self.wanted).await?;
        let issued = match standing.issue > self.seen {
            true => acme::issued(&self.runtime, &mut tx, &self.wanted).await?,
            false => None,
        };
        tx.rollback().await.map_err(Error::from)?;
        let Some((issue, bundle)) = issued else { return Ok(None) };
        let read = web::read(bundle.expose(), bundle.expose()).context("the kept certificate")?;
        self.seen = issue;
        Ok(Some(read))
    }

    /// Shows and orders until told to stop. What fails is told and tried again.
    ///
    /// # Errors
    /// None.
    pub(super) async fn follow(
        mut self,
        shown: Arc<ShownCertificate>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            self.step(|newer| Ok(shown.replace(newer)?), &stop).await;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Looks once. What fails is told, once until it fails otherwise.
    pub(super) async fn step(
        &mut self,
        show: impl FnOnce(ServerCertificate) -> anyhow::Result<()>,
        stop: &CancellationToken,
    ) {
        let failed = match self.look(show, stop).await {
            Ok(()) => String::new(),
            Err(error) => format!("{error:#}"),
        };
        if !failed.is_empty() && failed != self.told {
            tracing::error!(names = self.wanted.shown(), "the certificate cannot be looked after: {failed}");
        }
        self.told = failed;
    }

    async fn look(
        &mut self,
        show: impl FnOnce(ServerCertificate) -> anyhow::Result<()>,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        let now = self.runtime.clock.now();
        if now >= self.said_wanted.plus(WANT_EVERY) {
            self.want(now).await?;
        }
        if let Some(newer) = self.newer().await? {
            show(newer)?;
            tracing::info!(names = self.wanted.shown(), "another certificate is shown from now on");
        }
        if !self.may_order {
            return Ok(());
        }
        let platform = self.runtime.platform();
        let mut tx = platform.begin_read().await.map_err(Error::from)?;
        let due = acme::find(&mut tx, &self.wanted).await?.is_due(now);
        tx.rollback().await.map_err(Error::from)?;
        if !due {
            return Ok(());
        }
        let claimed = write_tx!(platform, tx => { acme::claim(&mut tx, &self.wanted, now).await })?;
        let Some(fence) = claimed else { return Ok(()) };
        tokio::select! {
            outcome = tokio::time::timeout(ORDER_WITHIN, self.order()) => {
                let outcome = outcome.context("the authority did not come to an end").and_then(|ordered| ordered);
                self.settle(fence, outcome).await
            }
            () = stop.cancelled() => {
                write_tx!(platform, tx => { acme::release(&mut tx, &self.wanted, fence).await })?;
                Ok(())
            }
        }
    }

    async fn order(&self) -> anyhow::Result<Issued> {
        if self.proves_first {
            for name in self.wanted.names() {
                self.authority.demand_here(&name).await?;
            }
        }
        self.authority.order(&self.wanted).await
    }

    /// Keeps what was issued, or why nothing was.
    async fn settle(&self, fence: i64, outcome: anyhow::Result<Issued>) -> anyhow::Result<()> {
        let (platform, now) = (self.runtime.platform(), self.runtime.clock.now());
        let claim = (&self.wanted, fence);
        match outcome {
            Ok(issued) => {
                write_tx!(platform, tx => { acme::keep(&self.runtime, &mut tx, claim, &issued, now).await })?;
                tracing::info!(names = self.wanted.shown(), not_after = %issued.not_after, "a certificate was issued");
            }
            Err(error) => {
                let (why, jitter) = (format!("{error:#}"), jitter());
                let next_at =
                    write_tx!(platform, tx => { acme::failed(&mut tx, claim, &why, jitter, now).await })?;
                tracing::warn!(names = self.wanted.shown(), %next_at, "no certificate was issued: {why}");
            }
        }
        Ok(())
    }
}
