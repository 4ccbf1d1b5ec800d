//! Which events a caller may see: by the right that an event's noun asks for, and by the scope of what it is about.
//!
//! An event belongs to the site it names, or else to the device, agent, service or customer that it is about or related
//! to, and is seen by whoever sees that one. What belongs to none of them is of the whole ISP.

use crate::subject::right;
use atalaya_kernel::{
    Ctx, Error, Permission, Scope,
    db::TenantTx,
    events::Event,
    ids::{AgentId, CustomerId, DeviceId, ServiceId, SiteId},
};
use atalaya_money::services;
use atalaya_network::{agents, devices};
use atalaya_people::customers;
use std::{collections::BTreeSet, str::FromStr};

/// Which right an event asks for.
fn may_see(ctx: &Ctx, event: &Event) -> bool {
    let noun = event.kind.split('.').next().unwrap_or_default();
    let right = match noun {
        // Whoever sees what it was left with sees that it was.
        "note" | "file" => return may_see_subject(ctx, event),
        "payment" => "payment.read",
        "invoice" => "invoice.read",
        "plan" => "plan.read",
        "service" | "attachment" | "point" | "timeline" => "service.read",
        "collections" => "collections.read",
        "customer" => "customer.read",
        "device" => "device.read",
        "agent" => "agent.read",
        "site" => "site.read",
        "user" | "role" | "session" | "token" | "password" | "factor" | "browser" | "identity" => "user.read",
        "identity_provider" => "identity_provider.read",
        "approval" => "approval.read",
        "api_key" => "api_key.read",
        _ => "audit.read",
    };
    ctx.permissions().allow(Permission::new(right))
}

/// Whether the caller is of the staff and has the right to see the thing that a note or a file was left with. What is related to the
/// thing is named too, so the service is looked for before its customer, and the device before its site.
fn may_see_subject(ctx: &Ctx, event: &Event) -> bool {
    if matches!(ctx.scope(), Scope::Customer(_)) {
        return false;
    }
    let nouns = ["device", "service", "invoice", "customer", "site"];
    let of = nouns.into_iter().find(|noun| event.related.contains_key(&format!("{noun}_id")));
    of.and_then(right).is_some_and(|right| ctx.permissions().allow(right))
}

/// What an event is about, as far as scopes go.
#[derive(Debug, PartialEq, Eq)]
enum Subject {
    Site(SiteId),
    Device(DeviceId),
    Agent(AgentId),
    Service(ServiceId),
    Customer(CustomerId),
    /// What is sold is the same everywhere.
    Plan,
    WholeIsp,
}

/// The entity itself, or an id related to it.
fn id_of<T: FromStr>(event: &Event, kind: &str) -> Option<T> {
    let text = if event.entity.kind == kind {
        Some(&event.entity.id)
    } else {
        event.related.get(&format!("{kind}_id"))
    };
    text?.parse().ok()
}

fn subject(event: &Event) -> Subject {
    if event.entity.kind == "plan" {
        return Subject::Plan;
    }
    let site = id_of(event, "site").map(Subject::Site);
    site.or_else(|| id_of(event, "service").map(Subject::Service))
        .or_else(|| id_of(event, "customer").map(Subject::Customer))
        .or_else(|| id_of(event, "device").map(Subject::Device))
        .or_else(|| id_of(event, "agent").map(Subject::Agent))
        .unwrap_or(Subject::WholeIsp)
}

/// The events that the caller may see, in the order given. One look at each domain, however many events there are.
///
/// # Errors
/// The database's.
pub async fn visible(ctx: &Ctx, mut events: Vec<Event>) -> Result<Vec<Event>, Error> {
    events.retain(|event| may_see(ctx, event));
    if *ctx.scope() == Scope::All || events.is_empty() {
        return Ok(events);
    }
    let subjects: Vec<Subject> = events.iter().map(subject).collect();
    let mut tx = ctx.begin_read().await?;
    let seen = Seen::of(&mut tx, &subjects).await?;
    Ok(events
        .into_iter()
        .zip(&subjects)
        .filter(|(_, subject)| seen.has(subject))
        .map(|(event, _)| event)
        .collect())
}

/// What of the subjects the scope lets see.
#[derive(Default)]
struct Seen {
    sites: Option<BTreeSet<SiteId>>,
    devices: BTreeSet<DeviceId>,
    agents: BTreeSet<AgentId>,
    services: BTreeSet<ServiceId>,
    customers: BTreeSet<CustomerId>,
}

impl Seen {
    async fn of(tx: &mut TenantTx, subjects: &[Subject]) -> Result<Self, Error> {
        let mut seen = Self::default();
        if let Scope::Sites(sites) = tx.scope() {
            seen.sites = Some(sites.clone());
        }
        let (mut services, mut customers, mut devices) = (Vec::new(), Vec::new(), Vec::new());
        for subject in subjects {
            match subject {
                Subject::Service(id) => services.push(id.clone()),
                Subject::Customer(id) => customers.push(id.clone()),
                Subject::Device(id) => devices.push(id.clone()),
                Subject::Site(_) | Subject::Agent(_) | Subject::Plan | Subject::WholeIsp => {}
            }
        }
        let found = services::services_by_ids(tx, &services).await?;
        seen.services = found.into_iter().map(|service| service.id).collect();
        let found = customers::customers_by_ids(tx, &customers).await?;
        seen.customers = found.into_iter().map(|customer| customer.id).collect();
        let found = devices::devices_by_ids(tx, &devices).await?;
        seen.devices = found.into_iter().map(|device| device.id).collect();
        if subjects.iter().any(|subject| matches!(subject, Subject::Agent(_))) {
            seen.agents = agents::agents_by_site(tx).await?.into_iter().map(|(_, agent)| agent.id).collect();
        }
        Ok(seen)
    }

    fn has(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Site(id) => self.sites.as_ref().is_some_and(|sites| sites.contains(id)),
            Subject::Device(id) => self.devices.contains(id),
            Subject::Agent(id) => self.agents.contains(id),
            Subject::Service(id) => self.services.contains(id),
            Subject::Customer(id) => self.customers.contains(id),
            // A customer's scope sees its own things only.
            Subject::Plan => self.sites.is_some(),
            Subject::WholeIsp => false,
        }
    }
}
