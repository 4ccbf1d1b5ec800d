//! An ISP with a hill, a mast below it, and a valley apart.

use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    ids::{AgentId, CustomerId, DeviceId, PlanId, SiteId, UserId},
    money::Money,
    secrets::SecretText,
    testing::World,
};
use atalaya_money::{
    catalog::{self, NewPlan},
    services::{self, NewService},
};
use atalaya_network::{
    agents::{self, JoinStrings, NewToken, TokenSecret},
    devices::{self, Credentials, DeviceKind, DeviceReport, DeviceState, NewDevice},
};
use atalaya_people::{
    access::{Role, RoleKey},
    customers::{self, NewCustomer},
    identity::{self, NewUser},
    tenancy::{self, NewTenant},
};
use atalaya_places::sites::{self, NewSite};

struct Joins(&'static str);

impl JoinStrings for Joins {
    fn make(&self) -> Result<TokenSecret, Error> {
        Ok(TokenSecret { hash: self.0.to_owned(), join_string: String::new().into() })
    }
}

/// The whole of it.
pub(crate) struct Region {
    pub(crate) ctx: Ctx,
    pub(crate) hill: SiteId,
    pub(crate) mast: SiteId,
    pub(crate) valley: SiteId,
    pub(crate) agent: AgentId,
    pub(crate) plan: PlanId,
}

impl Region {
    pub(crate) async fn new(world: &World) -> Self {
        let new = NewTenant {
            slug: "netandina".to_owned(),
            name: "NetAndina".to_owned(),
            country: "PE".to_owned(),
            currency: "PEN".parse().unwrap(),
            time_zone: "America/Lima".parse().unwrap(),
            locale: "es-419".to_owned(),
        };
        let (ctx, _) = tenancy::tenant_create(&world.runtime, new).await.unwrap();
        let hill = site(&ctx, "Cerro Alto", None).await;
        let mast = site(&ctx, "Sector N-2", Some(&hill)).await;
        let valley = site(&ctx, "Valle", None).await;
        let token = NewToken { site_id: hill.clone(), name: None };
        let agent = agents::token_create(&ctx, &Joins("hill"), token).await.unwrap().agent_id;
        let plan = NewPlan {
            name: "Fibra 100".to_owned(),
            download_bps: 100_000_000,
            upload_bps: 50_000_000,
            price: Money::new(8_900, "PEN".parse().unwrap()),
            active: None,
        };
        let plan = catalog::plan_create(&ctx, plan).await.unwrap().id;
        Self { ctx, hill, mast, valley, agent, plan }
    }

    /// Somebody of the staff; `mailbox` is what stands before the `@`.
    pub(crate) async fn user(&self, name: &str, mailbox: &str, role: Role) -> UserId {
        let new = NewUser {
            name: name.to_owned(),
            email: format!("{}@netandina.example", mailbox.to_lowercase()),
            role: Some(RoleKey::BuiltIn(role)),
            roles: None,
            scope: None,
            password: Some(SecretText::new("una-clave-larga-2026".to_owned())),
        };
        identity::user_create(&self.ctx, new).await.unwrap().id
    }

    /// What somebody of the staff does, who has just shown who they are.
    pub(crate) fn acting(&self, id: &UserId, name: &str, permissions: Permissions) -> Ctx {
        let principal = Principal::User { id: id.clone(), name: name.to_owned() };
        Ctx::new(self.ctx.db().clone(), principal, permissions, Scope::All, "test").proved_at(self.ctx.now())
    }

    pub(crate) async fn customer(&self, name: &str) -> CustomerId {
        let new = NewCustomer { name: name.to_owned(), ..NewCustomer::default() };
        customers::customer_create(&self.ctx, new).await.unwrap().id
    }

    pub(crate) async fn service(&self, customer: &CustomerId, site: &SiteId) -> services::Service {
        let new = NewService {
            customer_id: customer.clone(),
            plan_id: self.plan.clone(),
            site_id: site.clone(),
            address: None,
            starts_on: None,
        };
        services::service_create(&self.ctx, new).await.unwrap()
    }

    pub(crate) async fn device(&self, name: &str, site: &SiteId, state: Option<DeviceState>) -> DeviceId {
        let device = self.made(name, site, DeviceKind::Icmp, None).await;
        let Some(state) = state else { return device };
        let report = DeviceReport {
            device_id: device.clone(),
            state,
            detail: String::new(),
            finding: None,
            since: self.ctx.now(),
            last_answer_at: None,
            model: String::new(),
            firmware: String::new(),
            serial: String::new(),
            identity: String::new(),
            uptime_ms: 0,
        };
        devices::device_states_record(&self.ctx, &self.agent, &[report]).await.unwrap();
        device
    }

    /// A router at which services can be attached.
    pub(crate) async fn router(&self, name: &str, site: &SiteId) -> DeviceId {
        let credentials =
            Credentials::UserPassword { user: "atalaya".to_owned(), password: "fict-4711".to_owned() };
        self.made(name, site, DeviceKind::Routeros, Some(credentials)).await
    }

    async fn made(
        &self,
        name: &str,
        site: &SiteId,
        kind: DeviceKind,
        credentials: Option<Credentials>,
    ) -> DeviceId {
        let new = NewDevice {
            site_id: site.clone(),
            agent_id: self.agent.clone(),
            name: name.to_owned(),
            kind,
            host: "10.20.0.1".to_owned(),
            port: None,
            tls: false,
            tls_fingerprint: None,
            credentials,
            measure_interval_s: None,
            ping: None,
            cut_profile: None,
            cut_address_list: None,
            legacy_login: false,
            max_in_flight: None,
        };
        devices::device_create(&self.ctx, new).await.unwrap().id
    }
}

async fn site(ctx: &Ctx, name: &str, parent: Option<&SiteId>) -> SiteId {
    let new = NewSite { name: name.to_owned(), parent_id: parent.cloned(), latitude: None, longitude: None };
    sites::site_create(ctx, new).await.unwrap().id
}

/// Somebody with some rights within a scope.
pub(crate) fn someone(ctx: &Ctx, rights: &[&str], scope: Scope) -> Ctx {
    let rights = Permissions::These(rights.iter().map(|right| (*right).to_owned()).collect());
    Ctx::new(ctx.db().clone(), Principal::System("test"), rights, scope, "test")
}
