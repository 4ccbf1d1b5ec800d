use super::Site;
use atalaya_kernel::{
    Error, Scope,
    db::{DbError, Query, TenantTx, sql},
    ids::SiteId,
    text::{like_anywhere, normalise},
};
use std::collections::BTreeSet;

const COLUMNS: &str = "id, name, parent_id, latitude, longitude, version, created_at, updated_at";

/// Sites of the transaction's tenant that its scope lets see.
fn visible(tx: &TenantTx) -> Query {
    let query =
        sql("SELECT ").push(COLUMNS).push(" FROM places_site WHERE tenant_id = ").push_bind(tx.tenant());
    match tx.scope() {
        Scope::All => query,
        Scope::Sites(sites) => query.push(" AND id IN ").push_list(sites),
        Scope::Partner(_) | Scope::Customer(_) => query.push(" AND id IS NULL"),
    }
}

pub(super) async fn site_get(tx: &mut TenantTx, id: &SiteId) -> Result<Site, DbError> {
    visible(tx).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn sites_list(
    tx: &mut TenantTx,
    search: Option<&str>,
    after: Option<(String, SiteId)>,
    limit: i64,
) -> Result<Vec<Site>, DbError> {
    let mut query = visible(tx);
    if let Some(search) = search {
        query = query.push(" AND name_key LIKE ").push_bind(like_anywhere(search)).push(" ESCAPE '\\'");
    }
    if let Some((name, id)) = after {
        query = query
            .push(" AND (name_key, id) > (")
            .push_bind(normalise(&name))
            .push(", ")
            .push_bind(id)
            .push(")");
    }
    query.push(" ORDER BY name_key, id LIMIT ").push_bind(limit).fetch_all(tx).await
}

/// Sites by id, those that exist and may be seen.
///
/// # Errors
/// The database's.
pub async fn sites_by_ids(tx: &mut TenantTx, ids: &[SiteId]) -> Result<Vec<Site>, Error> {
    Ok(visible(tx).push(" AND id IN ").push_list(ids).fetch_all(tx).await?)
}

/// Fails unless the site exists and may be seen; for other domains that refer to it.
///
/// # Errors
/// [`Error::Invalid`] naming the pointer.
pub async fn site_exists(tx: &mut TenantTx, id: &SiteId, pointer: &str) -> Result<(), Error> {
    match site_get(tx, id).await {
        Ok(_) => Ok(()),
        Err(DbError::NoRow) => Err(Error::invalid(pointer, "unknown", format!("there is no site {id}"))),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn site_insert(tx: &mut TenantTx, site: &Site) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO places_site (tenant_id, id, name, name_key, parent_id, latitude, longitude, version, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(tenant)
    .bind(&site.id)
    .bind(&site.name)
    .bind(normalise(&site.name))
    .bind(&site.parent_id)
    .bind(site.latitude)
    .bind(site.longitude)
    .bind(site.version)
    .bind(site.created_at)
    .bind(site.updated_at)
    .execute(tx)
    .await
    .map_err(name_taken)?;
    Ok(())
}

/// Writes the site if `expected` is still its version.
pub(super) async fn site_write(tx: &mut TenantTx, site: &Site, expected: i64) -> Result<bool, Error> {
    let tenant = tx.tenant().clone();
    let rows = sql(
        "UPDATE places_site SET name = $1, name_key = $2, parent_id = $3, latitude = $4, longitude = $5, \
                    version = $6, updated_at = $7 WHERE tenant_id = $8 AND id = $9 AND version = $10",
    )
    .bind(&site.name)
    .bind(normalise(&site.name))
    .bind(&site.parent_id)
    .bind(site.latitude)
    .bind(site.longitude)
    .bind(site.version)
    .bind(site.updated_at)
    .bind(tenant)
    .bind(&site.id)
    .bind(expected)
    .execute(tx)
    .await
    .map_err(name_taken)?;
    Ok(rows == 1)
}

fn name_taken(error: DbError) -> Error {
    if error.violates_unique("places_site", &["tenant_id", "name_key"]) {
        return Error::invalid("/name", "taken", "another site has this name");
    }
    error.into()
}

#[derive(sqlx::FromRow)]
struct Edge {
    id: SiteId,
    parent_id: Option<SiteId>,
}

/// Every site of the scope with the one above it, for figures that are folded over the tree.
///
/// # Errors
/// The database's.
pub async fn site_parents(tx: &mut TenantTx) -> Result<Vec<(SiteId, Option<SiteId>)>, Error> {
    Ok(visible(tx).fetch_all::<Site>(tx).await?.into_iter().map(|site| (site.id, site.parent_id)).collect())
}

/// A site and everything below it, for scopes.
///
/// # Errors
/// The database's.
pub async fn site_subtree(tx: &mut TenantTx, root: &SiteId) -> Result<BTreeSet<SiteId>, Error> {
    let edges: Vec<Edge> = sql("SELECT id, parent_id FROM places_site WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .fetch_all(tx)
        .await?;
    let mut found = BTreeSet::from([root.clone()]);
    loop {
        let below: Vec<_> = edges
            .iter()
            .filter(|edge| {
                edge.parent_id.as_ref().is_some_and(|parent| found.contains(parent))
                    && !found.contains(&edge.id)
            })
            .map(|edge| edge.id.clone())
            .collect();
        if below.is_empty() {
            return Ok(found);
        }
        found.extend(below);
    }
}
