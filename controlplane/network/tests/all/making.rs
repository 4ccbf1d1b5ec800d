//! Many things made in one transaction: all of them with all that belongs to each, or none.

use crate::town::{Town, audited, pppoe, subscriptions};
use atalaya_kernel::{Error, events::EventFilter, ids::ServiceId, on_both, search, testing::World, write_tx};
use atalaya_money::services::{self, NewService, Status, SuspendedBecause};
use atalaya_network::{FOUND, attachments, provisioning::DesiredStatus};
use atalaya_people::{
    customers::{self, NewCustomer},
    platform::{
        PlatformCtx,
        plans::{self, NewTenantPlan},
    },
};

/// Customers with a service each, attached under these users, in one transaction; the last one is cut by hand first.
async fn make(town: &Town, users: &[&str]) -> Result<Vec<ServiceId>, Error> {
    let ctx = &town.ctx;
    write_tx!(ctx, tx => {
        let mut made = Vec::new();
        for (at, user) in users.iter().enumerate() {
            let new = NewCustomer { name: format!("Customer {user}"), ..NewCustomer::default() };
            let customer = customers::customer_make(ctx, &mut tx, &new).await?;
            let new = NewService {
                customer_id: customer.id,
                plan_id: town.plan.clone(),
                site_id: town.site.clone(),
                address: None,
                starts_on: None,
            };
            let service = services::service_make(ctx, &mut tx, &new).await?.id;
            if at + 1 == users.len() {
                services::service_suspend(ctx, &mut tx, &service, "cut before").await?;
            }
            attachments::attachment_make(ctx, &mut tx, &service, &pppoe(user, &town.device)).await?;
            made.push(service);
        }
        Ok(made)
    })
}

on_both!(many_are_made_at_once_with_all_that_belongs_to_each, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let made = make(&town, &["rquispe", "lhuaman", "jperez"]).await.unwrap();
    let told = town.told().await;
    let statuses: Vec<_> = told.iter().map(|point| point.desired.status).collect();
    assert_eq!(statuses, [DesiredStatus::Active, DesiredStatus::Active, DesiredStatus::Suspended]);
    assert!(told[2].released, "no brake holds what a person cut");
    let cut = services::service_get(&town.ctx, &made[2]).await.unwrap();
    assert_eq!((cut.status, cut.suspended_because), (Status::Suspended, Some(SuspendedBecause::Manual)));
    let mut tx = town.ctx.begin_read().await.unwrap();
    let hits = search::find(&town.ctx, &mut tx, &[FOUND], "lhuaman").await.unwrap();
    assert_eq!(hits.into_iter().map(|hit| hit.subject).collect::<Vec<_>>(), [made[1].to_string()]);
    for service in &made {
        assert!(!atalaya_kernel::audit::list(&mut tx, &audited(service.as_str())).await.unwrap().is_empty());
    }
    for (kind, count) in
        [("customer.created", 3), ("service.created", 3), ("service.suspended", 1), ("attachment.created", 3)]
    {
        let filter = EventFilter { kinds: vec![kind.to_owned()], limit: 100, ..EventFilter::default() };
        assert_eq!(atalaya_kernel::events::list(&mut tx, &filter).await.unwrap().len(), count, "{kind}");
    }
});

on_both!(one_that_fails_leaves_nothing_of_the_others, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let refused = make(&town, &["rquispe", "lhuaman", "rquispe"]).await.unwrap_err();
    assert_eq!(refused.code(), "access_taken");
    let platform = PlatformCtx::command_line(town.world.runtime.clone());
    let two = NewTenantPlan {
        name: "Inicio".to_owned(),
        contact: "ventas@hosting.example".to_owned(),
        customers: Some(2),
        ..NewTenantPlan::default()
    };
    let plan = plans::plan_create(&platform, &two).await.unwrap();
    plans::tenant_plan_set(&platform, town.ctx.tenant(), Some(&plan.id)).await.unwrap();
    let refused = make(&town, &["rquispe", "lhuaman", "jperez"]).await.unwrap_err();
    assert_eq!(refused.code(), "plan_limit_reached", "each that is made takes room");
    let count = customers::customers_count(&mut town.ctx.begin_read().await.unwrap()).await.unwrap();
    assert_eq!((count, town.told().await.len()), (0, 0));
    assert_eq!(make(&town, &["rquispe", "lhuaman"]).await.unwrap().len(), 2);
});
