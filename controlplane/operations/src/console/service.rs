use atalaya_kernel::{
    Ctx, Error,
    archive::journal,
    dead_letters,
    ids::{TenantId, TenantPlanId},
    page::{Page, PageQuery},
    time::Timestamp,
};
use atalaya_network::{agents, devices};
use atalaya_people::{
    customers,
    identity::{self, NewUser, Role},
    links::{self, Link},
    messaging::Outbound,
    platform::{
        PlatformCtx,
        plans::{self, Limit, TenantPlan},
    },
    tenancy::{self, NewTenant, Tenant, TenantState},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much of something a tenant has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LimitUse {
    /// Of what.
    pub limit: Limit,
    /// How many there are.
    pub used: i64,
    /// How many at most; null: unlimited.
    #[schema(example = 500)]
    pub allowed: Option<i64>,
}

/// What a tenant has, and what its plan allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TenantUse {
    /// Name of the plan; null: nothing is limited.
    #[schema(example = "Inicio")]
    pub plan: Option<String>,
    /// Whom to ask for more.
    #[schema(example = "ventas@hosting.example")]
    pub contact: Option<String>,
    /// Customers, devices, users.
    pub limits: Vec<LimitUse>,
    /// API requests of the whole ISP in a minute at most; null: unlimited.
    pub requests_per_minute: Option<i64>,
}

/// How a tenant is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TenantHealth {
    /// Agents enrolled and not revoked.
    pub agents: i64,
    /// Of them, connected.
    pub agents_connected: i64,
    /// Batches of measurements that agents still hold, as they last said.
    pub batches_waiting: i64,
    /// Deliveries of events and jobs that were given up and wait for a person.
    pub dead_letters: i64,
}

/// A tenant as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TenantRow {
    /// Which.
    pub id: TenantId,
    /// Short name.
    #[schema(example = "netandina")]
    pub slug: String,
    /// Name.
    #[schema(example = "NetAndina")]
    pub name: String,
    /// What its people may do.
    pub state: TenantState,
    /// Why, where it is not active.
    pub state_reason: Option<String>,
    /// Since when.
    pub state_since: Option<Timestamp>,
    /// Host name of its own, by which it is selected before log-in; null: none.
    #[schema(example = "red.netandina.example")]
    pub domain: Option<String>,
    /// Its plan; null: nothing is limited.
    pub plan_id: Option<TenantPlanId>,
    /// What it has against what its plan allows.
    pub usage: TenantUse,
    /// How it is.
    pub health: TenantHealth,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The installation and a page of its tenants.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TenantPage {
    /// Tenants, oldest first.
    pub items: Vec<TenantRow>,
    /// Cursor of the next page; none on the last.
    pub next_cursor: Option<String>,
    /// When the newest good copy of the installation was begun.
    pub backup_at: Option<Timestamp>,
}

/// What the caller's tenant has, and what its plan allows. Everybody who works there may know.
///
/// # Errors
/// The database's.
pub async fn tenant_use(ctx: &Ctx) -> Result<TenantUse, Error> {
    let mut tx = ctx.begin_read().await?;
    let plan = plans::plan_of(&mut tx).await?;
    let counts = [
        (Limit::Customers, customers::customers_count(&mut tx).await?),
        (Limit::Devices, devices::devices_count(&mut tx).await?),
        (Limit::Users, identity::users_count(&mut tx).await?),
    ];
    Ok(of_plan(plan, counts))
}

fn of_plan(plan: Option<TenantPlan>, counts: [(Limit, i64); 3]) -> TenantUse {
    let allowed = |limit| plan.as_ref().and_then(|plan| plan.allows(limit));
    let limits = counts.map(|(limit, used)| LimitUse { limit, used, allowed: allowed(limit) }).to_vec();
    TenantUse {
        limits,
        requests_per_minute: plan.as_ref().and_then(|plan| plan.requests_per_minute),
        contact: plan.as_ref().map(|plan| plan.contact.clone()),
        plan: plan.map(|plan| plan.name),
    }
}

