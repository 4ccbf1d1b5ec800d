use super::Customer;
use atalaya_kernel::{
    Error, Scope,
    db::{DbError, Query, TenantTx, sql},
    ids::{CustomerId, SiteId},
    list::{Asked, Select},
    page::Page,
    search,
    text::{like_anywhere, normalise},
};
use std::collections::{BTreeMap, BTreeSet};

const ROWS: Select = Select {
    columns: "id, name, document, phone, email, address, notes, site_id, version, created_at, updated_at, erased_at",
    from: "people_customer WHERE tenant_id = ",
};

/// Customers of the transaction's tenant that its scope lets see.
fn visible(tx: &TenantTx) -> Query {
    within(ROWS.query(tx), tx)
}

fn within(query: Query, tx: &TenantTx) -> Query {
    match tx.scope() {
        Scope::All => query,
        // Where the customer has or had a service; the first for those whose services are from before it was kept.
        Scope::Sites(sites) => query
            .push(" AND (site_id IN ")
            .push_list(sites)
            .push(" OR EXISTS (SELECT 1 FROM people_customer_site s WHERE s.tenant_id = people_customer.tenant_id AND s.customer_id = people_customer.id AND s.site_id IN ")
            .push_list(sites)
            .push("))"),
        Scope::Partner(_) => query.push(" AND 1 = 0"),
        Scope::Customer(id) => query.push(" AND id = ").push_bind(id),
    }
}

/// One customer, if it exists and may be seen; for other domains, without a permission.
///
/// # Errors
/// [`Error::NotFound`], or the database's.
pub async fn customer_find(tx: &mut TenantTx, id: &CustomerId) -> Result<Customer, Error> {
    Ok(visible(tx).push(" AND id = ").push_bind(id).fetch_one(tx).await?)
}

/// Customers by id, those that exist and may be seen; for other domains.
///
/// # Errors
/// The database's.
pub async fn customers_by_ids(tx: &mut TenantTx, ids: &[CustomerId]) -> Result<Vec<Customer>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    // SQLite binds at most 32,766 values.
    for chunk in ids.chunks(5_000) {
        found.extend(visible(tx).push(" AND id IN ").push_list(chunk).fetch_all::<Customer>(tx).await?);
    }
    Ok(found)
}

/// One page. `everywhere`: words are looked for in documents, phones, e-mails and addresses too, not only in names.
pub(super) async fn customers_list(
    tx: &mut TenantTx,
    asked: &Asked,
    only: Option<&[CustomerId]>,
    everywhere: bool,
) -> Result<Page<Customer>, Error> {
    let column = if everywhere { " AND search_text LIKE " } else { " AND name_key LIKE " };
    let narrow = |query, tx: &TenantTx| {
        let mut query = within(query, tx);
        for word in asked.given("q").iter().flat_map(|search| search.split_whitespace()) {
            query = query.push(column).push_bind(like_anywhere(word)).push(" ESCAPE '\\'");
        }
        match only {
            Some(only) => query.push(" AND id IN ").push_list(only),
            None => query,
        }
    };
    asked.fetch(tx, ROWS, narrow).await
}

/// Customers behind an id, in the order of ids, those that may be seen; for other domains.
///
/// # Errors
/// The database's.
pub async fn customers_behind(
    tx: &mut TenantTx,
    after: Option<&CustomerId>,
    limit: i64,
) -> Result<Vec<Customer>, Error> {
    let mut query = visible(tx);
    if let Some(after) = after {
        query = query.push(" AND id > ").push_bind(after);
    }
    Ok(query.push(" ORDER BY id LIMIT ").push_bind(limit).fetch_all(tx).await?)
}

/// Customers behind an id, in the order of ids, whatever the scope.
pub(super) async fn customers_after(
    tx: &mut TenantTx,
    after: &str,
    limit: i64,
) -> Result<Vec<Customer>, DbError> {
    ROWS.query(tx)
        .push(" AND id > ")
        .push_bind(after)
        .push(" ORDER BY id LIMIT ")
        .push_bind(limit)
        .fetch_all(tx)
        .await
}

