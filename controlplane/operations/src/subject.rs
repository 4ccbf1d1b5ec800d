//! A thing that something else is about, known by its id alone: what a note or a file was left with, and whose timeline is shown.

use atalaya_kernel::{
    Ctx, Error, Permission,
    db::TenantTx,
    events::NewEvent,
    ids::{CustomerId, DeviceId, InvoiceId, ServiceId, SiteId},
};
use atalaya_money::{billing, services};
use atalaya_network::devices;
use atalaya_people::customers;
use atalaya_places::sites;

/// Which right the things of a noun ask for; none for a noun that is no such thing.
pub(crate) fn right(noun: &str) -> Option<Permission> {
    match noun {
        "customer" => Some(customers::READ),
        "service" => Some(services::READ),
        "device" => Some(devices::READ),
        "invoice" => Some(billing::READ),
        "site" => Some(sites::READ),
        _ => None,
    }
}

/// A thing that the caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Who pays.
    Customer(CustomerId),
    /// A subscription of a customer.
    Service(ServiceId, CustomerId),
    /// What an agent talks to, at a site.
    Device(DeviceId, SiteId),
    /// What a customer was billed.
    Invoice(InvoiceId, CustomerId),
    /// A tower.
    Site(SiteId),
}

impl Subject {
    /// Names in an event what it is about, so that it is seen by whoever sees the thing.
    pub(crate) fn relate(&self, event: NewEvent) -> NewEvent {
        match self {
            Self::Customer(id) => event.related("customer_id", id),
            Self::Service(id, customer) => event.related("service_id", id).related("customer_id", customer),
            Self::Device(id, site) => event.related("device_id", id).related("site_id", site),
            Self::Invoice(id, customer) => event.related("invoice_id", id).related("customer_id", customer),
            Self::Site(id) => event.related("site_id", id),
        }
    }
}

/// The thing with an id, if there is one and the caller may see it.
///
/// # Errors
/// [`Error::NotFound`] for everything else, also for what the caller has no right to see: who may not see a kind of thing is not
/// told which of them there are. Or the database's.
pub(crate) async fn seen(ctx: &Ctx, tx: &mut TenantTx, id: &str) -> Result<Subject, Error> {
    let may = |right| if ctx.permissions().allow(right) { Ok(()) } else { Err(Error::NotFound) };
    if let Ok(id) = id.parse::<CustomerId>() {
        may(customers::READ)?;
        customers::customer_find(tx, &id).await?;
        return Ok(Subject::Customer(id));
    }
    if let Ok(id) = id.parse::<ServiceId>() {
        may(services::READ)?;
        let customer = services::service_find(tx, &id).await?.customer_id;
        return Ok(Subject::Service(id, customer));
    }
    if let Ok(id) = id.parse::<DeviceId>() {
        may(devices::READ)?;
        let site = only(devices::devices_by_ids(tx, std::slice::from_ref(&id)).await?)?.site_id;
        return Ok(Subject::Device(id, site));
    }
    if let Ok(id) = id.parse::<InvoiceId>() {
        may(billing::READ)?;
        let customer = only(billing::invoices_by_ids(ctx, tx, std::slice::from_ref(&id)).await?)?.customer_id;
        return Ok(Subject::Invoice(id, customer));
    }
    if let Ok(id) = id.parse::<SiteId>() {
        may(sites::READ)?;
        only(sites::sites_by_ids(tx, std::slice::from_ref(&id)).await?)?;
        return Ok(Subject::Site(id));
    }
    Err(Error::NotFound)
}

/// What was found for one id.
fn only<T>(found: Vec<T>) -> Result<T, Error> {
    found.into_iter().next().ok_or(Error::NotFound)
}
