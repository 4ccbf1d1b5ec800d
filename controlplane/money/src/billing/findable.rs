//! What an invoice is found by.

use super::{READ, model::InvoiceRow, store};
use atalaya_kernel::{
    Error,
    db::TenantTx,
    search::{Entry, Field, Kind, Source, Text},
};
use std::collections::BTreeSet;

/// Invoices, by number.
pub const FOUND: Kind = Kind { name: "invoice", permission: READ, guarded: &[] };

/// What a search finds an invoice by; it is seen where its customer is.
pub(super) fn entry(invoice: &InvoiceRow) -> Entry {
    Entry {
        kind: FOUND.name,
        subject: invoice.id.to_string(),
        seen_with: invoice.customer_id.to_string(),
        customer: Some(invoice.customer_id.clone()),
        sites: BTreeSet::new(),
        fields: vec![Field::new("number", Text::Number, invoice.number.to_string())],
    }
}

/// All invoices, for an index that is made anew.
#[derive(Debug, Clone, Copy)]
pub struct Invoices;

#[async_trait::async_trait]
impl Source for Invoices {
    fn kind(&self) -> &'static str {
        FOUND.name
    }

    async fn entries(&self, tx: &mut TenantTx, after: &str, limit: usize) -> Result<Vec<Entry>, Error> {
        let limit = i64::try_from(limit).map_err(Error::internal)?;
        Ok(store::invoices_after(tx, after, limit).await?.iter().map(entry).collect())
    }
}
