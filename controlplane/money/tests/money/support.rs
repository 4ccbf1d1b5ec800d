//! An ISP with a site and a plan, and short words for what the tests do with it.

use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope, audit,
    db::sql,
    events::Event,
    ids::{CustomerId, RunId, ServiceId, SiteId},
    jobs::{self, Handler},
    money::Money,
    page::PageQuery,
    testing::World,
    time::{Date, Timestamp},
    timeline::{self, Filter},
};
use atalaya_money::{
    billing::{self, Invoice, NewInvoice},
    catalog::{self, NewPlan, Plan},
    collections::{self, Run, RunJob, RunState},
    payments::{self, Method, NewPayment, Registered},
    services::{self, NewService, Service},
};
use atalaya_people::{
    customers::{self, NewCustomer},
    tenancy::{self, NewTenant, TenantChange},
};
use atalaya_places::sites::{self, NewSite};
use std::sync::Arc;

/// Price of the plan, céntimos.
pub(crate) const PRICE: i64 = 8_900;

pub(crate) fn soles(amount: i64) -> Money {
    Money::new(amount, "PEN".parse().unwrap())
}

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// A tenant in Lima with a site and a plan. Grace is 5 days, tolerance 0, automatic cuts are off until the first run.
pub(crate) struct Isp {
    pub(crate) ctx: Ctx,
    pub(crate) site: SiteId,
    pub(crate) plan: Plan,
}

impl Isp {
    pub(crate) async fn new(world: &World) -> Self {
        Self::named(world, "netandina").await
    }

    pub(crate) async fn named(world: &World, slug: &str) -> Self {
        let new = NewTenant {
            slug: slug.to_owned(),
            name: slug.to_uppercase(),
            country: "PE".to_owned(),
            currency: "PEN".parse().unwrap(),
            time_zone: "America/Lima".parse().unwrap(),
            locale: "es-419".to_owned(),
        };
        let (ctx, _) = tenancy::tenant_create(&world.runtime, new).await.unwrap();
        let site = Self::site_of(&ctx, "Cerro Alto").await;
        let plan = catalog::plan_create(&ctx, plan("Fibra 100")).await.unwrap();
        Self { ctx, site, plan }
    }

    pub(crate) async fn site_of(ctx: &Ctx, name: &str) -> SiteId {
        let new = NewSite { name: name.to_owned(), parent_id: None, latitude: None, longitude: None };
        sites::site_create(ctx, new).await.unwrap().id
    }

    pub(crate) async fn customer(&self, name: &str) -> CustomerId {
        let new = NewCustomer { name: name.to_owned(), ..NewCustomer::default() };
        customers::customer_create(&self.ctx, new).await.unwrap().id
    }

    pub(crate) async fn service(&self, customer: &CustomerId) -> Service {
        self.service_at(customer, &self.site).await
    }

    pub(crate) async fn service_at(&self, customer: &CustomerId, site: &SiteId) -> Service {
        let new = NewService {
            customer_id: customer.clone(),
            plan_id: self.plan.id.clone(),
            site_id: site.clone(),
            address: None,
            starts_on: None,
        };
        services::service_create(&self.ctx, new).await.unwrap()
    }

    /// A customer with one service.
    pub(crate) async fn subscriber(&self, name: &str) -> (CustomerId, ServiceId) {
        let customer = self.customer(name).await;
        let service = self.service(&customer).await.id;
        (customer, service)
    }

    /// The service as it is now.
    pub(crate) async fn now(&self, id: &ServiceId) -> Service {
        services::service_get(&self.ctx, id).await.unwrap()
    }

    pub(crate) async fn invoice(&self, customer: &CustomerId, amount: i64, due_on: &str) -> Invoice {
        billing::invoice_create(&self.ctx, invoice(customer, amount, due_on)).await.unwrap()
    }

    pub(crate) async fn pay(&self, customer: &CustomerId, amount: i64) -> Registered {
        payments::payment_register(&self.ctx, payment(customer, amount), None).await.unwrap()
    }

    /// Balance and overdue debt of a customer.
    pub(crate) async fn owed(&self, customer: &CustomerId) -> (i64, i64) {
        let mut tx = self.ctx.begin_read().await.unwrap();
        let tenant = tenancy::settings(&mut tx).await.unwrap();
        let today = self.ctx.now().date_in(&tenant.time_zone);
        let of = std::slice::from_ref(customer);
        let balances = billing::balances(&mut tx, of, today, tenant.grace_days).await.unwrap();
        balances.get(customer).map_or((0, 0), |balance| (balance.balance, balance.debt.overdue))
    }

    /// Executes a run as a person does, and lets the job carry it out; the run afterwards.
    pub(crate) async fn execute(
        &self,
        run: &RunId,
        services: i64,
        enable_automatic: bool,
    ) -> Result<Run, Error> {
        let decided = collections::run_execute(&self.ctx, run, services, enable_automatic).await?;
        assert_eq!(decided.state, RunState::Executing, "it answers before anything is done");
        self.work().await;
        collections::run_get(&self.ctx, run).await
    }

    /// Does the jobs that are due.
    pub(crate) async fn work(&self) {
        let handlers: [Arc<dyn Handler>; 1] = [Arc::new(RunJob)];
        while jobs::run_due(self.ctx.db().runtime(), &handlers).await.unwrap() {}
    }

