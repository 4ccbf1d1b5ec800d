//! Previews: who would be suspended, and who was taken out.

use super::{
    PREVIEWED, READ, RUN, Run, RunItem, RunState,
    debtors::{candidates, why},
    execution::EXECUTE,
    model::{ItemRow, RunRow, TotalsRow},
    store,
};
use crate::payments;
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::{DbError, TenantTx},
    events::{self, EntityRef, NewEvent},
    ids::{ApprovalId, RunId, ServiceId},
    money::Money,
    page::{Page, PageQuery},
    write_tx,
};
use atalaya_people::{
    approvals, customers,
    tenancy::{self, AutomaticCuts},
};
use atalaya_places::sites;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// A preview older than this cannot be executed.
const PREVIEW_GOOD_MS: i64 = 24 * 3_600_000;

/// A cut run is of the whole ISP: whoever sees a part of it only, neither previews nor executes one.
pub(super) fn authorize(ctx: &Ctx) -> Result<(), Error> {
    ctx.authorize_whole(RUN)
}

/// Previews a cut run: who would be suspended, how much they owe, why. Nothing is done.
///
/// # Errors
/// Without `collections.run`.
pub async fn run_create(ctx: &Ctx) -> Result<Run, Error> {
    authorize(ctx)?;
    let (_, created_by_id, created_by) = ctx.principal().parts();
    // Read outside of the writer's turn: the debts are read again before each suspension anyway.
    let mut tx = ctx.begin_read().await?;
    let tenant = tenancy::settings(&mut tx).await?;
    let row = RunRow {
        id: RunId::new(ctx.now()),
        state: RunState::Preview,
        created_by,
        grace_days: tenant.grace_days,
        tolerance: tenant.debt_tolerance,
        currency: tenant.currency,
        version: 1,
        created_at: ctx.now(),
    };
    let candidates = candidates(ctx, &mut tx, &tenant).await?;
    let customers: Vec<_> = candidates.iter().map(|(service, _)| service.customer_id.clone()).collect();
    let paid = payments::last_payments(&mut tx, &customers).await?;
    drop(tx);
    let items: Vec<_> = candidates
        .into_iter()
        .map(|(service, debt)| ItemRow {
            owed: debt.past_grace,
            days_overdue: debt.days_overdue,
            last_payment_at: paid.get(&service.customer_id).copied(),
            why: why(&debt, &service),
            spared_on: service.spared_on,
            included: true,
            exclusion_reason: None,
            result: None,
            failure: None,
            failure_code: None,
            service_id: service.id,
            customer_id: service.customer_id,
            site_id: service.site_id,
        })
        .collect();
    write_tx!(ctx, tx => {
        store::run_insert(&mut tx, &row, &created_by_id).await?;
        store::items_insert(&mut tx, &row.id, &items).await?;
        let entity = EntityRef::new("cut_run", &row.id);
        let facts = json!({"id": row.id, "services": items.len()});
        audit::record(ctx, &mut tx, Entry::new("collections.preview", entity.clone()).after(&facts)?).await?;
        events::emit(ctx, &mut tx, NewEvent::new(PREVIEWED, entity, facts)).await?;
        run_shown(ctx, &mut tx, row.clone()).await
    })
}

/// A run as it is shown, with its services.
pub(super) async fn run_shown(ctx: &Ctx, tx: &mut TenantTx, row: RunRow) -> Result<Run, Error> {
    let items = store::items(tx, &row.id).await?;
    let items = items_shown(tx, items, &row).await?;
    let first_preview = first_preview(tx).await?;
    let totals = store::totals(tx, std::slice::from_ref(&row.id)).await?;
    let mut waiting = waiting(ctx, tx, std::slice::from_ref(&row.id)).await?;
    let approval = waiting.remove(row.id.as_str());
    Ok(Run { approval_id: approval, ..shown(ctx, row, &totals, first_preview, items) })
}

/// The requests for a second person about some runs, by run.
async fn waiting(ctx: &Ctx, tx: &mut TenantTx, ids: &[RunId]) -> Result<BTreeMap<String, ApprovalId>, Error> {
    let found = approvals::pending_by_entity(tx, EXECUTE, ids.iter().map(RunId::as_str), ctx.now()).await?;
    Ok(found.into_iter().map(|(run, approval)| (run, approval.id)).collect())
}

