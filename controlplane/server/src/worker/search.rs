//! The index of the search: made once for each tenant that was there before it, and anew by command.

use super::every_tenant_id;
use atalaya_kernel::{
    Ctx, Error,
    jobs::{self, Handler, Job, NewJob},
    runtime::Runtime,
    search::{self, Rebuilt},
    write_tx,
};
use atalaya_operations::search::SOURCES;
use std::sync::Arc;

const KIND: &str = "search.rebuild";
/// How words are kept. Another number has every index made anew once: raise it when `kernel/src/search/words.rs` or what the
/// domains are found by changes.
const FORMAT: u32 = 1;

/// Asks for each tenant's index of this format; asking again changes nothing.
///
/// # Errors
/// The database's.
pub async fn ask(runtime: &Runtime) -> Result<(), Error> {
    let now = runtime.clock.now();
    for tenant in every_tenant_id(runtime).await? {
        let dedupe_key = format!("{FORMAT}/{tenant}");
        let job = NewJob {
            kind: KIND,
            tenant: Some(tenant),
            payload: serde_json::json!({}),
            dedupe_key,
            run_at: now,
        };
        let platform = runtime.platform();
        write_tx!(platform, tx => { Ok(jobs::enqueue(&mut tx, job.clone(), now).await?) })?;
    }
    Ok(())
}

/// Makes a tenant's index anew.
///
/// # Errors
/// The database's, or a lease that was lost.
pub async fn rebuild(ctx: &Ctx, job: Option<&Job>) -> Result<Rebuilt, Error> {
    search::rebuild(ctx, SOURCES, job).await
}

/// Does the jobs.
pub fn handler() -> Arc<dyn Handler> {
    Arc::new(Rebuilding)
}

struct Rebuilding;

#[async_trait::async_trait]
impl Handler for Rebuilding {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let tenant = job.tenant_id.clone().ok_or_else(|| Error::internal("the job is a tenant's"))?;
        let ctx = Ctx::system(runtime.tenant(tenant), "search").in_bulk();
        let rebuilt = rebuild(&ctx, Some(job)).await?;
        tracing::info!(tenant = %ctx.tenant(), written = rebuilt.written, removed = rebuilt.removed, "the index of the search was made");
        Ok(())
    }
}
