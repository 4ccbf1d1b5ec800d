use crate::{
    feed,
    services::{ServiceView, services_view},
};
use atalaya_kernel::{
    Ctx, Error, Permission, events::Event, ids::CustomerId, list::ListQuery, money::Money, timeline,
};
use atalaya_money::{
    Listed,
    billing::{self, Invoice},
    payments::{self, Payment},
    services,
};
use atalaya_people::{
    customers::{self, Customer},
    tenancy,
};
use serde::Serialize;
use utoipa::ToSchema;

/// Invoices and payments shown.
const LATEST: &str = "24";
/// Events shown.
const TIMELINE: i64 = 50;
const EVENT_READ: Permission = Permission::new("event.read");

/// A customer as a whole. What the caller may not see is empty or null.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CustomerOverview {
    /// Who.
    pub customer: Customer,
    /// Positive = owes.
    pub balance: Option<Money>,
    /// Overdue part of it, fees left out.
    pub overdue: Option<Money>,
    /// Services with their state on the network.
    pub services: Vec<ServiceView>,
    /// Latest invoices.
    pub invoices: Vec<Listed<Invoice>>,
    /// Latest payments.
    pub payments: Vec<Listed<Payment>>,
    /// Latest events about the customer.
    pub timeline: Vec<Event>,
}

/// A customer as a whole.
///
/// # Errors
/// Not found, or without `customer.read`.
pub async fn customer_overview(ctx: &Ctx, id: &CustomerId) -> Result<CustomerOverview, Error> {
    let may = |right: Permission| ctx.authorize(right).is_ok();
    let customer = customers::customer_get(ctx, id).await?;
    let of_them = [("customer", id.as_str()), ("limit", LATEST)];
    let mut overview = CustomerOverview {
        customer,
        balance: None,
        overdue: None,
        services: Vec::new(),
        invoices: Vec::new(),
        payments: Vec::new(),
        timeline: Vec::new(),
    };
    if may(billing::READ) {
        overview.invoices = billing::invoices_list(ctx, &ListQuery::of(of_them)?).await?.items;
    }
    if may(payments::READ) {
        overview.payments = payments::payments_list(ctx, &ListQuery::of(of_them)?).await?.items;
    }
    let mut tx = ctx.begin_read().await?;
    if may(billing::READ) {
        let tenant = tenancy::settings(&mut tx).await?;
        let today = ctx.now().date_in(&tenant.time_zone);
        let balances = billing::balances(&mut tx, std::slice::from_ref(id), today, tenant.grace_days).await?;
        let balance = balances.get(id).copied().unwrap_or_default();
        overview.balance = Some(Money::new(balance.balance, tenant.currency));
        overview.overdue = Some(Money::new(balance.debt.overdue, tenant.currency));
    }
    if may(services::READ) {
        let of_customer = services::services_of_customers(&mut tx, std::slice::from_ref(id)).await?;
        overview.services = services_view(&mut tx, of_customer).await?;
    }
    if may(EVENT_READ) {
        let filter = timeline::Filter { limit: TIMELINE, ..timeline::Filter::default() };
        let found = timeline::events(&mut tx, id.as_str(), &filter).await?;
        drop(tx);
        overview.timeline = feed::visible(ctx, found).await?;
    }
    Ok(overview)
}
