use super::{
    CREATED, NewService, PLAN_CHANGED, READ, RECONNECT, RECONNECTED, SUSPEND, SUSPENDED, Service,
    ServiceList, Status, TERMINATED, WRITE,
    rules::{self, Change},
    store,
};
use crate::{catalog, unknown};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::{CustomerId, PlanId, ServiceId},
    list::ListQuery,
    page::Page,
    time::Date,
    write_tx,
};
use atalaya_people::{customers, tenancy};
use atalaya_places::sites;

/// One service.
///
/// # Errors
/// Not found, or without `service.read`.
pub async fn service_get(ctx: &Ctx, id: &ServiceId) -> Result<Service, Error> {
    ctx.authorize(READ)?;
    store::service_find(&mut ctx.begin_read().await?, id).await
}

/// Services, oldest first unless another order is asked for.
///
/// # Errors
/// Without `service.read`, or a cursor of another list or order.
pub async fn services_list(ctx: &Ctx, asked: &ListQuery<ServiceList>) -> Result<Page<Service>, Error> {
    ctx.authorize(READ)?;
    store::services_list(&mut ctx.begin_read().await?, asked).await
}

/// Makes a service.
///
/// # Errors
/// A customer, plan or site that is not there, or without `service.write`.
pub async fn service_create(ctx: &Ctx, new: NewService) -> Result<Service, Error> {
    let address = checked(ctx, &new)?;
    write_tx!(ctx, tx => { add(ctx, &mut tx, &new, address.clone()).await })
}

/// Makes a service within a transaction that makes more than that.
///
/// # Errors
/// As [`service_create`].
pub async fn service_make(ctx: &Ctx, tx: &mut TenantTx, new: &NewService) -> Result<Service, Error> {
    let address = checked(ctx, new)?;
    add(ctx, tx, new, address).await
}

/// The address of the service that somebody asks for, if they may.
fn checked(ctx: &Ctx, new: &NewService) -> Result<Option<String>, Error> {
    ctx.authorize(WRITE)?;
    let mut validation = Validation::new();
    let address = validation.optional_text(new.address.as_deref(), "/address", 240);
    validation.finish()?;
    Ok(address)
}

