//! The durable job that carries out what was decided, and the one that takes it back.

use super::{
    DONE, Import, ImportState, RUN, RowResult, UNDONE,
    service::{demand_open, entity, shown, totals, turn},
    steps,
    store::{self, ImportRecord, RowRecord, Said},
};
use crate::{
    attachments,
    devices::{self, DeviceMode},
};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, NewEvent},
    fault,
    ids::{ImportId, UserId},
    jobs::{self, Job, LEASE_LOST, NewJob},
    runtime::Runtime,
    write_tx,
};
use atalaya_money::services;
use atalaya_people::customers;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

const KIND: &str = "network.import";
/// Rows done in one transaction: each makes a customer, a service and an attachment with all that belongs to them.
const CHUNK: i64 = 20;

/// Who decided, and what.
#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    import: ImportId,
    undo: bool,
    /// The person, so that what is made is theirs in the audit trail; none when no person of the tenant decided.
    user: Option<(UserId, String)>,
    /// Request in which it was decided.
    request: String,
}

/// Carries out what was decided, with the number of rows that the person saw; a durable job does it. What is left over can be decided
/// about later.
///
/// # Errors
/// Not found, `import_changed`, `device_enforces`, `import_busy`, `import_closed`, or without `import.run` and the rights to make
/// customers, services and attachments and to cut.
pub async fn import_run(ctx: &Ctx, id: &ImportId, expected_rows: i64) -> Result<Import, Error> {
    for right in [RUN, customers::WRITE, services::WRITE, services::SUSPEND, attachments::WRITE] {
        ctx.authorize(right)?;
    }
    write_tx!(ctx, tx => {
        let record = store::import_find(&mut tx, id).await?;
        demand_open(&record)?;
        demand_observing(&mut tx, &record).await?;
        let totals = totals(&store::rows_all(&mut tx, id).await?, &record.said()?)?;
        let rows = totals.attach + totals.add_service + totals.make_customer;
        if rows != expected_rows {
            let detail = format!("{rows} rows would be done now");
            return Err(Error::conflict_with("import_changed", detail, [("rows", json!(rows))]));
        }
        begin(ctx, &mut tx, &record, ImportState::Running, json!({"rows": rows})).await
    })
}

/// Takes back what the import made: attachments go, and services that it made end. What somebody changed since stays, and customers
/// do, without a service. A durable job does it.
///
/// # Errors
/// Not found, `device_enforces`, `import_busy`, `import_closed`, or without `import.run` and the rights that it needs.
pub async fn import_undo(ctx: &Ctx, id: &ImportId) -> Result<Import, Error> {
    for right in [RUN, services::WRITE, attachments::WRITE] {
        ctx.authorize(right)?;
    }
    write_tx!(ctx, tx => {
        let record = store::import_find(&mut tx, id).await?;
        demand_open(&record)?;
        demand_observing(&mut tx, &record).await?;
        begin(ctx, &mut tx, &record, ImportState::Undoing, json!({"undo": true})).await
    })
}

/// Demands that nothing which is made changes the router.
async fn demand_observing(tx: &mut TenantTx, record: &ImportRecord) -> Result<(), Error> {
    if devices::device_mode(tx, &record.device_id).await? == DeviceMode::Observe {
        return Ok(());
    }
    Err(Error::conflict("device_enforces", "an import runs while its device observes: switch it back first"))
}

async fn begin(
    ctx: &Ctx,
    tx: &mut TenantTx,
    record: &ImportRecord,
    to: ImportState,
    facts: serde_json::Value,
) -> Result<Import, Error> {
    turn(tx, ctx, &record.id, ImportState::Open, to).await?;
    let entry = Entry::new(RUN.0, entity(&record.id)).before(&json!({"state": record.state}))?;
    audit::record(ctx, tx, entry.after(&json!({"state": to, "what": facts}))?).await?;
    let user = match ctx.principal() {
        Principal::User { id, name } | Principal::Token { user: id, name, .. } => {
            Some((id.clone(), name.clone()))
        }
        _ => None,
    };
    let undo = to == ImportState::Undoing;
    let payload = Payload { import: record.id.clone(), undo, user, request: ctx.request_id().to_owned() };
    let job = NewJob {
        kind: KIND,
        tenant: Some(ctx.tenant().clone()),
        payload: serde_json::to_value(&payload).map_err(Error::internal)?,
        // An import runs as often as people decide: each time is a job of its own.
        dedupe_key: format!("{}/{}", record.id, record.version),
        run_at: ctx.now(),
    };
    jobs::enqueue(tx, job, ctx.now()).await?;
    tx.ring();
    let record = store::import_find(tx, &record.id).await?;
    shown(tx, record).await
}

/// Carries out imports and takes them back.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportJob;

