use super::CustomerRows;
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    ids::{CustomerId, PlanId, ServiceId},
    list::ListQuery,
    money::Money,
    page::Page,
    time::Timestamp,
};
use atalaya_money::{
    billing::{self, Balance},
    catalog,
    services::{self, Service, Status},
};
use atalaya_network::{
    attachments,
    provisioning::{self, AttachmentKind, NetworkState},
};
use atalaya_people::{
    customers::{self, Customer},
    tenancy::{self, Tenant},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Services read at once while choosing.
const CHUNK: i64 = 5_000;

/// A service as a customer's row shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ServiceRow {
    /// Which.
    pub id: ServiceId,
    /// Name of its plan.
    #[schema(example = "Fibra 100")]
    pub plan_name: String,
    /// How it reaches the network first.
    pub method: Option<AttachmentKind>,
    /// State on the network.
    pub state: NetworkState,
}

/// A customer as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CustomerRow {
    /// Which.
    pub id: CustomerId,
    /// Name.
    #[schema(example = "Rosa Quispe")]
    pub name: String,
    /// Identity document.
    #[schema(example = "45678912")]
    pub document: Option<String>,
    /// Phone.
    #[schema(example = "+51 999 000 111")]
    pub phone: Option<String>,
    /// E-mail.
    #[schema(example = "rosa@example.net")]
    pub email: Option<String>,
    /// Where the service is.
    #[schema(example = "Jr. Los Andes 412")]
    pub address: Option<String>,
    /// Positive = owes.
    pub balance: Money,
    /// Overdue part of it, fees left out.
    pub overdue: Money,
    /// Services.
    pub services: Vec<ServiceRow>,
    /// When made.
    pub created_at: Timestamp,
    /// When everything personal was taken out; the id stands for the name since.
    pub erased_at: Option<Timestamp>,
}

/// Customers by name, by what they owe, or in another order of theirs.
///
/// # Errors
/// Without `customer.read`, or a cursor of another list or order.
pub async fn customer_rows(ctx: &Ctx, asked: &ListQuery<CustomerRows>) -> Result<Page<CustomerRow>, Error> {
    ctx.authorize(customers::READ)?;
    let by_owed = asked.is_sorted_by("owed");
    let mut tx = ctx.begin_read().await?;
    let tenant = tenancy::settings(&mut tx).await?;
    let least = asked.given_one::<i64>("owed_gte")?.filter(|least| *least > 0);
    let statuses: Vec<Status> = asked.given_all("status")?;
    let mut with_status = (!statuses.is_empty()).then(BTreeSet::new);
    for status in statuses {
        with_status.get_or_insert_default().append(&mut chosen(&mut tx, status).await?);
    }
    let chosen = if by_owed || least.is_some() {
        let today = ctx.now().date_in(&tenant.time_zone);
        let owing = billing::overdue_by_customer(&mut tx, today, least.unwrap_or(1)).await?;
        let wanted = |id: &CustomerId| with_status.as_ref().is_none_or(|ids| ids.contains(id));
        Some(owing.into_iter().map(|(id, _)| id).filter(wanted).collect::<Vec<_>>())
    } else {
        with_status.map(|ids| ids.into_iter().collect())
    };
    drop(tx);
    let found = if by_owed {
        owed_page(ctx, asked, &chosen.unwrap_or_default()).await?
    } else {
        customers::customers_list(ctx, asked, chosen.as_deref()).await?
    };
    let mut tx = ctx.begin_read().await?;
    let items = rows(ctx, &mut tx, &tenant, found.items).await?;
    Ok(Page { items, next_cursor: found.next_cursor })
}

/// Customers with a service in a status.
async fn chosen(tx: &mut TenantTx, status: Status) -> Result<BTreeSet<CustomerId>, Error> {
    let mut customers = BTreeSet::new();
    let mut after = None;
    loop {
        let chunk = services::services_by_status(tx, Some(status), after.as_ref(), CHUNK).await?;
        let Some(last) = chunk.last() else { return Ok(customers) };
        after = Some(last.id.clone());
        customers.extend(chunk.into_iter().map(|service| service.customer_id));
    }
}

