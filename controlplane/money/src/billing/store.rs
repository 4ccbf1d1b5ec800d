use super::{ListedStatus, NewEntry, model::InvoiceRow};
use atalaya_kernel::{
    Error, Scope,
    db::{DbError, Query, TenantTx, sql},
    ids::{CustomerId, InvoiceId, LedgerEntryId, ServiceId},
    list::{Asked, Select},
    money::Currency,
    page::Page,
    time::{Date, Timestamp},
};

const ROWS: Select = Select {
    columns: "id, number, customer_id, service_id, period_from, period_to, issued_on, due_on, currency, total, fees, paid, voided, \
              version, created_at",
    from: "money_invoice WHERE tenant_id = ",
};

/// All invoices of the transaction's tenant: for rules, which must not depend on who asks.
fn every(tx: &TenantTx) -> Query {
    ROWS.query(tx)
}

/// Invoices that the transaction's scope lets see; under a scope of sites, those of the customers served there.
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

pub(super) async fn invoice_find(tx: &mut TenantTx, id: &InvoiceId) -> Result<InvoiceRow, DbError> {
    visible(tx).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn invoices_list(
    tx: &mut TenantTx,
    asked: &Asked,
    today: Date,
) -> Result<Page<InvoiceRow>, Error> {
    let statuses: Vec<ListedStatus> = asked.given_all("status")?;
    asked.fetch(tx, ROWS, |query, tx| in_status(within(query, tx), &statuses, today)).await
}

/// In one of these states; none = all.
fn in_status(mut query: Query, statuses: &[ListedStatus], today: Date) -> Query {
    for (at, status) in statuses.iter().enumerate() {
        query = query.push(if at == 0 { " AND (" } else { " OR " });
        query = match status {
            ListedStatus::Open => query.push("voided = false AND paid < total"),
            ListedStatus::Overdue => {
                query.push("voided = false AND paid < total AND due_on < ").push_bind(today)
            }
            ListedStatus::Paid => query.push("voided = false AND paid >= total"),
            ListedStatus::Void => query.push("voided = true"),
        };
    }
    if statuses.is_empty() { query } else { query.push(")") }
}

/// Invoices by id, those that exist and may be seen.
pub(super) async fn invoices_by_ids(
    tx: &mut TenantTx,
    ids: &[InvoiceId],
) -> Result<Vec<InvoiceRow>, DbError> {
    visible(tx).push(" AND id IN ").push_list(ids).fetch_all(tx).await
}

/// Invoices behind an id, in the order of ids, whatever the scope.
pub(super) async fn invoices_after(
    tx: &mut TenantTx,
    after: &str,
    limit: i64,
) -> Result<Vec<InvoiceRow>, DbError> {
    every(tx)
        .push(" AND id > ")
        .push_bind(after)
        .push(" ORDER BY id LIMIT ")
        .push_bind(limit)
        .fetch_all(tx)
        .await
}

/// Invoices with debt left, of these customers, oldest due first.
pub(crate) async fn invoices_unpaid(
    tx: &mut TenantTx,
    customers: &[CustomerId],
) -> Result<Vec<InvoiceRow>, Error> {
    Ok(every(tx)
        .push(" AND voided = false AND paid < total AND customer_id IN ")
        .push_list(customers)
        .push(" ORDER BY due_on, number")
        .fetch_all(tx)
        .await?)
}

/// Customers who owe more than an amount for invoices due before a day, fees left out: summed where the rows are, so that
/// only those who do are read. The same sum as [`super::rules::debt`], which decides.
pub(crate) async fn customers_owing(
    tx: &mut TenantTx,
    due_before: Date,
    more_than: i64,
) -> Result<Vec<CustomerId>, Error> {
    let tenant = tx.tenant().clone();
    let rows: Vec<(CustomerId,)> = sql("SELECT customer_id FROM money_invoice WHERE tenant_id = ")
        .push_bind(tenant)
        .push(OWED_BEFORE)
        .push_bind(due_before)
        .push(" GROUP BY customer_id HAVING SUM(total - paid - fees) > ")
        .push_bind(more_than)
        .push(" ORDER BY customer_id")
        .fetch_all(tx)
        .await?;
    Ok(rows.into_iter().map(|(customer,)| customer).collect())
}

/// What is owed of the service itself; the condition of `money_invoice_unpaid` stands in it, so that its index serves.
const OWED_BEFORE: &str = " AND voided = false AND paid < total AND total - paid - fees > 0 AND due_on < ";

/// Overdue debt of each customer that the scope lets see, of those who owe at least so much; most first.
pub(super) async fn overdue_by_customer(
    tx: &mut TenantTx,
    today: Date,
    least: i64,
) -> Result<Vec<(CustomerId, i64)>, DbError> {
    let query = sql("SELECT customer_id, CAST(SUM(total - paid - fees) AS BIGINT) AS owed FROM money_invoice WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(OWED_BEFORE)
        .push_bind(today);
    within(query, tx)
        .push(" GROUP BY customer_id HAVING SUM(total - paid - fees) >= ")
        .push_bind(least)
        .push(" ORDER BY owed DESC, customer_id")
        .fetch_all(tx)
        .await
}

/// (overdue debt, fees left out; customers who owe it) of the customers that the scope lets see.
pub(super) async fn overdue_sum(tx: &mut TenantTx, today: Date) -> Result<(i64, i64), DbError> {
    let query = sql("SELECT CAST(COALESCE(SUM(total - paid - fees), 0) AS BIGINT), CAST(COUNT(DISTINCT customer_id) AS BIGINT) \
                     FROM money_invoice WHERE tenant_id = ")
    .push_bind(tx.tenant())
    .push(OWED_BEFORE)
    .push_bind(today);
    within(query, tx).fetch_one(tx).await
}

/// Overdue invoices of which nobody was told, a few at a time.
pub(super) async fn invoices_untold(
    tx: &mut TenantTx,
    before: Date,
    limit: i64,
) -> Result<Vec<InvoiceRow>, DbError> {
    every(tx)
        .push(" AND voided = false AND paid < total AND overdue_told = false AND due_on < ")
        .push_bind(before)
        .push(" ORDER BY due_on, number LIMIT ")
        .push_bind(limit)
        .fetch_all(tx)
        .await
}

/// Whether this transaction is the one that tells, and there is still something to tell.
pub(super) async fn overdue_told_set(tx: &mut TenantTx, id: &InvoiceId) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE money_invoice SET overdue_told = true \
                    WHERE tenant_id = $1 AND id = $2 AND overdue_told = false AND voided = false AND paid < total")
    .bind(tenant)
    .bind(id)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// The next number of a series, without gaps: taken in the transaction that uses it.
pub(super) async fn number_next(tx: &mut TenantTx, series: &str) -> Result<i64, DbError> {
    let tenant = tx.tenant().clone();
    let (number,): (i64,) = sql("INSERT INTO money_counter (tenant_id, name, next_value) VALUES ($1, $2, 2) \
                                 ON CONFLICT (tenant_id, name) DO UPDATE SET next_value = money_counter.next_value + 1 \
                                 RETURNING next_value - 1")
    .bind(tenant)
    .bind(series)
    .fetch_one(tx)
    .await?;
    Ok(number)
}

/// A line to be stored.
pub(super) struct NewLine<'l> {
    pub(super) description: &'l str,
    pub(super) amount: i64,
    pub(super) is_fee: bool,
}

/// Stores an invoice and its line; `false` when the service has this month's already.
pub(super) async fn invoice_insert(
    tx: &mut TenantTx,
    invoice: &InvoiceRow,
    line: NewLine<'_>,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("INSERT INTO money_invoice (tenant_id, id, number, customer_id, service_id, period_from, period_to, issued_on, \
                    due_on, currency, total, fees, paid, voided, overdue_told, version, created_at, updated_at) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, false, false, 1, $13, $13) \
                    ON CONFLICT (tenant_id, service_id, period_from) DO NOTHING")
    .bind(&tenant)
    .bind(&invoice.id)
    .bind(invoice.number)
    .bind(&invoice.customer_id)
    .bind(&invoice.service_id)
    .bind(invoice.period_from)
    .bind(invoice.period_to)
    .bind(invoice.issued_on)
    .bind(invoice.due_on)
    .bind(invoice.currency)
    .bind(invoice.total)
    .bind(invoice.fees)
    .bind(invoice.created_at)
    .execute(tx)
    .await?;
    if rows == 0 {
        return Ok(false);
    }
    sql("INSERT INTO money_invoice_line (tenant_id, invoice_id, position, description, amount, is_fee) VALUES ($1, $2, 1, $3, $4, $5)")
        .bind(tenant)
        .bind(&invoice.id)
        .bind(line.description)
        .bind(line.amount)
        .bind(line.is_fee)
        .execute(tx)
        .await?;
    Ok(true)
}

#[derive(sqlx::FromRow)]
pub(super) struct LineRow {
    pub(super) description: String,
    pub(super) amount: i64,
    pub(super) is_fee: bool,
}

pub(super) async fn lines(tx: &mut TenantTx, invoice: &InvoiceId) -> Result<Vec<LineRow>, DbError> {
    sql("SELECT description, amount, is_fee FROM money_invoice_line WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND invoice_id = ")
        .push_bind(invoice)
        .push(" ORDER BY position")
        .fetch_all(tx)
        .await
}

/// Adds to what is paid of an invoice; an allocation stands behind it.
pub(crate) async fn paid_add(
    tx: &mut TenantTx,
    id: &InvoiceId,
    amount: i64,
    now: Timestamp,
) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("UPDATE money_invoice SET paid = paid + $1, version = version + 1, updated_at = $2 WHERE tenant_id = $3 AND id = $4")
        .bind(amount)
        .bind(now)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn void_set(tx: &mut TenantTx, id: &InvoiceId, now: Timestamp) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE money_invoice SET voided = true, paid = 0, version = version + 1, updated_at = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(now)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Services, of those given, that have the invoice of a month.
pub(super) async fn billed(
    tx: &mut TenantTx,
    services: &[ServiceId],
    period_from: Date,
) -> Result<Vec<ServiceId>, DbError> {
    let rows: Vec<(ServiceId,)> = sql("SELECT service_id FROM money_invoice WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND period_from = ")
        .push_bind(period_from)
        .push(" AND service_id IN ")
        .push_list(services)
        .fetch_all(tx)
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The tenant's currency is one; kept with each row so that a row explains itself.
pub(super) fn same_currency(wanted: Currency, given: Currency, pointer: &str) -> Result<(), Error> {
    if wanted == given {
        Ok(())
    } else {
        Err(Error::invalid(pointer, "unknown", format!("this ISP's currency is {wanted}")))
    }
}

/// Adds an entry to the ledger; there is no statement that changes one.
pub(super) async fn ledger_entry_insert(
    tx: &mut TenantTx,
    entry: &NewEntry,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO money_ledger_entry (tenant_id, id, customer_id, kind, amount, currency, invoice_id, payment_id, occurred_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
    .bind(tenant)
    .bind(LedgerEntryId::new(now))
    .bind(&entry.customer)
    .bind(entry.kind)
    .bind(entry.amount.amount)
    .bind(entry.amount.currency)
    .bind(&entry.invoice)
    .bind(&entry.payment)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes a customer's account row, which holds it until the transaction ends.
pub(super) async fn account_touch(tx: &mut TenantTx, customer: &CustomerId) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    // An UPDATE and no SELECT … FOR UPDATE, which SQLite has not.
    sql("INSERT INTO money_account (tenant_id, customer_id, version) VALUES ($1, $2, 1) \
         ON CONFLICT (tenant_id, customer_id) DO UPDATE SET version = money_account.version + 1")
    .bind(tenant)
    .bind(customer)
    .execute(tx)
    .await?;
    Ok(())
}

/// What a customer's entries add up to, minor units.
#[derive(sqlx::FromRow)]
pub(super) struct LedgerSum {
    /// Whose.
    pub(super) customer_id: CustomerId,
    /// Positive: the customer owes.
    pub(super) balance: i64,
}

/// Sums of the customers that have entries.
pub(super) async fn ledger_sums(
    tx: &mut TenantTx,
    customers: &[CustomerId],
) -> Result<Vec<LedgerSum>, DbError> {
    sql("SELECT customer_id, CAST(SUM(amount) AS BIGINT) AS balance FROM money_ledger_entry WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND customer_id IN ")
        .push_list(customers)
        .push(" GROUP BY customer_id")
        .fetch_all(tx)
        .await
}
