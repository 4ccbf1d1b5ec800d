//! Who is to be suspended for debt on a day.

use crate::{
    billing::{self, Debt},
    services::{self, Service, Status},
};
use atalaya_kernel::{Ctx, Error, db::TenantTx, ids::CustomerId};
use atalaya_people::tenancy::{AutomaticCuts, Tenant};
use std::collections::BTreeMap;

/// Customers whose invoices are read at once; SQLite binds at most 32,766 values.
const CHUNK: usize = 5_000;

/// Active services of the customers whose debt asks for a cut, with that debt.
pub(super) async fn candidates(
    ctx: &Ctx,
    tx: &mut TenantTx,
    tenant: &Tenant,
) -> Result<Vec<(Service, Debt)>, Error> {
    let today = ctx.now().date_in(&tenant.time_zone);
    // Past the grace days is what was due before this day.
    let grace = i32::try_from(tenant.grace_days).unwrap_or(i32::MAX);
    let owing = billing::customers_owing(tx, today.plus_days(-grace), tenant.debt_tolerance).await?;
    let mut by_customer: BTreeMap<CustomerId, Vec<_>> = BTreeMap::new();
    for chunk in owing.chunks(CHUNK) {
        for invoice in billing::invoices_unpaid(tx, chunk).await? {
            by_customer.entry(invoice.customer_id.clone()).or_default().push(invoice);
        }
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

/// Whether a debt asks for a cut.
pub(super) fn is_cut(debt: &Debt, tenant: &Tenant) -> bool {
    debt.past_grace > tenant.debt_tolerance
}

/// Whether a service is cut for it without a person: not for debt in spite of which a person left it connected.
pub(super) fn is_cut_automatically(debt: &Debt, service: &Service, tenant: &Tenant) -> bool {
    let known_then = service.spared_on.is_some_and(|spared| debt.crossed_on.is_none_or(|on| on <= spared));
    tenant.automatic_cuts == AutomaticCuts::On && is_cut(debt, tenant) && !known_then
}

/// Why a service is on a run, in English.
pub(super) fn why(debt: &Debt, service: &Service) -> String {
    match service.spared_on {
        Some(day) => format!("overdue {} days; left connected by a person on {day}", debt.days_overdue),
        None => format!("overdue {} days", debt.days_overdue),
    }
}
