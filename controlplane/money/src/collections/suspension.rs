//! One suspension for debt: the debt is read and acted on in one transaction.

use super::{
    ItemResult,
    debtors::{is_cut, is_cut_automatically, why},
    store,
};
use crate::{billing, services};
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    ids::{RunId, ServiceId},
};
use atalaya_people::tenancy::{self, TenantState};

/// What asks for a suspension.
#[derive(Clone, Copy)]
pub(super) enum Trigger<'r> {
    /// A person, by a run.
    Run(&'r RunId),
    /// The interval.
    Automatic,
}

/// Suspends one service if its customer's debt still asks for it; whether it changed. Refused while the tenant is read-only.
pub(super) async fn decide(
    ctx: &Ctx,
    tx: &mut TenantTx,
    trigger: Trigger<'_>,
    service: &ServiceId,
) -> Result<bool, Error> {
    let customer = services::service_find(tx, service).await?.customer_id;
    billing::account_lock(tx, &customer).await?;
    if let Trigger::Run(run) = trigger
        && !store::item_is_open(tx, run, service).await?
    {
        return Ok(false);
    }
    let service = services::service_find(tx, service).await?;
    let tenant = tenancy::settings(tx).await?;
    // Again in the transaction that cuts: its people could not bring anybody back.
    if tenant.state == TenantState::ReadOnly {
        return Err(tenancy::read_only(&tenant));
    }
    let unpaid = billing::invoices_unpaid(tx, std::slice::from_ref(&customer)).await?;
    let debt = billing::debt(&unpaid, ctx.now().date_in(&tenant.time_zone), tenant.grace_days);
    let wanted = match trigger {
        Trigger::Run(_) => is_cut(&debt, &tenant),
        // A pass that began in the last minute of the hours of cuts goes no further.
        Trigger::Automatic => {
            tenant.cuts_alone_at(ctx.now()) && is_cut_automatically(&debt, &service, &tenant)
        }
    };
    let changed = wanted && services::suspend_for_debt(ctx, tx, &service, &why(&debt, &service)).await?;
    if let Trigger::Run(run) = trigger {
        let result = if changed { ItemResult::Suspended } else { ItemResult::AlreadyPaid };
        store::item_result_set(tx, run, &service.id, result, None).await?;
    }
    Ok(changed)
}
