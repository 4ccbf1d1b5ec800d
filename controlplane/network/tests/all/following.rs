//! From decisions to desired state, from observations to what people see.

use crate::town::{Town, pppoe, subscriptions};
use atalaya_kernel::{Error, db::sql, ids::ServiceId, on_both, testing::World, write_tx};
use atalaya_money::services;
use atalaya_network::{
    attachments,
    provisioning::{
        self, DesiredAccess, DesiredStatus, HoldReason, NetworkState, ObservedStatus, Outcome, PointState,
        Position, ServiceNetwork,
    },
};

async fn network(town: &Town, id: &ServiceId) -> ServiceNetwork {
    let mut tx = town.ctx.begin_read().await.unwrap();
    provisioning::network_state_of(&mut tx, std::slice::from_ref(id)).await.unwrap().remove(id).unwrap()
}

/// As collections do it: suspended for debt.
async fn suspend_for_debt(town: &Town, id: &ServiceId) {
    let now = town.ctx.now();
    write_tx!(town.ctx, tx => {
        Ok(sql("UPDATE money_service SET status = 'suspended', suspended_because = 'overdue', status_reason = 'invoice overdue', status_changed_at = $1 WHERE tenant_id = $2 AND id = $3")
            .bind(now)
            .bind(town.ctx.tenant())
            .bind(id)
            .execute(&mut tx)
            .await?)
    })
    .unwrap();
    provisioning::reconcile_tenant(&town.ctx).await.unwrap();
}

on_both!(a_payments_way, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    let (service, _) = town.subscriber("rquispe").await;
    let told = town.told().await;
    assert_eq!((told.len(), told[0].desired.status), (1, DesiredStatus::Active));
    let DesiredAccess::Pppoe { user, password, profile, .. } = &told[0].access else { unreachable!() };
    assert_eq!((user.as_str(), profile.as_str()), ("rquispe", "atalaya-100M-50M"));
    assert_eq!(password.as_ref().unwrap().expose(), "s3cret");
    assert_eq!(network(&town, &service).await.state, NetworkState::Pending);
    town.obey(true).await;
    assert_eq!(network(&town, &service).await.state, NetworkState::Online);

    services::service_cut(&town.ctx, &service, "asked").await.unwrap();
    town.settle().await;
    let cut = town.told().await;
    assert_eq!(cut[0].desired.status, DesiredStatus::Suspended);
    assert!(cut[0].released, "a person's cut passes the agent's brake too");
    assert!(cut[0].desired.generation > told[0].desired.generation);
    assert_eq!(network(&town, &service).await.state, NetworkState::Pending);
    town.obey(false).await;
    let state = network(&town, &service).await;
    assert_eq!(state.state, NetworkState::Cut);
    assert!(state.cut_at.is_some());

    services::service_reconnect(&town.ctx, &service, "paid").await.unwrap();
    town.settle().await;
    town.obey(false).await;
    let state = network(&town, &service).await;
    assert_eq!(state.state, NetworkState::UnblockedWaiting);
    assert!(state.unblocked_at > state.cut_at && state.session_seen_at.is_none());
    town.obey(true).await;
    let state = network(&town, &service).await;
    assert_eq!(state.state, NetworkState::Online);
    assert!(state.session_seen_at >= state.unblocked_at);
    assert_eq!(town.effects().await, ["attachment.cut", "attachment.reconnected", "attachment.session_seen"]);
});

on_both!(looking_again_writes_nothing, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let (service, _) = town.subscriber("a").await;
    services::service_cut(&town.ctx, &service, "asked").await.unwrap();
    town.settle().await;
    let before = town.told().await[0].desired.generation;
    assert_eq!(provisioning::reconcile_tenant(&town.ctx).await.unwrap(), 0);
    for _ in 0..3 {
        write_tx!(town.ctx, tx => { provisioning::service_sync(&town.ctx, &mut tx, &service).await })
            .unwrap();
    }
    assert_eq!(town.told().await[0].desired.generation, before);
    let since = provisioning::desired_since(&town.ctx, &town.agent, before).await.unwrap();
    assert!(since.points.is_empty() && since.generation == before);
});

