use crate::town::{Town, audited, router, subscriptions, tenant};
use atalaya_kernel::{Ctx, Error, Permissions, Principal, Scope, list::ListQuery, on_both, testing::World};
use atalaya_network::{
    agents,
    devices::{
        self, Credentials, DeviceChange, DeviceKind, DeviceMode, DeviceReport, DeviceState,
        NewConnectionTest, PlanState,
    },
    jobs::{
        self, Check, CheckStatus, ConnectionReport, DevicePlan, Field, Finding, JobOrder, JobOutcome,
        JobStatus,
    },
};
use atalaya_people::platform::{
    PlatformCtx,
    plans::{self, NewTenantPlan},
};
use std::collections::BTreeSet;

on_both!(credentials_are_sealed_and_never_shown, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let device = devices::device_get(&town.ctx, &town.device).await.unwrap();
    assert!(device.has_credentials);
    assert!(!serde_json::to_string(&device).unwrap().contains("hunter2"));
    let config = devices::agent_config(&town.ctx, &town.agent).await.unwrap();
    let Some(Credentials::UserPassword { password, .. }) = &config.devices[0].credentials else {
        unreachable!()
    };
    assert_eq!(password, "hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
    assert_eq!(config.sealing_key, vec![7; 32]);
    let mut tx = town.ctx.begin_read().await.unwrap();
    let audit = atalaya_kernel::audit::list(&mut tx, &audited(town.device.as_str())).await.unwrap();
    assert!(!audit.is_empty() && !format!("{audit:?}").contains("hunter2"));
});

on_both!(the_configuration_grows_with_its_content, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let version = || async { devices::agent_config_peek(&town.ctx, &town.agent).await.unwrap() };
    let first = version().await;
    assert_eq!(version().await, first);
    let device = devices::device_get(&town.ctx, &town.device).await.unwrap();
    let change = DeviceChange { host: Some("10.20.0.9".to_owned()), ..DeviceChange::default() };
    devices::device_update(&town.ctx, &town.device, device.revision, change.clone()).await.unwrap();
    assert_eq!(version().await, first + 1);
    let stale = devices::device_update(&town.ctx, &town.device, device.revision, change).await;
    assert!(matches!(stale, Err(Error::VersionConflict { .. })));
    // A change made far from here: the tenant's policy.
    let settings = atalaya_people::tenancy::tenant_get(&town.ctx).await.unwrap();
    let policy = atalaya_people::tenancy::TenantChange {
        cut_brake_floor: Some(3),
        changes_per_minute: Some(60),
        ..Default::default()
    };
    atalaya_people::tenancy::tenant_update(&town.ctx, settings.version, policy).await.unwrap();
    assert_eq!(version().await, first + 2);
    let other = devices::agent_config(&town.ctx, &town.agent).await.unwrap();
    assert_eq!((other.version, other.brake_floor, other.changes_per_minute), (first + 2, 3, 60));
    assert_eq!((other.change_floor, other.change_basis_points), (20, 1_000), "as a new ISP has it");
});

on_both!(how_a_device_is_spoken_to_is_chosen_per_device, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let device = devices::device_get(&town.ctx, &town.device).await.unwrap();
    assert_eq!((device.legacy_login, device.max_in_flight), (false, None));
    let old_board =
        DeviceChange { legacy_login: Some(true), max_in_flight: Some(2), ..DeviceChange::default() };
    let device = devices::device_update(&town.ctx, &town.device, device.revision, old_board).await.unwrap();
    assert_eq!((device.legacy_login, device.max_in_flight), (true, Some(2)));
    let config = devices::agent_config(&town.ctx, &town.agent).await.unwrap();
    assert_eq!((config.devices[0].legacy_login, config.devices[0].max_in_flight), (true, Some(2)));
    let usual = DeviceChange { max_in_flight: Some(0), ..DeviceChange::default() };
    let device = devices::device_update(&town.ctx, &town.device, device.revision, usual).await.unwrap();
    assert_eq!((device.legacy_login, device.max_in_flight), (true, None), "what is not said stays");
    for most in [-1, 65] {
        let odd = DeviceChange { max_in_flight: Some(most), ..DeviceChange::default() };
        let refused = devices::device_update(&town.ctx, &town.device, device.revision, odd).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{most}");
    }
    let mut antenna = router(&town.site, &town.agent, "Antena");
    (antenna.kind, antenna.credentials, antenna.legacy_login) = (DeviceKind::Icmp, None, true);
    assert!(matches!(devices::device_create(&town.ctx, antenna).await, Err(Error::Invalid(_))));
});

