//! What waits for a person beside cuts, and what stays on a device after an end.

use crate::town::{Town, pppoe, subscriptions};
use atalaya_kernel::{Error, ids::ServiceId, on_both, testing::World};
use atalaya_money::{
    catalog::{self, PlanChange},
    services,
};
use atalaya_network::{
    attachments::{self, NewAttachment, NewAttachmentPoint},
    provisioning::{
        self, AttachmentKind, DesiredPoint, DesiredStatus, NetworkState, ObservedStatus, Outcome, PointState,
    },
};

const ADDRESS: &str = "10.30.0.17";

fn fixed(town: &Town) -> NewAttachment {
    NewAttachment {
        kind: AttachmentKind::Static,
        user: None,
        password: None,
        address: Some(ADDRESS.to_owned()),
        profile: None,
        adopt: false,
        points: vec![NewAttachmentPoint { device_id: town.device.clone() }],
    }
}

async fn plan_at(town: &Town, bps: i64) {
    let plan = catalog::plan_get(&town.ctx, &town.plan).await.unwrap();
    let change = PlanChange { download_bps: Some(bps), ..PlanChange::default() };
    catalog::plan_update(&town.ctx, &town.plan, plan.version, change).await.unwrap();
    town.settle().await;
}

async fn state(town: &Town, id: &ServiceId) -> NetworkState {
    let mut tx = town.ctx.begin_read().await.unwrap();
    let states = provisioning::network_state_of(&mut tx, std::slice::from_ref(id)).await.unwrap();
    states[id].state
}

async fn of(town: &Town, status: DesiredStatus) -> DesiredPoint {
    let mut told = town.told().await;
    told.retain(|point| point.desired.status == status);
    assert_eq!(told.len(), 1, "{told:?}");
    told.remove(0)
}

on_both!(a_change_that_the_agent_holds_waits_for_a_person, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    let (service, _) = town.subscriber("a").await;
    town.obey(true).await;
    plan_at(&town, 200_000_000).await;
    let point = of(&town, DesiredStatus::Active).await;
    town.world.clock.advance_millis(10);
    let held = town.observation(&point, ObservedStatus::Active, Outcome::HeldChanges, true);
    town.report(&[held]).await;
    assert_eq!(state(&town, &service).await, NetworkState::NotApplied);
    let waiting = provisioning::held_cuts_list(&town.ctx, &town.agent).await.unwrap().items;
    assert_eq!((waiting.len(), waiting[0].reason.as_str()), (1, "changes"));

    let left = provisioning::held_cuts_release(&town.ctx, &town.agent, &[waiting[0].point_id.clone()])
        .await
        .unwrap();
    assert!(left.items.is_empty());
    let told = of(&town, DesiredStatus::Active).await;
    assert!(told.released && told.desired.generation > point.desired.generation);
    assert_eq!(provisioning::reconcile_tenant(&town.ctx).await.unwrap(), 0, "it stays let through");
    assert!(of(&town, DesiredStatus::Active).await.released);
    town.obey(true).await;
    assert_eq!(state(&town, &service).await, NetworkState::Online);
    // Another change is another matter.
    plan_at(&town, 300_000_000).await;
    assert!(!of(&town, DesiredStatus::Active).await.released);
});

on_both!(
    a_speed_that_is_left_as_it_is_is_told_and_the_service_is_online,
    subscriptions(),
    |world: World| async move {
        let mut town = Town::new(world).await;
        let (service, _) = town.subscriber("a").await;
        let point = of(&town, DesiredStatus::Active).await;
        let mut seen = town.observation(&point, ObservedStatus::Active, Outcome::Partly, true);
        seen.detail = "profile 10M is not ours".to_owned();
        town.report(&[seen]).await;
        assert_eq!(state(&town, &service).await, NetworkState::Online);
        let mut tx = town.ctx.begin_read().await.unwrap();
        let shown =
            attachments::attachments_of_services(&mut tx, std::slice::from_ref(&service)).await.unwrap();
        assert_eq!(shown[&service][0].points[0].state, PointState::Partly);
        assert_eq!(provisioning::services_not_applied(&mut tx).await.unwrap(), 0);
    }
);

