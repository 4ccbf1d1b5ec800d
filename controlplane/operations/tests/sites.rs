//! The list of sites: figures folded over the tree, within scope and rights.
#![allow(clippy::unwrap_used)]

use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    ids::{AgentId, CustomerId, PlanId, SiteId},
    money::Money,
    on_both,
    page::PageQuery,
    testing::World,
};
use atalaya_money::{
    catalog::{self, NewPlan},
    services::{self, NewService},
};
use atalaya_network::{
    agents::{self, AgentState, Heartbeat, JoinStrings, NewToken, TokenSecret},
    devices::{self, DeviceKind, DeviceReport, DeviceState, NewDevice},
};
use atalaya_operations::sites::{SiteDevices, SiteRow, SiteServices, site_rows};
use atalaya_people::{
    customers::{self, NewCustomer},
    tenancy::{self, NewTenant},
};
use atalaya_places::sites::{self, NewSite};
use std::collections::BTreeSet;

struct Joins(&'static str);

impl JoinStrings for Joins {
    fn make(&self) -> Result<TokenSecret, Error> {
        Ok(TokenSecret { hash: self.0.to_owned(), join_string: String::new() })
    }
}

/// A hill with a mast below it, and a valley apart.
struct Region {
    ctx: Ctx,
    hill: SiteId,
    mast: SiteId,
    valley: SiteId,
    agent: AgentId,
    plan: PlanId,
}

impl Region {
    async fn new(world: &World) -> Self {
        let new = NewTenant {
            slug: "netandina".to_owned(),
            name: "NetAndina".to_owned(),
            country: "PE".to_owned(),
            currency: "PEN".parse().unwrap(),
            time_zone: "America/Lima".parse().unwrap(),
            locale: "es-419".to_owned(),
        };
        let (ctx, _) = tenancy::tenant_create(&world.runtime, new).await.unwrap();
        let hill = site(&ctx, "Cerro Alto", None).await;
        let mast = site(&ctx, "Sector N-2", Some(&hill)).await;
        let valley = site(&ctx, "Valle", None).await;
        let token = NewToken { site_id: hill.clone(), name: None };
        let agent = agents::token_create(&ctx, &Joins("hill"), token).await.unwrap().agent_id;
        let plan = NewPlan {
            name: "Fibra 100".to_owned(),
            download_bps: 100_000_000,
            upload_bps: 50_000_000,
            price: Money::new(8_900, "PEN".parse().unwrap()),
            active: None,
        };
        let plan = catalog::plan_create(&ctx, plan).await.unwrap().id;
        Self { ctx, hill, mast, valley, agent, plan }
    }

    async fn customer(&self, name: &str) -> CustomerId {
        let new = NewCustomer { name: name.to_owned(), ..NewCustomer::default() };
        customers::customer_create(&self.ctx, new).await.unwrap().id
    }

    async fn service(&self, customer: &CustomerId, site: &SiteId) -> services::Service {
        let new = NewService {
            customer_id: customer.clone(),
            plan_id: self.plan.clone(),
            site_id: site.clone(),
            address: None,
            starts_on: None,
        };
        services::service_create(&self.ctx, new).await.unwrap()
    }

    async fn device(&self, name: &str, site: &SiteId, state: Option<DeviceState>) {
        let new = NewDevice {
            site_id: site.clone(),
            agent_id: self.agent.clone(),
            name: name.to_owned(),
            kind: DeviceKind::Icmp,
            host: "10.20.0.1".to_owned(),
            port: None,
            tls: false,
            tls_fingerprint: None,
            credentials: None,
            measure_interval_s: None,
            cut_profile: None,
            cut_address_list: None,
        };
        let device = devices::device_create(&self.ctx, new).await.unwrap();
        let Some(state) = state else { return };
        let report = DeviceReport {
            device_id: device.id,
            state,
            detail: String::new(),
            since: self.ctx.now(),
            last_answer_at: None,
            model: String::new(),
            firmware: String::new(),
            serial: String::new(),
            identity: String::new(),
            uptime_ms: 0,
        };
        devices::device_states_record(&self.ctx, &self.agent, &[report]).await.unwrap();
    }
}

async fn site(ctx: &Ctx, name: &str, parent: Option<&SiteId>) -> SiteId {
    let new = NewSite { name: name.to_owned(), parent_id: parent.cloned(), latitude: None, longitude: None };
    sites::site_create(ctx, new).await.unwrap().id
}

async fn rows(ctx: &Ctx) -> Vec<SiteRow> {
    site_rows(ctx, None, &PageQuery::default()).await.unwrap().items
}

fn someone(ctx: &Ctx, rights: &[&str], scope: Scope) -> Ctx {
    let rights = Permissions::These(rights.iter().map(|right| (*right).to_owned()).collect());
    Ctx::new(ctx.db().clone(), Principal::System("test"), rights, scope, "test")
}

on_both!(a_sites_figures_are_its_own_and_those_below, |world: World| async move {
    let region = Region::new(&world).await;
    region.device("one", &region.hill, Some(DeviceState::Answers)).await;
    region.device("two", &region.hill, Some(DeviceState::Silent)).await;
    region.device("three", &region.mast, Some(DeviceState::Refuses)).await;
    region.device("four", &region.mast, None).await;
    region.device("five", &region.valley, Some(DeviceState::Answers)).await;
    let rosa = region.customer("Rosa").await;
    region.service(&rosa, &region.hill).await;
    region.service(&rosa, &region.hill).await;
    let everywhere = region.customer("Municipio").await;
    region.service(&everywhere, &region.hill).await;
    let cut = region.service(&everywhere, &region.mast).await;
    services::service_cut(&region.ctx, &cut.id, "asked").await.unwrap();
    let gone = region.service(&rosa, &region.valley).await;
    services::service_terminate(&region.ctx, &gone.id, "moved").await.unwrap();
    let beat = Heartbeat { backlog_batches: 41, clock_offset_ms: -20, ..Heartbeat::default() };
    agents::heartbeat_record(&region.ctx, &region.agent, &beat).await.unwrap();

    let found = rows(&region.ctx).await;
    let names: Vec<_> = found.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["Cerro Alto", "Sector N-2", "Valle"]);
    let devices = |at: usize| found[at].devices.unwrap();
    assert_eq!(devices(0), SiteDevices { total: 4, answers: 1, silent: 1, refuses: 1, unknown: 1 });
    assert_eq!(devices(1), SiteDevices { total: 2, refuses: 1, unknown: 1, ..SiteDevices::default() });
    assert_eq!(devices(2), SiteDevices { total: 1, answers: 1, ..SiteDevices::default() });
    let services = |at: usize| found[at].services.unwrap();
    assert_eq!(services(0), SiteServices { customers: 2, total: 4, suspended: 1 }, "nobody counts twice");
    assert_eq!(services(1), SiteServices { customers: 1, total: 1, suspended: 1 });
    assert_eq!(services(2), SiteServices::default(), "what ended is not served");
    let agents = found[0].agents.clone().unwrap();
    assert_eq!((agents.len(), agents[0].here, agents[0].backlog_batches), (1, true, 41));
    assert_eq!((agents[0].clock_offset_ms, agents[0].state), (-20, AgentState::NeverEnrolled));
    assert!(found[1].agents.as_ref().unwrap().is_empty(), "no agent serves the mast itself");
});

on_both!(what_may_not_be_seen_is_not_counted, |world: World| async move {
    let region = Region::new(&world).await;
    region.device("one", &region.hill, Some(DeviceState::Answers)).await;
    region.device("two", &region.mast, Some(DeviceState::Answers)).await;
    let rosa = region.customer("Rosa").await;
    region.service(&rosa, &region.hill).await;
    region.service(&rosa, &region.mast).await;

    let only_mast = Scope::Sites(BTreeSet::from([region.mast.clone()]));
    let all = ["site.read", "device.read", "service.read", "agent.read"];
    let found = rows(&someone(&region.ctx, &all, only_mast)).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].devices.unwrap().total, 1);
    assert_eq!(found[0].services.unwrap(), SiteServices { customers: 1, total: 1, suspended: 0 });
    assert!(found[0].agents.as_ref().unwrap().is_empty(), "the agent serves another site");

    let found = rows(&someone(&region.ctx, &["site.read"], Scope::All)).await;
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|row| row.devices.is_none() && row.services.is_none() && row.agents.is_none()));
    let refused = site_rows(&someone(&region.ctx, &[], Scope::All), None, &PageQuery::default()).await;
    assert!(matches!(refused, Err(Error::Forbidden("site.read"))));
});
