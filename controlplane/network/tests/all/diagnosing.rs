use crate::town::{Town, audited, router, subscriptions, tenant};
use atalaya_kernel::{Ctx, Error, Permissions, Principal, Scope, ids::JobId, on_both, testing::World};
use atalaya_network::{
    agents,
    devices::{self, DeviceKind},
    jobs::{
        self, Diagnosis, DiagnosisKind, EchoReply, Finding, JobContent, JobOrder, JobOutcome, JobStatus,
        NewDiagnosis, TraceHop,
    },
};
use std::collections::BTreeSet;

fn ping() -> NewDiagnosis {
    NewDiagnosis {
        kind: DiagnosisKind::Ping,
        address: "10.64.1.7".to_owned(),
        count: Some(2),
        size: None,
        max_hops: None,
    }
}

fn echo(sequence: i64) -> JobContent {
    let reply = EchoReply {
        sequence,
        host: "10.64.1.7".to_owned(),
        round_trip_us: Some(1_234),
        ttl: 64,
        size: 56,
        words: String::new(),
    };
    JobContent::Echoes { replies: vec![reply] }
}

fn answer(status: JobStatus) -> JobOutcome {
    JobOutcome { status, detail: String::new(), finding: None, connection: None, plan: None }
}

async fn asked(town: &Town) -> JobId {
    jobs::diagnosis_create(&town.ctx, &town.device, &ping()).await.unwrap()
}

async fn read(town: &Town, id: &JobId) -> Diagnosis {
    jobs::diagnosis_get(&town.ctx, id).await.unwrap()
}

async fn said(town: &Town, id: &JobId, after: i64) -> Vec<i64> {
    let parts = jobs::diagnosis_output(&town.ctx, id, after).await.unwrap();
    parts.into_iter().map(|part| part.sequence).collect()
}

on_both!(a_ping_is_ordered_and_what_it_says_is_kept_once, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let id = asked(&town).await;
    let waiting = jobs::jobs_waiting(&town.ctx, &town.agent).await.unwrap();
    let JobOrder::Ping { address, count, .. } = &waiting[0].order else { unreachable!() };
    assert_eq!((address.to_string().as_str(), *count), ("10.64.1.7", 2));
    assert_eq!((waiting[0].limit_ms, waiting[0].cancelled), (Some(24_000), false));
    assert_eq!(waiting[0].start_by, town.ctx.now().plus_millis(30_000));
    let shown = read(&town, &id).await;
    assert_eq!((shown.status, shown.stopping, shown.count), (JobStatus::Waiting, false, 2));
    assert_eq!(shown.address, "10.64.1.7");

    // Out of order and twice: each once, and read in order.
    for sequence in [2, 1, 2, 1] {
        jobs::job_part_take(&town.ctx, &town.agent, &id, sequence, &echo(sequence - 1)).await.unwrap();
    }
    let other = JobContent::Echoes { replies: Vec::new() };
    jobs::job_part_take(&town.ctx, &town.agent, &id, 1, &other).await.unwrap();
    assert_eq!((said(&town, &id, 0).await, said(&town, &id, 1).await), (vec![1, 2], vec![2]));
    let parts = jobs::diagnosis_output(&town.ctx, &id, 0).await.unwrap();
    assert_eq!(parts[0].echoes[0].round_trip_us, Some(1_234), "the first word counts");

    jobs::job_finish(&town.ctx, &town.agent, &id, &answer(JobStatus::Done)).await.unwrap();
    let shown = read(&town, &id).await;
    assert_eq!((shown.status, shown.finished_at), (JobStatus::Done, Some(town.ctx.now())));
    let mut tx = town.ctx.begin_read().await.unwrap();
    let audit = atalaya_kernel::audit::list(&mut tx, &audited(town.device.as_str())).await.unwrap();
    assert!(audit.iter().any(|entry| entry.action == "device.diagnose"), "{audit:?}");
});

on_both!(a_route_is_told_hop_by_hop, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let new = NewDiagnosis {
        kind: DiagnosisKind::Traceroute,
        address: "203.0.113.80".to_owned(),
        count: None,
        size: None,
        max_hops: Some(12),
    };
    let id = jobs::diagnosis_create(&town.ctx, &town.device, &new).await.unwrap();
    let waiting = jobs::jobs_waiting(&town.ctx, &town.agent).await.unwrap();
    assert!(matches!(waiting[0].order, JobOrder::Traceroute { count: 3, max_hops: Some(12), .. }));
    let hop = TraceHop {
        address: "198.51.100.1".to_owned(),
        sent: 1,
        loss_basis_points: 0,
        last_us: Some(2_400),
        best_us: None,
        average_us: None,
        worst_us: None,
        words: String::new(),
    };
    let round = JobContent::Trace { hops: vec![hop.clone()] };
    jobs::job_part_take(&town.ctx, &town.agent, &id, 1, &round).await.unwrap();
    let parts = jobs::diagnosis_output(&town.ctx, &id, 0).await.unwrap();
    assert_eq!((parts[0].hops.as_slice(), parts[0].echoes.len()), ([hop].as_slice(), 0));
});

