use crate::town::{FixedJoins, Town, arrival, audited, issue, subscriptions, tenant};
use atalaya_kernel::{Error, on_both, testing::World};
use atalaya_network::agents::sessions::LEASE_MS;
use atalaya_network::agents::{
    self, AgentState, NewToken,
    enrolment::{Enrolment, certificate_renew, token_owner, token_redeem},
    sessions::{self, Admission, Standing},
};

on_both!(a_token_is_for_one_key, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let ctx = &town.ctx;
    assert_eq!(token_owner(&town.world.runtime, "hash").await.unwrap().as_ref(), Some(ctx.tenant()));
    assert_eq!(token_owner(&town.world.runtime, "other").await.unwrap(), None);
    // A power cut in the middle: the same key asks again, also after the token's end.
    town.world.clock.advance_millis(48 * 3_600_000);
    let again = token_redeem(ctx, "hash", "key", &issue).await.unwrap();
    assert!(matches!(again, Enrolment::Issued { certificate, .. } if certificate == b"certificate"));
    assert!(matches!(token_redeem(ctx, "hash", "thief", &issue).await.unwrap(), Enrolment::Used));
    let mut tx = ctx.begin_read().await.unwrap();
    let rows = atalaya_kernel::audit::list(&mut tx, &audited(town.agent.as_str())).await.unwrap();
    assert!(rows.iter().any(|row| row.action == "agent.enrolment_refused"));
    drop(tx);
    let other = tenant(&town.world, "other").await;
    assert!(matches!(token_redeem(&other, "hash", "key", &issue).await, Err(Error::NotFound)));
    let token = NewToken { site_id: town.site.clone(), name: Some("late".to_owned()) };
    agents::token_create(ctx, &FixedJoins("late"), token).await.unwrap();
    town.world.clock.advance_millis(48 * 3_600_000);
    assert!(matches!(token_redeem(ctx, "late", "key", &issue).await.unwrap(), Enrolment::Expired));
});

on_both!(two_keys_race_for_one_token, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let token = NewToken { site_id: town.site.clone(), name: Some("raced".to_owned()) };
    agents::token_create(&town.ctx, &FixedJoins("raced"), token).await.unwrap();
    let (one, two) = tokio::join!(
        token_redeem(&town.ctx, "raced", "one", &issue),
        token_redeem(&town.ctx, "raced", "two", &issue)
    );
    let issued =
        [one.unwrap(), two.unwrap()].iter().filter(|got| matches!(got, Enrolment::Issued { .. })).count();
    assert_eq!(issued, 1);
});

on_both!(the_newer_connection_wins, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let (ctx, agent) = (&town.ctx, &town.agent);
    assert_eq!(sessions::session_renew(ctx, agent, 1).await.unwrap(), Standing::Valid);
    assert_eq!(sessions::session_open(ctx, &arrival(agent, "run-2")).await.unwrap(), Admission::Open(2));
    assert_eq!(sessions::session_renew(ctx, agent, 1).await.unwrap(), Standing::Superseded);
    // The end of the old connection is not the agent's end.
    sessions::session_close(ctx, agent, 1).await.unwrap();
    assert_eq!(agents::agent_get(ctx, agent).await.unwrap().state, AgentState::Connected);
    assert!(agents::agent_get(ctx, agent).await.unwrap().duplicate_identity_at.is_none());
    // The first run is back though it was taken over from: two machines.
    assert_eq!(sessions::session_open(ctx, &arrival(agent, "run-1")).await.unwrap(), Admission::Open(3));
    assert!(agents::agent_get(ctx, agent).await.unwrap().duplicate_identity_at.is_some());
    sessions::session_close(ctx, agent, 3).await.unwrap();
    assert_eq!(agents::agent_get(ctx, agent).await.unwrap().state, AgentState::Silent);
});

on_both!(a_dead_holder_makes_its_agents_silent, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    assert_eq!(sessions::leases_sweep(&town.world.runtime).await.unwrap(), 0);
    town.world.clock.advance_millis(LEASE_MS + 1);
    assert_eq!(sessions::leases_sweep(&town.world.runtime).await.unwrap(), 1);
    assert_eq!(agents::agent_get(&town.ctx, &town.agent).await.unwrap().state, AgentState::Silent);
    assert_eq!(sessions::leases_sweep(&town.world.runtime).await.unwrap(), 0);
});

on_both!(a_revoked_agent_stays_out, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let (ctx, agent) = (&town.ctx, &town.agent);
    let signals = agents::signals(&town.world.runtime, "here").await.unwrap();
    assert!(signals.len() == 1 && !signals[0].revoked && signals[0].epoch == 1);
    agents::agent_revoke(ctx, agent, "stolen").await.unwrap();
    let signals = agents::signals(&town.world.runtime, "here").await.unwrap();
    assert!(signals[0].revoked);
    assert_eq!(sessions::session_renew(ctx, agent, 1).await.unwrap(), Standing::Revoked);
    assert_eq!(sessions::session_open(ctx, &arrival(agent, "run-2")).await.unwrap(), Admission::Revoked);
    assert!(certificate_renew(ctx, agent, &issue).await.unwrap().is_none());
    assert!(matches!(
        agents::agent_revoke(ctx, agent, "again").await,
        Err(Error::Conflict { code: "already_revoked", .. })
    ));
    let stranger = tenant(&town.world, "other").await;
    assert!(matches!(agents::agent_get(&stranger, agent).await, Err(Error::NotFound)));
    assert_eq!(sessions::session_open(&stranger, &arrival(agent, "x")).await.unwrap(), Admission::Unknown);
});
