//! Keeps the certificate fresh while the agent runs.

use std::{sync::Arc, time::Duration};

use atalaya_pki::{renewal, validity};
use rustls::time_provider::TimeProvider;
use tokio_util::sync::CancellationToken;

use super::{
    exchange::{EnrolError, renew},
    store::{Enrolled, IdentityStore},
    unix_time,
};
use crate::{core::backoff::Backoff, uplink::ports::ClockControl};

/// How often the date is looked at: a certificate lives for months.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);
const FIRST_RETRY: Duration = Duration::from_secs(60);

/// Renews at two thirds of the certificate's life, and at once when the gateway says that it ended.
pub struct Renewal {
    store: IdentityStore,
    gateways: Vec<String>,
    clock: Arc<dyn ClockControl>,
    floor: Arc<dyn TimeProvider>,
    jitter: u32,
    /// Both the schedule and the uplink ask; one exchange at a time.
    exchange: tokio::sync::Mutex<()>,
}

impl Renewal {
    /// For an enrolled agent; `jitter` is any random number of this process.
    pub fn new(
        store: IdentityStore,
        gateways: Vec<String>,
        clock: Arc<dyn ClockControl>,
        floor: Arc<dyn TimeProvider>,
        jitter: u32,
    ) -> Self {
        Self { store, gateways, clock, floor, jitter, exchange: tokio::sync::Mutex::new(()) }
    }

    /// Whether two thirds of the certificate's life have passed by the corrected clock.
    ///
    /// # Errors
    /// [`EnrolError::NotEnrolled`], unreadable files.
    pub fn is_due(&self) -> Result<bool, EnrolError> {
        let held = self.store.enrolled()?.ok_or(EnrolError::NotEnrolled)?;
        let due = renewal::due(validity(&held.certificate())?, self.jitter);
        Ok(unix_time(self.clock.now_ms()).as_secs() >= due.as_secs())
    }

    /// Renews now.
    ///
    /// # Errors
    /// [`EnrolError`].
    pub async fn renew(&self) -> Result<Enrolled, EnrolError> {
        let _one_at_a_time = self.exchange.lock().await;
        renew(&self.store, &self.gateways, Arc::clone(&self.floor)).await
    }

    /// Looks at the date until stopped. A failure is logged and tried again: the grace is half a year.
    ///
    /// # Errors
    /// None while running; the signature is that of a supervised task.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        let mut backoff = Backoff::new(FIRST_RETRY, LOOK_EVERY);
        loop {
            let wait = match self.renew_if_due().await {
                Ok(()) => {
                    backoff.succeeded();
                    LOOK_EVERY
                }
                Err(error) => {
                    tracing::warn!(%error, "the certificate was not renewed");
                    backoff.failed(rand::random())
                }
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn renew_if_due(&self) -> Result<(), EnrolError> {
        if self.is_due()? {
            let renewed = self.renew().await?;
            tracing::info!(agent = renewed.agent, "the certificate was renewed");
        }
        Ok(())
    }
}
