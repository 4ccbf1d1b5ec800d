//! Suspensions: of a previewed run, and without a person.

use super::{
    EXECUTED, ItemResult, Run, RunState,
    debtors::{candidates, is_cut, is_cut_automatically, why},
    model::{ItemRow, RunRow},
    preview::{authorize, open, run_shown},
    store,
};
use crate::{billing, payments, services};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::{DbError, TenantTx},
    events::{self, EntityRef, NewEvent},
    ids::{CustomerId, RunId, ServiceId},
    write_tx,
};
use atalaya_people::tenancy::{self, AutomaticCuts};
use serde_json::json;

/// Customers looked at in one transaction when nothing is to be done for most of them.
const CHUNK: i64 = 500;

/// Executes a preview with the number of services that the person saw. Each debt is read again; whoever paid meanwhile
/// is left alone. Who was taken out is not cut automatically for the same debt either. A run whose process died in the
/// middle goes on where it stopped.
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
    let items = write_tx!(ctx, tx => {
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
        Ok(included)
    })?;
    let bulk = ctx.clone().in_bulk();
    for item in items.iter().filter(|item| item.result.is_none()) {
        if let Err(error) = decide(&bulk, Trigger::Run(id), &item.service_id).await {
            tracing::warn!(service = %item.service_id, %error, "a suspension could not be decided");
            write_tx!(bulk, tx => { Ok(store::item_result_set(&mut tx, id, &item.service_id, ItemResult::Failed).await?) })?;
        }
    }
    write_tx!(ctx, tx => {
        if store::run_state_set(&mut tx, id, RunState::Executing, RunState::Done, ctx.now()).await? {
            let suspended = store::items(&mut tx, id).await?.iter().filter(|item| item.result == Some(ItemResult::Suspended)).count();
            let facts = json!({"id": id, "services": suspended});
            events::emit(ctx, &mut tx, NewEvent::new(EXECUTED, EntityRef::new("cut_run", id), facts)).await?;
        }
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

/// What asks for a suspension.
#[derive(Clone, Copy)]
enum Trigger<'r> {
    /// A person, by a run.
    Run(&'r RunId),
    /// The interval.
    Automatic,
}

/// Suspends one service if its customer's debt still asks for it, in one transaction with the reading of the debt.
async fn decide(ctx: &Ctx, trigger: Trigger<'_>, service: &ServiceId) -> Result<bool, Error> {
    write_tx!(ctx, tx => {
        let customer = services::service_find(&mut tx, service).await?.customer_id;
        billing::account_lock(&mut tx, &customer).await?;
        if let Trigger::Run(run) = trigger
            && !store::item_is_open(&mut tx, run, service).await?
        {
            return Ok(false);
        }
        let service = services::service_find(&mut tx, service).await?;
        let tenant = tenancy::settings(&mut tx).await?;
        let unpaid = billing::invoices_unpaid(&mut tx, std::slice::from_ref(&customer)).await?;
        let debt = billing::debt(&unpaid, ctx.now().date_in(&tenant.time_zone), tenant.grace_days);
        let wanted = match trigger {
            Trigger::Run(_) => is_cut(&debt, &tenant),
            Trigger::Automatic => is_cut_automatically(&debt, &service, &tenant),
        };
        let changed = wanted && services::suspend_for_debt(ctx, &mut tx, &service, &why(&debt, &service)).await?;
        if let Trigger::Run(run) = trigger {
            let result = if changed { ItemResult::Suspended } else { ItemResult::AlreadyPaid };
            store::item_result_set(&mut tx, run, &service.id, result).await?;
        }
        Ok(changed)
    })
}

/// Brings back what is suspended for a debt that is none any more (a changed setting), and, where the tenant has
/// automatic cuts on, suspends what is past the grace days; how many were suspended. Called at an interval and safe to
/// call at any time.
///
/// # Errors
/// The database's.
pub async fn automatic_pass(ctx: &Ctx) -> Result<usize, Error> {
    let ctx = &ctx.clone().in_bulk();
    bring_back(ctx).await?;
    let mut tx = ctx.begin_read().await?;
    let tenant = tenancy::settings(&mut tx).await?;
    if tenant.automatic_cuts != AutomaticCuts::On {
        return Ok(0);
    }
    let candidates = candidates(ctx, &mut tx, &tenant).await?;
    drop(tx);
    let mut suspended = 0;
    for (service, debt) in candidates {
        if !is_cut_automatically(&debt, &service, &tenant) {
            continue;
        }
        match decide(ctx, Trigger::Automatic, &service.id).await {
            Ok(changed) => suspended += usize::from(changed),
            // The others do not wait for this one; the next pass tries again.
            Err(error) => tracing::warn!(service = %service.id, %error, "a suspension could not be decided"),
        }
    }
    Ok(suspended)
}

async fn bring_back(ctx: &Ctx) -> Result<(), Error> {
    let mut after: Option<CustomerId> = None;
    loop {
        let mut tx = ctx.begin_read().await?;
        let tenant = tenancy::settings(&mut tx).await?;
        let today = ctx.now().date_in(&tenant.time_zone);
        let customers = services::customers_suspended_for_debt(&mut tx, after.as_ref(), CHUNK).await?;
        let balances = billing::balances(&mut tx, &customers, today, tenant.grace_days).await?;
        drop(tx);
        for customer in &customers {
            let overdue = balances.get(customer).map_or(0, |balance| balance.debt.overdue);
            if overdue <= tenant.debt_tolerance {
                write_tx!(ctx, tx => {
                    billing::account_lock(&mut tx, customer).await?;
                    payments::reconnect_if_settled(ctx, &mut tx, customer, "no debt that asks for a cut").await
                })?;
            }
        }
        match customers.into_iter().last() {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
    }
}
