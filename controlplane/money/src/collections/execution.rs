//! The decision to execute a previewed run.

use super::{
    Run, RunState, job,
    model::{ItemRow, RunRow},
    preview::{authorize, open, run_shown},
    store,
};
use crate::services;
use atalaya_kernel::{
    Ctx, Error, Permission,
    audit::{self, Entry},
    db::{DbError, TenantTx},
    events::EntityRef,
    ids::RunId,
    write_tx,
};
use atalaya_people::{
    approvals::{self, NewApproval, Operation},
    tenancy::{self, AutomaticCuts},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Name of the operation, as requests for a second person keep it.
pub(super) const EXECUTE: &str = "collections.execute";

/// What somebody decided about a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Decision {
    run: RunId,
    /// Version of the run that the person saw: who was taken out or in since is not what they meant.
    version: i64,
    services: i64,
    enable_automatic: bool,
}

/// Decides to execute a preview, with the number of services that the person saw; a durable job carries it out. Each debt
/// is read again then: whoever paid meanwhile is left alone. Who was taken out is not cut automatically for the same debt
/// either. Sent again while the run is being executed it changes nothing.
///
/// Where the ISP wants a second person for a run of this size, nothing is decided yet: the run stays a preview with a
/// request for approval.
///
/// # Errors
/// `numbers_changed` with the fresh totals, a run that is no preview any more, or without `collections.run`.
pub async fn run_execute(
    ctx: &Ctx,
    id: &RunId,
    expected_services: i64,
    enable_automatic: bool,
) -> Result<Run, Error> {
    authorize(ctx)?;
    write_tx!(ctx, tx => {
        let row = store::run_find(&mut tx, id).await?;
        let from = tenancy::settings(&mut tx).await?.two_person_cuts_from;
        let decision = Decision { run: id.clone(), version: row.version, services: expected_services, enable_automatic };
        if row.state == RunState::Preview && from > 0 && expected_services >= from {
            ask_second_person(ctx, &mut tx, &row, &decision).await?;
        } else {
            execute(ctx, &mut tx, &row, &decision).await?;
        }
        let row = store::run_find(&mut tx, id).await?;
        run_shown(ctx, &mut tx, row).await
    })
}

/// Leaves a request, for numbers that are right now.
async fn ask_second_person(
    ctx: &Ctx,
    tx: &mut TenantTx,
    row: &RunRow,
    decision: &Decision,
) -> Result<(), Error> {
    open(ctx, row)?;
    let included = store::items(tx, &row.id).await?.into_iter().filter(|item| item.included).count();
    if i64::try_from(included).unwrap_or(i64::MAX) != decision.services {
        return Err(numbers_changed(tx, row).await?);
    }
    let new = NewApproval {
        operation: EXECUTE,
        entity: EntityRef::new("cut_run", &row.id),
        summary: format!("Suspend {included} services"),
        payload: serde_json::to_value(decision).map_err(Error::internal)?,
    };
    approvals::approval_request(ctx, tx, new).await?;
    Ok(())
}

/// The execution of a run that somebody asked for and somebody else approves.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunExecution;

#[async_trait::async_trait]
impl Operation for RunExecution {
    fn name(&self) -> &'static str {
        EXECUTE
    }
    fn permission(&self) -> Permission {
        super::RUN
    }
    async fn run(&self, ctx: &Ctx, tx: &mut TenantTx, payload: &Value) -> Result<(), Error> {
        let decision: Decision = serde_json::from_value(payload.clone()).map_err(Error::internal)?;
        let row = store::run_find(tx, &decision.run).await?;
        if row.version != decision.version {
            return Err(numbers_changed(tx, &row).await?);
        }
        execute(ctx, tx, &row, &decision).await
    }
}

async fn execute(ctx: &Ctx, tx: &mut TenantTx, row: &RunRow, decision: &Decision) -> Result<(), Error> {
    let starts = row.state != RunState::Executing;
    if starts {
        open(ctx, row)?;
        // Before the services are read, so that nobody is taken out unnoticed from now on.
        if !store::run_state_set(tx, &row.id, RunState::Preview, RunState::Executing, ctx.now()).await? {
            return Err(Error::Db(DbError::Conflict));
        }
    }
    let (included, taken_out): (Vec<_>, Vec<_>) =
        store::items(tx, &row.id).await?.into_iter().partition(|item| item.included);
    if i64::try_from(included.len()).unwrap_or(i64::MAX) != decision.services {
        return Err(numbers_changed(tx, row).await?);
    }
    if starts {
        start(ctx, tx, row, &included, &taken_out, decision.enable_automatic).await?;
    }
    job::ask(ctx, tx, &row.id).await
}

async fn numbers_changed(tx: &mut TenantTx, row: &RunRow) -> Result<Error, Error> {
    let totals = store::totals(tx, std::slice::from_ref(&row.id)).await?;
    let fresh = totals.get(&row.id).copied().unwrap_or_default().in_currency(row.currency);
    let detail = format!("it would suspend {} services now", fresh.services);
    let params = [
        ("services", json!(fresh.services)),
        ("customers", json!(fresh.customers)),
        ("owed", json!(fresh.owed)),
    ];
    Ok(Error::conflict_with("numbers_changed", detail, params))
}

/// What a person decides by executing a run, besides the suspensions themselves.
async fn start(
    ctx: &Ctx,
    tx: &mut TenantTx,
    run: &RunRow,
    included: &[ItemRow],
    taken_out: &[ItemRow],
    enable_automatic: bool,
) -> Result<(), Error> {
    let tenant = tenancy::settings(tx).await?;
    let spared: Vec<_> = taken_out.iter().map(|item| item.service_id.clone()).collect();
    services::services_spare(tx, &spared, ctx.now().date_in(&tenant.time_zone), ctx.now()).await?;
    let facts = json!({"state": RunState::Executing, "services": included.len(), "taken_out": spared, "enable_automatic": enable_automatic});
    let entry = Entry::new(super::RUN.0, EntityRef::new("cut_run", &run.id));
    audit::record(ctx, tx, entry.before(&json!({"state": run.state}))?.after(&facts)?).await?;
    let automatic = match tenant.automatic_cuts {
        _ if enable_automatic => AutomaticCuts::On,
        // The first run was executed and the person chose to go on by hand.
        AutomaticCuts::OffUntilPreview => AutomaticCuts::Off,
        other => other,
    };
    tenancy::automatic_cuts_set(ctx, tx, automatic).await.map_err(|error| match error {
        // Somebody changed another setting at the same moment: run again on what is there now.
        Error::VersionConflict { .. } => Error::Db(DbError::Conflict),
        error => error,
    })
}
