//! Rows of a list with the name of whose they are, read for the whole page at once.

use atalaya_kernel::{Error, db::TenantTx, ids::CustomerId, page::Page};
use atalaya_people::customers;
use serde::Serialize;
use std::{collections::BTreeMap, ops::Deref};
use utoipa::ToSchema;

/// A row and the name of its customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Listed<T> {
    /// The row.
    #[serde(flatten)]
    pub row: T,
    /// Name of whose it is.
    #[schema(example = "Rosa Quispe")]
    pub customer_name: String,
}

impl<T> Deref for Listed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.row
    }
}

/// A page with the names of its customers.
pub(crate) async fn with_names<T>(
    tx: &mut TenantTx,
    page: Page<T>,
    customer_of: impl Fn(&T) -> &CustomerId,
) -> Result<Page<Listed<T>>, Error> {
    let mut ids: Vec<_> = page.items.iter().map(|row| customer_of(row).clone()).collect();
    ids.sort();
    ids.dedup();
    let found = customers::customers_by_ids(tx, &ids).await?;
    let names: BTreeMap<_, _> = found.into_iter().map(|customer| (customer.id, customer.name)).collect();
    Ok(page.map(|row| {
        let customer_name = names.get(customer_of(&row)).cloned().unwrap_or_default();
        Listed { row, customer_name }
    }))
}
