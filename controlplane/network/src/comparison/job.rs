//! The comparison of every night.

use super::service::comparison_make;
use crate::devices::{self, DeviceKind};
use atalaya_kernel::{
    Ctx, Error,
    ids::DeviceId,
    jobs::{self, Job},
    runtime::Runtime,
    schedule::{self, Days, Schedule},
    write_tx,
};
use atalaya_people::tenancy;
use std::sync::Arc;

const KIND: &str = "network.comparison";
/// When people sleep, and before they look, in the ISP's time zone: minutes of the day.
const AT_MINUTE: u16 = 5 * 60;

/// Asks for the comparison of the last night; asked again it is the same.
///
/// # Errors
/// The database's.
pub async fn ask(ctx: &Ctx) -> Result<(), Error> {
    write_tx!(ctx, tx => {
        let zone = tenancy::settings(&mut tx).await?.time_zone;
        let schedule = Schedule::new(Days::Every, AT_MINUTE, zone).map_err(Error::internal)?;
        Ok(schedule::ask(&mut tx, &schedule, KIND, Some(ctx.tenant()), "comparison", ctx.now()).await?)
    })
}

/// Compares every router of a tenant with its newest reading.
#[derive(Debug, Clone, Copy, Default)]
pub struct ComparisonJob;

#[async_trait::async_trait]
impl jobs::Handler for ComparisonJob {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let tenant =
            job.tenant_id.clone().ok_or_else(|| Error::internal("a comparison belongs to a tenant"))?;
        let ctx = Ctx::system(runtime.tenant(tenant), KIND).in_bulk();
        let mut after: Option<DeviceId> = None;
        loop {
            write_tx!(ctx, tx => { jobs::hold(&mut tx, job, ctx.now()).await })?;
            let mut tx = ctx.begin_read().await?;
            let next = devices::device_behind(&mut tx, after.as_ref(), DeviceKind::Routeros).await?;
            tx.rollback().await?;
            let Some(device) = next else { break };
            match comparison_make(&ctx, &device).await {
                Ok(_) => {}
                // Somebody removed it meanwhile.
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
            after = Some(device);
        }
        write_tx!(ctx, tx => { jobs::complete(&mut tx, job).await })
    }
}
