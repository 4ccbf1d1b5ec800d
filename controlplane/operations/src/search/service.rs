use super::KINDS;
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    ids::{CustomerId, DeviceId, InvoiceId, ServiceId},
    search::{self as index, Closeness, Hit, LONGEST_QUERY},
};
use atalaya_money::{billing, services};
use atalaya_network::{attachments, devices};
use atalaya_people::customers::{self, Customer};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};
use utoipa::{IntoParams, ToSchema};

/// Things shown when the caller does not say.
const DEFAULT_LIMIT: usize = 20;

/// What is looked for.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// Words, numbers, or their beginnings.
    #[param(min_length = 2, max_length = 100, example = "quispe rosa")]
    pub q: String,
    /// Things wanted, 1 to 50; 20 when absent.
    #[param(minimum = 1, maximum = 50)]
    pub limit: Option<usize>,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FoundKind {
    /// A customer.
    Customer,
    /// A service.
    Service,
    /// A device.
    Device,
    /// An invoice.
    Invoice,
}

impl FoundKind {
    /// The one that the index calls so.
    fn named(name: &str) -> Option<Self> {
        let named = [
            (customers::FOUND, Self::Customer),
            (atalaya_network::FOUND, Self::Service),
            (devices::FOUND, Self::Device),
            (billing::FOUND, Self::Invoice),
        ];
        named.into_iter().find(|(known, _)| known.name == name).map(|(_, kind)| kind)
    }
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FoundItem {
    /// What it is.
    pub kind: FoundKind,
    /// Its id.
    #[schema(example = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub id: String,
    /// What it is called: name of the customer or device, number of the invoice.
    #[schema(example = "Quispe Mamani, Rosa")]
    pub title: String,
    /// What tells it from others: document, user or address, customer of the invoice; masked as everywhere.
    #[schema(example = "40112233")]
    pub detail: Option<String>,
    /// The customer it is about.
    pub customer_id: Option<CustomerId>,
    /// The field that the first word is in.
    #[schema(example = "name")]
    pub field: String,
    /// Whether a word of the query may be mistyped: it is in nothing found as it is written.
    pub mistyped: bool,
}

/// What was found, nearest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SearchResult {
    /// The things.
    pub items: Vec<FoundItem>,
}

/// Title, detail and customer of a thing, as its owner shows it to the caller.
type Shown = (String, Option<String>, Option<CustomerId>);

/// Finds what the caller may see.
///
/// # Errors
/// A query that is too short or too long, or a limit out of range.
pub async fn search(ctx: &Ctx, query: &SearchQuery) -> Result<SearchResult, Error> {
    let (typed, letters) = (query.q.trim(), query.q.trim().chars().count());
    if !(2..=LONGEST_QUERY).contains(&letters) {
        let detail = format!("expected 2 to {LONGEST_QUERY} letters");
        return Err(Error::invalid("?q", "out_of_range", detail));
    }
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=50).contains(&limit) {
        return Err(Error::invalid("?limit", "out_of_range", "expected 1 to 50"));
    }
    let mut tx = ctx.begin_read().await?;
    let hits = index::find(ctx, &mut tx, KINDS, typed).await?;
    let shown = shown(ctx, &mut tx, &hits).await?;
    let mut items = Vec::new();
    for hit in hits {
        // Not there: the index lets through more than its owner does.
        let Some((title, detail, customer_id)) = shown.get(&hit.subject).cloned() else { continue };
        let Some(kind) = FoundKind::named(&hit.kind) else { continue };
        let mistyped = hit.closeness == Closeness::Typo;
        items.push((
            hit.rank,
            FoundItem { kind, id: hit.subject, title, detail, customer_id, field: hit.field, mistyped },
        ));
    }
    items.sort_by(|one, other| (one.0, &one.1.title, &one.1.id).cmp(&(other.0, &other.1.title, &other.1.id)));
    Ok(SearchResult { items: items.into_iter().map(|(_, item)| item).take(limit).collect() })
}

fn ids<T: FromStr>(hits: &[Hit], kind: FoundKind) -> Vec<T> {
    let of_kind = hits.iter().filter(|hit| FoundKind::named(&hit.kind) == Some(kind));
    of_kind.filter_map(|hit| hit.subject.parse().ok()).collect()
}

/// Each thing, by id, as its owner shows it.
async fn shown(ctx: &Ctx, tx: &mut TenantTx, hits: &[Hit]) -> Result<BTreeMap<String, Shown>, Error> {
    let customers = customers_of(ctx, tx, hits).await?;
    let name = |id: &CustomerId| customers.get(id).map(|customer| customer.name.clone());
    let mut shown = BTreeMap::new();
    for id in ids::<CustomerId>(hits, FoundKind::Customer) {
        if let Some(customer) = customers.get(&id) {
            shown.insert(id.to_string(), (customer.name.clone(), customer.document.clone(), Some(id)));
        }
    }
    let service_ids: Vec<ServiceId> = ids(hits, FoundKind::Service);
    let services = services::services_by_ids(tx, &service_ids).await?;
    let seen: Vec<_> = services.iter().map(|service| service.id.clone()).collect();
    let attachments = attachments::attachments_of_services(tx, &seen).await?;
    for service in services {
        let ways =
            attachments.get(&service.id).into_iter().flatten().filter(|attachment| !attachment.removed);
        let ways: Vec<_> = ways.filter_map(|way| way.user.clone().or_else(|| way.address.clone())).collect();
        let detail = (!ways.is_empty()).then(|| ways.join(", "));
        // A name is the customer's: whoever sees services and no customers is shown none.
        let title = name(&service.customer_id).or_else(|| service.address.clone()).unwrap_or_default();
        shown.insert(service.id.to_string(), (title, detail, Some(service.customer_id)));
    }
    let device_ids: Vec<DeviceId> = ids(hits, FoundKind::Device);
    for device in devices::devices_by_ids(tx, &device_ids).await? {
        shown.insert(device.id.to_string(), (device.name, Some(device.host), None));
    }
    let invoice_ids: Vec<InvoiceId> = ids(hits, FoundKind::Invoice);
    for invoice in billing::invoices_by_ids(ctx, tx, &invoice_ids).await? {
        let detail = name(&invoice.customer_id);
        shown.insert(invoice.id.to_string(), (invoice.number.to_string(), detail, Some(invoice.customer_id)));
    }
    Ok(shown)
}

/// The customers whom the hits are about, masked for the caller; none without the right to see customers.
async fn customers_of(
    ctx: &Ctx,
    tx: &mut TenantTx,
    hits: &[Hit],
) -> Result<BTreeMap<CustomerId, Customer>, Error> {
    if !ctx.permissions().allow(customers::READ) {
        return Ok(BTreeMap::new());
    }
    let wanted: BTreeSet<_> = hits.iter().filter_map(|hit| hit.customer.clone()).collect();
    let found = customers::customers_by_ids(tx, &wanted.into_iter().collect::<Vec<_>>()).await?;
    Ok(found
        .into_iter()
        .map(|customer| (customer.id.clone(), customer.masked_for(ctx.permissions())))
        .collect())
}
