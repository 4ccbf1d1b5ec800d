use super::{
    CREATED, Customer, CustomerChange, NewCustomer, READ, UPDATED, WRITE, findable,
    masking::{self, MASK, sees_all},
    store,
};
use crate::platform::plans::{self, Limit};
use atalaya_kernel::{
    Ctx, Error, Scope, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::CustomerId,
    list::Asked,
    page::Page,
    search, write_tx,
};
use serde_json::json;
use std::collections::BTreeSet;

/// One customer.
///
/// # Errors
/// Not found, or without `customer.read`.
pub async fn customer_get(ctx: &Ctx, id: &CustomerId) -> Result<Customer, Error> {
    ctx.authorize(READ)?;
    let customer = store::customer_find(&mut ctx.begin_read().await?, id).await?;
    Ok(customer.masked_for(ctx.permissions()))
}

/// Customers, as a list asks that has [`super::FIELDS`]; of these only, when another domain has chosen already (overdue, suspended).
/// Whoever may not see phones, e-mails or documents searches names only.
///
/// # Errors
/// Without `customer.read`, or a cursor of another list or order.
pub async fn customers_list(
    ctx: &Ctx,
    asked: &Asked,
    only: Option<&[CustomerId]>,
) -> Result<Page<Customer>, Error> {
    ctx.authorize(READ)?;
    let mut tx = ctx.begin_read().await?;
    let everywhere = sees_all(ctx.permissions());
    let page = store::customers_list(&mut tx, asked, only, everywhere).await?;
    Ok(page.map(|customer| customer.masked_for(ctx.permissions())))
}

/// How many customers the tenant has, whatever the scope; for its plan.
///
/// # Errors
/// The database's.
pub async fn customers_count(tx: &mut TenantTx) -> Result<i64, Error> {
    Ok(store::customers_count(tx).await?)
}

/// Makes a customer.
///
/// # Errors
/// Wrong fields, `plan_limit_reached`, without `customer.write`, or under a scope in which they would not be seen.
pub async fn customer_create(ctx: &Ctx, new: NewCustomer) -> Result<Customer, Error> {
    let customer = checked(ctx, &new)?;
    write_tx!(ctx, tx => { add(ctx, &mut tx, &customer).await })?;
    Ok(customer.masked_for(ctx.permissions()))
}

/// Makes a customer within a transaction that makes more than that.
///
/// # Errors
/// As [`customer_create`].
pub async fn customer_make(ctx: &Ctx, tx: &mut TenantTx, new: &NewCustomer) -> Result<Customer, Error> {
    let customer = checked(ctx, new)?;
    add(ctx, tx, &customer).await?;
    Ok(customer)
}

/// The customer that somebody asks for, if they may.
fn checked(ctx: &Ctx, new: &NewCustomer) -> Result<Customer, Error> {
    ctx.authorize(WRITE)?;
    if !matches!(ctx.scope(), Scope::All | Scope::Sites(_)) {
        return Err(Error::Forbidden(WRITE.0));
    }
    let now = ctx.now();
    let mut validation = Validation::new();
    let customer = Customer {
        id: CustomerId::new(now),
        name: validation.text(&new.name, "/name", 160),
        document: validation.optional_text(new.document.as_deref(), "/document", 40),
        phone: validation.optional_text(new.phone.as_deref(), "/phone", 40),
        email: validation.optional_text(new.email.as_deref(), "/email", 160),
        address: validation.optional_text(new.address.as_deref(), "/address", 240),
        notes: validation.optional_text(new.notes.as_deref(), "/notes", 4_000),
        site_id: None,
        version: 1,
        created_at: now,
        updated_at: now,
        erased_at: None,
    };
    for (value, pointer) in
        [(&customer.document, "/document"), (&customer.phone, "/phone"), (&customer.email, "/email")]
    {
        validation.check(!value.as_deref().is_some_and(is_masked), pointer, "masked", MASKED);
    }
    validation.finish()?;
    Ok(customer)
}

async fn add(ctx: &Ctx, tx: &mut TenantTx, customer: &Customer) -> Result<(), Error> {
    if let Some(room) = plans::room(tx, Limit::Customers).await? {
        room.take(store::customers_count(tx).await?, 1)?;
    }
    store::customer_insert(tx, customer).await?;
    // No service says yet where the customer is: at the sites of whoever made it, who would not see it else.
    let sites = if let Scope::Sites(sites) = ctx.scope() { sites.clone() } else { BTreeSet::new() };
    for site in &sites {
        store::customer_site_add(tx, &customer.id, site).await?;
    }
    search::put(tx, &findable::entry(customer, sites), customer.created_at).await?;
    note(ctx, tx, CREATED, None, customer).await
}

