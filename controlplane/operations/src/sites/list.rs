use super::fold::Tree;
use atalaya_kernel::{
    Ctx, Error, Permission,
    db::TenantTx,
    ids::{AgentId, CustomerId, SiteId},
    page::{Page, PageQuery},
    time::Timestamp,
};
use atalaya_money::services::{self, SiteCustomers, Status};
use atalaya_network::{
    agents::{self, Agent, AgentState, BufferState},
    devices::{self, DeviceState},
};
use atalaya_places::sites::{self, Site};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Devices of a site and of everything below it, by what they last did when asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SiteDevices {
    /// All.
    pub total: i64,
    /// They answer.
    pub answers: i64,
    /// No answer.
    pub silent: i64,
    /// They answer and refuse us.
    pub refuses: i64,
    /// Nothing heard yet.
    pub unknown: i64,
}

/// Who is served by a site and by everything below it; services that ended are left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SiteServices {
    /// Customers, each once.
    pub customers: i64,
    /// Services.
    pub total: i64,
    /// Of them, suspended.
    pub suspended: i64,
}

/// An agent as a site's row shows it: whether what it says of the site is to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SiteAgent {
    /// Which.
    pub id: AgentId,
    /// Name.
    #[schema(example = "Cerro Alto")]
    pub name: String,
    /// Where it stands.
    pub state: AgentState,
    /// Last sign of life.
    pub last_seen_at: Option<Timestamp>,
    /// Metric batches that it holds and we do not.
    pub backlog_batches: i64,
    /// Their size, bytes.
    pub backlog_bytes: i64,
    /// Oldest sample that is not here yet.
    pub oldest_unsent_at: Option<Timestamp>,
    /// State of its buffer.
    pub buffer_state: BufferState,
    /// Our time minus its time, ms.
    pub clock_offset_ms: i64,
    /// Whether it serves this very site; otherwise one below.
    pub here: bool,
}

/// A site with its figures. What the caller may not see is null.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SiteRow {
    /// The site.
    #[serde(flatten)]
    pub site: Site,
    /// What stands there.
    pub devices: Option<SiteDevices>,
    /// Who is served.
    pub services: Option<SiteServices>,
    /// Agents of the site and of those below, by name; revoked ones left out.
    pub agents: Option<Vec<SiteAgent>>,
}

/// Figures of each site alone, as its domain counts them.
#[derive(Default)]
struct Figures {
    devices: Option<BTreeMap<SiteId, SiteDevices>>,
    services: Option<Served>,
    agents: Option<Vec<(SiteId, Agent)>>,
}

#[derive(Default)]
struct Served {
    services: BTreeMap<SiteId, SiteServices>,
    customers: BTreeMap<SiteId, i64>,
    at_several: BTreeMap<SiteId, BTreeSet<CustomerId>>,
}

/// Sites by name with their figures, in as many statements for one site as for a thousand.
///
/// # Errors
/// Without `site.read`, or a cursor of another list.
pub async fn site_rows(ctx: &Ctx, search: Option<&str>, page: &PageQuery) -> Result<Page<SiteRow>, Error> {
    let found = sites::sites_list(ctx, search, page).await?;
    let may = |right: Permission| ctx.authorize(right).is_ok();
    let mut tx = ctx.begin_read().await?;
    let tree = Tree::new(sites::site_parents(&mut tx).await?);
    let figures = Figures {
        devices: if may(devices::READ) { Some(devices_alone(&mut tx).await?) } else { None },
        services: if may(services::READ) { Some(served_alone(&mut tx).await?) } else { None },
        agents: if may(agents::READ) { Some(agents::agents_by_site(&mut tx).await?) } else { None },
    };
    Ok(found.map(|site| row(site, &tree, &figures)))
}

async fn devices_alone(tx: &mut TenantTx) -> Result<BTreeMap<SiteId, SiteDevices>, Error> {
    let mut alone: BTreeMap<SiteId, SiteDevices> = BTreeMap::new();
    for (site, state, count) in devices::device_states_by_site(tx).await? {
        let counts = alone.entry(site).or_default();
        counts.total += count;
        *match state {
            DeviceState::Answers => &mut counts.answers,
            DeviceState::Silent => &mut counts.silent,
            DeviceState::Refuses => &mut counts.refuses,
            DeviceState::Unknown => &mut counts.unknown,
        } += count;
    }
    Ok(alone)
}

async fn served_alone(tx: &mut TenantTx) -> Result<Served, Error> {
    let mut served = Served::default();
    for (site, status, count) in services::services_by_site(tx).await? {
        let counts = served.services.entry(site).or_default();
        counts.total += count;
        if status == Status::Suspended {
            counts.suspended += count;
        }
    }
    let SiteCustomers { at_one_site, at_several } = services::customers_by_site(tx).await?;
    served.customers = at_one_site.into_iter().collect();
    for (site, customer) in at_several {
        served.at_several.entry(site).or_default().insert(customer);
    }
    Ok(served)
}

fn row(site: Site, tree: &Tree, figures: &Figures) -> SiteRow {
    let below = tree.subtree(&site.id);
    SiteRow {
        devices: figures.devices.as_ref().map(|alone| devices_of(&below, alone)),
        services: figures.services.as_ref().map(|served| services_of(&below, served)),
        agents: figures.agents.as_ref().map(|agents| agents_of(&site.id, &below, agents)),
        site,
    }
}

fn devices_of(below: &BTreeSet<SiteId>, alone: &BTreeMap<SiteId, SiteDevices>) -> SiteDevices {
    below.iter().filter_map(|site| alone.get(site)).fold(SiteDevices::default(), |sum, counts| SiteDevices {
        total: sum.total + counts.total,
        answers: sum.answers + counts.answers,
        silent: sum.silent + counts.silent,
        refuses: sum.refuses + counts.refuses,
        unknown: sum.unknown + counts.unknown,
    })
}

fn services_of(below: &BTreeSet<SiteId>, served: &Served) -> SiteServices {
    let (mut sum, mut at_several) = (SiteServices::default(), BTreeSet::new());
    for site in below {
        if let Some(counts) = served.services.get(site) {
            sum.total += counts.total;
            sum.suspended += counts.suspended;
        }
        sum.customers += served.customers.get(site).copied().unwrap_or(0);
        at_several.extend(served.at_several.get(site).into_iter().flatten());
    }
    sum.customers += i64::try_from(at_several.len()).unwrap_or(i64::MAX);
    sum
}

fn agents_of(site: &SiteId, below: &BTreeSet<SiteId>, agents: &[(SiteId, Agent)]) -> Vec<SiteAgent> {
    let mut shown: Vec<SiteAgent> = Vec::new();
    for (at, agent) in agents.iter().filter(|(at, _)| below.contains(at)) {
        if agent.state == AgentState::Revoked {
            continue;
        }
        match shown.iter_mut().find(|known| known.id == agent.id) {
            Some(known) => known.here |= at == site,
            None => shown.push(SiteAgent {
                id: agent.id.clone(),
                name: agent.name.clone(),
                state: agent.state,
                last_seen_at: agent.last_seen_at,
                backlog_batches: agent.backlog_batches,
                backlog_bytes: agent.backlog_bytes,
                oldest_unsent_at: agent.oldest_unsent_at,
                buffer_state: agent.buffer_state,
                clock_offset_ms: agent.clock_offset_ms,
                here: at == site,
            }),
        }
    }
    shown
}