on_both!(a_plans_new_speed_reaches_its_services, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    town.subscriber("a").await;
    let plan = atalaya_money::catalog::plan_get(&town.ctx, &town.plan).await.unwrap();
    let faster = atalaya_money::catalog::PlanChange { download_bps: Some(200_000_000), ..Default::default() };
    atalaya_money::catalog::plan_update(&town.ctx, &town.plan, plan.version, faster).await.unwrap();
    town.settle().await;
    let told = town.told().await;
    assert_eq!(told[0].desired.download_bps, 200_000_000);
    assert!(matches!(&told[0].access, DesiredAccess::Pppoe { profile, .. } if profile == "atalaya-200M-50M"));
});

on_both!(the_brake_holds_what_no_person_asked_for, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    write_tx!(town.ctx, tx => {
        Ok(sql("UPDATE people_tenant SET cut_brake_floor = 2, cut_brake_basis_points = 0 WHERE id = $1").bind(town.ctx.tenant()).execute(&mut tx).await?)
    })
    .unwrap();
    let mut ids = Vec::new();
    for user in ["a", "b", "c", "d"] {
        ids.push(town.subscriber(user).await.0);
    }
    for id in &ids {
        suspend_for_debt(&town, id).await;
    }
    let cut = |told: &[provisioning::DesiredPoint]| {
        told.iter().filter(|point| point.desired.status == DesiredStatus::Suspended).count()
    };
    assert_eq!(cut(&town.told().await), 2);
    let held = provisioning::held_cuts_list(&town.ctx, &town.agent).await.unwrap().items;
    assert_eq!((held.len(), held[0].reason.as_str()), (2, "brake"));
    assert_eq!(held[0].customer_name, "Customer c");
    assert_eq!(network(&town, &held[0].service_id).await.state, NetworkState::NotApplied);
    // An hour later the rest still waits for a person.
    town.world.clock.advance_millis(3_700_000);
    assert_eq!(provisioning::reconcile_tenant(&town.ctx).await.unwrap(), 0);
    // One of them pays meanwhile: the hold ends without a cut.
    services::service_reconnect(&town.ctx, &held[1].service_id, "paid").await.unwrap();
    town.settle().await;
    let points = held.iter().map(|cut| cut.point_id.clone()).collect::<Vec<_>>();
    let left = provisioning::held_cuts_release(&town.ctx, &town.agent, &points).await.unwrap();
    assert!(left.items.is_empty());
    let told = town.told().await;
    assert_eq!(cut(&told), 3);
    assert_eq!(told.iter().filter(|point| point.released).count(), 1);
    town.obey(false).await;
    assert_eq!(network(&town, &held[0].service_id).await.state, NetworkState::Cut);
});

on_both!(the_isps_brake_holds_beside_the_sites, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let settings = |floor: i64, site: i64, isp: i64| {
        let town = &town;
        async move {
            write_tx!(town.ctx, tx => {
                Ok(sql("UPDATE people_tenant SET cut_brake_floor = $1, cut_brake_basis_points = $2, cut_brake_tenant_basis_points = $3 WHERE id = $4")
                    .bind(floor)
                    .bind(site)
                    .bind(isp)
                    .bind(town.ctx.tenant())
                    .execute(&mut tx)
                    .await?)
            })
            .unwrap();
        }
    };
    let mut ids = Vec::new();
    for number in 0..8 {
        ids.push(town.subscriber(&format!("sub{number}")).await.0);
    }
    let cut = || async {
        let told = town.told().await;
        told.iter().filter(|point| point.desired.status == DesiredStatus::Suspended).count()
    };
    // The site alone would let all of its eight pass, the ISP a quarter of its eight.
    settings(0, 10_000, 2_500).await;
    for id in &ids[..4] {
        suspend_for_debt(&town, id).await;
    }
    assert_eq!(cut().await, 2);
    let held = provisioning::held_cuts_list(&town.ctx, &town.agent).await.unwrap().items;
    assert!(held.len() == 2 && held.iter().all(|cut| cut.reason == "brake"));
    // Of a small ISP the share is nothing: the floor lets the first ones pass.
    settings(3, 10_000, 100).await;
    for id in &ids[4..6] {
        suspend_for_debt(&town, id).await;
    }
    assert_eq!(cut().await, 3, "the floor is three an hour, over the whole ISP");
    // Reconnections are never held, and free nothing of the hour.
    services::service_reconnect(&town.ctx, &ids[0], "paid").await.unwrap();
    town.settle().await;
    assert_eq!(cut().await, 2);
    // An hour later the next one passes; who was held waits for a person.
    town.world.clock.advance_millis(3_600_001);
    assert_eq!(provisioning::reconcile_tenant(&town.ctx).await.unwrap(), 0);
    suspend_for_debt(&town, &ids[6]).await;
    assert_eq!(cut().await, 3);
});