on_both!(stopping_is_a_wish_and_the_agent_says_what_came_of_it, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let id = asked(&town).await;
    let shown = jobs::diagnosis_cancel(&town.ctx, &id).await.unwrap();
    assert_eq!((shown.status, shown.stopping), (JobStatus::Waiting, true));
    assert!(jobs::jobs_waiting(&town.ctx, &town.agent).await.unwrap()[0].cancelled);
    assert!(agents::signals(&town.world.runtime, "here").await.unwrap()[0].has_jobs);
    jobs::job_finish(&town.ctx, &town.agent, &id, &answer(JobStatus::Cancelled)).await.unwrap();
    let shown = read(&town, &id).await;
    assert_eq!((shown.status, shown.stopping), (JobStatus::Cancelled, false));
    // What ended stays as it ended.
    jobs::job_finish(&town.ctx, &town.agent, &id, &answer(JobStatus::Done)).await.unwrap();
    let shown = jobs::diagnosis_cancel(&town.ctx, &id).await.unwrap();
    assert_eq!((shown.status, shown.stopping), (JobStatus::Cancelled, false));
    let lost = asked(&town).await;
    jobs::job_finish(&town.ctx, &town.agent, &lost, &answer(JobStatus::Unknown)).await.unwrap();
    assert_eq!(read(&town, &lost).await.status, JobStatus::Unknown);
});

on_both!(
    an_order_that_nobody_answers_is_over_after_its_start_and_its_run,
    subscriptions(),
    |world: World| async move {
        let town = Town::new(world).await;
        let id = asked(&town).await;
        town.world.clock.advance_millis(30_000 + 23_000);
        assert_eq!(read(&town, &id).await.status, JobStatus::Waiting, "it may still run");
        town.world.clock.advance_millis(4_000);
        let shown = read(&town, &id).await;
        assert_eq!(
            (shown.status, shown.finding),
            (JobStatus::TimedOut, Some(Finding::bare(jobs::AGENT_SILENT)))
        );
        assert_eq!(jobs::jobs_expire(&town.world.runtime).await.unwrap(), 1);
        // A late answer is better than none.
        jobs::job_finish(&town.ctx, &town.agent, &id, &answer(JobStatus::Done)).await.unwrap();
        assert_eq!(read(&town, &id).await.status, JobStatus::Done);
    }
);

on_both!(what_was_said_is_forgotten_after_a_week, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let (old, open) = (asked(&town).await, asked(&town).await);
    for id in [&old, &open] {
        jobs::job_part_take(&town.ctx, &town.agent, id, 1, &echo(0)).await.unwrap();
    }
    jobs::job_finish(&town.ctx, &town.agent, &old, &answer(JobStatus::Done)).await.unwrap();
    jobs::jobs_expire(&town.world.runtime).await.unwrap();
    assert_eq!(said(&town, &old, 0).await, [1]);
    town.world.clock.advance_millis(8 * 86_400_000);
    jobs::jobs_expire(&town.world.runtime).await.unwrap();
    assert!(said(&town, &old, 0).await.is_empty());
    assert_eq!(said(&town, &open, 0).await, [1], "over only now");
    assert_eq!(read(&town, &old).await.status, JobStatus::Done, "that it was asked for stays");
});

on_both!(agents_and_people_reach_their_own_alone, subscriptions(), |world: World| async move {
    let town = Town::new(world).await;
    let id = asked(&town).await;
    let stranger = tenant(&town.world, "other").await;
    for (ctx, agent) in
        [(&stranger, &town.agent), (&town.ctx, &atalaya_kernel::ids::AgentId::new(town.ctx.now()))]
    {
        jobs::job_part_take(ctx, agent, &id, 1, &echo(0)).await.unwrap();
        jobs::job_finish(ctx, agent, &id, &answer(JobStatus::Done)).await.unwrap();
    }
    for sequence in [0, -1, 10_001] {
        jobs::job_part_take(&town.ctx, &town.agent, &id, sequence, &echo(0)).await.unwrap();
    }
    assert!(said(&town, &id, 0).await.is_empty());
    assert_eq!(read(&town, &id).await.status, JobStatus::Waiting);

    let nowhere = Scope::Sites(BTreeSet::new());
    let scoped = Ctx::new(town.ctx.db().clone(), Principal::CommandLine, Permissions::All, nowhere, "r");
    for ctx in [&stranger, &scoped] {
        assert!(matches!(jobs::diagnosis_get(ctx, &id).await, Err(Error::NotFound)));
        assert!(matches!(jobs::diagnosis_output(ctx, &id, 0).await, Err(Error::NotFound)));
        assert!(matches!(jobs::diagnosis_cancel(ctx, &id).await, Err(Error::NotFound)));
        let new = jobs::diagnosis_create(ctx, &town.device, &ping()).await;
        assert!(matches!(new, Err(Error::NotFound)));
    }
    let mut antenna = router(&town.site, &town.agent, "Antena");
    (antenna.kind, antenna.credentials) = (DeviceKind::Icmp, None);
    let antenna = devices::device_create(&town.ctx, antenna).await.unwrap().id;
    let unable = jobs::diagnosis_create(&town.ctx, &antenna, &ping()).await;
    assert!(matches!(unable, Err(Error::Conflict { code: "device_unable", .. })));
});
