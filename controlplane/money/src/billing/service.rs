use super::{
    CREATED, EntryKind, ISSUE, Invoice, InvoiceDetail, InvoiceLine, InvoiceList, NewEntry, NewInvoice,
    OVERDUE, READ, VOID, VOIDED, account_lock, entry_record, findable,
    model::InvoiceRow,
    store::{self, NewLine},
};
use crate::listed::{Listed, with_names};
use crate::{payments, services, unknown};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::{EventId, InvoiceId},
    list::ListQuery,
    money::Money,
    page::Page,
    search,
    time::Date,
    write_tx,
};
use atalaya_people::{customers, tenancy};

/// The series that invoices are numbered in.
pub(super) const SERIES: &str = "invoice";
/// Invoices told of in one transaction, so that the writer is free again within 100 ms.
const CHUNK: i64 = 100;

/// One invoice with its lines.
///
/// # Errors
/// Not found, or without `invoice.read`.
pub async fn invoice_get(ctx: &Ctx, id: &InvoiceId) -> Result<InvoiceDetail, Error> {
    ctx.authorize(READ)?;
    let mut tx = ctx.begin_read().await?;
    let tenant = tenancy::settings(&mut tx).await?;
    let row = store::invoice_find(&mut tx, id).await?;
    let customer_name = customers::customer_find(&mut tx, &row.customer_id).await?.name;
    let currency = row.currency;
    let lines = store::lines(&mut tx, id).await?;
    let lines = lines
        .into_iter()
        .map(|line| InvoiceLine {
            description: line.description,
            amount: Money::new(line.amount, currency),
            is_fee: line.is_fee,
        })
        .collect();
    Ok(InvoiceDetail { invoice: row.on(ctx.now().date_in(&tenant.time_zone)), customer_name, lines })
}

/// Invoices, newest first unless another order is asked for.
///
/// # Errors
/// Without `invoice.read`, or a cursor of another list or order.
pub async fn invoices_list(
    ctx: &Ctx,
    asked: &ListQuery<InvoiceList>,
) -> Result<Page<Listed<Invoice>>, Error> {
    ctx.authorize(READ)?;
    let mut tx = ctx.begin_read().await?;
    let today = ctx.now().date_in(&tenancy::settings(&mut tx).await?.time_zone);
    let page = store::invoices_list(&mut tx, asked, today).await?.map(|row| row.on(today));
    with_names(&mut tx, page, |invoice| &invoice.customer_id).await
}

/// Invoices by id, those that exist and may be seen; for other domains, without a permission. At most some hundreds.
///
/// # Errors
/// The database's.
pub async fn invoices_by_ids(ctx: &Ctx, tx: &mut TenantTx, ids: &[InvoiceId]) -> Result<Vec<Invoice>, Error> {
    let today = ctx.now().date_in(&tenancy::settings(tx).await?.time_zone);
    let rows = store::invoices_by_ids(tx, ids).await?;
    Ok(rows.into_iter().map(|row| row.on(today)).collect())
}

/// Issues a single invoice.
///
/// # Errors
/// Wrong fields, or without `invoice.issue`.
pub async fn invoice_create(ctx: &Ctx, new: NewInvoice) -> Result<Invoice, Error> {
    ctx.authorize(ISSUE)?;
    let mut validation = Validation::new();
    let description = validation.text(&new.description, "/description", 240);
    let amount = new.amount.amount;
    validation.check(
        (1..=1_000_000_000_000).contains(&amount),
        "/amount/amount",
        "out_of_range",
        "expected more than 0 minor units",
    );
    validation.finish()?;
    write_tx!(ctx, tx => {
        let tenant = tenancy::settings(&mut tx).await?;
        store::same_currency(tenant.currency, new.amount.currency, "/amount/currency")?;
        customers::customer_find(&mut tx, &new.customer_id)
            .await
            .map_err(|error| unknown(error, "/customer_id"))?
            .demand_not_erased()?;
        if let Some(service) = &new.service_id {
            let service = services::service_find(&mut tx, service).await.map_err(|error| unknown(error, "/service_id"))?;
            if service.customer_id != new.customer_id {
                return Err(Error::invalid("/service_id", "unknown", "the customer has no such service"));
            }
        }
        let today = ctx.now().date_in(&tenant.time_zone);
        let row = InvoiceRow {
            id: InvoiceId::new(ctx.now()),
            number: store::number_next(&mut tx, SERIES).await?,
            customer_id: new.customer_id.clone(),
            service_id: new.service_id.clone(),
            period_from: None,
            period_to: None,
            issued_on: today,
            due_on: new.due_on,
            currency: tenant.currency,
            total: amount,
            fees: if new.is_fee { amount } else { 0 },
            paid: 0,
            voided: false,
            version: 1,
            created_at: ctx.now(),
        };
        issue(ctx, &mut tx, row, NewLine { description: &description, amount, is_fee: new.is_fee }, today).await?
            .ok_or_else(|| Error::internal("an invoice without a period is never a repetition"))
    })
}

