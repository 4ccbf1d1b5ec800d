use super::{Limit, NewTenantPlan, TenantPlan, store};
use crate::{
    platform::PlatformCtx,
    tenancy::{self, Tenant, TenantState},
};
use atalaya_kernel::{
    Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, NewEvent},
    ids::{TenantId, TenantPlanId},
    write_tx,
};
use serde_json::json;

/// How many of something a tenant may have, while its transaction holds the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    limit: Limit,
    allowed: i64,
    plan: String,
    contact: String,
}

impl Room {
    /// Takes room for `more` beside the `used` that there are.
    ///
    /// # Errors
    /// `plan_limit_reached`, with what is limited, how far, what is used and whom to ask.
    pub fn take(&self, used: i64, more: i64) -> Result<(), Error> {
        if used.saturating_add(more) <= self.allowed {
            return Ok(());
        }
        let detail = format!(
            "the plan {} has {} {}, {used} are used; ask {} for more",
            self.plan, self.allowed, self.limit, self.contact
        );
        let params = [
            ("limit", self.limit.as_str().into()),
            ("allowed", self.allowed.into()),
            ("used", used.into()),
            ("plan", self.plan.clone().into()),
            ("contact", self.contact.clone().into()),
        ];
        Err(Error::conflict_with("plan_limit_reached", detail, params))
    }
}

/// Asks for room to make something, in the transaction that makes it: until it ends nobody else does. None: unlimited.
///
/// # Errors
/// The database's.
pub async fn room(tx: &mut TenantTx, limit: Limit) -> Result<Option<Room>, Error> {
    let is_limited =
        |plan: &Option<TenantPlan>| plan.as_ref().is_some_and(|plan| plan.allows(limit).is_some());
    if !is_limited(&store::plan_of(tx).await?) {
        return Ok(None);
    }
    store::tenant_lock(tx).await?;
    // Again behind the lock: the plan may be another one.
    let Some(plan) = store::plan_of(tx).await? else { return Ok(None) };
    let allowed = plan.allows(limit);
    Ok(allowed.map(|allowed| Room { limit, allowed, plan: plan.name, contact: plan.contact }))
}

/// The plan of the transaction's tenant.
///
/// # Errors
/// The database's.
pub async fn plan_of(tx: &mut TenantTx) -> Result<Option<TenantPlan>, Error> {
    Ok(store::plan_of(tx).await?)
}

/// All plans, by name.
///
/// # Errors
/// The database's.
pub async fn plans_list(ctx: &PlatformCtx) -> Result<Vec<TenantPlan>, Error> {
    Ok(store::plans_list(&mut ctx.runtime().platform().begin_read().await?).await?)
}

/// The plan of a name, for the command line.
///
/// # Errors
/// Not found.
pub async fn plan_find(ctx: &PlatformCtx, name: &str) -> Result<TenantPlan, Error> {
    Ok(store::plan_by_name(&mut ctx.runtime().platform().begin_read().await?, name).await?)
}

fn checked(new: &NewTenantPlan) -> Result<NewTenantPlan, Error> {
    let mut validation = Validation::new();
    let name = validation.text(&new.name, "/name", 60);
    let contact = validation.text(&new.contact, "/contact", 160);
    for (value, pointer, least) in [
        (new.customers, "/customers", 0),
        (new.devices, "/devices", 0),
        (new.users, "/users", 1),
        (new.requests_per_minute, "/requests_per_minute", 60),
    ] {
        let text = format!("expected {least} to 1000000000, or nothing for unlimited");
        let fits = value.is_none_or(|value| (least..=1_000_000_000).contains(&value));
        validation.check(fits, pointer, "out_of_range", text);
    }
    validation.finish()?;
    Ok(NewTenantPlan { name, contact, ..new.clone() })
}