async fn balances(
    ctx: &Ctx,
    tx: &mut TenantTx,
    tenant: &Tenant,
    ids: &[CustomerId],
) -> Result<BTreeMap<CustomerId, Balance>, Error> {
    billing::balances(tx, ids, ctx.now().date_in(&tenant.time_zone), tenant.grace_days).await
}

/// One page in the order of `order`. The cursor is the place in it: an order by a figure that moves has no better one.
async fn owed_page(
    ctx: &Ctx,
    asked: &ListQuery<CustomerRows>,
    order: &[CustomerId],
) -> Result<Page<Customer>, Error> {
    let start: usize = asked.after()?.unwrap_or(0);
    let wanted = usize::try_from(asked.limit()).unwrap_or(0) + 1;
    let of_stretch = asked.from_start();
    let mut found: Vec<(usize, Customer)> = Vec::new();
    // What people filter by may thin a stretch of the order out, so the next stretch is looked at until the page is full.
    for (at, stretch) in order.chunks(200).enumerate() {
        let places = at * 200..at * 200 + stretch.len();
        if places.end <= start {
            continue;
        }
        let visible = customers::customers_list(ctx, &of_stretch, Some(stretch)).await?;
        let mut visible: BTreeMap<CustomerId, Customer> =
            visible.items.into_iter().map(|customer| (customer.id.clone(), customer)).collect();
        let in_order = stretch.iter().zip(places).filter(|(_, place)| *place >= start);
        found.extend(in_order.filter_map(|(id, place)| visible.remove(id).map(|customer| (place, customer))));
        if found.len() >= wanted {
            break;
        }
    }
    Ok(asked.page_of(found, |(place, _)| place + 1)?.map(|(_, customer)| customer))
}

async fn rows(
    ctx: &Ctx,
    tx: &mut TenantTx,
    tenant: &Tenant,
    people: Vec<Customer>,
) -> Result<Vec<CustomerRow>, Error> {
    let ids: Vec<CustomerId> = people.iter().map(|customer| customer.id.clone()).collect();
    let balances = balances(ctx, tx, tenant, &ids).await?;
    let of_them = services::services_of_customers(tx, &ids).await?;
    let mut services = service_rows(tx, of_them).await?;
    let money = |amount| Money::new(amount, tenant.currency);
    Ok(people
        .into_iter()
        .map(|customer| {
            let balance = balances.get(&customer.id).copied().unwrap_or_default();
            CustomerRow {
                balance: money(balance.balance),
                overdue: money(balance.debt.overdue),
                services: services.remove(&customer.id).unwrap_or_default(),
                id: customer.id,
                name: customer.name,
                document: customer.document,
                phone: customer.phone,
                email: customer.email,
                address: customer.address,
                created_at: customer.created_at,
                erased_at: customer.erased_at,
            }
        })
        .collect())
}

async fn service_rows(
    tx: &mut TenantTx,
    services: Vec<Service>,
) -> Result<BTreeMap<CustomerId, Vec<ServiceRow>>, Error> {
    let ids: Vec<ServiceId> = services.iter().map(|service| service.id.clone()).collect();
    let plans: Vec<PlanId> = services.iter().map(|service| service.plan_id.clone()).collect();
    let plans: BTreeMap<PlanId, String> =
        catalog::plans_by_ids(tx, &plans).await?.into_iter().map(|plan| (plan.id, plan.name)).collect();
    let states = provisioning::network_state_of(tx, &ids).await?;
    let attached = attachments::attachments_of_services(tx, &ids).await?;
    let mut by_customer: BTreeMap<CustomerId, Vec<ServiceRow>> = BTreeMap::new();
    for service in services {
        let row = ServiceRow {
            plan_name: plans.get(&service.plan_id).cloned().unwrap_or_default(),
            method: attached.get(&service.id).and_then(|all| all.first()).map(|attachment| attachment.kind),
            state: states.get(&service.id).map_or(NetworkState::NoAttachment, |network| network.state),
            id: service.id,
        };
        by_customer.entry(service.customer_id).or_default().push(row);
    }
    Ok(by_customer)
}