on_both!(a_restored_backup_cuts_nobody, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    let (paid, _) = town.subscriber("paid").await;
    let (active, _) = town.subscriber("active").await;
    services::service_cut(&town.ctx, &paid, "overdue then").await.unwrap();
    town.settle().await;
    // The agent has seen a later day: it holds a higher order than this copy ever gave out.
    let highest = Position { timeline: 1, generation: 500 };
    let held = provisioning::timeline_check(&town.ctx, &town.agent, highest).await.unwrap();
    assert_eq!((held.timeline, held.generation), (2, 501));
    let told = town.told().await;
    assert!(told.iter().all(|point| point.desired.timeline == 2 && !point.released));
    let cuts = provisioning::held_cuts_list(&town.ctx, &town.agent).await.unwrap().items;
    assert_eq!(
        cuts.iter().map(|cut| (&cut.service_id, cut.reason.as_str())).collect::<Vec<_>>(),
        [(&paid, "timeline")]
    );
    let again =
        provisioning::timeline_check(&town.ctx, &town.agent, Position { timeline: 2, generation: 501 })
            .await
            .unwrap();
    assert_eq!(again.timeline, 2, "raised once");
    // A decision that the copy holds and had not carried out waits as well; a new one of a person passes.
    write_tx!(town.ctx, tx => {
        Ok(sql("UPDATE money_service SET status = 'suspended', suspended_because = 'manual', status_changed_at = 1 WHERE tenant_id = $1 AND id = $2")
            .bind(town.ctx.tenant()).bind(&active).execute(&mut tx).await?)
    })
    .unwrap();
    provisioning::reconcile_tenant(&town.ctx).await.unwrap();
    assert_eq!(provisioning::held_cuts_list(&town.ctx, &town.agent).await.unwrap().items.len(), 2);
    services::service_reconnect(&town.ctx, &active, "mistake").await.unwrap();
    town.settle().await;
    town.world.clock.advance_millis(10);
    services::service_cut(&town.ctx, &active, "asked today").await.unwrap();
    town.settle().await;
    let told = town.told().await;
    assert_eq!(told.iter().filter(|point| point.released).count(), 1);
    // What collections decide from here on is a cut like any other: the agent counts it, and does not hold it.
    let (late, _) = town.subscriber("late").await;
    town.world.clock.advance_millis(10);
    suspend_for_debt(&town, &late).await;
    let told = town.told().await;
    let restored: Vec<_> = told.iter().map(|point| (point.before_restore, point.released)).collect();
    assert_eq!(restored, [(true, false), (false, true), (false, false)]);
    let settings = atalaya_people::tenancy::tenant_get(&town.ctx).await.unwrap();
    assert_eq!(settings.automatic_cuts, atalaya_people::tenancy::AutomaticCuts::OffUntilPreview);
    // What was cut before the restore and is found cut is no held cut any more.
    town.obey(false).await;
    assert!(provisioning::held_cuts_list(&town.ctx, &town.agent).await.unwrap().items.is_empty());
    assert_eq!(HoldReason::ALL.len(), 2);
});