/// Makes a plan.
///
/// # Errors
/// Wrong fields, or a name that is taken.
pub async fn plan_create(ctx: &PlatformCtx, new: &NewTenantPlan) -> Result<TenantPlan, Error> {
    let new = checked(new)?;
    let now = ctx.now();
    let plan = TenantPlan {
        id: TenantPlanId::new(now),
        name: new.name,
        customers: new.customers,
        devices: new.devices,
        users: new.users,
        requests_per_minute: new.requests_per_minute,
        contact: new.contact,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let platform = ctx.runtime().platform();
    write_tx!(platform, tx => {
        store::plan_insert(&mut tx, &plan).await?;
        let entry = Entry::new("tenant_plan.create", EntityRef::new("tenant_plan", &plan.id)).after(&plan)?;
        ctx.record(&mut tx, entry).await
    })?;
    Ok(plan)
}

/// Changes a plan that is still at `version`; whoever has it and more than it allows keeps what there is.
///
/// # Errors
/// Not found, changed meanwhile, wrong fields, or a name that is taken.
pub async fn plan_change(
    ctx: &PlatformCtx,
    id: &TenantPlanId,
    version: i64,
    new: &NewTenantPlan,
) -> Result<TenantPlan, Error> {
    let new = checked(new)?;
    let platform = ctx.runtime().platform();
    write_tx!(platform, tx => {
        let before = store::plan_get(&mut tx, id).await?;
        let after = TenantPlan {
            name: new.name.clone(),
            customers: new.customers,
            devices: new.devices,
            users: new.users,
            requests_per_minute: new.requests_per_minute,
            contact: new.contact.clone(),
            version: before.version + 1,
            updated_at: ctx.now(),
            ..before.clone()
        };
        if before.version != version || !store::plan_write(&mut tx, &after, version).await? {
            return Err(Error::VersionConflict { current: before.version });
        }
        let entity = EntityRef::new("tenant_plan", id);
        ctx.record(&mut tx, Entry::new("tenant_plan.change", entity).before(&before)?.after(&after)?).await?;
        Ok(after)
    })
}

/// Gives a tenant a plan, or none: then nothing is limited.
///
/// # Errors
/// No such tenant or plan.
pub async fn tenant_plan_set(
    ctx: &PlatformCtx,
    tenant: &TenantId,
    plan: Option<&TenantPlanId>,
) -> Result<Tenant, Error> {
    let of_tenant = ctx.in_tenant(tenant);
    write_tx!(of_tenant, tx => {
        if let Some(plan) = plan {
            let found = store::plan_get(&mut tx, plan).await.map_err(Error::from);
            found.map_err(|error| match error {
                Error::NotFound => Error::invalid("/plan_id", "unknown", "there is no such plan"),
                other => other,
            })?;
        }
        let before = tenancy::settings(&mut tx).await?;
        let after = Tenant { plan_id: plan.cloned(), ..next(ctx, &before) };
        standing_write(ctx, &mut tx, "tenant.plan_set", &before, &after, None).await?;
        Ok(after)
    })
}

/// Makes a tenant active or read-only, with a reason that its people see.
///
/// # Errors
/// No such tenant, or read-only without a reason.
pub async fn tenant_state_set(
    ctx: &PlatformCtx,
    tenant: &TenantId,
    state: TenantState,
    reason: &str,
) -> Result<Tenant, Error> {
    let mut validation = Validation::new();
    let reason = validation.text(reason, "/reason", 240);
    validation.finish()?;
    let of_tenant = ctx.in_tenant(tenant);
    write_tx!(of_tenant, tx => {
        let before = tenancy::settings(&mut tx).await?;
        if before.state == state {
            return Err(Error::conflict("state_unchanged", format!("the ISP is {state} already")));
        }
        let shown = (state != TenantState::Active).then(|| reason.clone());
        let after = Tenant { state, state_reason: shown, state_since: Some(ctx.now()), ..next(ctx, &before) };
        standing_write(ctx, &mut tx, "tenant.state_set", &before, &after, Some(&reason)).await?;
        Ok(after)
    })
}

/// Gives a tenant a host name of its own, by which it is selected before log-in, or takes it away. The installation decides: a
/// tenant that took another's name would be shown its people's passwords.
///
/// # Errors
/// No such tenant, or a name that is none or is taken.
pub async fn tenant_domain_set(
    ctx: &PlatformCtx,
    tenant: &TenantId,
    domain: Option<&str>,
) -> Result<(), Error> {
    let domain = domain.map(|domain| domain.trim().to_ascii_lowercase());
    let mut validation = Validation::new();
    let text = "a host name such as intranet.netandina.example, without port or path";
    validation.check(domain.as_deref().is_none_or(is_domain), "/domain", "malformed", text);
    validation.finish()?;
    let of_tenant = ctx.in_tenant(tenant);
    write_tx!(of_tenant, tx => {
        tenancy::settings(&mut tx).await?;
        let before = tenancy::domain(&mut tx).await?;
        tenancy::domain_write(&mut tx, domain.as_deref()).await?;
        let entry = Entry::new("tenant.domain_set", EntityRef::new("tenant", tenant));
        let entry = entry.before(&json!({"domain": before}))?.after(&json!({"domain": domain}))?;
        ctx.record(&mut tx, entry.clone()).await?;
        audit::record(&of_tenant, &mut tx, entry).await
    })
}

/// A host name of two labels at least (RFC 1123), and no address.
fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let is_name = domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label);
    is_name && domain.parse::<std::net::IpAddr>().is_err() && !domain.ends_with(".localhost")
}

fn next(ctx: &PlatformCtx, before: &Tenant) -> Tenant {
    Tenant { version: before.version + 1, updated_at: ctx.now(), ..before.clone() }
}

/// Writes what the installation decides of a tenant, with a row in both trails.
async fn standing_write(
    ctx: &PlatformCtx,
    tx: &mut TenantTx,
    action: &'static str,
    before: &Tenant,
    after: &Tenant,
    reason: Option<&str>,
) -> Result<(), Error> {
    tenancy::tenant_row_write(tx, after, before.version).await?;
    let entity = EntityRef::new("tenant", &after.id);
    let mut entry = Entry::new(action, entity.clone()).before(before)?.after(after)?;
    if let Some(reason) = reason {
        entry = entry.reason(reason);
    }
    ctx.record(tx, entry.clone()).await?;
    let of_tenant = ctx.in_tenant(&after.id);
    audit::record(&of_tenant, tx, entry).await?;
    let payload = serde_json::to_value(after).map_err(Error::internal)?;
    events::emit(&of_tenant, tx, NewEvent::new(tenancy::UPDATED, entity, payload)).await?;
    Ok(())
}
