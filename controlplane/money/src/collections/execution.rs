//! The decision to execute a previewed run.

use super::{
    Run, RunState, job,
    model::{ItemRow, RunRow},
    preview::{authorize, open, run_shown},
    store,
};
use crate::services;
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::{DbError, TenantTx},
    events::EntityRef,
    ids::RunId,
    write_tx,
};
use atalaya_people::tenancy::{self, AutomaticCuts};
use serde_json::json;

/// Decides to execute a preview, with the number of services that the person saw; a durable job carries it out. Each debt
/// is read again then: whoever paid meanwhile is left alone. Who was taken out is not cut automatically for the same debt
/// either. Sent again while the run is being executed it changes nothing.
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
        let starts = row.state != RunState::Executing;
        if starts {
            open(ctx, &row)?;
            // Before the services are read, so that nobody is taken out unnoticed from now on.
            if !store::run_state_set(&mut tx, id, RunState::Preview, RunState::Executing, ctx.now()).await? {
                return Err(Error::Db(DbError::Conflict));
            }
        }
        let (included, taken_out): (Vec<_>, Vec<_>) = store::items(&mut tx, id).await?.into_iter().partition(|item| item.included);
        if i64::try_from(included.len()).unwrap_or(i64::MAX) != expected_services {
            return Err(numbers_changed(&mut tx, &row).await?);
        }
        if starts {
            start(ctx, &mut tx, &row, &included, &taken_out, enable_automatic).await?;
        }
        job::ask(ctx, &mut tx, id).await?;
        let row = store::run_find(&mut tx, id).await?;
        run_shown(ctx, &mut tx, row).await
    })
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