#[async_trait::async_trait]
impl jobs::Handler for ImportJob {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let payload: Payload = serde_json::from_str(&job.payload).map_err(Error::internal)?;
        let tenant = job.tenant_id.clone().ok_or_else(|| Error::internal("an import belongs to a tenant"))?;
        let principal = match payload.user {
            Some((id, name)) => Principal::User { id, name },
            None => Principal::System(KIND),
        };
        let db = runtime.tenant(tenant);
        let ctx = Ctx::new(db, principal, Permissions::All, Scope::All, &payload.request).in_bulk();
        let work = if payload.undo { Work::Undo } else { Work::Do };
        match carry_out(&ctx, job, &payload.import, work).await {
            // The device was removed meanwhile, and its imports with it: nothing is left to do.
            Err(Error::NotFound) => Ok(()),
            other => other,
        }
    }
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Do,
    Undo,
}

async fn carry_out(ctx: &Ctx, job: &Job, id: &ImportId, work: Work) -> Result<(), Error> {
    let mut after = String::new();
    loop {
        let mut tx = ctx.begin_read().await?;
        let import = store::import_find(&mut tx, id).await?;
        let rows = match work {
            Work::Do => store::rows_to_do(&mut tx, id, &after, CHUNK).await?,
            Work::Undo => store::rows_made(&mut tx, id, &after, CHUNK).await?,
        };
        let observes = devices::device_mode(&mut tx, &import.device_id).await? == DeviceMode::Observe;
        tx.rollback().await?;
        let Some(last) = rows.last() else { return finish(ctx, job, id, work, End::Whole).await };
        // Somebody switched the device while it ran: what is not done by then is left over.
        if !observes {
            return finish(ctx, job, id, work, End::BrokenOff).await;
        }
        after.clone_from(&last.row_name);
        let said = import.said()?;
        match step(ctx, job, &import, &said, &rows, work).await {
            Ok(()) => {}
            Err(error @ (Error::Db(_) | Error::Conflict { code: LEASE_LOST, .. })) => return Err(error),
            // One of them is refused: each by itself, so that it holds back none of the others.
            Err(_) => one_by_one(ctx, job, &import, &said, &rows, work).await?,
        }
        fault::point("imports.between_chunks");
    }
}

/// All of these rows in one transaction.
async fn step(
    ctx: &Ctx,
    job: &Job,
    import: &ImportRecord,
    said: &Said,
    rows: &[RowRecord],
    work: Work,
) -> Result<(), Error> {
    write_tx!(ctx, tx => {
        jobs::hold(&mut tx, job, ctx.now()).await?;
        for row in rows {
            let done = match work {
                Work::Do => steps::row_do(ctx, &mut tx, import, said, row).await?,
                Work::Undo => steps::row_undo(ctx, &mut tx, row).await?,
            };
            if let Some(done) = done {
                store::row_result_set(&mut tx, &import.id, &done).await?;
            }
        }
        Ok(())
    })
}

async fn one_by_one(
    ctx: &Ctx,
    job: &Job,
    import: &ImportRecord,
    said: &Said,
    rows: &[RowRecord],
    work: Work,
) -> Result<(), Error> {
    for row in rows {
        let error = match step(ctx, job, import, said, std::slice::from_ref(row), work).await {
            Ok(()) => continue,
            Err(error @ (Error::Db(_) | Error::Conflict { code: LEASE_LOST, .. })) => return Err(error),
            Err(error) => error,
        };
        tracing::warn!(import = %import.id, code = error.code(), "a row of an import could not be done");
        // What could not be taken back was made all the same.
        let result = if work == Work::Do { Some(RowResult::Failed) } else { row.result };
        let failed = RowRecord {
            result,
            failure: Some(error.to_string()),
            failure_code: Some(error.code().to_owned()),
            ..row.clone()
        };
        write_tx!(ctx, tx => {
            jobs::hold(&mut tx, job, ctx.now()).await?;
            Ok(store::row_result_set(&mut tx, &import.id, &failed).await?)
        })?;
    }
    Ok(())
}

/// Whether all that was to do was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    BrokenOff,
}

/// The end of it, its event and the end of the job are one transaction. What was taken back in part can be gone on with.
async fn finish(ctx: &Ctx, job: &Job, id: &ImportId, work: Work, end: End) -> Result<(), Error> {
    let (from, to, kind) = match (work, end) {
        (Work::Do, _) => (ImportState::Running, ImportState::Open, DONE),
        (Work::Undo, End::Whole) => (ImportState::Undoing, ImportState::Closed, UNDONE),
        (Work::Undo, End::BrokenOff) => (ImportState::Undoing, ImportState::Open, UNDONE),
    };
    write_tx!(ctx, tx => {
        jobs::complete(&mut tx, job).await?;
        if work == Work::Undo {
            let device = store::import_find(&mut tx, id).await?.device_id;
            attachments::let_go_tell(ctx, &mut tx, &device).await?;
        }
        if store::import_state_set(&mut tx, id, from, to, ctx.now()).await? {
            let record = store::import_find(&mut tx, id).await?;
            let made = totals(&store::rows_all(&mut tx, id).await?, &record.said()?)?.made;
            let facts = json!({"id": id, "rows": made});
            let event = NewEvent::new(kind, entity(id), facts).related("device_id", &record.device_id);
            events::emit(ctx, &mut tx, event).await?;
        }
        Ok(())
    })
}
