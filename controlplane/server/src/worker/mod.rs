//! Work that nobody waits for: deliveries of events, durable jobs, and periodic passes over all tenants.

pub mod audit;
pub mod blobs;
pub mod search;
pub mod secrets;

use atalaya_kernel::{
    Ctx, Error, idempotency,
    ids::TenantId,
    jobs::{self, Handler},
    runtime::Runtime,
};
use atalaya_money::collections::RunJob;
use atalaya_network::{
    comparison::{self, ComparisonJob},
    imports::ImportJob,
};
use atalaya_operations::personal;
use atalaya_people::{links::LinkJob, messaging, tenancy};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How often money looks for what has become overdue.
const MONEY_EVERY: Duration = Duration::from_secs(60);
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(3_600);
const DAY_MS: i64 = 86_400_000;

/// Who does the durable jobs.
pub fn handlers() -> Vec<Arc<dyn Handler>> {
    vec![Arc::new(RunJob), Arc::new(LinkJob), Arc::new(ImportJob), Arc::new(ComparisonJob)]
}

/// Contexts of all tenants, for periodic work.
///
/// # Errors
/// The database's.
pub async fn every_tenant(runtime: &Arc<Runtime>, name: &'static str) -> Result<Vec<Ctx>, Error> {
    let tenants = every_tenant_id(runtime).await?;
    Ok(tenants.into_iter().map(|tenant| Ctx::system(runtime.tenant(tenant), name)).collect())
}

/// Ids of all tenants.
///
/// # Errors
/// The database's.
pub async fn every_tenant_id(runtime: &Runtime) -> Result<Vec<TenantId>, Error> {
    let mut tx = runtime.platform().begin_read().await?;
    let tenants = tenancy::tenant_ids(&mut tx).await?;
    tx.rollback().await?;
    Ok(tenants)
}

/// Overdue invoices are told and, where a tenant has automatic cuts on, suspended. One tenant's failure is logged and
/// does not hold back the others.
///
/// # Errors
/// The database's, when it stays away.
pub async fn money(runtime: Arc<Runtime>, stop: CancellationToken) -> Result<(), Error> {
    while !stop.is_cancelled() {
        for ctx in every_tenant(&runtime, "collections").await? {
            if let Err(error) = money_pass(&ctx).await {
                tracing::warn!(tenant = %ctx.tenant(), %error, "the pass over debts failed; it runs again in a minute");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(MONEY_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

/// Forgets what is only kept for a while: jobs that are done, after so many days. One tenant's failure is logged and does not hold
/// back the others.
///
/// # Errors
/// The database's, when it stays away.
pub async fn housekeeping(
    runtime: Arc<Runtime>,
    done_days: NonZeroU32,
    stop: CancellationToken,
) -> Result<(), Error> {
    while !stop.is_cancelled() {
        let before = runtime.clock.now().plus_millis(-i64::from(done_days.get()) * DAY_MS);
        match jobs::forget_done(&runtime, before).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "jobs that were done long ago were forgotten"),
            Err(error) => {
                tracing::warn!(%error, "old jobs could not be forgotten; it is tried again in an hour");
            }
        }
        blobs::ask(&runtime).await?;
        search::ask(&runtime).await?;
        for ctx in every_tenant(&runtime, "housekeeping").await? {
            let ctx = ctx.in_bulk();
            if let Err(error) = idempotency::forget(&ctx).await {
                tracing::warn!(%error, "old keys of requests could not be forgotten; it is tried again in an hour");
            }
            if let Err(error) = comparison::ask(&ctx).await {
                tracing::warn!(%error, "the comparison of the night could not be asked for; it is tried again in an hour");
            }
            if let Err(error) = personal::expire(&ctx).await {
                tracing::warn!(%error, "exports whose time is over could not be removed; it is tried again in an hour");
            }
            if let Err(error) = messaging::forget(&ctx).await {
                tracing::warn!(%error, "old notices could not be forgotten; it is tried again in an hour");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(HOUSEKEEPING_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

async fn money_pass(ctx: &Ctx) -> Result<(), Error> {
    atalaya_money::billing::overdue_pass(ctx).await?;
    let suspended = atalaya_money::collections::automatic_pass(ctx).await?;
    if suspended > 0 {
        tracing::info!(tenant = %ctx.tenant(), suspended, "suspended for debt");
    }
    Ok(())
}