on_both!(a_scope_sees_its_sites_only, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let elsewhere = Scope::Sites(BTreeSet::new());
    let scoped = Ctx::new(town.ctx.db().clone(), Principal::CommandLine, Permissions::All, elsewhere, "r");
    assert!(matches!(devices::device_get(&scoped, &town.device).await, Err(Error::NotFound)));
    assert!(matches!(agents::agent_get(&scoped, &town.agent).await, Err(Error::NotFound)));
    let all = ListQuery::default();
    assert!(devices::devices_list(&scoped, &all).await.unwrap().items.is_empty());
    let here = Scope::Sites(BTreeSet::from([town.site.clone()]));
    let scoped = Ctx::new(town.ctx.db().clone(), Principal::CommandLine, Permissions::All, here, "r");
    assert_eq!(devices::devices_list(&scoped, &all).await.unwrap().items.len(), 1);
    let stranger = tenant(&town.world, "other").await;
    assert!(matches!(devices::device_get(&stranger, &town.device).await, Err(Error::NotFound)));
    let foreign = router(&town.site, &town.agent, "theirs");
    assert!(matches!(devices::device_create(&stranger, foreign).await, Err(Error::Invalid(_))));
});

fn plan(read_at: atalaya_kernel::time::Timestamp, status: CheckStatus) -> JobOutcome {
    let check = Check {
        code: "cut_profile".to_owned(),
        status,
        detail: String::new(),
        remedy: String::new(),
        finding: None,
    };
    JobOutcome {
        status: JobStatus::Done,
        detail: String::new(),
        finding: None,
        connection: None,
        plan: Some(DevicePlan {
            read_at,
            checks: vec![check],
            changes: Vec::new(),
            in_place: 3,
            foreign_rows: 1,
        }),
    }
}

on_both!(enforcing_needs_a_fresh_plan, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let (ctx, id) = (&town.ctx, &town.device);
    let refused = |outcome| matches!(outcome, Err(Error::Conflict { code: "cannot_bite", .. }));
    assert!(refused(devices::device_mode_set(ctx, id, DeviceMode::Enforce).await));
    for (status, may) in [(CheckStatus::Failed, false), (CheckStatus::Warning, true)] {
        let job = devices::device_plan_request(ctx, id).await.unwrap();
        assert_eq!(devices::device_plan_get(ctx, id).await.unwrap().status, PlanState::Waiting);
        let waiting = jobs::jobs_waiting(ctx, &town.agent).await.unwrap();
        assert!(
            waiting.len() == 1
                && matches!(&waiting[0].order, JobOrder::PlanDevice { device_id } if device_id == id)
        );
        jobs::job_finish(ctx, &town.agent, &job, &plan(ctx.now(), status)).await.unwrap();
        assert_eq!(devices::device_plan_get(ctx, id).await.unwrap().can_enforce, may);
        town.world.clock.advance_millis(1);
    }
    town.world.clock.advance_millis(6 * 60_000);
    assert!(refused(devices::device_mode_set(ctx, id, DeviceMode::Enforce).await), "too old");
    let job = devices::device_plan_request(ctx, id).await.unwrap();
    jobs::job_finish(ctx, &town.agent, &job, &plan(ctx.now(), CheckStatus::Passed)).await.unwrap();
    assert_eq!(
        devices::device_mode_set(ctx, id, DeviceMode::Enforce).await.unwrap().mode,
        DeviceMode::Enforce
    );
    // Another machine may stand behind another address.
    let revision = devices::device_get(ctx, id).await.unwrap().revision;
    let moved = DeviceChange { host: Some("10.20.0.2".to_owned()), ..DeviceChange::default() };
    assert_eq!(devices::device_update(ctx, id, revision, moved).await.unwrap().mode, DeviceMode::Observe);
});

fn answer(status: JobStatus, finding: Option<Finding>) -> JobOutcome {
    JobOutcome { status, detail: String::new(), finding, connection: None, plan: None }
}

