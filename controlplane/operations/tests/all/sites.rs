//! The list of sites: figures folded over the tree, within scope and rights.

use crate::region::{Region, someone};
use atalaya_kernel::{Ctx, Error, Scope, on_both, page::PageQuery, testing::World};
use atalaya_money::services;
use atalaya_network::{
    agents::{self, AgentState, Heartbeat},
    devices::DeviceState,
};
use atalaya_operations::sites::{SiteDevices, SiteRow, SiteServices, site_rows};
use std::collections::BTreeSet;

async fn rows(ctx: &Ctx) -> Vec<SiteRow> {
    site_rows(ctx, None, &PageQuery::default()).await.unwrap().items
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
    let names: Vec<_> = found.iter().map(|row| row.site.name.as_str()).collect();
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