async fn first_preview(tx: &mut TenantTx) -> Result<bool, Error> {
    Ok(tenancy::settings(tx).await?.automatic_cuts == AutomaticCuts::OffUntilPreview)
}

fn shown(
    ctx: &Ctx,
    row: RunRow,
    totals: &BTreeMap<RunId, TotalsRow>,
    first_preview: bool,
    items: Vec<RunItem>,
) -> Run {
    let too_old = row.state == RunState::Preview && ctx.now() >= row.created_at.plus_millis(PREVIEW_GOOD_MS);
    Run {
        // A run without any service has no row of totals.
        totals: totals.get(&row.id).map_or_else(
            || TotalsRow::default().in_currency(row.currency),
            |totals| totals.in_currency(row.currency),
        ),
        id: row.id,
        state: if too_old { RunState::Expired } else { row.state },
        created_at: row.created_at,
        created_by: row.created_by,
        grace_days: row.grace_days,
        tolerance: Money::new(row.tolerance, row.currency),
        items,
        first_preview,
        approval_id: None,
        version: row.version,
    }
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
        spared_on: item.spared_on,
        included: item.included,
        exclusion_reason: item.exclusion_reason,
        result: item.result,
        failure: item.failure,
        failure_code: item.failure_code,
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
    run_shown(ctx, &mut tx, row).await
}

/// Runs, newest first, without their services.
///
/// # Errors
/// Without `collections.read`, or a cursor of another list.
pub async fn runs_list(ctx: &Ctx, page: &PageQuery) -> Result<Page<Run>, Error> {
    ctx.authorize(READ)?;
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    let rows = store::runs_list(&mut tx, page.after()?, limit + 1).await?;
    let rows = Page::of(rows, limit, |row| row.id.clone())?;
    let ids: Vec<_> = rows.items.iter().map(|row| row.id.clone()).collect();
    let totals = store::totals(&mut tx, &ids).await?;
    let first_preview = first_preview(&mut tx).await?;
    let mut waiting = waiting(ctx, &mut tx, &ids).await?;
    Ok(rows.map(|row| {
        let approval = waiting.remove(row.id.as_str());
        Run { approval_id: approval, ..shown(ctx, row, &totals, first_preview, Vec::new()) }
    }))
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
    authorize(ctx)?;
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty() && !included);
    write_tx!(ctx, tx => {
        let row = store::run_find(&mut tx, id).await?;
        open(ctx, &row)?;
        // Before the services are touched, so that an execution at the same time sees all of this change or refuses it.
        if !store::run_state_set(&mut tx, id, RunState::Preview, RunState::Preview, ctx.now()).await? {
            return Err(Error::Db(DbError::Conflict));
        }
        let before = store::items(&mut tx, id).await?;
        let before: BTreeMap<_, _> = before.iter().filter(|item| services.contains(&item.service_id)).map(|item| (item.service_id.to_string(), item.included)).collect();
        for service in services {
            if !store::item_included_set(&mut tx, id, service, included, reason).await? {
                return Err(Error::invalid("/service_ids", "unknown", format!("{service} is not on this run")));
            }
        }
        let after: BTreeMap<_, _> = before.keys().map(|service| (service, included)).collect();
        let mut entry = Entry::new("collections.items_set", EntityRef::new("cut_run", id)).before(&before)?.after(&after)?;
        if let Some(reason) = reason {
            entry = entry.reason(reason);
        }
        audit::record(ctx, &mut tx, entry).await?;
        let row = store::run_find(&mut tx, id).await?;
        run_shown(ctx, &mut tx, row).await
    })
}

pub(super) fn open(ctx: &Ctx, row: &RunRow) -> Result<(), Error> {
    if row.state != RunState::Preview {
        return Err(Error::conflict("run_closed", "this run was executed already"));
    }
    if ctx.now() >= row.created_at.plus_millis(PREVIEW_GOOD_MS) {
        return Err(Error::conflict("run_expired", "this preview is older than a day: make a new one"));
    }
    Ok(())
}
