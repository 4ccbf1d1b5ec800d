//! The durable job that carries a decided run out.

use super::{
    EXECUTED, ItemResult, RunState, store,
    suspension::{Trigger, decide},
};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    db::TenantTx,
    events::{self, EntityRef, NewEvent},
    fault,
    ids::{RunId, ServiceId, UserId},
    jobs::{self, Job, LEASE_LOST, NewJob},
    runtime::Runtime,
    write_tx,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

const KIND: &str = "collections.run";
/// Services read at once; each is decided in a transaction of its own.
const CHUNK: i64 = 20;
/// While the database refuses, a service is tried again so often before it counts as failed.
const PATIENCE: i64 = 4;

/// Who decided, and what.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    run: RunId,
    /// The person, so that each suspension is theirs in the audit trail; none when no person of the tenant decided.
    user: Option<(UserId, String)>,
    /// Request in which it was decided.
    request: String,
}

/// Asks for the job in the transaction of the decision; asked again it is the same job.
pub(super) async fn ask(ctx: &Ctx, tx: &mut TenantTx, run: &RunId) -> Result<(), Error> {
    let user = match ctx.principal() {
        Principal::User { id, name } | Principal::Token { user: id, name, .. } => {
            Some((id.clone(), name.clone()))
        }
        _ => None,
    };
    let payload = Payload { run: run.clone(), user, request: ctx.request_id().to_owned() };
    let job = NewJob {
        kind: KIND,
        tenant: Some(ctx.tenant().clone()),
        payload: serde_json::to_value(&payload).map_err(Error::internal)?,
        dedupe_key: run.to_string(),
        run_at: ctx.now(),
    };
    jobs::enqueue(tx, job, ctx.now()).await?;
    jobs::revive(tx, KIND, run.as_str(), ctx.now()).await?;
    tx.ring();
    Ok(())
}

/// Carries out the runs that were decided.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunJob;

#[async_trait::async_trait]
impl jobs::Handler for RunJob {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let payload: Payload = serde_json::from_str(&job.payload).map_err(Error::internal)?;
        let tenant = job.tenant_id.clone().ok_or_else(|| Error::internal("a cut run belongs to a tenant"))?;
        let principal = match payload.user {
            Some((id, name)) => Principal::User { id, name },
            None => Principal::System(KIND),
        };
        let db = runtime.tenant(tenant);
        let ctx = Ctx::new(db, principal, Permissions::All, Scope::All, &payload.request).in_bulk();
        loop {
            let mut tx = ctx.begin_read().await?;
            let open = store::items_open(&mut tx, &payload.run, CHUNK).await?;
            tx.rollback().await?;
            if open.is_empty() {
                return finish(&ctx, job, &payload.run).await;
            }
            for service in &open {
                step(&ctx, job, &payload.run, service).await?;
            }
            fault::point("collections.between_chunks");
        }
    }
}

/// Decides one service. What cannot be decided is noted with its reason and does not hold back the others.
async fn step(ctx: &Ctx, job: &Job, run: &RunId, service: &ServiceId) -> Result<(), Error> {
    let decided = write_tx!(ctx, tx => {
        jobs::hold(&mut tx, job, ctx.now()).await?;
        decide(ctx, &mut tx, Trigger::Run(run), service).await
    });
    let error = match decided {
        Ok(_) => return Ok(()),
        Err(error @ Error::Conflict { code: LEASE_LOST, .. }) => return Err(error),
        Err(error @ Error::Db(_)) if job.attempts < PATIENCE => return Err(error),
        Err(error) => error,
    };
    tracing::warn!(service_id = %service, %error, "a suspension could not be decided");
    write_tx!(ctx, tx => {
        jobs::hold(&mut tx, job, ctx.now()).await?;
        Ok(store::item_result_set(&mut tx, run, service, ItemResult::Failed, Some(&error)).await?)
    })
}

/// The end of the run, its event and the end of the job are one transaction.
async fn finish(ctx: &Ctx, job: &Job, run: &RunId) -> Result<(), Error> {
    write_tx!(ctx, tx => {
        jobs::complete(&mut tx, job).await?;
        if store::run_state_set(&mut tx, run, RunState::Executing, RunState::Done, ctx.now()).await? {
            let totals = store::totals(&mut tx, std::slice::from_ref(run)).await?;
            let suspended = totals.get(run).map_or(0, |totals| totals.suspended);
            let facts = json!({"id": run, "services": suspended});
            events::emit(ctx, &mut tx, NewEvent::new(EXECUTED, EntityRef::new("cut_run", run), facts)).await?;
        }
        Ok(())
    })
}