/// Sites at which customers are seen because of a service or of whoever made them.
pub(super) async fn customer_sites(
    tx: &mut TenantTx,
    ids: &[&CustomerId],
) -> Result<BTreeMap<CustomerId, BTreeSet<SiteId>>, DbError> {
    let rows: Vec<(CustomerId, SiteId)> =
        sql("SELECT customer_id, site_id FROM people_customer_site WHERE tenant_id = ")
            .push_bind(tx.tenant())
            .push(" AND customer_id IN ")
            .push_list(ids.iter().copied())
            .fetch_all(tx)
            .await?;
    let mut sites: BTreeMap<CustomerId, BTreeSet<SiteId>> = BTreeMap::new();
    for (customer, site) in rows {
        sites.entry(customer).or_default().insert(site);
    }
    Ok(sites)
}

/// What a search goes through.
fn search_text(customer: &Customer) -> String {
    let optional = [&customer.document, &customer.phone, &customer.email, &customer.address];
    let parts: Vec<&str> = std::iter::once(customer.name.as_str())
        .chain(optional.into_iter().flatten().map(String::as_str))
        .collect();
    normalise(&parts.join(" "))
}

/// Customers of the tenant, whatever the scope.
pub(super) async fn customers_count(tx: &mut TenantTx) -> Result<i64, DbError> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) FROM people_customer WHERE tenant_id = ");
    let (count,): (i64,) = query.push_bind(tx.tenant()).fetch_one(tx).await?;
    Ok(count)
}

pub(super) async fn customer_insert(tx: &mut TenantTx, customer: &Customer) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_customer (tenant_id, id, name, name_key, search_text, document, phone, email, address, notes, \
         site_id, version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
    .bind(tenant)
    .bind(&customer.id)
    .bind(&customer.name)
    .bind(normalise(&customer.name))
    .bind(search_text(customer))
    .bind(&customer.document)
    .bind(&customer.phone)
    .bind(&customer.email)
    .bind(&customer.address)
    .bind(&customer.notes)
    .bind(&customer.site_id)
    .bind(customer.version)
    .bind(customer.created_at)
    .bind(customer.updated_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes the customer if `expected` is still its version.
pub(super) async fn customer_write(
    tx: &mut TenantTx,
    customer: &Customer,
    expected: i64,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql(
        "UPDATE people_customer SET name = $1, name_key = $2, search_text = $3, document = $4, phone = $5, \
                    email = $6, address = $7, notes = $8, version = $9, updated_at = $10 \
                    WHERE tenant_id = $11 AND id = $12 AND version = $13",
    )
    .bind(&customer.name)
    .bind(normalise(&customer.name))
    .bind(search_text(customer))
    .bind(&customer.document)
    .bind(&customer.phone)
    .bind(&customer.email)
    .bind(&customer.address)
    .bind(&customer.notes)
    .bind(customer.version)
    .bind(customer.updated_at)
    .bind(tenant)
    .bind(&customer.id)
    .bind(expected)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// Writes a customer of whom nothing is left but the id.
pub(super) async fn customer_empty(tx: &mut TenantTx, customer: &Customer) -> Result<(), DbError> {
    sql("UPDATE people_customer SET name = $1, name_key = $2, search_text = $3, document = NULL, phone = NULL, email = NULL, \
         address = NULL, notes = NULL, version = $4, updated_at = $5, erased_at = $6 WHERE tenant_id = $7 AND id = $8")
    .bind(&customer.name)
    .bind(normalise(&customer.name))
    .bind(search_text(customer))
    .bind(customer.version)
    .bind(customer.updated_at)
    .bind(customer.erased_at)
    .bind(tx.tenant())
    .bind(&customer.id)
    .execute(tx)
    .await
    .map(drop)
}

/// Notes the site of a customer's service, within the transaction that made the service.
///
/// # Errors
/// The database's.
pub async fn customer_site_set(tx: &mut TenantTx, id: &CustomerId, site: &SiteId) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_customer SET site_id = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(site)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    customer_site_add(tx, id, site).await?;
    search::place(tx, id.as_str(), site).await
}

/// Notes a site at which a customer is seen by whoever sees that site.
pub(super) async fn customer_site_add(
    tx: &mut TenantTx,
    id: &CustomerId,
    site: &SiteId,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_customer_site (tenant_id, customer_id, site_id) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant_id, customer_id, site_id) DO NOTHING")
    .bind(tenant)
    .bind(id)
    .bind(site)
    .execute(tx)
    .await?;
    Ok(())
}
