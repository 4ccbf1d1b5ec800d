use super::{
    EXECUTED, ItemResult, PREVIEWED, READ, RUN, Run, RunItem, RunState, RunTotals,
    model::{ItemRow, RunRow},
    store,
};
use crate::{
    billing::{self, Debt},
    payments,
    services::{self, Service, Status},
};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, NewEvent},
    ids::{CustomerId, RunId, ServiceId},
    money::Money,
    page::{Page, PageQuery},
    write_tx,
};
use atalaya_people::{
    customers,
    tenancy::{self, AutomaticCuts, Tenant},
};
use atalaya_places::sites;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// A preview older than this cannot be executed.
const PREVIEW_GOOD_MS: i64 = 24 * 3_600_000;

/// Customers to be cut on this day and what they owe.
async fn candidates(ctx: &Ctx, tx: &mut TenantTx, tenant: &Tenant) -> Result<Vec<(Service, Debt)>, Error> {
    let today = ctx.now().date_in(&tenant.time_zone);
    let mut by_customer: BTreeMap<CustomerId, Vec<_>> = BTreeMap::new();
    for invoice in billing::invoices_due(tx, today).await? {
        by_customer.entry(invoice.customer_id.clone()).or_default().push(invoice);
    }
    let debts: BTreeMap<CustomerId, Debt> = by_customer
        .into_iter()
        .map(|(customer, invoices)| (customer, billing::debt(&invoices, today, tenant.grace_days)))
        .filter(|(_, debt)| is_cut(debt, tenant))
        .collect();
    let customers: Vec<_> = debts.keys().cloned().collect();
    let services = services::services_of_customers(tx, &customers).await?;
    let active = services.into_iter().filter(|service| service.status == Status::Active);
    Ok(active.filter_map(|service| debts.get(&service.customer_id).map(|debt| (service, *debt))).collect())
}

fn is_cut(debt: &Debt, tenant: &Tenant) -> bool {
    debt.past_grace > tenant.debt_tolerance
}

fn why(debt: &Debt) -> String {
    format!("overdue {} days", debt.days_overdue)
}

/// Previews a cut run: who would be suspended, how much they owe, why. Nothing is done.
///
/// # Errors
/// Without `collections.run`.
pub async fn run_create(ctx: &Ctx) -> Result<Run, Error> {
    ctx.authorize(RUN)?;
    let (_, _, created_by) = ctx.principal().parts();
    write_tx!(ctx, tx => {
        let tenant = tenancy::settings(&mut tx).await?;
        let row = RunRow {
            id: RunId::new(ctx.now()),
            state: RunState::Preview,
            created_by: created_by.clone(),
            grace_days: tenant.grace_days,
            tolerance: tenant.debt_tolerance,
            currency: tenant.currency,
            version: 1,
            created_at: ctx.now(),
        };
        store::run_insert(&mut tx, &row).await?;
        let candidates = candidates(ctx, &mut tx, &tenant).await?;
        let customers: Vec<_> = candidates.iter().map(|(service, _)| service.customer_id.clone()).collect();
        let paid = payments::last_payments(&mut tx, &customers).await?;
        for (service, debt) in &candidates {
            let item = ItemRow {
                service_id: service.id.clone(),
                customer_id: service.customer_id.clone(),
                site_id: service.site_id.clone(),
                owed: debt.past_grace,
                days_overdue: debt.days_overdue,
                last_payment_at: paid.get(&service.customer_id).copied(),
                why: why(debt),
                included: true,
                exclusion_reason: None,
                result: None,
            };
            store::item_insert(&mut tx, &row.id, &item).await?;
        }
        let entity = EntityRef::new("cut_run", &row.id);
        let facts = json!({"id": row.id, "services": candidates.len()});
        audit::record(ctx, &mut tx, Entry::new("collections.preview", entity.clone()).after(&facts)?).await?;
        events::emit(ctx, &mut tx, NewEvent::new(PREVIEWED, entity, facts)).await?;
        shown(ctx, &mut tx, row, true).await
    })
}