/// What an agent says of an error.
fn finding(code: &str, words: &str) -> Finding {
    let words = Field { name: "words".to_owned(), value: words.to_owned() };
    Finding { code: code.to_owned(), facts: vec![words] }
}

fn test_of(town: &Town) -> NewConnectionTest {
    let device = router(&town.site, &town.agent, "x");
    NewConnectionTest {
        site_id: None,
        agent_id: town.agent.clone(),
        kind: device.kind,
        host: device.host,
        port: None,
        tls: false,
        tls_fingerprint: None,
        credentials: device.credentials,
        measure_interval_s: None,
        ping: None,
        cut_profile: None,
        cut_address_list: None,
        legacy_login: false,
        max_in_flight: None,
        device_id: None,
    }
}

on_both!(a_connection_test_comes_back_or_times_out, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let ctx = &town.ctx;
    let id = devices::connection_test_create(ctx, test_of(&town)).await.unwrap();
    assert!(agents::signals(&town.world.runtime, "here").await.unwrap()[0].has_jobs);
    let waiting = jobs::jobs_waiting(ctx, &town.agent).await.unwrap();
    let JobOrder::TestConnection { device } = &waiting[0].order else { unreachable!() };
    assert!(
        matches!(&device.credentials, Some(Credentials::UserPassword { password, .. }) if password == "hunter2")
    );
    let stage = Check {
        code: "login".to_owned(),
        status: CheckStatus::Failed,
        detail: "refused: wrong password".to_owned(),
        remedy: String::new(),
        finding: Some(finding("refused", "wrong password")),
    };
    let report = ConnectionReport { stages: vec![stage], ..ConnectionReport::default() };
    let outcome = JobOutcome { connection: Some(report), ..answer(JobStatus::Done, None) };
    jobs::job_finish(ctx, &town.agent, &id, &outcome).await.unwrap();
    let late = answer(JobStatus::Failed, Some(finding("config", "late")));
    jobs::job_finish(ctx, &town.agent, &id, &late).await.unwrap();
    let test = devices::connection_test_get(ctx, &id).await.unwrap();
    assert_eq!((test.status, test.stages[0].code.as_str()), (JobStatus::Done, "login"));
    assert_eq!(test.stages[0].finding, Some(finding("refused", "wrong password")));
    assert_eq!(test.finding, None);

    let refused = devices::connection_test_create(ctx, test_of(&town)).await.unwrap();
    jobs::job_finish(ctx, &town.agent, &refused, &late).await.unwrap();
    let test = devices::connection_test_get(ctx, &refused).await.unwrap();
    assert_eq!((test.status, test.finding), (JobStatus::Failed, Some(finding("config", "late"))));

    let lost = devices::connection_test_create(ctx, test_of(&town)).await.unwrap();
    town.world.clock.advance_millis(jobs::TEST_TIMEOUT_MS + 3_000);
    let test = devices::connection_test_get(ctx, &lost).await.unwrap();
    assert_eq!((test.status, test.finding), (JobStatus::TimedOut, Some(Finding::bare(jobs::AGENT_SILENT))));
    assert!(jobs::jobs_waiting(ctx, &town.agent).await.unwrap().is_empty());
    assert_eq!(jobs::jobs_expire(&town.world.runtime).await.unwrap(), 1);

    let mut elsewhere = test_of(&town);
    (elsewhere.credentials, elsewhere.device_id) = (None, Some(town.device.clone()));
    assert!(
        devices::connection_test_create(ctx, elsewhere.clone()).await.is_ok(),
        "stored credentials, same address"
    );
    elsewhere.host = "203.0.113.66".to_owned();
    assert!(
        devices::connection_test_create(ctx, elsewhere).await.is_err(),
        "a stored password goes to no other host"
    );
});

