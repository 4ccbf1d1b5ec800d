//! Which events a caller sees, by right and by scope.

use crate::region::{Region, someone};
use atalaya_kernel::{
    Ctx, Scope,
    events::{self, Event, EventFilter},
    on_both,
    testing::World,
};
use atalaya_money::services;
use atalaya_network::{agents, devices::DeviceState};
use atalaya_operations::{customers::customer_overview, feed};
use std::collections::BTreeSet;

const RIGHTS: [&str; 7] =
    ["site.read", "device.read", "agent.read", "service.read", "customer.read", "plan.read", "user.read"];

async fn everything(ctx: &Ctx) -> Vec<Event> {
    let filter = EventFilter { limit: 1_000, ..EventFilter::default() };
    events::list(&mut ctx.begin_read().await.unwrap(), &filter).await.unwrap()
}

/// What somebody sees of all that happened: type and entity.
async fn seen(region: &Region, rights: &[&str], scope: Scope) -> BTreeSet<(String, String)> {
    let all = everything(&region.ctx).await;
    let seen = feed::visible(&someone(&region.ctx, rights, scope), all).await.unwrap();
    seen.into_iter().map(|event| (event.kind, event.entity.id)).collect()
}

on_both!(a_scope_sees_what_happened_within_it, |world: World| async move {
    let region = Region::new(&world).await;
    region.device("on the hill", &region.hill, Some(DeviceState::Answers)).await;
    region.device("in the valley", &region.valley, Some(DeviceState::Answers)).await;
    let (rosa, luis) = (region.customer("Rosa").await, region.customer("Luis").await);
    let here = region.service(&rosa, &region.hill).await;
    let there = region.service(&luis, &region.valley).await;
    services::service_cut(&region.ctx, &here.id, "asked").await.unwrap();
    services::service_cut(&region.ctx, &there.id, "asked").await.unwrap();
    agents::agent_revoke(&region.ctx, &region.agent, "stolen").await.unwrap();

    let all = seen(&region, &RIGHTS, Scope::All).await;
    let ids = |seen: &BTreeSet<(String, String)>, kind: &str| -> Vec<String> {
        seen.iter().filter(|(of, _)| of == kind).map(|(_, id)| id.clone()).collect()
    };
    assert_eq!(ids(&all, "service.suspended").len(), 2);
    assert!(
        !ids(&all, "agent.revoked").is_empty() && ids(&all, "tenant.created").is_empty(),
        "no audit.read"
    );

    let hill = Scope::Sites(BTreeSet::from([region.hill.clone()]));
    let some = seen(&region, &RIGHTS, hill).await;
    assert_eq!(ids(&some, "site.created"), [region.hill.to_string()]);
    assert_eq!(ids(&some, "service.suspended"), [here.id.to_string()]);
    assert_eq!(ids(&some, "service.created"), [here.id.to_string()]);
    assert_eq!(ids(&some, "customer.created"), [rosa.to_string()]);
    assert_eq!((ids(&some, "device.created").len(), ids(&some, "device.state_changed").len()), (1, 1));
    assert_eq!(ids(&some, "agent.revoked"), [region.agent.to_string()], "it serves the hill");
    assert_eq!(ids(&some, "plan.created").len(), 1, "what is sold is the same everywhere");

    let valley = Scope::Sites(BTreeSet::from([region.valley.clone()]));
    assert!(ids(&seen(&region, &RIGHTS, valley.clone()).await, "agent.revoked").is_empty());
    let audit: Vec<&str> = RIGHTS.into_iter().chain(["audit.read"]).collect();
    assert!(ids(&seen(&region, &audit, valley).await, "tenant.created").is_empty(), "of the whole ISP");
    assert!(!ids(&seen(&region, &audit, Scope::All).await, "tenant.created").is_empty());

    let own = seen(&region, &RIGHTS, Scope::Customer(rosa.clone())).await;
    assert_eq!(ids(&own, "service.suspended"), [here.id.to_string()]);
    let kinds: BTreeSet<&str> = own.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["customer.created", "service.created", "service.suspended"]));
    assert!(seen(&region, &[], Scope::All).await.is_empty(), "no right, no event");

    // The timeline on a customer's page goes by the same rights.
    let clerk = someone(&region.ctx, &["customer.read", "event.read"], Scope::All);
    let overview = customer_overview(&clerk, &rosa).await.unwrap();
    assert!(overview.timeline.iter().all(|event| event.kind.starts_with("customer.")));
    assert!(!overview.timeline.is_empty());
});
