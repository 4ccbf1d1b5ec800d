//! What is read back on a device came of the decision that the device was told of.

use crate::town::{Town, subscriptions};
use atalaya_kernel::{
    events::Event,
    ids::ServiceId,
    on_both,
    testing::World,
    timeline::{self, Filter},
};
use atalaya_money::services;
use atalaya_network::provisioning;

/// Newest event of a type on the service's timeline.
async fn newest(town: &Town, service: &ServiceId, kind: &str) -> Event {
    let mut tx = town.ctx.begin_read().await.unwrap();
    let filter = Filter { kinds: vec![kind.to_owned()], limit: 1, ..Filter::default() };
    timeline::events(&mut tx, service.as_str(), &filter).await.unwrap().remove(0)
}

on_both!(an_effect_has_the_cause_of_its_order, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    let (service, _) = town.subscriber("rquispe").await;
    town.obey(true).await;

    services::service_cut(&town.ctx, &service, "asked").await.unwrap();
    town.settle().await;
    town.obey(false).await;
    let decided = newest(&town, &service, "service.suspended").await;
    assert_eq!(newest(&town, &service, "attachment.cut").await.causation_id, Some(decided.id));

    services::service_reconnect(&town.ctx, &service, "paid").await.unwrap();
    town.settle().await;
    town.obey(false).await;
    town.obey(true).await;
    let decided = newest(&town, &service, "service.reconnected").await;
    for effect in ["attachment.reconnected", "attachment.session_seen"] {
        assert_eq!(newest(&town, &service, effect).await.causation_id, Some(decided.id.clone()), "{effect}");
    }

    // Nobody was told: the periodic look found it, and that is not called a consequence of anything.
    services::service_cut(&town.ctx, &service, "asked again").await.unwrap();
    provisioning::reconcile_tenant(&town.ctx).await.unwrap();
    town.obey(false).await;
    assert_eq!(newest(&town, &service, "attachment.cut").await.causation_id, None);
});
