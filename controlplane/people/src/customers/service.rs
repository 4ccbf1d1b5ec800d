use super::{CREATED, Customer, CustomerChange, CustomerFilter, NewCustomer, READ, UPDATED, WRITE, store};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::CustomerId,
    page::{Page, PageQuery},
    write_tx,
};
use serde_json::json;

/// One customer.
///
/// # Errors
/// Not found, or without `customer.read`.
pub async fn customer_get(ctx: &Ctx, id: &CustomerId) -> Result<Customer, Error> {
    ctx.authorize(READ)?;
    store::customer_find(&mut ctx.begin_read().await?, id).await
}

/// Customers by name.
///
/// # Errors
/// Without `customer.read`, or a cursor of another list.
pub async fn customers_list(
    ctx: &Ctx,
    filter: &CustomerFilter,
    page: &PageQuery,
) -> Result<Page<Customer>, Error> {
    ctx.authorize(READ)?;
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    let rows = store::customers_list(&mut tx, filter, page.after()?, limit + 1).await?;
    Page::of(rows, limit, |customer| (customer.name.clone(), customer.id.clone()))
}

/// Makes a customer.
///
/// # Errors
/// Wrong fields, or without `customer.write`.
pub async fn customer_create(ctx: &Ctx, new: NewCustomer) -> Result<Customer, Error> {
    ctx.authorize(WRITE)?;
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
    };
    validation.finish()?;
    write_tx!(ctx, tx => {
        store::customer_insert(&mut tx, &customer).await?;
        note(ctx, &mut tx, CREATED, None, &customer).await?;
        Ok(())
    })?;
    Ok(customer)
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
        let after = Customer {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            document: document.clone().unwrap_or_else(|| before.document.clone()),
            phone: phone.clone().unwrap_or_else(|| before.phone.clone()),
            email: email.clone().unwrap_or_else(|| before.email.clone()),
            address: address.clone().unwrap_or_else(|| before.address.clone()),
            notes: notes.clone().unwrap_or_else(|| before.notes.clone()),
            version: before.version + 1,
            updated_at: ctx.now(),
            ..before.clone()
        };
        if before.version != version || !store::customer_write(&mut tx, &after, version).await? {
            return Err(Error::VersionConflict { current: before.version });
        }
        note(ctx, &mut tx, UPDATED, Some(&before), &after).await?;
        Ok(after)
    })
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
