//! Suspensions and reconnections without a person, at an interval.

use super::{
    debtors::{candidates, is_cut_automatically},
    suspension::{Trigger, decide},
};
use crate::{billing, payments, services};
use atalaya_kernel::{Ctx, Error, ids::CustomerId, write_tx};
use atalaya_people::tenancy::{self, AutomaticCuts, TenantState};

/// Customers looked at in one transaction when nothing is to be done for most of them.
const CHUNK: i64 = 500;

/// Brings back what is suspended for a debt that is none any more (a changed setting), and, where the tenant has
/// automatic cuts on, suspends what is past the grace days; how many were suspended. Nobody is suspended on a day that the
/// tenant spares nor outside of its hours of cuts (a later pass does it), nor while its people may change nothing: nobody could
/// bring a subscriber back. Called at an interval and safe to call at any time.
///
/// # Errors
/// The database's.
pub async fn automatic_pass(ctx: &Ctx) -> Result<usize, Error> {
    let ctx = &ctx.clone().in_bulk();
    bring_back(ctx).await?;
    let mut tx = ctx.begin_read().await?;
    let tenant = tenancy::settings(&mut tx).await?;
    let rests = tenant.state == TenantState::ReadOnly || !tenant.cuts_alone_at(ctx.now());
    if tenant.automatic_cuts != AutomaticCuts::On || rests {
        return Ok(0);
    }
    let candidates = candidates(ctx, &mut tx, &tenant).await?;
    drop(tx);
    let mut suspended = 0;
    for (service, debt) in candidates {
        if !is_cut_automatically(&debt, &service, &tenant) {
            continue;
        }
        let decided = write_tx!(ctx, tx => { decide(ctx, &mut tx, Trigger::Automatic, &service.id).await });
        match decided {
            Ok(changed) => suspended += usize::from(changed),
            // The others do not wait for this one; the next pass tries again.
            Err(error) => {
                tracing::warn!(service_id = %service.id, %error, "a suspension could not be decided");
            }
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
