//! Keys that are replaced while everything runs: what a process has to do for it.

use super::every_tenant_id;
use atalaya_kernel::{
    Error,
    jobs::{Handler, Job},
    runtime::Runtime,
    secrets::{
        reseal::{self, SealedColumn},
        rotation,
    },
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How often keys are looked for that another process made: within [`rotation::ANNOUNCED_MS`] of it, with room to spare.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looks after which tenants' keys in memory are forgotten: a destroyed one is gone after a minute.
const LOOKS_PER_FORGETTING: u32 = 60;

/// Every column that holds sealed values.
pub fn sealed_columns() -> Vec<SealedColumn> {
    [reseal::COLUMNS, atalaya_people::SEALED, atalaya_network::SEALED].concat()
}

/// Does the jobs that bring what is sealed over to the newest key.
pub fn handler() -> Arc<dyn Handler> {
    Arc::new(Resealing(sealed_columns()))
}

struct Resealing(Vec<SealedColumn>);

#[async_trait::async_trait]
impl Handler for Resealing {
    fn kind(&self) -> &'static str {
        rotation::RESEAL
    }

    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let tenants = every_tenant_id(runtime).await?;
        reseal::run(runtime, &self.0, &tenants, job).await?;
        tracing::info!(
            tenant = job.tenant_id.as_ref().map(|tenant| tenant.as_str()),
            "what was sealed lies under the newest key; the old one is destroyed"
        );
        Ok(())
    }
}

/// Learns keys that other processes make, until told to stop. A look that fails is told once, and again when it fails
/// otherwise: what is known stays known.
///
/// # Errors
/// None; it ends when told to.
pub async fn learn(runtime: Arc<Runtime>, stop: CancellationToken) -> Result<(), Error> {
    let mut told = String::new();
    let mut looks = 0_u32;
    while !stop.is_cancelled() {
        let failed = match rotation::learn(&runtime).await {
            Ok(()) => String::new(),
            Err(error) => format!("{:#}", anyhow::Error::from(error)),
        };
        if !failed.is_empty() && failed != told {
            tracing::error!("a platform key cannot be learnt: {failed}");
        }
        told = failed;
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(LOOKS_PER_FORGETTING) {
            rotation::forget(&runtime);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}