    pub(crate) async fn set(&self, change: TenantChange) {
        let version = tenancy::tenant_get(&self.ctx).await.unwrap().version;
        tenancy::tenant_update(&self.ctx, version, change).await.unwrap();
    }

    /// How many events of a type were published about an entity, or related to it.
    pub(crate) async fn events(&self, kind: &str, entity: impl ToString) -> usize {
        self.happened(kind, entity).await.len()
    }

    /// The events of a type about an entity, or related to it, newest first.
    pub(crate) async fn happened(&self, kind: &str, entity: impl ToString) -> Vec<Event> {
        let filter = Filter { kinds: vec![kind.to_owned()], limit: 1_000, ..Filter::default() };
        let mut tx = self.ctx.begin_read().await.unwrap();
        timeline::events(&mut tx, &entity.to_string(), &filter).await.unwrap()
    }

    /// Actions audited about an entity, by name: within one millisecond rows have no order.
    pub(crate) async fn audited(&self, entity: impl ToString) -> Vec<String> {
        let mut tx = self.ctx.begin_read().await.unwrap();
        let filter = audit::AuditFilter {
            entity_id: Some(entity.to_string()),
            limit: 1_000,
            ..audit::AuditFilter::default()
        };
        let rows = audit::list(&mut tx, &filter).await.unwrap();
        let mut actions: Vec<_> = rows.into_iter().map(|row| row.action).collect();
        actions.sort();
        actions
    }

    /// The same person with another scope.
    pub(crate) fn scoped(&self, scope: Scope) -> Ctx {
        Ctx::new(self.ctx.db().clone(), Principal::CommandLine, Permissions::All, scope, "req")
    }

    /// Recomputes every derived figure from the rows below it.
    pub(crate) async fn verify_sums(&self) {
        let mut tx = self.ctx.begin_read().await.unwrap();
        for (what, statement) in [
            (
                "a ledger is invoices minus voids minus payments",
                "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT c.id, \
                 (SELECT COALESCE(SUM(l.amount), 0) FROM money_ledger_entry l WHERE l.tenant_id = c.tenant_id AND l.customer_id = c.id) AS ledger, \
                 (SELECT COALESCE(SUM(i.total), 0) FROM money_invoice i WHERE i.tenant_id = c.tenant_id AND i.customer_id = c.id AND i.voided = false) AS billed, \
                 (SELECT COALESCE(SUM(p.amount), 0) FROM money_payment p WHERE p.tenant_id = c.tenant_id AND p.customer_id = c.id) AS received \
                 FROM people_customer c WHERE c.tenant_id = $1) s WHERE ledger <> billed - received",
            ),
            (
                "what is paid of an invoice is the sum of its allocations, within its total",
                "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT i.paid, i.total, \
                 (SELECT COALESCE(SUM(a.amount), 0) FROM money_allocation a WHERE a.tenant_id = i.tenant_id AND a.invoice_id = i.id) AS allocated \
                 FROM money_invoice i WHERE i.tenant_id = $1) s WHERE paid <> allocated OR paid > total OR paid < 0",
            ),
            (
                "what a payment pays is the sum of its allocations, within its amount",
                "SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT p.allocated, p.amount, \
                 (SELECT COALESCE(SUM(a.amount), 0) FROM money_allocation a WHERE a.tenant_id = p.tenant_id AND a.payment_id = p.id) AS used \
                 FROM money_payment p WHERE p.tenant_id = $1) s WHERE allocated <> used OR allocated > amount OR allocated < 0",
            ),
            (
                "nobody owes while credit is left",
                "SELECT CAST(COUNT(*) AS BIGINT) FROM money_payment p JOIN money_invoice i ON i.tenant_id = p.tenant_id AND i.customer_id = p.customer_id \
                 WHERE p.tenant_id = $1 AND p.allocated < p.amount AND i.voided = false AND i.paid < i.total",
            ),
            (
                "numbers have no gap",
                "SELECT COALESCE(MAX(number), 0) - CAST(COUNT(*) AS BIGINT) FROM money_invoice WHERE tenant_id = $1",
            ),
        ] {
            let (wrong,): (i64,) = sql(statement).bind(self.ctx.tenant()).fetch_one(&mut tx).await.unwrap();
            assert_eq!(wrong, 0, "{what}");
        }
    }
}

pub(crate) fn plan(name: &str) -> NewPlan {
    NewPlan {
        name: name.to_owned(),
        download_bps: 100_000_000,
        upload_bps: 50_000_000,
        price: soles(PRICE),
        active: None,
    }
}

pub(crate) fn invoice(customer: &CustomerId, amount: i64, due_on: &str) -> NewInvoice {
    NewInvoice {
        customer_id: customer.clone(),
        service_id: None,
        description: "Noviembre".to_owned(),
        amount: soles(amount),
        due_on: day(due_on),
        is_fee: false,
    }
}

pub(crate) fn payment(customer: &CustomerId, amount: i64) -> NewPayment {
    NewPayment {
        customer_id: customer.clone(),
        amount: soles(amount),
        method: Method::Cash,
        operation_number: None,
        received_at: None,
        note: None,
    }
}

pub(crate) fn first_page() -> PageQuery {
    PageQuery::default()
}

/// Puts the clock at an instant that lies ahead.
pub(crate) fn wait_until(world: &World, instant: &str) {
    let at: Timestamp = instant.parse().unwrap();
    world.clock.advance_millis(at.as_millis() - world.runtime.clock.now().as_millis());
}