on_both!(an_impossible_order_raises_nothing, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let absurd = [
        Position { timeline: i64::MAX, generation: 1 },
        Position { timeline: 1, generation: i64::MAX },
        Position { timeline: 1 << 33, generation: 0 },
    ];
    for highest in absurd {
        let held = provisioning::timeline_check(&town.ctx, &town.agent, highest).await.unwrap();
        assert_eq!(held.timeline, 1, "{highest:?}");
    }
});

on_both!(an_answer_from_the_future_raises_the_timeline_too, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    town.subscriber("a").await;
    let mut seen = town.observation(&town.told().await[0], ObservedStatus::Active, Outcome::InPlace, true);
    seen.generation += 100;
    town.report(&[seen]).await;
    assert_eq!(town.told().await[0].desired.timeline, 2);
});

on_both!(detaching_is_read_back_before_it_is_forgotten, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    let (service, attachment) = town.subscriber("a").await;
    town.obey(true).await;
    let taken = attachments::attachment_create(&town.ctx, &service, pppoe("a", &town.device)).await;
    assert!(matches!(taken, Err(Error::Conflict { code: "access_taken", .. })));
    attachments::attachment_remove(&town.ctx, &attachment).await.unwrap();
    assert_eq!(town.told().await[0].desired.status, DesiredStatus::Terminated);
    assert!(matches!(
        atalaya_network::devices::device_delete(&town.ctx, &town.device).await,
        Err(Error::Conflict { code: "device_in_use", .. })
    ));
    town.obey(false).await;
    assert!(town.told().await.is_empty());
    assert_eq!(network(&town, &service).await.state, NetworkState::NoAttachment);
    attachments::attachment_create(&town.ctx, &service, pppoe("a", &town.device)).await.unwrap();
    assert_eq!(town.told().await.len(), 1, "the user is free again");
});

on_both!(trouble_is_shown_in_the_devices_words, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    let (service, _) = town.subscriber("a").await;
    services::service_cut(&town.ctx, &service, "asked").await.unwrap();
    town.settle().await;
    let mut seen = town.observation(&town.told().await[0], ObservedStatus::Active, Outcome::Failed, true);
    seen.detail = "not enough permissions (9)".to_owned();
    town.report(std::slice::from_ref(&seen)).await;
    let state = network(&town, &service).await;
    assert_eq!(
        (state.state, state.detail.as_str()),
        (NetworkState::NotApplied, "BRAS: not enough permissions (9)")
    );
    assert_eq!(town.effects().await, ["attachment.apply_failed"]);
    // Another agent cannot speak for this point.
    let stranger = atalaya_kernel::ids::AgentId::new(town.ctx.now().plus_millis(1));
    seen.outcome = Outcome::Applied;
    let refused = provisioning::observed_record(&town.ctx, &stranger, 1, "d", &[seen]).await;
    assert!(refused.is_err(), "no such agent");
    let mut tx = town.ctx.begin_read().await.unwrap();
    let shown = attachments::attachments_of_services(&mut tx, &[service]).await.unwrap();
    assert_eq!(shown.values().next().unwrap()[0].points[0].state, PointState::Failed);
});

on_both!(a_service_held_open_is_not_cut_meanwhile, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let (service, _) = town.subscriber("a").await;
    assert!(matches!(
        provisioning::hold_open(&town.ctx, &service, 4).await,
        Err(Error::Conflict { code: "not_cut", .. })
    ));
    services::service_cut(&town.ctx, &service, "asked").await.unwrap();
    town.settle().await;
    provisioning::hold_open(&town.ctx, &service, 4).await.unwrap();
    let told = town.told().await;
    assert_eq!(told[0].hold_open_until, Some(town.ctx.now().plus_millis(4 * 3_600_000)));
    assert_eq!(provisioning::reconcile_tenant(&town.ctx).await.unwrap(), 0, "the reconcile leaves it");
    services::service_reconnect(&town.ctx, &service, "paid").await.unwrap();
    town.settle().await;
    assert_eq!(town.told().await[0].hold_open_until, None);
});
