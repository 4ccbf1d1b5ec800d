use super::support::{Isp, first_page, plan, soles};
use atalaya_kernel::{Error, Scope, ids::CustomerId, list::ListQuery, on_both, testing::World};
use atalaya_money::{
    catalog::{self, PlanChange},
    services::{self, NewService, ServiceList, Status, SuspendedBecause},
};
use std::collections::BTreeSet;

fn of(customer: &CustomerId) -> ListQuery<ServiceList> {
    ListQuery::of([("customer", customer.as_str())]).unwrap()
}

on_both!(plans_change_by_version_and_end, |world: World| async move {
    let isp = Isp::new(&world).await;
    assert!(
        matches!(catalog::plan_create(&isp.ctx, plan("fibra 100")).await, Err(Error::Invalid(_))),
        "taken"
    );
    let dollars = catalog::NewPlan {
        price: atalaya_kernel::money::Money::new(1, "USD".parse().unwrap()),
        ..plan("Otro")
    };
    assert!(matches!(catalog::plan_create(&isp.ctx, dollars).await, Err(Error::Invalid(_))), "one currency");
    let dearer = PlanChange { price: Some(soles(9_900)), active: Some(false), ..PlanChange::default() };
    let after = catalog::plan_update(&isp.ctx, &isp.plan.id, 1, dearer.clone()).await.unwrap();
    assert_eq!((after.version, after.price, after.active), (2, soles(9_900), false));
    assert!(matches!(
        catalog::plan_update(&isp.ctx, &isp.plan.id, 1, dearer).await,
        Err(Error::VersionConflict { current: 2 })
    ));
    let customer = isp.customer("Rosa").await;
    let new = NewService {
        customer_id: customer,
        plan_id: isp.plan.id.clone(),
        site_id: isp.site.clone(),
        address: None,
        starts_on: None,
    };
    assert!(
        matches!(services::service_create(&isp.ctx, new).await, Err(Error::Invalid(_))),
        "not sold any more"
    );
    assert_eq!(isp.audited(&isp.plan.id).await, ["plan.write", "plan.write"]);
    assert_eq!(isp.events("plan.*", &isp.plan.id).await, 2);
});

on_both!(a_service_is_cut_reconnected_moved_and_ended_by_hand, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (_, id) = isp.subscriber("Rosa").await;
    assert!(matches!(services::service_cut(&isp.ctx, &id, " ").await, Err(Error::Invalid(_))), "no reason");
    let cut = services::service_cut(&isp.ctx, &id, "router stolen").await.unwrap();
    assert_eq!((cut.status, cut.suspended_because), (Status::Suspended, Some(SuspendedBecause::Manual)));
    assert_eq!(services::service_cut(&isp.ctx, &id, "again").await.unwrap(), cut, "twice is once");
    let back = services::service_reconnect(&isp.ctx, &id, "found").await.unwrap();
    assert_eq!((back.status, back.suspended_because), (Status::Active, None));
    let faster = catalog::plan_create(&isp.ctx, plan("Fibra 200")).await.unwrap();
    let moved = services::service_plan_change(&isp.ctx, &id, &faster.id).await.unwrap();
    assert_eq!(moved.plan_id, faster.id);
    let ended = services::service_terminate(&isp.ctx, &id, "moved away").await.unwrap();
    assert_eq!(ended.status, Status::Terminated);
    for refused in [
        services::service_cut(&isp.ctx, &id, "x").await,
        services::service_reconnect(&isp.ctx, &id, "x").await,
        services::service_plan_change(&isp.ctx, &id, &isp.plan.id).await,
        services::service_terminate(&isp.ctx, &id, "x").await,
    ] {
        assert!(matches!(refused, Err(Error::Conflict { code: "service_terminated", .. })));
    }
    assert_eq!(
        isp.audited(&id).await,
        ["service.plan_change", "service.reconnect", "service.suspend", "service.terminate", "service.write"]
    );
    assert_eq!(isp.events("service.*", &id).await, 5);
});

on_both!(a_person_and_a_payment_at_the_same_moment_both_succeed, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (customer, id) = isp.subscriber("Rosa").await;
    isp.invoice(&customer, 8_900, "2026-10-01").await;
    for round in 0..8 {
        let move_to = if round % 2 == 0 { plan("Otro") } else { plan("Y otro") };
        let other = catalog::plan_create(
            &isp.ctx,
            catalog::NewPlan { name: format!("{} {round}", move_to.name), ..move_to },
        )
        .await
        .unwrap();
        let (moved, paid) =
            tokio::join!(services::service_plan_change(&isp.ctx, &id, &other.id), isp.pay(&customer, 100));
        moved.unwrap();
        assert_eq!(paid.payment.amount, soles(100));
    }
    isp.verify_sums().await;
});

on_both!(nothing_of_another_isp_is_seen_or_touched, |world: World| async move {
    let (isp, other) = (Isp::new(&world).await, Isp::named(&world, "other").await);
    let (customer, id) = isp.subscriber("Rosa").await;
    assert!(matches!(services::service_get(&other.ctx, &id).await, Err(Error::NotFound)));
    assert!(matches!(services::service_cut(&other.ctx, &id, "x").await, Err(Error::NotFound)));
    assert!(matches!(services::service_reconnect(&other.ctx, &id, "x").await, Err(Error::NotFound)));
    assert!(matches!(
        services::service_plan_change(&other.ctx, &id, &other.plan.id).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(services::service_terminate(&other.ctx, &id, "x").await, Err(Error::NotFound)));
    assert!(matches!(catalog::plan_get(&other.ctx, &isp.plan.id).await, Err(Error::NotFound)));
    assert!(services::services_list(&other.ctx, &of(&customer)).await.unwrap().items.is_empty());
    let new = |customer: &_, plan: &_, site: &_| NewService {
        customer_id: Clone::clone(customer),
        plan_id: Clone::clone(plan),
        site_id: Clone::clone(site),
        address: None,
        starts_on: None,
    };
    let own = other.customer("Luis").await;
    for foreign in [
        new(&customer, &other.plan.id, &other.site),
        new(&own, &isp.plan.id, &other.site),
        new(&own, &other.plan.id, &isp.site),
    ] {
        assert!(matches!(services::service_create(&other.ctx, foreign).await, Err(Error::Invalid(_))));
    }
    assert_eq!(catalog::plans_list(&other.ctx, &first_page()).await.unwrap().items.len(), 1);
    assert_eq!(isp.now(&id).await.status, Status::Active);
});

on_both!(lists_show_what_the_scope_lets_see, |world: World| async move {
    let isp = Isp::new(&world).await;
    let far = Isp::site_of(&isp.ctx, "Loma").await;
    let (rosa, near) = isp.subscriber("Rosa").await;
    let luis = isp.customer("Luis").await;
    let away = isp.service_at(&luis, &far).await.id;
    let north = isp.scoped(Scope::Sites(BTreeSet::from([isp.site.clone()])));
    assert_eq!(services::service_get(&north, &near).await.unwrap().id, near);
    assert!(matches!(services::service_get(&north, &away).await, Err(Error::NotFound)));
    assert!(matches!(services::service_cut(&north, &away, "x").await, Err(Error::NotFound)));
    let portal = isp.scoped(Scope::Customer(luis.clone()));
    assert!(services::services_list(&portal, &of(&rosa)).await.unwrap().items.is_empty());
    assert_eq!(services::services_list(&portal, &of(&luis)).await.unwrap().items.len(), 1);
});
