//! The ledger: entries that are never changed, and their sums.

use super::{Debt, rules, store};
use atalaya_kernel::{
    Ctx, Error,
    db::{TenantTx, sql},
    ids::{CustomerId, InvoiceId, LedgerEntryId, PaymentId},
    money::Money,
    text_enum,
    time::Date,
};
use std::collections::BTreeMap;

text_enum! {
    /// What made an entry.
    pub(crate) enum EntryKind {
        /// An invoice: a debit.
        Invoice = "invoice",
        /// A voided invoice: a credit.
        Void = "void",
        /// A payment: a credit.
        Payment = "payment",
    }
}

/// An entry to be recorded.
pub(crate) struct NewEntry {
    pub(crate) customer: CustomerId,
    pub(crate) kind: EntryKind,
    /// Positive: the customer owes more.
    pub(crate) amount: Money,
    pub(crate) invoice: Option<InvoiceId>,
    pub(crate) payment: Option<PaymentId>,
}

pub(crate) async fn entry_record(ctx: &Ctx, tx: &mut TenantTx, entry: NewEntry) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    let now = ctx.now();
    sql("INSERT INTO money_ledger_entry (tenant_id, id, customer_id, kind, amount, currency, invoice_id, payment_id, occurred_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
    .bind(tenant)
    .bind(LedgerEntryId::new(now))
    .bind(entry.customer)
    .bind(entry.kind)
    .bind(entry.amount.amount)
    .bind(entry.amount.currency)
    .bind(entry.invoice)
    .bind(entry.payment)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes a customer's account until the transaction ends: others that move the customer's money, or act on its debt, wait
/// and then see what this one did.
pub(crate) async fn account_lock(tx: &mut TenantTx, customer: &CustomerId) -> Result<(), Error> {
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

/// What a customer owes, minor units of the tenant's currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// Sum of the ledger; negative is a credit.
    pub balance: i64,
    /// Overdue debt.
    pub debt: Debt,
}

#[derive(sqlx::FromRow)]
struct Sum {
    customer_id: CustomerId,
    balance: i64,
}

/// Balances of customers on a day; those without any entry are left out.
///
/// # Errors
/// The database's.
pub async fn balances(
    tx: &mut TenantTx,
    customers: &[CustomerId],
    today: Date,
    grace_days: i64,
) -> Result<BTreeMap<CustomerId, Balance>, Error> {
    let mut found: BTreeMap<CustomerId, Balance> = BTreeMap::new();
    for chunk in customers.chunks(5_000) {
        let sums: Vec<Sum> = sql("SELECT customer_id, CAST(SUM(amount) AS BIGINT) AS balance FROM money_ledger_entry WHERE tenant_id = ")
            .push_bind(tx.tenant())
            .push(" AND customer_id IN ")
            .push_list(chunk)
            .push(" GROUP BY customer_id")
            .fetch_all(tx)
            .await?;
        for sum in sums {
            found.entry(sum.customer_id).or_default().balance = sum.balance;
        }
        let mut unpaid: BTreeMap<CustomerId, Vec<_>> = BTreeMap::new();
        for invoice in store::invoices_unpaid(tx, chunk).await? {
            unpaid.entry(invoice.customer_id.clone()).or_default().push(invoice);
        }
        for (customer, invoices) in unpaid {
            found.entry(customer).or_default().debt = rules::debt(&invoices, today, grace_days);
        }
    }
    Ok(found)
}