async fn add(
    ctx: &Ctx,
    tx: &mut TenantTx,
    new: &NewService,
    address: Option<String>,
) -> Result<Service, Error> {
    let now = ctx.now();
    let tenant = tenancy::settings(tx).await?;
    customers::customer_find(tx, &new.customer_id)
        .await
        .map_err(|error| unknown(error, "/customer_id"))?
        .demand_not_erased()?;
    let plan = catalog::plan_find(tx, &new.plan_id).await.map_err(|error| unknown(error, "/plan_id"))?;
    if !plan.active {
        return Err(Error::invalid("/plan_id", "inactive", "this plan is not sold any more"));
    }
    sites::site_exists(tx, &new.site_id, "/site_id").await?;
    let service = Service {
        id: ServiceId::new(now),
        customer_id: new.customer_id.clone(),
        plan_id: new.plan_id.clone(),
        site_id: new.site_id.clone(),
        address,
        starts_on: new.starts_on.unwrap_or_else(|| now.date_in(&tenant.time_zone)),
        status: Status::Active,
        suspended_because: None,
        status_reason: None,
        status_changed_at: now,
        spared_on: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    store::service_insert(tx, &service).await?;
    customers::customer_site_set(tx, &service.customer_id, &service.site_id).await?;
    note(ctx, tx, CREATED, WRITE.0, None, &service).await?;
    Ok(service)
}

/// Cuts by hand.
///
/// # Errors
/// Not found, ended, without a reason, or without `service.suspend`.
pub async fn service_cut(ctx: &Ctx, id: &ServiceId, reason: &str) -> Result<Service, Error> {
    ctx.authorize(SUSPEND)?;
    by_hand(ctx, id, Change::CutByHand, reason, SUSPENDED, SUSPEND.0).await
}

/// Cuts by hand within a transaction that does more than that.
///
/// # Errors
/// As [`service_cut`].
pub async fn service_suspend(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: &ServiceId,
    reason: &str,
) -> Result<Service, Error> {
    ctx.authorize(SUSPEND)?;
    let reason = reason_of(reason)?;
    turn(ctx, tx, id, Change::CutByHand, &reason, SUSPENDED, SUSPEND.0).await
}

/// Reconnects by hand, whatever the debt.
///
/// # Errors
/// Not found, ended, without a reason, or without `service.reconnect`.
pub async fn service_reconnect(ctx: &Ctx, id: &ServiceId, reason: &str) -> Result<Service, Error> {
    ctx.authorize(RECONNECT)?;
    by_hand(ctx, id, Change::ReconnectByHand, reason, RECONNECTED, RECONNECT.0).await
}

/// Ends a subscription.
///
/// # Errors
/// Not found, ended already, without a reason, or without `service.write`.
pub async fn service_terminate(ctx: &Ctx, id: &ServiceId, reason: &str) -> Result<Service, Error> {
    ctx.authorize(WRITE)?;
    by_hand(ctx, id, Change::Terminate, reason, TERMINATED, "service.terminate").await
}

/// Ends a subscription within a transaction that does more than that.
///
/// # Errors
/// As [`service_terminate`].
pub async fn service_end(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: &ServiceId,
    reason: &str,
) -> Result<Service, Error> {
    ctx.authorize(WRITE)?;
    let reason = reason_of(reason)?;
    turn(ctx, tx, id, Change::Terminate, &reason, TERMINATED, "service.terminate").await
}

async fn by_hand(
    ctx: &Ctx,
    id: &ServiceId,
    change: Change,
    reason: &str,
    kind: EventType,
    action: &'static str,
) -> Result<Service, Error> {
    let reason = reason_of(reason)?;
    write_tx!(ctx, tx => { turn(ctx, &mut tx, id, change, &reason, kind, action).await })
}

fn reason_of(text: &str) -> Result<String, Error> {
    let mut validation = Validation::new();
    let reason = validation.text(text, "/reason", 400);
    validation.finish()?;
    Ok(reason)
}

async fn turn(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: &ServiceId,
    change: Change,
    reason: &str,
    kind: EventType,
    action: &'static str,
) -> Result<Service, Error> {
    let today = today(ctx, tx).await?;
    let before = store::service_find(tx, id).await?;
    let Some(after) = rules::change(&before, change, reason, ctx.now(), today)? else { return Ok(before) };
    store::service_write(tx, &after).await?;
    note(ctx, tx, kind, action, Some(&before), &after).await?;
    Ok(after)
}

async fn today(ctx: &Ctx, tx: &mut TenantTx) -> Result<Date, Error> {
    Ok(ctx.now().date_in(&tenancy::settings(tx).await?.time_zone))
}

/// Moves a service to another plan; speed follows at once, price with the next invoice.
///
/// # Errors
/// Not found, ended, a plan that is not sold, or without `service.write`.
pub async fn service_plan_change(ctx: &Ctx, id: &ServiceId, plan: &PlanId) -> Result<Service, Error> {
    ctx.authorize(WRITE)?;
    write_tx!(ctx, tx => {
        let before = store::service_find(&mut tx, id).await?;
        if before.status == Status::Terminated {
            return Err(Error::conflict("service_terminated", "the service has ended"));
        }
        let plan = catalog::plan_find(&mut tx, plan).await.map_err(|error| unknown(error, "/plan_id"))?;
        if plan.id == before.plan_id {
            return Ok(before);
        }
        if !plan.active {
            return Err(Error::invalid("/plan_id", "inactive", "this plan is not sold any more"));
        }
        let after = Service { plan_id: plan.id.clone(), version: before.version + 1, updated_at: ctx.now(), ..before.clone() };
        store::service_write(&mut tx, &after).await?;
        note(ctx, &mut tx, PLAN_CHANGED, "service.plan_change", Some(&before), &after).await?;
        Ok(after)
    })
}

/// Suspends one service for debt, within a transaction that has read the debt; whether it changed.
pub(crate) async fn suspend_for_debt(
    ctx: &Ctx,
    tx: &mut TenantTx,
    service: &Service,
    reason: &str,
) -> Result<bool, Error> {
    let Some(after) = rules::change(service, Change::CutForDebt, reason, ctx.now(), today(ctx, tx).await?)?
    else {
        return Ok(false);
    };
    store::service_write(tx, &after).await?;
    note(ctx, tx, SUSPENDED, SUSPEND.0, Some(service), &after).await?;
    Ok(true)
}

/// Brings back every service of a customer that was suspended for debt, within the transaction that settled it.
pub(crate) async fn reconnect_settled(
    ctx: &Ctx,
    tx: &mut TenantTx,
    customer: &CustomerId,
    reason: &str,
) -> Result<Vec<ServiceId>, Error> {
    let mut back = Vec::new();
    let today = today(ctx, tx).await?;
    for service in store::services_suspended_for_debt(tx, customer).await? {
        if let Some(after) = rules::change(&service, Change::DebtSettled, reason, ctx.now(), today)? {
            store::service_write(tx, &after).await?;
            note(ctx, tx, RECONNECTED, RECONNECT.0, Some(&service), &after).await?;
            back.push(after.id);
        }
    }
    Ok(back)
}

async fn note(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    action: &'static str,
    before: Option<&Service>,
    after: &Service,
) -> Result<(), Error> {
    let entity = EntityRef::new("service", &after.id);
    let mut entry = Entry::new(action, entity.clone()).after(after)?;
    if let Some(before) = before {
        entry = entry.before(before)?;
    }
    if let Some(reason) = &after.status_reason {
        entry = entry.reason(reason);
    }
    audit::record(ctx, tx, entry).await?;
    let payload = serde_json::to_value(after).map_err(Error::internal)?;
    let event = NewEvent::new(kind, entity, payload)
        .related("customer_id", &after.customer_id)
        .related("service_id", &after.id);
    events::emit(ctx, tx, event).await?;
    Ok(())
}
