//! What a customer is found by.

use super::{Customer, READ, SEE_CONTACT, SEE_DOCUMENT, store};
use atalaya_kernel::{
    Error,
    db::TenantTx,
    ids::SiteId,
    search::{Entry, Field, Kind, Source, Text},
};
use std::collections::BTreeSet;

/// Customers, by name, document, phone and e-mail; by what is masked only those who see it.
pub const FOUND: Kind = Kind {
    name: "customer",
    permission: READ,
    guarded: &[("document", SEE_DOCUMENT), ("phone", SEE_CONTACT), ("email", SEE_CONTACT)],
};

/// What a search finds a customer by, who is seen at these sites.
pub(super) fn entry(customer: &Customer, sites: BTreeSet<SiteId>) -> Entry {
    let optional = [
        ("document", Text::Number, &customer.document),
        ("phone", Text::Number, &customer.phone),
        ("email", Text::Email, &customer.email),
    ];
    let optional =
        optional.into_iter().filter_map(|(name, how, text)| Some(Field::new(name, how, text.as_ref()?)));
    Entry {
        kind: FOUND.name,
        subject: customer.id.to_string(),
        seen_with: customer.id.to_string(),
        customer: Some(customer.id.clone()),
        sites,
        fields: std::iter::once(Field::new("name", Text::Words, &customer.name)).chain(optional).collect(),
    }
}

/// All customers, for an index that is made anew.
#[derive(Debug, Clone, Copy)]
pub struct Customers;

#[async_trait::async_trait]
impl Source for Customers {
    fn kind(&self) -> &'static str {
        FOUND.name
    }

    async fn entries(&self, tx: &mut TenantTx, after: &str, limit: usize) -> Result<Vec<Entry>, Error> {
        let customers =
            store::customers_after(tx, after, i64::try_from(limit).map_err(Error::internal)?).await?;
        let ids: Vec<_> = customers.iter().map(|customer| &customer.id).collect();
        let mut sites = store::customer_sites(tx, &ids).await?;
        Ok(customers
            .iter()
            .map(|customer| {
                let mut sites = sites.remove(&customer.id).unwrap_or_default();
                sites.extend(customer.site_id.clone());
                entry(customer, sites)
            })
            .collect())
    }
}
