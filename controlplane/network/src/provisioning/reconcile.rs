//! Events are hints, the reconcile is the truth: both look at the service and do the same.

use super::{service_sync, store};
use atalaya_kernel::{
    Ctx, Error,
    events::Event,
    ids::{PlanId, ServiceId},
    outbox::Subscriber,
    runtime::Runtime,
    write_tx,
};
use atalaya_money::services;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Services looked at in one transaction.
const CHUNK: i64 = 50;
/// Agents keep reports until acknowledged; a report older than this comes no more, ms.
const REPORTS_KEPT_MS: i64 = 7 * 24 * 3_600_000;

/// Follows `service.*` and `plan.updated`: looks at the services they name.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServiceFollower;

#[async_trait::async_trait]
impl Subscriber for ServiceFollower {
    fn name(&self) -> &'static str {
        "network.services"
    }
    fn events(&self) -> &'static [&'static str] {
        &[
            "service.created",
            "service.suspended",
            "service.reconnected",
            "service.plan_changed",
            "service.terminated",
            "plan.updated",
        ]
    }
    async fn handle(&self, ctx: &Ctx, event: &Event) -> Result<(), Error> {
        if event.entity.kind == "plan" {
            let plan: PlanId = event.entity.id.parse().map_err(Error::internal)?;
            return plan_sync(ctx, &plan).await;
        }
        let id: ServiceId = event.entity.id.parse().map_err(Error::internal)?;
        write_tx!(ctx, tx => { service_sync(ctx, &mut tx, &id).await.map(drop) })
    }
}

async fn plan_sync(ctx: &Ctx, plan: &PlanId) -> Result<(), Error> {
    let ctx = ctx.clone().in_bulk();
    let mut after: Option<ServiceId> = None;
    loop {
        let mut tx = ctx.begin_read().await?;
        let chunk = services::services_by_plan(&mut tx, plan, after.as_ref(), CHUNK).await?;
        tx.rollback().await?;
        let Some(last) = chunk.last() else { return Ok(()) };
        after = Some(last.id.clone());
        write_tx!(ctx, tx => {
            for service in &chunk {
                service_sync(&ctx, &mut tx, &service.id).await?;
            }
            Ok(())
        })?;
    }
}

/// Looks at every attached service of the context's tenant; how many changed.
///
/// # Errors
/// The database's.
pub async fn reconcile_tenant(ctx: &Ctx) -> Result<usize, Error> {
    let ctx = ctx.clone().in_bulk();
    let (mut after, mut changed) = (String::new(), 0);
    loop {
        let mut tx = ctx.begin_read().await?;
        let chunk = store::services_after(&mut tx, &after, CHUNK).await?;
        tx.rollback().await?;
        let Some(last) = chunk.last() else { break };
        after = last.to_string();
        changed += write_tx!(ctx, tx => {
            let mut changed = 0_usize;
            for id in &chunk {
                changed += usize::from(service_sync(&ctx, &mut tx, id).await?);
            }
            Ok(changed)
        })?;
    }
    let before = ctx.now().plus_millis(-REPORTS_KEPT_MS);
    write_tx!(ctx, tx => { Ok(store::reports_prune(&mut tx, before).await?) })?;
    Ok(changed)
}

/// The network's own periodic work: the reconcile of every tenant, leases that ran out, jobs that nobody answered.
#[derive(Clone)]
pub struct Reconciler {
    runtime: Arc<Runtime>,
}

impl Reconciler {
    /// For an installation.
    pub fn new(runtime: Arc<Runtime>) -> Self {
        Self { runtime }
    }

    /// Works until told to stop.
    ///
    /// # Errors
    /// The database's, when it stays away: the process then ends and is started again.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        const SWEEP: Duration = Duration::from_secs(2);
        const SWEEPS_PER_RECONCILE: u32 = 150;
        let mut turn = 0_u32;
        while !stop.is_cancelled() {
            crate::agents::sessions::leases_sweep(&self.runtime).await?;
            crate::jobs::jobs_expire(&self.runtime).await?;
            if turn.is_multiple_of(SWEEPS_PER_RECONCILE) {
                self.reconcile_all().await?;
            }
            turn = turn.wrapping_add(1);
            tokio::select! {
                () = tokio::time::sleep(SWEEP) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    /// The full reconcile, once.
    ///
    /// # Errors
    /// The database's.
    pub async fn reconcile_all(&self) -> Result<usize, Error> {
        let mut tx = self.runtime.platform().begin_read().await?;
        let tenants = atalaya_people::tenancy::tenant_ids(&mut tx).await?;
        tx.rollback().await?;
        let mut changed = 0;
        for tenant in tenants {
            let ctx = Ctx::system(self.runtime.tenant(tenant), "network.reconcile");
            changed += reconcile_tenant(&ctx).await?;
            let ctx = ctx.in_bulk();
            crate::inventory::listings_keep(&ctx).await?;
            crate::imports::imports_keep(&ctx).await?;
        }
        if changed > 0 {
            tracing::warn!(
                services = changed,
                "the reconcile found services that no event had brought up to date"
            );
        }
        Ok(changed)
    }
}