/// A run as it is shown; with its services when asked.
async fn shown(ctx: &Ctx, tx: &mut TenantTx, row: RunRow, with_items: bool) -> Result<Run, Error> {
    let tenant = tenancy::settings(tx).await?;
    let rows = store::items(tx, &row.id).await?;
    let included: Vec<_> = rows.iter().filter(|item| item.included).collect();
    let debts: BTreeMap<_, _> = included.iter().map(|item| (&item.customer_id, item.owed)).collect();
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let totals = RunTotals {
        services: count(included.len()),
        customers: count(debts.len()),
        owed: Money::new(debts.values().sum(), row.currency),
        excluded: count(rows.len() - included.len()),
    };
    let items = if with_items { items_shown(tx, rows, &row).await? } else { Vec::new() };
    let too_old = row.state == RunState::Preview && ctx.now() >= row.created_at.plus_millis(PREVIEW_GOOD_MS);
    Ok(Run {
        id: row.id,
        state: if too_old { RunState::Expired } else { row.state },
        created_at: row.created_at,
        created_by: row.created_by,
        grace_days: row.grace_days,
        tolerance: Money::new(row.tolerance, row.currency),
        totals,
        items,
        first_preview: tenant.automatic_cuts == AutomaticCuts::OffUntilPreview,
        version: row.version,
    })
}

async fn items_shown(tx: &mut TenantTx, rows: Vec<ItemRow>, run: &RunRow) -> Result<Vec<RunItem>, Error> {
    let customers: BTreeSet<_> = rows.iter().map(|item| item.customer_id.clone()).collect();
    let customers = customers::customers_by_ids(tx, &customers.into_iter().collect::<Vec<_>>()).await?;
    let names: BTreeMap<_, _> = customers.into_iter().map(|customer| (customer.id, customer.name)).collect();
    let sites: BTreeSet<_> = rows.iter().map(|item| item.site_id.clone()).collect();
    let sites = sites::sites_by_ids(tx, &sites.into_iter().collect::<Vec<_>>()).await?;
    let site_names: BTreeMap<_, _> = sites.into_iter().map(|site| (site.id, site.name)).collect();
    let shown = rows.into_iter().map(|item| RunItem {
        customer_name: names.get(&item.customer_id).cloned().unwrap_or_default(),
        site_name: site_names.get(&item.site_id).cloned().unwrap_or_default(),
        owed: Money::new(item.owed, run.currency),
        service_id: item.service_id,
        customer_id: item.customer_id,
        site_id: item.site_id,
        days_overdue: item.days_overdue,
        last_payment_at: item.last_payment_at,
        why: item.why,
        included: item.included,
        exclusion_reason: item.exclusion_reason,
        result: item.result,
    });
    Ok(shown.collect())
}

/// One run with its services.
///
/// # Errors
/// Not found, or without `collections.read`.
pub async fn run_get(ctx: &Ctx, id: &RunId) -> Result<Run, Error> {
    ctx.authorize(READ)?;
    let mut tx = ctx.begin_read().await?;
    let row = store::run_find(&mut tx, id).await?;
    shown(ctx, &mut tx, row, true).await
}

/// Runs, newest first, without their services.
///
/// # Errors
/// Without `collections.read`, or a cursor of another list.
pub async fn runs_list(ctx: &Ctx, page: &PageQuery) -> Result<Page<Run>, Error> {
    ctx.authorize(READ)?;
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    let rows =
        Page::of(store::runs_list(&mut tx, page.after()?, limit + 1).await?, limit, |row| row.id.clone())?;
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(shown(ctx, &mut tx, row, false).await?);
    }
    Ok(Page { items, next_cursor: rows.next_cursor })
}

/// Takes services out of a preview, or back in.
///
/// # Errors
/// Not found, a run that is no preview any more, or without `collections.run`.
pub async fn run_items_set(
    ctx: &Ctx,
    id: &RunId,
    services: &[ServiceId],
    included: bool,
    reason: Option<&str>,
) -> Result<Run, Error> {
    ctx.authorize(RUN)?;
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty() && !included);
    write_tx!(ctx, tx => {
        let row = store::run_find(&mut tx, id).await?;
        open(ctx, &row)?;
        for service in services {
            if !store::item_included_set(&mut tx, id, service, included, reason).await? {
                return Err(Error::invalid("/service_ids", "unknown", format!("{service} is not on this run")));
            }
        }
        // Counted as a change, so that another person's older page is noticed.
        store::run_state_set(&mut tx, id, RunState::Preview, RunState::Preview, ctx.now()).await?;
        let facts = json!({"services": services, "included": included, "reason": reason});
        audit::record(ctx, &mut tx, Entry::new("collections.items_set", EntityRef::new("cut_run", id)).after(&facts)?).await?;
        let row = store::run_find(&mut tx, id).await?;
        shown(ctx, &mut tx, row, true).await
    })
}

