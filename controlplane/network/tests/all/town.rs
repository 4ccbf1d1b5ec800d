//! A small ISP to test on: one site, one agent, one router, subscribers.

use atalaya_kernel::{
    Ctx,
    events::Subscriptions,
    ids::{AgentId, AttachmentId, DeviceId, PlanId, ServiceId, SiteId},
    outbox::{self, Subscriber},
    secrets::SecretText,
    testing::World,
    time::Timestamp,
};
use atalaya_money::{
    catalog::{self, NewPlan},
    services::{self, NewService},
};
use atalaya_network::{
    agents::{
        self, JoinStrings, NewToken, TokenSecret,
        enrolment::{Certificate, Enrolment, token_redeem},
        sessions::{Admission, Arrival, session_open},
    },
    attachments::{self, NewAttachment, NewAttachmentPoint},
    devices::{self, Credentials, DeviceKind, NewDevice},
    provisioning::{
        self, DesiredPoint, Observation, ObservedSession, ObservedStatus, Outcome, ServiceFollower,
    },
};
use atalaya_people::{
    customers::{self, NewCustomer},
    tenancy::{self, NewTenant},
};
use atalaya_places::sites::{self, NewSite};
use std::sync::Arc;

pub(crate) fn subscriptions() -> Subscriptions {
    Subscriptions::of(&[Arc::new(ServiceFollower) as Arc<dyn Subscriber>])
}