/// Tenants of the installation, oldest first, each asked for its own figures.
///
/// # Errors
/// A cursor of another list.
pub async fn tenants_list(ctx: &PlatformCtx, page: &PageQuery) -> Result<TenantPage, Error> {
    let limit = page.limit()?;
    let after: Option<TenantId> = page.after()?;
    let mut tx = ctx.runtime().platform().begin_read().await?;
    let ids = tenancy::tenant_ids(&mut tx).await?;
    let backup_at = journal::last_good(&mut tx).await?.map(|backup| backup.started_at);
    tx.rollback().await?;
    let wanted = usize::try_from(limit + 1).unwrap_or(usize::MAX);
    let rest: Vec<_> =
        ids.into_iter().filter(|id| after.as_ref().is_none_or(|after| id > after)).take(wanted).collect();
    let page = Page::of(rest, limit, TenantId::clone)?;
    let mut items = Vec::with_capacity(page.items.len());
    for id in &page.items {
        items.push(tenant_row(ctx, id).await?);
    }
    Ok(TenantPage { items, next_cursor: page.next_cursor, backup_at })
}

/// One tenant.
///
/// # Errors
/// Not found.
pub async fn tenant_row(ctx: &PlatformCtx, id: &TenantId) -> Result<TenantRow, Error> {
    let of_tenant = ctx.in_tenant(id);
    let mut tx = of_tenant.begin_read().await?;
    let tenant = tenancy::settings(&mut tx).await?;
    let domain = tenancy::domain(&mut tx).await?;
    let (agents, agents_connected) = agents::agent_counts(&mut tx).await?;
    let health = TenantHealth {
        agents,
        agents_connected,
        batches_waiting: agents::agents_backlog(&mut tx).await?,
        dead_letters: dead_letters::count(&mut tx).await?,
    };
    drop(tx);
    Ok(TenantRow {
        id: tenant.id,
        slug: tenant.slug,
        name: tenant.name,
        state: tenant.state,
        state_reason: tenant.state_reason,
        state_since: tenant.state_since,
        domain,
        plan_id: tenant.plan_id,
        usage: tenant_use(&of_tenant).await?,
        health,
        created_at: tenant.created_at,
    })
}

/// A tenant to be made.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenantRequest {
    /// The tenant.
    pub tenant: NewTenant,
    /// Name of its first owner.
    #[schema(example = "Rosa Quispe")]
    pub owner_name: String,
    /// E-mail of its first owner.
    #[schema(example = "rosa@netandina.example")]
    pub owner_email: String,
    /// Whether the invitation is sent to that address, too; not when absent.
    #[serde(default)]
    pub send: bool,
}

/// A tenant that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewTenantMade {
    /// The tenant.
    pub tenant: Tenant,
    /// The link with which its owner sets the first password. Shown this once.
    pub invitation: Link,
}

/// Makes a tenant with its first owner, who is invited by a link.
///
/// # Errors
/// Wrong fields, a slug that is taken, or `mail_off` where the link is to be sent and no message leaves this installation.
pub async fn tenant_make(
    ctx: &PlatformCtx,
    outbound: &Outbound,
    new: NewTenantRequest,
) -> Result<NewTenantMade, Error> {
    let owner = NewUser {
        name: new.owner_name,
        email: new.owner_email,
        role: Some(Role::Owner.into()),
        roles: None,
        scope: None,
        password: None,
    };
    // Before the tenant is made: with a wrong owner there would be one that nobody can enter.
    owner.check()?;
    if new.send {
        links::may_send(outbound)?;
    }
    let (of_tenant, tenant) = tenancy::tenant_create_by(ctx, new.tenant).await?;
    let owner = identity::user_create(&of_tenant, owner).await?;
    let invitation = if new.send {
        links::link_send(&of_tenant, outbound, &owner.id).await?
    } else {
        links::link_create(&of_tenant, &owner.id).await?
    };
    Ok(NewTenantMade { tenant, invitation })
}