fn open(ctx: &Ctx, row: &RunRow) -> Result<(), Error> {
    if row.state != RunState::Preview {
        return Err(Error::conflict("run_closed", "this run was executed already"));
    }
    if ctx.now() >= row.created_at.plus_millis(PREVIEW_GOOD_MS) {
        return Err(Error::conflict("run_expired", "this preview is older than a day: make a new one"));
    }
    Ok(())
}

/// Executes a preview with the number of services that the person saw. Each debt is read again; whoever paid meanwhile
/// is left alone.
///
/// # Errors
/// `numbers_changed` with the fresh number, a run that is no preview any more, or without `collections.run`.
pub async fn run_execute(
    ctx: &Ctx,
    id: &RunId,
    expected_services: i64,
    enable_automatic: bool,
) -> Result<Run, Error> {
    ctx.authorize(RUN)?;
    let items = write_tx!(ctx, tx => {
        let row = store::run_find(&mut tx, id).await?;
        if row.state != RunState::Executing {
            open(ctx, &row)?;
        }
        let included: Vec<_> = store::items(&mut tx, id).await?.into_iter().filter(|item| item.included).collect();
        let fresh = i64::try_from(included.len()).unwrap_or(i64::MAX);
        if fresh != expected_services {
            let params = [("services", json!(fresh))];
            return Err(Error::conflict_with("numbers_changed", format!("it would suspend {fresh} services now"), params));
        }
        // A run whose process died in the middle goes on where it stopped.
        if row.state == RunState::Preview {
            store::run_state_set(&mut tx, id, RunState::Preview, RunState::Executing, ctx.now()).await?;
            let facts = json!({"services": fresh, "enable_automatic": enable_automatic});
            audit::record(ctx, &mut tx, Entry::new(RUN.0, EntityRef::new("cut_run", id)).after(&facts)?).await?;
        }
        if enable_automatic {
            tenancy::automatic_cuts_set(ctx, &mut tx, AutomaticCuts::On).await?;
        }
        Ok(included)
    })?;
    let bulk = ctx.clone().in_bulk();
    for item in items.iter().filter(|item| item.result.is_none()) {
        let decided = decide(&bulk, Some(id), &item.service_id).await;
        if let Err(error) = decided {
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
        shown(ctx, &mut tx, row, true).await
    })
}

/// Suspends one service if its customer's debt still asks for it, in one transaction with the reading of the debt.
async fn decide(ctx: &Ctx, run: Option<&RunId>, service: &ServiceId) -> Result<bool, Error> {
    write_tx!(ctx, tx => {
        let tenant = tenancy::settings(&mut tx).await?;
        let service = services::service_find(&mut tx, service).await?;
        let unpaid = billing::invoices_unpaid(&mut tx, std::slice::from_ref(&service.customer_id)).await?;
        let debt = billing::debt(&unpaid, ctx.now().date_in(&tenant.time_zone), tenant.grace_days);
        let changed = is_cut(&debt, &tenant) && services::suspend_for_debt(ctx, &mut tx, &service, &why(&debt)).await?;
        if let Some(run) = run {
            let result = if changed { ItemResult::Suspended } else { ItemResult::AlreadyPaid };
            store::item_result_set(&mut tx, run, &service.id, result).await?;
        }
        Ok(changed)
    })
}

/// Suspends what is past the grace days, where the tenant has automatic cuts on; how many. Called at an interval and
/// safe to call at any time.
///
/// # Errors
/// The database's.
pub async fn automatic_pass(ctx: &Ctx) -> Result<usize, Error> {
    let ctx = &ctx.clone().in_bulk();
    let mut tx = ctx.begin_read().await?;
    let tenant = tenancy::settings(&mut tx).await?;
    if tenant.automatic_cuts != AutomaticCuts::On {
        return Ok(0);
    }
    let candidates = candidates(ctx, &mut tx, &tenant).await?;
    tx.rollback().await?;
    let mut suspended = 0;
    for (service, _) in candidates {
        suspended += usize::from(decide(ctx, None, &service.id).await?);
    }
    Ok(suspended)
}