on_both!(device_states_are_told_once, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let report = |state, detail: &str| DeviceReport {
        device_id: town.device.clone(),
        state,
        detail: detail.to_owned(),
        finding: (state == DeviceState::Refuses).then(|| finding("refused", detail)),
        since: town.ctx.now(),
        last_answer_at: Some(town.ctx.now()),
        model: "RB5009".to_owned(),
        firmware: "7.15".to_owned(),
        serial: "ABC".to_owned(),
        identity: "bras".to_owned(),
        uptime_ms: 90_000,
    };
    for state in [DeviceState::Answers, DeviceState::Answers, DeviceState::Refuses] {
        devices::device_states_record(&town.ctx, &town.agent, &[report(state, "x")]).await.unwrap();
        town.world.clock.advance_millis(1);
    }
    let mut tx = town.ctx.begin_read().await.unwrap();
    let filter = atalaya_kernel::events::EventFilter {
        kinds: vec!["device.state_changed".to_owned()],
        limit: 10,
        ..Default::default()
    };
    assert_eq!(atalaya_kernel::events::list(&mut tx, &filter).await.unwrap().len(), 2);
    assert_eq!(devices::device_counts(&mut tx).await.unwrap(), (1, 1));
    drop(tx);
    let device = devices::device_get(&town.ctx, &town.device).await.unwrap();
    assert_eq!((device.state, device.uptime_s, device.model.as_str()), (DeviceState::Refuses, 90, "RB5009"));
    assert_eq!(device.state_finding, Some(finding("refused", "x")));
    let bad = ListQuery::of([("state", "refuses,silent"), ("q", "bras 10.20"), ("sort", "-last_answer_at")])
        .unwrap();
    assert_eq!(devices::devices_list(&town.ctx, &bad).await.unwrap().items.len(), 1);
    let good = ListQuery::of([("state", "answers")]).unwrap();
    assert!(devices::devices_list(&town.ctx, &good).await.unwrap().items.is_empty());
});

on_both!(
    a_plan_limits_devices_and_one_that_is_removed_leaves_room,
    subscriptions(),
    |world: World| async move {
        let town = Town::new(world).await;
        let platform = PlatformCtx::command_line(town.world.runtime.clone());
        let three = NewTenantPlan {
            name: "Inicio".to_owned(),
            contact: "ventas@hosting.example".to_owned(),
            devices: Some(3),
            ..NewTenantPlan::default()
        };
        let plan = plans::plan_create(&platform, &three).await.unwrap();
        plans::tenant_plan_set(&platform, town.ctx.tenant(), Some(&plan.id)).await.unwrap();
        let make = |number: i32| {
            let new = router(&town.site, &town.agent, &format!("RB-{number}"));
            devices::device_create(&town.ctx, new)
        };
        // At the same time: whoever comes later sees what the other one took.
        let (a, b, c, d) = tokio::join!(make(2), make(3), make(4), make(5));
        let (made, refused): (Vec<_>, Vec<_>) = [a, b, c, d].into_iter().partition(Result::is_ok);
        assert_eq!((made.len(), refused.len()), (2, 2), "three at most, and one was there");
        for refusal in refused {
            let Err(Error::Conflict { code, params, .. }) = refusal else { unreachable!("a limit") };
            assert_eq!(code, "plan_limit_reached");
            assert_eq!(
                (&params["limit"], &params["allowed"], &params["used"]),
                (&"devices".into(), &3.into(), &3.into())
            );
        }
        // What is there can be changed, and be taken away.
        let device = devices::device_get(&town.ctx, &town.device).await.unwrap();
        let change = DeviceChange { host: Some("10.20.0.9".to_owned()), ..DeviceChange::default() };
        devices::device_update(&town.ctx, &town.device, device.revision, change).await.unwrap();
        let gone = made.into_iter().flatten().next().unwrap();
        devices::device_delete(&town.ctx, &gone.id).await.unwrap();
        make(6).await.unwrap();
        assert_eq!(make(7).await.unwrap_err().code(), "plan_limit_reached");
        // Another ISP's devices are not counted, nor is it limited.
        let other = tenant(&town.world, "other").await;
        assert_eq!(devices::devices_count(&mut other.begin_read().await.unwrap()).await.unwrap(), 0);
        assert_eq!(devices::devices_count(&mut town.ctx.begin_read().await.unwrap()).await.unwrap(), 3);
    }
);

#[test]
fn the_lists_of_the_network_are_declared_soundly() {
    use atalaya_kernel::list::List;
    for shape in [agents::AgentList::SHAPE, devices::DeviceList::SHAPE] {
        assert_eq!(shape.flaws(), Vec::<String>::new(), "{}", shape.name);
    }
}
