//! The month's billing.

use super::{
    BillingRun, ISSUE,
    model::InvoiceRow,
    rules,
    service::{SERIES, issue},
    store::{self, NewLine},
};
use crate::{
    catalog,
    services::{self, Service, Status},
};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::{DbError, TenantTx},
    events::EntityRef,
    ids::{InvoiceId, ServiceId},
    money::Money,
    time::Date,
    write_tx,
};
use atalaya_people::tenancy::{self, Tenant};

/// Services billed in one transaction, so that the writer is free again within 100 ms.
const CHUNK: i64 = 100;
const DEFAULT_DUE_DAY: i8 = 10;

/// Bills a month: one invoice for each active service that has none yet. May be killed and run again.
///
/// # Errors
/// A month that is none, or without `invoice.issue`.
pub async fn billing_run(ctx: &Ctx, year_month: &str, due_day: Option<i8>) -> Result<BillingRun, Error> {
    ctx.authorize_whole(ISSUE)?;
    let ctx = &ctx.clone().in_bulk();
    let tenant = tenancy::tenant_get(ctx).await?;
    let today = ctx.now().date_in(&tenant.time_zone);
    let wrong = || Error::invalid("/month", "malformed", "expected a month such as 2026-11");
    let (year, month) = year_month.split_once('-').ok_or_else(wrong)?;
    let (year, month) = (year.parse().map_err(|_| wrong())?, month.parse().map_err(|_| wrong())?);
    let due_day = due_day.unwrap_or(DEFAULT_DUE_DAY);
    if !(1..=31).contains(&due_day) {
        return Err(Error::invalid("/due_day", "out_of_range", "expected 1 to 31"));
    }
    let (from, to, due_on) = rules::month(year, month, due_day, today).ok_or_else(wrong)?;
    // A slip of the finger in the year would bill everybody for a month that nobody waits for.
    if from > today.end_of_month().plus_days(1) {
        return Err(Error::invalid("/month", "out_of_range", "at most one month ahead"));
    }
    let mut run = BillingRun { created: 0, skipped: 0, total: Money::zero(tenant.currency) };
    let mut after: Option<ServiceId> = None;
    loop {
        let step = write_tx!(ctx, tx => { chunk(ctx, &mut tx, &tenant, (from, to, due_on), today, after.as_ref()).await })?;
        run.created += step.created;
        run.skipped += step.skipped;
        run.total = run.total.plus(step.total).map_err(Error::internal)?;
        match step.last {
            Some(last) => after = Some(last),
            None => break,
        }
    }
    // Each invoice has its own row; this one says who asked for all of them, also when there was nothing left to bill.
    write_tx!(ctx, tx => {
        let entry = Entry::new("invoice.billing_run", EntityRef::new("billing_run", from)).after(&run)?;
        audit::record(ctx, &mut tx, entry).await
    })?;
    Ok(run)
}

struct Step {
    created: i64,
    skipped: i64,
    total: Money,
    last: Option<ServiceId>,
}

async fn chunk(
    ctx: &Ctx,
    tx: &mut TenantTx,
    tenant: &Tenant,
    (from, to, due_on): (Date, Date, Date),
    today: Date,
    after: Option<&ServiceId>,
) -> Result<Step, Error> {
    let services = services::services_by_status(tx, Some(Status::Active), after, CHUNK).await?;
    let mut step = Step {
        created: 0,
        skipped: 0,
        total: Money::zero(tenant.currency),
        last: services.last().map(|service| service.id.clone()),
    };
    let ids: Vec<_> = services.iter().map(|service| service.id.clone()).collect();
    let billed = store::billed(tx, &ids, from).await?;
    let mut plans: Vec<_> = services.iter().map(|service| service.plan_id.clone()).collect();
    plans.sort();
    plans.dedup();
    let plans = catalog::plans_by_ids(tx, &plans).await?;
    for Service { id, customer_id, plan_id, starts_on, .. } in services {
        let plan = plans
            .iter()
            .find(|plan| plan.id == plan_id)
            .ok_or_else(|| Error::internal("a service has a plan"))?;
        if billed.contains(&id) || starts_on > to || plan.price.amount == 0 {
            step.skipped += 1;
            continue;
        }
        let row = InvoiceRow {
            id: InvoiceId::new(ctx.now()),
            number: store::number_next(tx, SERIES).await?,
            customer_id,
            service_id: Some(id),
            period_from: Some(from),
            period_to: Some(to),
            issued_on: today,
            due_on,
            currency: tenant.currency,
            total: plan.price.amount,
            fees: 0,
            paid: 0,
            voided: false,
            version: 1,
            created_at: ctx.now(),
        };
        let line = NewLine { description: &plan.name, amount: plan.price.amount, is_fee: false };
        match issue(ctx, tx, row, line, today).await? {
            Some(invoice) => {
                step.created += 1;
                step.total = step.total.plus(invoice.total).map_err(Error::internal)?;
            }
            // Somebody billed it between our look and our insert: run the chunk again, so that no number is lost.
            None => return Err(Error::Db(DbError::Conflict)),
        }
    }
    Ok(step)
}