pub(crate) struct FixedJoins(pub(crate) &'static str);

impl JoinStrings for FixedJoins {
    fn make(&self) -> Result<TokenSecret, atalaya_kernel::Error> {
        Ok(TokenSecret { hash: self.0.to_owned(), join_string: format!("join {}", self.0).into() })
    }
}

/// Rows of the audit trail about a thing.
pub(crate) fn audited(entity: &str) -> atalaya_kernel::audit::AuditFilter {
    atalaya_kernel::audit::AuditFilter {
        entity_id: Some(entity.to_owned()),
        limit: 10,
        ..atalaya_kernel::audit::AuditFilter::default()
    }
}

pub(crate) struct Town {
    pub(crate) world: World,
    pub(crate) ctx: Ctx,
    pub(crate) site: SiteId,
    pub(crate) agent: AgentId,
    pub(crate) device: DeviceId,
    pub(crate) plan: PlanId,
    reports: i64,
}

pub(crate) async fn tenant(world: &World, slug: &str) -> Ctx {
    let new = NewTenant {
        slug: slug.to_owned(),
        name: slug.to_owned(),
        country: "PE".to_owned(),
        currency: "PEN".parse().unwrap(),
        time_zone: "America/Lima".parse().unwrap(),
        locale: "es-419".to_owned(),
    };
    let (_, tenant) = tenancy::tenant_create(&world.runtime, new).await.unwrap();
    Ctx::system(world.runtime.tenant(tenant.id), "test")
}

pub(crate) fn issue(_: &AgentId) -> Result<Certificate, atalaya_kernel::Error> {
    let expires_at = Timestamp::from_millis(2_000_000_000_000);
    Ok(Certificate { der: b"certificate".to_vec(), fingerprint: "f".repeat(64), expires_at })
}

pub(crate) fn arrival(agent: &AgentId, run: &str) -> Arrival {
    Arrival {
        agent: agent.clone(),
        instance: "here".to_owned(),
        run_id: run.to_owned(),
        version: "0.1.0".to_owned(),
        sealing_key: vec![7; 32],
        config_version: 0,
    }
}

impl Town {
    pub(crate) async fn new(world: World) -> Self {
        let ctx = tenant(&world, "netandina").await;
        let new = NewSite { name: "Cerro Alto".to_owned(), parent_id: None, latitude: None, longitude: None };
        let site = sites::site_create(&ctx, new).await.unwrap().id;
        let token = NewToken { site_id: site.clone(), name: None };
        let agent = agents::token_create(&ctx, &FixedJoins("hash"), token).await.unwrap().agent_id;
        let enrolled = token_redeem(&ctx, "hash", "key", &issue).await.unwrap();
        assert!(matches!(enrolled, Enrolment::Issued { .. }));
        assert_eq!(session_open(&ctx, &arrival(&agent, "run-1")).await.unwrap(), Admission::Open(1));
        let device = devices::device_create(&ctx, router(&site, &agent, "BRAS")).await.unwrap().id;
        let plan = NewPlan {
            name: "Fibra 100".to_owned(),
            download_bps: 100_000_000,
            upload_bps: 50_000_000,
            price: atalaya_kernel::money::Money::new(8_900, "PEN".parse().unwrap()),
            active: None,
        };
        let plan = catalog::plan_create(&ctx, plan).await.unwrap().id;
        Self { world, ctx, site, agent, device, plan, reports: 0 }
    }

    /// A subscriber with one PPPoE attachment on the router.
    pub(crate) async fn subscriber(&self, user: &str) -> (ServiceId, AttachmentId) {
        let customer = NewCustomer { name: format!("Customer {user}"), ..NewCustomer::default() };
        let customer_id = customers::customer_create(&self.ctx, customer).await.unwrap().id;
        let service = NewService {
            customer_id,
            plan_id: self.plan.clone(),
            site_id: self.site.clone(),
            address: None,
            starts_on: None,
        };
        let service = services::service_create(&self.ctx, service).await.unwrap().id;
        let attachment =
            attachments::attachment_create(&self.ctx, &service, pppoe(user, &self.device)).await.unwrap();
        self.settle().await;
        (service, attachment.id)
    }

    /// A second agent of the site.
    pub(crate) async fn another_agent(&self) -> AgentId {
        let token = NewToken { site_id: self.site.clone(), name: Some("Cerro Alto 2".to_owned()) };
        agents::token_create(&self.ctx, &FixedJoins("hash-2"), token).await.unwrap().agent_id
    }

    /// Delivers events until nothing is left.
    pub(crate) async fn settle(&self) {
        let subscribers: Vec<Arc<dyn Subscriber>> = vec![Arc::new(ServiceFollower)];
        self.world.clock.advance_millis(1);
        while outbox::deliver_due(&self.world.runtime, &subscribers).await.unwrap() > 0 {}
    }

    /// What the agent is told of everything.
    pub(crate) async fn told(&self) -> Vec<DesiredPoint> {
        provisioning::desired_since(&self.ctx, &self.agent, 0).await.unwrap().points
    }

    /// The agent reports that everything is as told.
    pub(crate) async fn obey(&mut self, session: bool) {
        self.world.clock.advance_millis(10);
        let mut seen = Vec::new();
        for point in self.told().await {
            let status = match point.desired.status {
                provisioning::DesiredStatus::Active => ObservedStatus::Active,
                provisioning::DesiredStatus::Suspended => ObservedStatus::Suspended,
                provisioning::DesiredStatus::Terminated => ObservedStatus::Absent,
            };
            seen.push(self.observation(&point, status, Outcome::Applied, session));
        }
        self.report(&seen).await;
    }

    pub(crate) fn observation(
        &self,
        point: &DesiredPoint,
        status: ObservedStatus,
        outcome: Outcome,
        session: bool,
    ) -> Observation {
        let now = self.ctx.now();
        Observation {
            point_id: point.id.clone(),
            timeline: point.desired.timeline,
            generation: point.desired.generation,
            status,
            outcome,
            detail: String::new(),
            drift: false,
            session: ObservedSession {
                present: session,
                since: session.then_some(now),
                address: "10.30.0.17".to_owned(),
                caller_id: "AA:BB:CC:00:00:01".to_owned(),
            },
            read_at: now,
            applied_at: Some(now),
            before: Vec::new(),
        }
    }

    pub(crate) async fn report(&mut self, seen: &[Observation]) {
        self.reports += 1;
        let digest = format!("digest-{}", self.reports);
        for _ in 0..2 {
            // The acknowledgement may be lost: each report comes twice.
            provisioning::observed_record(&self.ctx, &self.agent, self.reports, &digest, seen).await.unwrap();
        }
    }

    /// Names of the events about attachments' effects so far, oldest first.
    pub(crate) async fn effects(&self) -> Vec<String> {
        let mut tx = self.ctx.begin_read().await.unwrap();
        let filter = atalaya_kernel::events::EventFilter {
            kinds: vec!["attachment.*".to_owned()],
            limit: 100,
            ..Default::default()
        };
        let mut events = atalaya_kernel::events::list(&mut tx, &filter).await.unwrap();
        events.retain(|event| event.kind != "attachment.created");
        events.into_iter().rev().map(|event| event.kind).collect()
    }
}

pub(crate) fn router(site: &SiteId, agent: &AgentId, name: &str) -> NewDevice {
    NewDevice {
        site_id: site.clone(),
        agent_id: agent.clone(),
        name: name.to_owned(),
        kind: DeviceKind::Routeros,
        host: "10.20.0.1".to_owned(),
        port: None,
        tls: false,
        tls_fingerprint: None,
        credentials: Some(Credentials::UserPassword {
            user: "atalaya".to_owned(),
            password: "hunter2".to_owned(),
        }),
        measure_interval_s: None,
        ping: None,
        cut_profile: None,
        cut_address_list: None,
        legacy_login: false,
        max_in_flight: None,
    }
}

pub(crate) fn pppoe(user: &str, device: &DeviceId) -> NewAttachment {
    NewAttachment {
        kind: provisioning::AttachmentKind::Pppoe,
        user: Some(user.to_owned()),
        password: Some(SecretText::new("s3cret".to_owned())),
        address: None,
        profile: None,
        adopt: false,
        points: vec![NewAttachmentPoint { device_id: device.clone() }],
    }
}
