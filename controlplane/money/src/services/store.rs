use super::{Service, Status, SuspendedBecause};
use atalaya_kernel::{
    Error, Scope,
    db::{DbError, Query, TenantTx, sql},
    ids::{CustomerId, PlanId, ServiceId, SiteId},
    list::{Asked, Select},
    page::Page,
    time::{Date, Timestamp},
};

const ROWS: Select = Select {
    columns: "id, customer_id, plan_id, site_id, address, starts_on, status, suspended_because, status_reason, status_changed_at, \
              spared_on, version, created_at, updated_at",
    from: "money_service WHERE tenant_id = ",
};

/// All services of the transaction's tenant: for rules, which must not depend on who asks.
fn every(tx: &TenantTx) -> Query {
    ROWS.query(tx)
}

/// Services that the transaction's scope lets see.
fn visible(tx: &TenantTx) -> Query {
    within(every(tx), tx.scope())
}

fn within(query: Query, scope: &Scope) -> Query {
    match scope {
        Scope::All => query,
        Scope::Sites(sites) => query.push(" AND site_id IN ").push_list(sites),
        Scope::Partner(_) => query.push(" AND 1 = 0"),
        Scope::Customer(id) => query.push(" AND customer_id = ").push_bind(id),
    }
}

pub(super) async fn services_list(tx: &mut TenantTx, asked: &Asked) -> Result<Page<Service>, Error> {
    asked.fetch(tx, ROWS, |query, tx| within(query, tx.scope())).await
}

/// One service, if it exists and may be seen; for other use cases, without a permission.
///
/// # Errors
/// [`Error::NotFound`], or the database's.
pub async fn service_find(tx: &mut TenantTx, id: &ServiceId) -> Result<Service, Error> {
    Ok(visible(tx).push(" AND id = ").push_bind(id).fetch_one(tx).await?)
}

/// Services by id, those that exist and may be seen.
///
/// # Errors
/// The database's.
pub async fn services_by_ids(tx: &mut TenantTx, ids: &[ServiceId]) -> Result<Vec<Service>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(5_000) {
        found.extend(visible(tx).push(" AND id IN ").push_list(chunk).fetch_all::<Service>(tx).await?);
    }
    Ok(found)
}

/// Services of customers, in order of their making.
///
/// # Errors
/// The database's.
pub async fn services_of_customers(
    tx: &mut TenantTx,
    customers: &[CustomerId],
) -> Result<Vec<Service>, Error> {
    let mut found = Vec::new();
    for chunk in customers.chunks(5_000) {
        found.extend(
            visible(tx)
                .push(" AND customer_id IN ")
                .push_list(chunk)
                .push(" ORDER BY id")
                .fetch_all::<Service>(tx)
                .await?,
        );
    }
    Ok(found)
}

/// Services of a customer that are suspended for debt, whoever asks: a payment brings all of them back.
pub(super) async fn services_suspended_for_debt(
    tx: &mut TenantTx,
    customer: &CustomerId,
) -> Result<Vec<Service>, DbError> {
    every(tx)
        .push(" AND customer_id = ")
        .push_bind(customer)
        .push(" AND suspended_because = ")
        .push_bind(SuspendedBecause::Overdue)
        .push(" ORDER BY id")
        .fetch_all(tx)
        .await
}