on_both!(an_ended_address_stays_cut_until_someone_else_has_it, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    let (one, _) = town.subscriber("a").await;
    let (other, _) = town.subscriber("b").await;
    let first = attachments::attachment_create(&town.ctx, &one, fixed(&town)).await.unwrap().id;
    let taken = attachments::attachment_create(&town.ctx, &other, fixed(&town)).await;
    assert!(matches!(taken, Err(Error::Conflict { code: "access_taken", .. })));
    attachments::attachment_remove(&town.ctx, &first).await.unwrap();
    let ended = of(&town, DesiredStatus::Terminated).await;
    assert!(!ended.address_free);
    let cut = town.observation(&ended, ObservedStatus::Suspended, Outcome::Applied, false);
    town.report(&[cut]).await;
    assert!(!of(&town, DesiredStatus::Terminated).await.address_free, "it is not forgotten");

    attachments::attachment_create(&town.ctx, &other, fixed(&town)).await.unwrap();
    let ended = of(&town, DesiredStatus::Terminated).await;
    assert!(ended.address_free);
    town.obey(true).await;
    assert!(town.told().await.iter().all(|point| point.desired.status == DesiredStatus::Active));
});

on_both!(a_person_releases_an_ended_address, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    let (service, pppoe_attachment) = town.subscriber("a").await;
    let id = attachments::attachment_create(&town.ctx, &service, fixed(&town)).await.unwrap().id;
    attachments::attachment_remove(&town.ctx, &id).await.unwrap();
    let early = attachments::attachment_remove(&town.ctx, &id).await;
    assert!(matches!(early, Err(Error::NotFound)), "a request that comes twice frees nothing before the cut");
    let ended = of(&town, DesiredStatus::Terminated).await;
    let cut = town.observation(&ended, ObservedStatus::Suspended, Outcome::Applied, false);
    town.report(&[cut]).await;
    attachments::attachment_remove(&town.ctx, &id).await.unwrap();
    assert!(of(&town, DesiredStatus::Terminated).await.address_free);
    let again = attachments::attachment_remove(&town.ctx, &id).await;
    assert!(matches!(again, Err(Error::NotFound)), "there is nothing left to release");
    town.obey(true).await;
    // A secret of ours goes with its attachment: there is nothing to release.
    attachments::attachment_remove(&town.ctx, &pppoe_attachment).await.unwrap();
    let twice = attachments::attachment_remove(&town.ctx, &pppoe_attachment).await;
    assert!(matches!(twice, Err(Error::NotFound)));
});

on_both!(
    a_user_whose_secret_is_not_ours_is_free_for_someone_else,
    subscriptions(),
    |world: World| async move {
        let mut town = Town::new(world).await;
        let (one, attachment) = town.subscriber("a").await;
        let (other, _) = town.subscriber("b").await;
        let adopted = NewAttachment { adopt: true, password: None, ..pppoe("c", &town.device) };
        attachments::attachment_create(&town.ctx, &one, adopted).await.unwrap();
        let recognised = town.told().await.iter().filter(|point| point.adopt).count();
        assert_eq!(recognised, 1);
        attachments::attachment_remove(&town.ctx, &attachment).await.unwrap();
        let ended = of(&town, DesiredStatus::Terminated).await;
        assert!(ended.address_free, "detached while the service goes on: what is not ours stays as it is");
        let left = town.observation(&ended, ObservedStatus::Suspended, Outcome::Partly, false);
        town.report(&[left]).await;
        attachments::attachment_create(&town.ctx, &other, pppoe("a", &town.device)).await.unwrap();
        assert!(of(&town, DesiredStatus::Terminated).await.address_free);
    }
);

on_both!(who_has_ended_is_not_let_go_before_the_cut, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    let (service, attachment) = town.subscriber("a").await;
    let active = of(&town, DesiredStatus::Active).await;
    let foreign = town.observation(&active, ObservedStatus::Active, Outcome::Partly, true);
    town.report(&[foreign]).await;
    services::service_terminate(&town.ctx, &service, "moved away").await.unwrap();
    town.settle().await;
    let early = attachments::attachment_remove(&town.ctx, &attachment).await;
    assert!(matches!(early, Err(Error::Conflict { code: "still_ending", .. })), "{early:?}");
    let ended = of(&town, DesiredStatus::Terminated).await;
    assert!(!ended.address_free);
    let cut = town.observation(&ended, ObservedStatus::Suspended, Outcome::Partly, false);
    town.report(&[cut]).await;
    attachments::attachment_remove(&town.ctx, &attachment).await.unwrap();
    assert!(of(&town, DesiredStatus::Terminated).await.address_free);
});
