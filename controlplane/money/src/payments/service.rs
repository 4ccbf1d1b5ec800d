use super::{
    NewPayment, Payment, PaymentDetail, PaymentList, READ, RECEIVED, REGISTER, Registered, model::PaymentRow,
    rules, store,
};
use crate::listed::{Listed, with_names};
use crate::{
    billing::{self, EntryKind, InvoiceRow, NewEntry, account_lock, entry_record},
    services, unknown,
};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::{DbError, TenantTx},
    events::{self, EntityRef, NewEvent},
    ids::{CustomerId, PaymentId, ServiceId},
    list::ListQuery,
    money::Money,
    page::Page,
    write_tx,
};
use atalaya_people::{customers, tenancy};
use serde_json::json;
use sha2::{Digest, Sha256};

/// One payment with what it paid.
///
/// # Errors
/// Not found, or without `payment.read`.
pub async fn payment_get(ctx: &Ctx, id: &PaymentId) -> Result<PaymentDetail, Error> {
    ctx.authorize(READ)?;
    let mut tx = ctx.begin_read().await?;
    let payment: Payment = store::payment_find(&mut tx, id).await?.into();
    let customer_name = customers::customer_find(&mut tx, &payment.customer_id).await?.name;
    let allocations = store::allocations(&mut tx, id).await?;
    Ok(PaymentDetail { payment, customer_name, allocations })
}

/// Payments, newest first unless another order is asked for.
///
/// # Errors
/// Without `payment.read`, or a cursor of another list or order.
pub async fn payments_list(
    ctx: &Ctx,
    asked: &ListQuery<PaymentList>,
) -> Result<Page<Listed<Payment>>, Error> {
    ctx.authorize(READ)?;
    let mut tx = ctx.begin_read().await?;
    let page = store::payments_list(&mut tx, asked).await?.map(Payment::from);
    with_names(&mut tx, page, |payment| &payment.customer_id).await
}

/// Registers a payment, pays the oldest debt with it, and reconnects in the same transaction what was suspended for a
/// debt that is settled now. Sent again with the same key and content it answers the same and does nothing.
///
/// # Errors
/// Wrong fields, `duplicate_operation`, `idempotency_mismatch`, or without `payment.register`.
pub async fn payment_register(ctx: &Ctx, new: NewPayment, key: Option<&str>) -> Result<Registered, Error> {
    ctx.authorize(REGISTER)?;
    let mut validation = Validation::new();
    let note = validation.optional_text(new.note.as_deref(), "/note", 400);
    let operation = validation.optional_text(new.operation_number.as_deref(), "/operation_number", 80);
    validation.check(
        (1..=1_000_000_000_000).contains(&new.amount.amount),
        "/amount/amount",
        "out_of_range",
        "expected more than 0 minor units",
    );
    let not_future = new.received_at.is_none_or(|at| at <= ctx.now().plus_millis(86_400_000));
    validation.check(not_future, "/received_at", "out_of_range", "it cannot lie in the future");
    validation.finish()?;
    let digest = hex::encode(Sha256::digest(serde_json::to_vec(&new).map_err(Error::internal)?));
    write_tx!(ctx, tx => {
        if let Some(answer) = repeated(&mut tx, key, &digest).await? {
            return Ok(answer);
        }
        let tenant = tenancy::settings(&mut tx).await?;
        if new.amount.currency != tenant.currency {
            return Err(Error::invalid("/amount/currency", "unknown", format!("this ISP's currency is {}", tenant.currency)));
        }
        customers::customer_find(&mut tx, &new.customer_id).await.map_err(|error| unknown(error, "/customer_id"))?;
        account_lock(&mut tx, &new.customer_id).await?;
        if let Some(number) = &operation
            && let Some(other) = store::payment_by_operation(&mut tx, new.method, number).await?
        {
            return Err(duplicate(&mut tx, &other, number).await?);
        }
        let row = PaymentRow {
            id: PaymentId::new(ctx.now()),
            customer_id: new.customer_id.clone(),
            amount: new.amount.amount,
            allocated: 0,
            currency: new.amount.currency,
            method: new.method,
            operation_number: operation.clone(),
            received_at: new.received_at.unwrap_or(ctx.now()),
            note: note.clone(),
            created_at: ctx.now(),
        };
        store::payment_insert(&mut tx, &row, key, &digest).await?;
        let answer = settle(ctx, &mut tx, row).await?;
        if key.is_some() {
            let text = serde_json::to_string(&answer).map_err(Error::internal)?;
            store::answer_set(&mut tx, &answer.payment.id, &text).await?;
        }
        Ok(answer)
    })
}