/// Customers, after one, with a service that is suspended for debt.
pub(crate) async fn customers_suspended_for_debt(
    tx: &mut TenantTx,
    after: Option<&CustomerId>,
    limit: i64,
) -> Result<Vec<CustomerId>, Error> {
    let mut query = sql("SELECT DISTINCT customer_id FROM money_service WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND status = ")
        .push_bind(Status::Suspended)
        .push(" AND suspended_because = ")
        .push_bind(SuspendedBecause::Overdue);
    if let Some(after) = after {
        query = query.push(" AND customer_id > ").push_bind(after);
    }
    let rows: Vec<(CustomerId,)> =
        query.push(" ORDER BY customer_id LIMIT ").push_bind(limit).fetch_all(tx).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Notes that a person left these services connected in spite of their debt.
pub(crate) async fn services_spare(
    tx: &mut TenantTx,
    services: &[ServiceId],
    today: Date,
    now: Timestamp,
) -> Result<(), Error> {
    for chunk in services.chunks(5_000) {
        sql("UPDATE money_service SET version = version + 1, spared_on = ")
            .push_bind(today)
            .push(", updated_at = ")
            .push_bind(now)
            .push(" WHERE tenant_id = ")
            .push_bind(tx.tenant())
            .push(" AND id IN ")
            .push_list(chunk)
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Services on a plan, after an id, in order of their making; for the network when a plan's speed changes.
///
/// # Errors
/// The database's.
pub async fn services_by_plan(
    tx: &mut TenantTx,
    plan: &PlanId,
    after: Option<&ServiceId>,
    limit: i64,
) -> Result<Vec<Service>, Error> {
    let mut query = visible(tx).push(" AND plan_id = ").push_bind(plan);
    if let Some(after) = after {
        query = query.push(" AND id > ").push_bind(after);
    }
    Ok(query.push(" ORDER BY id LIMIT ").push_bind(limit).fetch_all(tx).await?)
}

/// Services of a status (all without one), after an id, in order of their making.
///
/// # Errors
/// The database's.
pub async fn services_by_status(
    tx: &mut TenantTx,
    status: Option<Status>,
    after: Option<&ServiceId>,
    limit: i64,
) -> Result<Vec<Service>, Error> {
    let mut query = visible(tx);
    if let Some(status) = status {
        query = query.push(" AND status = ").push_bind(status);
    }
    if let Some(after) = after {
        query = query.push(" AND id > ").push_bind(after);
    }
    Ok(query.push(" ORDER BY id LIMIT ").push_bind(limit).fetch_all(tx).await?)
}

/// How many services of the scope have a status.
///
/// # Errors
/// The database's.
pub async fn services_count(tx: &mut TenantTx, status: Status) -> Result<i64, Error> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) FROM money_service WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND status = ")
        .push_bind(status);
    let (count,): (i64,) = within(query, tx.scope()).fetch_one(tx).await?;
    Ok(count)
}

/// How many customers of the scope have a service, also one that ended.
///
/// # Errors
/// The database's.
pub async fn customers_served(tx: &mut TenantTx) -> Result<i64, Error> {
    let query =
        sql("SELECT CAST(COUNT(DISTINCT customer_id) AS BIGINT) FROM money_service WHERE tenant_id = ")
            .push_bind(tx.tenant());
    let (count,): (i64,) = within(query, tx.scope()).fetch_one(tx).await?;
    Ok(count)
}

/// Services of each site of the scope by status, those that ended left out.
///
/// # Errors
/// The database's.
pub async fn services_by_site(tx: &mut TenantTx) -> Result<Vec<(SiteId, Status, i64)>, Error> {
    let query = sql("SELECT site_id, status, CAST(COUNT(*) AS BIGINT) FROM money_service WHERE tenant_id = ")
        .push_bind(tx.tenant());
    Ok(standing(query, tx).push(" GROUP BY site_id, status").fetch_all(tx).await?)
}

/// Customers of each site of the scope. Who is served at several sites is told apart from who is served at one: a sum
/// over sites would count the first more than once.
#[derive(Debug, Clone, Default)]
pub struct SiteCustomers {
    /// Customers served at one site only: how many, by site.
    pub at_one_site: Vec<(SiteId, i64)>,
    /// Each site of each customer who is served at several.
    pub at_several: Vec<(SiteId, CustomerId)>,
}

/// Customers by site.
///
/// # Errors
/// The database's.
pub async fn customers_by_site(tx: &mut TenantTx) -> Result<SiteCustomers, Error> {
    let tenant = tx.tenant().clone();
    let query =
        sql("SELECT site_id, CAST(COUNT(*) AS BIGINT) FROM (SELECT customer_id, MIN(site_id) AS site_id \
                     FROM money_service WHERE tenant_id = ")
        .push_bind(&tenant);
    let at_one_site = standing(query, tx)
        .push(" GROUP BY customer_id HAVING MIN(site_id) = MAX(site_id)) AS of_one GROUP BY site_id")
        .fetch_all(tx)
        .await?;
    let query =
        sql("SELECT DISTINCT site_id, customer_id FROM money_service WHERE tenant_id = ").push_bind(&tenant);
    let query = standing(query, tx)
        .push(" AND customer_id IN (SELECT customer_id FROM money_service WHERE tenant_id = ")
        .push_bind(&tenant);
    let at_several = standing(query, tx)
        .push(" GROUP BY customer_id HAVING MIN(site_id) <> MAX(site_id))")
        .fetch_all(tx)
        .await?;
    Ok(SiteCustomers { at_one_site, at_several })
}

/// Only services that have not ended and that the scope lets see.
fn standing(query: Query, tx: &TenantTx) -> Query {
    within(query.push(" AND status <> ").push_bind(Status::Terminated), tx.scope())
}

pub(super) async fn service_insert(tx: &mut TenantTx, service: &Service) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO money_service (tenant_id, id, customer_id, plan_id, site_id, address, starts_on, status, \
         suspended_because, status_reason, status_changed_at, version, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)")
    .bind(tenant)
    .bind(&service.id)
    .bind(&service.customer_id)
    .bind(&service.plan_id)
    .bind(&service.site_id)
    .bind(&service.address)
    .bind(service.starts_on)
    .bind(service.status)
    .bind(service.suspended_because)
    .bind(&service.status_reason)
    .bind(service.status_changed_at)
    .bind(service.version)
    .bind(service.created_at)
    .bind(service.updated_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes the service if it is still at the version before; if not, the transaction runs again on what is there now.
pub(super) async fn service_write(tx: &mut TenantTx, service: &Service) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    let rows = sql(
        "UPDATE money_service SET plan_id = $1, status = $2, suspended_because = $3, status_reason = $4, \
                    status_changed_at = $5, spared_on = $6, version = $7, updated_at = $8 \
                    WHERE tenant_id = $9 AND id = $10 AND version = $11",
    )
    .bind(&service.plan_id)
    .bind(service.status)
    .bind(service.suspended_because)
    .bind(&service.status_reason)
    .bind(service.status_changed_at)
    .bind(service.spared_on)
    .bind(service.version)
    .bind(service.updated_at)
    .bind(tenant)
    .bind(&service.id)
    .bind(service.version - 1)
    .execute(tx)
    .await?;
    if rows == 1 { Ok(()) } else { Err(Error::Db(DbError::Conflict)) }
}
