//! The ledger: entries that are never changed, and their sums.

use super::{Debt, rules, store};
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    ids::{CustomerId, InvoiceId, PaymentId},
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
    Ok(store::ledger_entry_insert(tx, &entry, ctx.now()).await?)
}

/// Takes a customer's account until the transaction ends: others that move the customer's money, or act on its debt, wait
/// and then see what this one did.
pub(crate) async fn account_lock(tx: &mut TenantTx, customer: &CustomerId) -> Result<(), Error> {
    Ok(store::account_touch(tx, customer).await?)
}

/// What a customer owes, minor units of the tenant's currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// Sum of the ledger; negative is a credit.
    pub balance: i64,
    /// Overdue debt.
    pub debt: Debt,
}

/// (overdue debt in minor units, customers who owe it) on a day, of the customers that the scope lets see.
///
/// # Errors
/// The database's.
pub async fn overdue_sum(tx: &mut TenantTx, today: Date) -> Result<(i64, i64), Error> {
    Ok(store::overdue_sum(tx, today).await?)
}

/// Overdue debt on a day, minor units, of each customer that the scope lets see and that owes at least so much; most first.
///
/// # Errors
/// The database's.
pub async fn overdue_by_customer(
    tx: &mut TenantTx,
    today: Date,
    least: i64,
) -> Result<Vec<(CustomerId, i64)>, Error> {
    Ok(store::overdue_by_customer(tx, today, least).await?)
}

/// Whether a customer owes anything, due or not.
///
/// # Errors
/// The database's.
pub async fn owes(tx: &mut TenantTx, customer: &CustomerId) -> Result<bool, Error> {
    Ok(!store::invoices_unpaid(tx, std::slice::from_ref(customer)).await?.is_empty())
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
        for sum in store::ledger_sums(tx, chunk).await? {
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