/// What is said of a mask that is the mask of nothing.
const MASKED: &str = "this is a mask and not the value: write the whole value, or leave it out";

fn is_masked(text: &str) -> bool {
    text.contains(MASK)
}

/// Changes a customer that is still at `version`.
///
/// # Errors
/// Not found, changed meanwhile, wrong fields, or without `customer.write`.
pub async fn customer_update(
    ctx: &Ctx,
    id: &CustomerId,
    version: i64,
    change: CustomerChange,
) -> Result<Customer, Error> {
    ctx.authorize(WRITE)?;
    let mut validation = Validation::new();
    let name = change.name.as_deref().map(|name| validation.text(name, "/name", 160));
    // Outer: whether to change it. Inner: to what.
    let mut field = |value: &Option<String>, pointer: &str, max: usize| {
        value.as_deref().map(|text| validation.optional_text(Some(text), pointer, max))
    };
    let document = field(&change.document, "/document", 40);
    let phone = field(&change.phone, "/phone", 40);
    let email = field(&change.email, "/email", 160);
    let address = field(&change.address, "/address", 240);
    let notes = field(&change.notes, "/notes", 4_000);
    validation.finish()?;
    write_tx!(ctx, tx => {
        let before = store::customer_find(&mut tx, id).await?;
        before.demand_not_erased()?;
        let mut validation = Validation::new();
        let mut field = |wanted: &Option<Option<String>>, kept: &Option<String>, pointer: &str| match wanted {
            None => kept.clone(),
            Some(wanted) => {
                let value = masking::unmasked(wanted.clone(), kept.as_ref(), pointer == "/email");
                validation.check(value.is_ok(), pointer, "masked", MASKED);
                value.unwrap_or_default()
            }
        };
        let document = field(&document, &before.document, "/document");
        let phone = field(&phone, &before.phone, "/phone");
        let email = field(&email, &before.email, "/email");
        validation.finish()?;
        let after = Customer {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            document,
            phone,
            email,
            address: address.clone().unwrap_or_else(|| before.address.clone()),
            notes: notes.clone().unwrap_or_else(|| before.notes.clone()),
            version: before.version + 1,
            updated_at: ctx.now(),
            ..before.clone()
        };
        if before.version != version || !store::customer_write(&mut tx, &after, version).await? {
            return Err(Error::VersionConflict { current: before.version });
        }
        let mut sites = store::customer_sites(&mut tx, &[id]).await?.remove(id).unwrap_or_default();
        sites.extend(after.site_id.clone());
        search::put(&mut tx, &findable::entry(&after, sites), ctx.now()).await?;
        note(ctx, &mut tx, UPDATED, Some(&before), &after).await?;
        Ok(after.masked_for(ctx.permissions()))
    })
}

/// Takes everything personal out of a customer's own row, for the erasure of all that is held of them; their id stands for the name from
/// then on. Done twice it changes nothing. Without a permission, and without a row in the trail: the erasure has one.
///
/// # Errors
/// Not found, or the database's.
pub async fn customer_erase(ctx: &Ctx, tx: &mut TenantTx, id: &CustomerId) -> Result<(), Error> {
    let before = store::customer_find(tx, id).await?;
    if before.erased_at.is_some() {
        return Ok(());
    }
    let after = Customer {
        name: id.to_string(),
        document: None,
        phone: None,
        email: None,
        address: None,
        notes: None,
        version: before.version + 1,
        updated_at: ctx.now(),
        erased_at: Some(ctx.now()),
        ..before
    };
    store::customer_empty(tx, &after).await?;
    let mut sites = store::customer_sites(tx, &[id]).await?.remove(id).unwrap_or_default();
    sites.extend(after.site_id.clone());
    search::put(tx, &findable::entry(&after, sites), ctx.now()).await
}

/// Event and audit row of a change. The event carries no personal data beyond the name.
async fn note(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    before: Option<&Customer>,
    after: &Customer,
) -> Result<(), Error> {
    let entity = EntityRef::new("customer", &after.id);
    let mut entry = Entry::new(WRITE.0, entity.clone()).after(after)?;
    if let Some(before) = before {
        entry = entry.before(before)?;
    }
    audit::record(ctx, tx, entry).await?;
    let event = NewEvent::new(kind, entity, json!({"id": after.id, "name": after.name}))
        .related("customer_id", &after.id);
    events::emit(ctx, tx, event).await?;
    Ok(())
}
