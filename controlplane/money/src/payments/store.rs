use super::{Allocation, Method, model::PaymentRow};
use atalaya_kernel::{
    Error, Scope,
    db::{DbError, Query, TenantTx, sql},
    ids::{CustomerId, InvoiceId, PaymentId},
    list::{Asked, Select},
    money::{Currency, Money},
    page::Page,
    time::Timestamp,
};
use std::collections::BTreeMap;

const ROWS: Select = Select {
    columns: "id, customer_id, amount, allocated, currency, method, operation_number, received_at, note, created_at",
    from: "money_payment WHERE tenant_id = ",
};

/// All payments of the transaction's tenant: for rules, which must not depend on who asks.
fn every(tx: &TenantTx) -> Query {
    ROWS.query(tx)
}

/// Payments that the transaction's scope lets see; under a scope of sites, those of the customers served there.
fn visible(tx: &TenantTx) -> Query {
    within(every(tx), tx)
}

fn within(query: Query, tx: &TenantTx) -> Query {
    match tx.scope() {
        Scope::All => query,
        Scope::Partner(_) => query.push(" AND 1 = 0"),
        Scope::Customer(id) => query.push(" AND customer_id = ").push_bind(id),
        Scope::Sites(sites) => query
            .push(" AND customer_id IN (SELECT customer_id FROM money_service WHERE tenant_id = ")
            .push_bind(tx.tenant())
            .push(" AND site_id IN ")
            .push_list(sites)
            .push(")"),
    }
}

