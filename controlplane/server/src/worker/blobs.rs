//! The daily sweep of blobs: bytes and rows that lost each other.

use super::every_tenant_id;
use atalaya_kernel::{
    Error,
    blobs::sweep,
    jobs::{Handler, Job},
    runtime::Runtime,
    schedule::{self, Days, Schedule},
    write_tx,
};
use std::sync::Arc;

const KIND: &str = "blobs.sweep";
/// 09:40 UTC, before the counters open in the Americas and after the hour of the copy.
const AT_MINUTE: u16 = 9 * 60 + 40;

/// Asks for the day's sweep once its hour has come; asking again changes nothing.
///
/// # Errors
/// The database's.
pub async fn ask(runtime: &Runtime) -> Result<(), Error> {
    let zone = "UTC".parse().expect("UTC is a zone everywhere");
    let schedule = Schedule::new(Days::Every, AT_MINUTE, zone).expect("a minute of the day");
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    write_tx!(platform, tx => { Ok(schedule::ask(&mut tx, &schedule, KIND, None, "daily", now).await?) })
}

/// Does it.
pub fn handler() -> Arc<dyn Handler> {
    Arc::new(Sweeping)
}

struct Sweeping;

#[async_trait::async_trait]
impl Handler for Sweeping {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let tenants = every_tenant_id(runtime).await?;
        let swept = sweep::run(runtime, &tenants, job).await?;
        tracing::info!(
            forgotten = swept.forgotten,
            orphans = swept.orphans,
            missing = swept.missing,
            "blobs were swept"
        );
        Ok(())
    }
}