/// Stores, debits, audits, tells, and uses credit that is left of earlier payments; `None` when the service has this
/// month's invoice already.
pub(super) async fn issue(
    ctx: &Ctx,
    tx: &mut TenantTx,
    row: InvoiceRow,
    line: NewLine<'_>,
    today: Date,
) -> Result<Option<Invoice>, Error> {
    account_lock(tx, &row.customer_id).await?;
    if !store::invoice_insert(tx, &row, line).await? {
        return Ok(None);
    }
    search::put_new(tx, &findable::entry(&row), ctx.now()).await?;
    let entry = NewEntry {
        customer: row.customer_id.clone(),
        kind: EntryKind::Invoice,
        amount: Money::new(row.total, row.currency),
        invoice: Some(row.id.clone()),
        payment: None,
    };
    entry_record(ctx, tx, entry).await?;
    let (id, customer) = (row.id.clone(), row.customer_id.clone());
    note(ctx, tx, CREATED, ISSUE.0, None, &row.on(today)).await?;
    payments::credit_use(ctx, tx, &customer).await?;
    Ok(Some(store::invoice_find(tx, &id).await?.on(today)))
}

/// Voids an invoice: a credit entry, and what was paid of it is credit again.
///
/// # Errors
/// Not found, void already, without a reason, or without `invoice.void`.
pub async fn invoice_void(ctx: &Ctx, id: &InvoiceId, reason: &str) -> Result<Invoice, Error> {
    ctx.authorize(VOID)?;
    let mut validation = Validation::new();
    let reason = validation.text(reason, "/reason", 400);
    validation.finish()?;
    write_tx!(ctx, tx => {
        let today = ctx.now().date_in(&tenancy::settings(&mut tx).await?.time_zone);
        let customer = store::invoice_find(&mut tx, id).await?.customer_id;
        account_lock(&mut tx, &customer).await?;
        let before = store::invoice_find(&mut tx, id).await?;
        if before.voided {
            return Err(Error::conflict("invoice_void", "the invoice is void already"));
        }
        let entry = NewEntry {
            customer: customer.clone(),
            kind: EntryKind::Void,
            amount: Money::new(-before.total, before.currency),
            invoice: Some(id.clone()),
            payment: None,
        };
        entry_record(ctx, &mut tx, entry).await?;
        payments::allocations_release(&mut tx, id).await?;
        store::void_set(&mut tx, id, ctx.now()).await?;
        let after = store::invoice_find(&mut tx, id).await?.on(today);
        let entity = EntityRef::new("invoice", id);
        audit::record(ctx, &mut tx, Entry::new(VOID.0, entity).before(&before.on(today))?.after(&after)?.reason(&reason)).await?;
        let voided = tell(ctx, &mut tx, VOIDED, &after).await?;
        payments::credit_use(ctx, &mut tx, &customer).await?;
        let because = ctx.clone().caused_by(voided);
        payments::reconnect_if_settled(&because, &mut tx, &customer, "debt voided").await?;
        Ok(after)
    })
}

/// Publishes `invoice.overdue` once for each invoice whose due date has passed; how many.
///
/// # Errors
/// The database's.
pub async fn overdue_pass(ctx: &Ctx) -> Result<usize, Error> {
    let ctx = &ctx.clone().in_bulk();
    let mut told = 0;
    loop {
        let step = write_tx!(ctx, tx => {
            let today = ctx.now().date_in(&tenancy::settings(&mut tx).await?.time_zone);
            let rows = store::invoices_untold(&mut tx, today, CHUNK).await?;
            let (found, mut told) = (rows.len(), 0);
            for row in rows {
                // Another process may have told of it, or a payment have paid it, since it was read.
                if store::overdue_told_set(&mut tx, &row.id).await? {
                    tell(ctx, &mut tx, OVERDUE, &row.on(today)).await?;
                    told += 1;
                }
            }
            Ok((found, told))
        })?;
        told += step.1;
        if step.0 == 0 {
            return Ok(told);
        }
    }
}

async fn note(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    action: &'static str,
    before: Option<&Invoice>,
    after: &Invoice,
) -> Result<(), Error> {
    let mut entry = Entry::new(action, EntityRef::new("invoice", &after.id)).after(after)?;
    if let Some(before) = before {
        entry = entry.before(before)?;
    }
    audit::record(ctx, tx, entry).await?;
    tell(ctx, tx, kind, after).await.map(drop)
}

async fn tell(ctx: &Ctx, tx: &mut TenantTx, kind: EventType, invoice: &Invoice) -> Result<EventId, Error> {
    let payload = serde_json::to_value(invoice).map_err(Error::internal)?;
    let event = NewEvent::new(kind, EntityRef::new("invoice", &invoice.id), payload)
        .related("customer_id", &invoice.customer_id);
    events::emit(ctx, tx, event).await
}