pub(super) async fn payment_find(tx: &mut TenantTx, id: &PaymentId) -> Result<PaymentRow, DbError> {
    visible(tx).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

/// A payment that this transaction made, whatever its scope.
pub(super) async fn payment_again(tx: &mut TenantTx, id: &PaymentId) -> Result<PaymentRow, DbError> {
    every(tx).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

#[derive(sqlx::FromRow)]
pub(super) struct Answered {
    /// SHA-256 of the request.
    pub(super) request_digest: Option<String>,
    /// JSON of what it was answered.
    pub(super) answer: Option<String>,
}

/// What was done for a key.
pub(super) async fn answered(tx: &mut TenantTx, key: &str) -> Result<Option<Answered>, DbError> {
    sql("SELECT request_digest, answer FROM money_payment WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND idempotency_key = ")
        .push_bind(key)
        .fetch_optional(tx)
        .await
}

/// Keeps the answer, to be given again to the same request.
pub(super) async fn answer_set(tx: &mut TenantTx, id: &PaymentId, answer: &str) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE money_payment SET answer = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(answer)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn payment_by_operation(
    tx: &mut TenantTx,
    method: Method,
    number: &str,
) -> Result<Option<PaymentRow>, DbError> {
    every(tx)
        .push(" AND method = ")
        .push_bind(method)
        .push(" AND operation_number = ")
        .push_bind(number)
        .fetch_optional(tx)
        .await
}

pub(super) async fn payments_list(tx: &mut TenantTx, asked: &Asked) -> Result<Page<PaymentRow>, Error> {
    asked.fetch(tx, ROWS, within).await
}

/// Payments of a customer with money left, oldest first.
pub(super) async fn payments_with_credit(
    tx: &mut TenantTx,
    customer: &CustomerId,
) -> Result<Vec<PaymentRow>, DbError> {
    every(tx)
        .push(" AND allocated < amount AND customer_id = ")
        .push_bind(customer)
        .push(" ORDER BY id")
        .fetch_all(tx)
        .await
}

pub(super) async fn payment_insert(
    tx: &mut TenantTx,
    payment: &PaymentRow,
    key: Option<&str>,
    digest: &str,
) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO money_payment (tenant_id, id, customer_id, amount, allocated, currency, method, operation_number, \
         received_at, note, idempotency_key, request_digest, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
    .bind(tenant)
    .bind(&payment.id)
    .bind(&payment.customer_id)
    .bind(payment.amount)
    .bind(payment.allocated)
    .bind(payment.currency)
    .bind(payment.method)
    .bind(&payment.operation_number)
    .bind(payment.received_at)
    .bind(&payment.note)
    .bind(key)
    .bind(digest)
    .bind(payment.created_at)
    .execute(tx)
    .await
    .map_err(|error| {
        // The same key or operation at the same time: run again, and find the other's payment.
        let key = error.violates_unique("money_payment", &["tenant_id", "idempotency_key"]);
        let operation = error.violates_unique("money_payment", &["tenant_id", "method", "operation_number"]);
        if key || operation { Error::Db(DbError::Conflict) } else { error.into() }
    })?;
    Ok(())
}

/// Notes that a payment pays some of an invoice, on top of what it may pay of it already.
pub(super) async fn allocation_add(
    tx: &mut TenantTx,
    payment: &PaymentId,
    invoice: &InvoiceId,
    amount: i64,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO money_allocation (tenant_id, payment_id, invoice_id, amount) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant_id, payment_id, invoice_id) DO UPDATE SET amount = money_allocation.amount + $4")
    .bind(&tenant)
    .bind(payment)
    .bind(invoice)
    .bind(amount)
    .execute(tx)
    .await?;
    sql("UPDATE money_payment SET allocated = allocated + $1 WHERE tenant_id = $2 AND id = $3")
        .bind(amount)
        .bind(tenant)
        .bind(payment)
        .execute(tx)
        .await?;
    Ok(())
}

/// Gives back to its payments what they paid of an invoice that is being voided.
pub(crate) async fn allocations_release(tx: &mut TenantTx, invoice: &InvoiceId) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("UPDATE money_payment SET allocated = allocated - (SELECT a.amount FROM money_allocation a WHERE a.tenant_id = money_payment.tenant_id \
         AND a.payment_id = money_payment.id AND a.invoice_id = $2) WHERE tenant_id = $1 \
         AND id IN (SELECT payment_id FROM money_allocation WHERE tenant_id = $1 AND invoice_id = $2)")
    .bind(&tenant)
    .bind(invoice)
    .execute(tx)
    .await?;
    sql("DELETE FROM money_allocation WHERE tenant_id = $1 AND invoice_id = $2")
        .bind(tenant)
        .bind(invoice)
        .execute(tx)
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct AllocationRow {
    invoice_id: InvoiceId,
    number: i64,
    amount: i64,
    currency: Currency,
}

pub(super) async fn allocations(tx: &mut TenantTx, payment: &PaymentId) -> Result<Vec<Allocation>, DbError> {
    let rows: Vec<AllocationRow> = sql("SELECT a.invoice_id, i.number, a.amount, i.currency FROM money_allocation a \
                                        JOIN money_invoice i ON i.tenant_id = a.tenant_id AND i.id = a.invoice_id WHERE a.tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND a.payment_id = ")
        .push_bind(payment)
        .push(" ORDER BY i.due_on, i.number")
        .fetch_all(tx)
        .await?;
    let shown = |row: AllocationRow| Allocation {
        invoice_id: row.invoice_id,
        number: row.number,
        amount: Money::new(row.amount, row.currency),
    };
    Ok(rows.into_iter().map(shown).collect())
}

#[derive(sqlx::FromRow)]
struct LastPayment {
    customer_id: CustomerId,
    received_at: Timestamp,
}

/// When each of these customers last paid.
pub(crate) async fn last_payments(
    tx: &mut TenantTx,
    customers: &[CustomerId],
) -> Result<BTreeMap<CustomerId, Timestamp>, Error> {
    let mut found = BTreeMap::new();
    for chunk in customers.chunks(5_000) {
        let rows: Vec<LastPayment> =
            sql("SELECT customer_id, MAX(received_at) AS received_at FROM money_payment WHERE tenant_id = ")
                .push_bind(tx.tenant())
                .push(" AND customer_id IN ")
                .push_list(chunk)
                .push(" GROUP BY customer_id")
                .fetch_all(tx)
                .await?;
        found.extend(rows.into_iter().map(|row| (row.customer_id, row.received_at)));
    }
    Ok(found)
}

/// Sum and number of the payments received since an instant, minor units.
///
/// # Errors
/// The database's.
pub async fn received_since(tx: &mut TenantTx, since: Timestamp) -> Result<(i64, i64), Error> {
    Ok(sql("SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT), CAST(COUNT(*) AS BIGINT) FROM money_payment WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND received_at >= ")
        .push_bind(since)
        .fetch_one(tx)
        .await?)
}