/// The operation is another payment's already: which one is told to whoever may see it.
async fn duplicate(tx: &mut TenantTx, other: &PaymentRow, number: &str) -> Result<Error, Error> {
    let operation = ("operation_number", json!(number));
    match store::payment_find(tx, &other.id).await {
        Ok(_) => {
            let params =
                [("payment_id", json!(other.id)), ("customer_id", json!(other.customer_id)), operation];
            let detail = format!("operation {number} is payment {}", other.id);
            Ok(Error::conflict_with("duplicate_operation", detail, params))
        }
        Err(DbError::NoRow) => Ok(Error::conflict_with(
            "duplicate_operation",
            "this operation was registered before",
            [operation],
        )),
        Err(error) => Err(error.into()),
    }
}

/// The answer to a request that came before with the same key.
async fn repeated(tx: &mut TenantTx, key: Option<&str>, digest: &str) -> Result<Option<Registered>, Error> {
    let Some(key) = key else { return Ok(None) };
    let Some(known) = store::answered(tx, key).await? else { return Ok(None) };
    if known.request_digest.as_deref() != Some(digest) {
        return Err(Error::conflict(
            "idempotency_mismatch",
            "this Idempotency-Key was used for another payment",
        ));
    }
    let answer = known.answer.ok_or_else(|| Error::internal("a payment with a key has its answer"))?;
    serde_json::from_str(&answer).map(Some).map_err(Error::internal)
}

/// Everything that follows from a stored payment.
async fn settle(ctx: &Ctx, tx: &mut TenantTx, row: PaymentRow) -> Result<Registered, Error> {
    let entry = NewEntry {
        customer: row.customer_id.clone(),
        kind: EntryKind::Payment,
        amount: Money::new(-row.amount, row.currency),
        invoice: None,
        payment: Some(row.id.clone()),
    };
    entry_record(ctx, tx, entry).await?;
    credit_use(ctx, tx, &row.customer_id).await?;
    let payment: Payment = store::payment_again(tx, &row.id).await?.into();
    let entity = EntityRef::new("payment", &row.id);
    audit::record(ctx, tx, Entry::new(REGISTER.0, entity.clone()).after(&payment)?).await?;
    let payload = serde_json::to_value(&payment).map_err(Error::internal)?;
    let event = NewEvent::new(RECEIVED, entity, payload).related("customer_id", &row.customer_id);
    let received = events::emit(ctx, tx, event).await?;
    let because = ctx.clone().caused_by(received);
    let reconnecting = reconnect_if_settled(&because, tx, &row.customer_id, "debt paid").await?;
    let allocations = store::allocations(tx, &row.id).await?;
    Ok(Registered { credit: payment.credit, payment, allocations, reconnecting })
}

/// Pays a customer's open invoices with money that pays nothing yet: first what is owed for services, then fees, each
/// with the oldest due first. The transaction holds the customer's account.
pub(crate) async fn credit_use(ctx: &Ctx, tx: &mut TenantTx, customer: &CustomerId) -> Result<(), Error> {
    let payments = store::payments_with_credit(tx, customer).await?;
    if payments.is_empty() {
        return Ok(());
    }
    let invoices = billing::invoices_unpaid(tx, std::slice::from_ref(customer)).await?;
    let money: Vec<_> = payments.iter().map(|payment| payment.amount - payment.allocated).collect();
    let services = invoices.iter().map(InvoiceRow::service_balance);
    let fees = invoices.iter().map(|invoice| invoice.balance() - invoice.service_balance());
    let debts: Vec<_> = services.chain(fees).collect();
    for (payment, debt, amount) in rules::allocate(&money, &debts) {
        let invoice = &invoices[debt % invoices.len()];
        store::allocation_add(tx, &payments[payment].id, &invoice.id, amount).await?;
        billing::paid_add(tx, &invoice.id, amount, ctx.now()).await?;
    }
    Ok(())
}

/// Reconnects what was suspended for debt when the overdue debt is within the tenant's tolerance now.
pub(crate) async fn reconnect_if_settled(
    ctx: &Ctx,
    tx: &mut TenantTx,
    customer: &CustomerId,
    reason: &str,
) -> Result<Vec<ServiceId>, Error> {
    let tenant = tenancy::settings(tx).await?;
    let today = ctx.now().date_in(&tenant.time_zone);
    let unpaid = billing::invoices_unpaid(tx, std::slice::from_ref(customer)).await?;
    if billing::debt(&unpaid, today, tenant.grace_days).overdue > tenant.debt_tolerance {
        return Ok(Vec::new());
    }
    services::reconnect_settled(ctx, tx, customer, reason).await
}
