//! Certificates of the host names that ISPs have of their own: each is ordered by itself, so that one that does not lead here
//! holds up no other.

use super::keeper::Keeper;
use crate::adapters::Authority;
use atalaya_kernel::{Error, acme::Wanted, runtime::Runtime};
use atalaya_people::tenancy;
use atalaya_pki::web::ShownByName;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How often it is looked which there are.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// The keepers of these names.
pub(super) struct Domains {
    pub(super) authority: Arc<Authority>,
    pub(super) directory: String,
    /// Names that the installation's own certificate is for.
    pub(super) own: Vec<String>,
    pub(super) runtime: Arc<Runtime>,
    pub(super) may_order: bool,
    pub(super) shown: Arc<ShownByName>,
}

impl Domains {
    /// Keeps one for each until told to stop. What fails is told and tried again.
    ///
    /// # Errors
    /// None.
    pub(super) async fn follow(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut keepers = BTreeMap::new();
        let mut told = String::new();
        loop {
            let failed = match self.agree(&mut keepers).await {
                Ok(()) => String::new(),
                Err(error) => format!("{:#}", anyhow::Error::from(error)),
            };
            if !failed.is_empty() && failed != told {
                tracing::error!("it cannot be told which host names ISPs have: {failed}");
            }
            told = failed;
            for (name, keeper) in &mut keepers {
                keeper.step(|newer| Ok(self.shown.show(name, newer)?), &stop).await;
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Makes a keeper for each new name, and lets go of those whose name was taken away.
    async fn agree(&self, keepers: &mut BTreeMap<String, Keeper>) -> Result<(), Error> {
        let mut tx = self.runtime.platform().begin_read().await?;
        let domains: BTreeSet<_> = tenancy::domains(&mut tx).await?.into_iter().collect();
        tx.rollback().await?;
        keepers.retain(|name, _| {
            let stays = domains.contains(name);
            if !stays {
                self.shown.forget(name);
            }
            stays
        });
        for name in domains {
            if keepers.contains_key(&name) || self.own.iter().any(|own| own.eq_ignore_ascii_case(&name)) {
                continue;
            }
            let wanted = Wanted::new(&self.directory, std::slice::from_ref(&name));
            let (authority, runtime) = (self.authority.clone(), self.runtime.clone());
            keepers.insert(name, Keeper::open(authority, wanted, runtime, self.may_order, true).await?);
        }
        Ok(())
    }
}
