//! Bringing what is sealed over to the newest key.
//!
//! Every domain lists its sealed columns ([`SealedColumn`]); a test compares the list with the schema. The pass goes
//! through them in chunks, each in a transaction of its own, and writes a value only if nobody changed it since it was
//! read. Where it stands is in the values themselves, so a process that dies loses nothing: the next one goes on with what
//! still lies under an older key. Keys are destroyed when nothing does.

use super::{
    Owner,
    cipher::{Key, does_not_open},
    number, rotation, store,
};
use crate::{
    Ctx, Error,
    db::{Handle, Query, TenantTx, sql},
    fault,
    ids::TenantId,
    jobs::{self, Job},
    runtime::Runtime,
    write_tx,
};
use std::{collections::BTreeMap, sync::Arc};

/// Values a transaction: with the largest there are, some tens of milliseconds.
const CHUNK: i64 = 50;

/// A column that holds sealed values.
#[derive(Debug, Clone, Copy)]
pub struct SealedColumn {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub column: &'static str,
    /// Whose key seals it.
    pub owner: Owner,
    /// Whether the table has `tenant_id`.
    pub of_tenants: bool,
    /// What tells a row from the others, beside the tenant: one column or two.
    pub key: &'static [Part],
    /// The context that a row's value is sealed in.
    pub context: fn(&Place<'_>) -> String,
}

/// A column of a key.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    /// TEXT.
    Text(&'static str),
    /// BIGINT.
    Number(&'static str),
}

/// Where a value lies.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Whose row; empty for the platform's.
    pub tenant: &'a str,
    /// First column of the key.
    pub first: &'a str,
    /// Second one; empty when there is none.
    pub second: &'a str,
}

/// How far a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The column, `table.column`.
    pub column: (&'static str, &'static str),
    /// Sealed values.
    pub values: i64,
    /// Those that lie under an older key.
    pub behind: i64,
}

/// The kernel's own sealed columns.
pub const COLUMNS: &[SealedColumn] = &[
    SealedColumn {
        table: "kernel_tenant_key",
        column: "wrapped",
        owner: Owner::Platform,
        of_tenants: true,
        key: &[Part::Number("number")],
        context: |place| {
            if place.first == "1" {
                format!("kernel_tenant_key/{}", place.tenant)
            } else {
                format!("kernel_tenant_key/{}/{}", place.tenant, place.first)
            }
        },
    },
    SealedColumn {
        table: "kernel_blob",
        column: "sealed_key",
        owner: Owner::Tenant,
        of_tenants: true,
        key: &[Part::Text("id")],
        context: |place| crate::blobs::key_context(place.first),
    },
    SealedColumn {
        table: "kernel_idempotency",
        column: "body",
        owner: Owner::Tenant,
        of_tenants: true,
        key: &[Part::Text("asked_by"), Part::Text("request_key")],
        context: |place| crate::idempotency::sealing_context(place.first, place.second),
    },
    SealedColumn {
        table: "kernel_acme_account",
        column: "sealed",
        owner: Owner::Platform,
        of_tenants: false,
        key: &[Part::Text("directory")],
        context: |place| crate::acme::account_context(place.first),
    },
    SealedColumn {
        table: "kernel_acme_certificate",
        column: "sealed",
        owner: Owner::Platform,
        of_tenants: false,
        key: &[Part::Text("directory"), Part::Text("names")],
        context: |place| crate::acme::certificate_context(place.first, place.second),
    },
];

/// The keys of an owner, opened.
struct Keys {
    newest: u32,
    all: BTreeMap<u32, Key>,
}

#[derive(sqlx::FromRow)]
struct SealedRow {
    first: String,
    second: String,
    sealed: Vec<u8>,
}

/// What a chunk did: the last row seen, none when there was no more; and rows that do not open.
struct Chunk {
    last: Option<(String, String)>,
    refused: u64,
}

impl SealedColumn {
    fn part(self, at: usize, query: Query) -> Query {
        match self.key.get(at) {
            Some(Part::Text(name)) => query.push(name),
            Some(Part::Number(name)) => query.push("CAST(").push(name).push(" AS TEXT)"),
            None => query.push("CAST('' AS TEXT)"),
        }
    }

    /// `FROM table WHERE …` of the values that there are.
    fn values(self, query: Query, tenant: Option<&TenantId>) -> Query {
        let query =
            query.push(" FROM ").push(self.table).push(" WHERE ").push(self.column).push(" IS NOT NULL");
        match tenant {
            Some(tenant) => query.push(" AND tenant_id = ").push_bind(tenant),
            None => query,
        }
    }

    /// Adds the condition that a value lies under an older key.
    fn behind(self, query: Query, newest: u32) -> Query {
        let header = self.owner.header(newest);
        let length = if header.len() == 1 { ", 1, 1) <> " } else { ", 1, 5) <> " };
        query.push(" AND substr(").push(self.column).push(length).push_bind(header)
    }

    async fn chunk(
        self,
        tx: &mut impl Handle,
        keys: &Keys,
        tenant: Option<&TenantId>,
        after: &(String, String),
    ) -> Result<Chunk, Error> {
        let query = self.part(0, sql("SELECT ")).push(" AS first, ");
        let query = self.part(1, query).push(" AS second, ").push(self.column).push(" AS sealed");
        let query = self.behind(self.values(query, tenant), keys.newest);
        let query = self.part(0, query.push(" AND (")).push(" > ").push_bind(&after.0).push(" OR (");
        let query = self.part(0, query).push(" = ").push_bind(&after.0).push(" AND ");
        let query = self.part(1, query).push(" > ").push_bind(&after.1).push("))");
        let query = query.push(" ORDER BY 1, 2 LIMIT ").push_bind(CHUNK);
        let rows: Vec<SealedRow> = query.fetch_all(tx).await?;
        let newest = keys.all.get(&keys.newest).ok_or_else(does_not_open)?;
        let mut refused = 0;
        for row in &rows {
            let place = Place {
                tenant: tenant.map_or("", |tenant| tenant.as_str()),
                first: &row.first,
                second: &row.second,
            };
            let context = (self.context)(&place);
            let old = self.owner.number_of(&row.sealed).ok().and_then(|number| keys.all.get(&number));
            let Some(plain) = old.and_then(|key| key.open(&context, &row.sealed).ok()) else {
                tracing::error!(
                    table = self.table,
                    column = self.column,
                    ?place,
                    "a sealed value does not open: it stays as it is"
                );
                refused += 1;
                continue;
            };
            let sealed = newest.seal(&self.owner.header(keys.newest), &context, plain.expose())?;
            let query =
                sql("UPDATE ").push(self.table).push(" SET ").push(self.column).push(" = ").push_bind(sealed);
            let query = self.part(0, query.push(" WHERE ")).push(" = ").push_bind(&row.first).push(" AND ");
            let query = self.part(1, query).push(" = ").push_bind(&row.second);
            // Whoever wrote a new value meanwhile sealed it with the newest key.
            let query = query.push(" AND ").push(self.column).push(" = ").push_bind(&row.sealed);
            let query = match tenant {
                Some(tenant) => query.push(" AND tenant_id = ").push_bind(tenant),
                None => query,
            };
            query.execute(tx).await?;
        }
        Ok(Chunk { last: rows.into_iter().last().map(|row| (row.first, row.second)), refused })
    }

    async fn standing(
        self,
        tx: &mut impl Handle,
        newest: u32,
        tenant: Option<&TenantId>,
    ) -> Result<Standing, Error> {
        let count = || self.values(sql("SELECT CAST(COUNT(*) AS BIGINT)"), tenant);
        let (values,): (i64,) = count().fetch_one(tx).await?;
        let (behind,): (i64,) = self.behind(count(), newest).fetch_one(tx).await?;
        Ok(Standing { column: (self.table, self.column), values, behind })
    }
}

/// How far the columns that a tenant's key seals are.
///
/// # Errors
/// The database's.
pub async fn tenant_standing(ctx: &Ctx, columns: &[SealedColumn]) -> Result<Vec<Standing>, Error> {
    let mut tx = ctx.begin_read().await?;
    let newest = rotation::tenant_keys(&mut tx).await?.newest;
    let tenant = tx.tenant().clone();
    let mut found = Vec::new();
    for column in columns.iter().filter(|column| column.owner == Owner::Tenant) {
        found.push(column.standing(&mut tx, newest, Some(&tenant)).await?);
    }
    tx.rollback().await?;
    Ok(found)
}

/// How far the columns that the platform's key seals are, over all tenants.
///
/// # Errors
/// The database's.
pub async fn platform_standing(
    runtime: &Arc<Runtime>,
    columns: &[SealedColumn],
    tenants: &[TenantId],
) -> Result<Vec<Standing>, Error> {
    let newest = rotation::platform_keys(runtime).await?.map_or(Owner::Platform.first(), |keys| keys.newest);
    let mut found = Vec::new();
    for column in columns.iter().filter(|column| column.owner == Owner::Platform) {
        if !column.of_tenants {
            let mut tx = runtime.platform().begin_read().await?;
            found.push(column.standing(&mut tx, newest, None).await?);
            tx.rollback().await?;
            continue;
        }
        let mut sum = Standing { column: (column.table, column.column), values: 0, behind: 0 };
        for tenant in tenants {
            let mut tx = system(runtime, tenant).begin_read().await?;
            let one = column.standing(&mut tx, newest, Some(tenant)).await?;
            tx.rollback().await?;
            (sum.values, sum.behind) = (sum.values + one.values, sum.behind + one.behind);
        }
        found.push(sum);
    }
    Ok(found)
}

fn system(runtime: &Arc<Runtime>, tenant: &TenantId) -> Ctx {
    Ctx::system(runtime.tenant(tenant.clone()), "secrets").in_bulk()
}

/// Does a job of [`rotation::RESEAL`]: brings over what its owner's retired keys seal, and destroys them. `tenants` are all
/// there are.
///
/// # Errors
/// The database's, a lease that was lost, or [`Error::Unavailable`] for values that do not open: the old keys then stay.
pub async fn run(
    runtime: &Arc<Runtime>,
    columns: &[SealedColumn],
    tenants: &[TenantId],
    job: &Job,
) -> Result<(), Error> {
    if let Some(tenant) = &job.tenant_id {
        let ctx = system(runtime, tenant);
        for column in columns.iter().filter(|column| column.owner == Owner::Tenant) {
            tenant_rows(&ctx, *column, job).await?;
        }
        nothing_behind(&tenant_standing(&ctx, columns).await?)?;
        return rotation::destroy_tenant_keys(&ctx).await;
    }
    rotation::learn(runtime).await?;
    for column in columns.iter().filter(|column| column.owner == Owner::Platform) {
        if column.of_tenants {
            for tenant in tenants {
                tenant_rows(&system(runtime, tenant), *column, job).await?;
            }
        } else {
            platform_rows(runtime, *column, job).await?;
        }
    }
    nothing_behind(&platform_standing(runtime, columns, tenants).await?)?;
    rotation::destroy_platform_keys(runtime, job).await
}

fn nothing_behind(standings: &[Standing]) -> Result<(), Error> {
    let behind: Vec<_> = standings.iter().filter(|standing| standing.behind > 0).collect();
    if behind.is_empty() {
        return Ok(());
    }
    let named: Vec<_> =
        behind.iter().map(|left| format!("{}.{}: {}", left.column.0, left.column.1, left.behind)).collect();
    Err(Error::Unavailable(format!(
        "values still lie under an older key, which stays ({})",
        named.join(", ")
    )))
}

async fn tenant_rows(ctx: &Ctx, column: SealedColumn, job: &Job) -> Result<(), Error> {
    let mut after = (String::new(), String::new());
    loop {
        let done = write_tx!(ctx, tx => {
            let keys = match column.owner {
                Owner::Tenant => tenant_keys(&mut tx).await?,
                Owner::Platform => platform_keys(ctx.db().runtime(), &mut tx).await?,
            };
            let tenant = tx.tenant().clone();
            column.chunk(&mut tx, &keys, Some(&tenant), &after).await
        })?;
        let Some(last) = between(ctx.db().runtime(), column, job, done).await? else { return Ok(()) };
        after = last;
    }
}

async fn platform_rows(runtime: &Arc<Runtime>, column: SealedColumn, job: &Job) -> Result<(), Error> {
    let platform = runtime.platform();
    let mut after = (String::new(), String::new());
    loop {
        let done = write_tx!(platform, tx => {
            let keys = platform_keys(runtime, &mut tx).await?;
            column.chunk(&mut tx, &keys, None, &after).await
        })?;
        let Some(last) = between(runtime, column, job, done).await? else { return Ok(()) };
        after = last;
    }
}

/// Between two chunks: the lease is renewed.
async fn between(
    runtime: &Arc<Runtime>,
    column: SealedColumn,
    job: &Job,
    done: Chunk,
) -> Result<Option<(String, String)>, Error> {
    if done.refused > 0 {
        tracing::warn!(table = column.table, refused = done.refused, "values were left under an older key");
    }
    if done.last.is_some() {
        let (platform, now) = (runtime.platform(), runtime.clock.now());
        write_tx!(platform, tx => { jobs::hold(&mut tx, job, now).await })?;
        fault::point("secrets.between_chunks");
    }
    Ok(done.last)
}

async fn tenant_keys(tx: &mut TenantTx) -> Result<Keys, Error> {
    let runtime = tx.runtime().clone();
    let (newest, key) = runtime.secrets.tenant_current(tx).await?;
    let mut all = BTreeMap::from([(newest, key)]);
    let tenant = tx.tenant().clone();
    for (found, _) in store::tenant_keys(tx).await? {
        let number = number(found)?;
        if all.contains_key(&number) {
            continue;
        }
        let Some(row) = store::tenant_key(tx, number).await? else { continue };
        all.insert(number, runtime.secrets.unwrapped(&tenant, number, &row.wrapped)?);
    }
    Ok(Keys { newest, all })
}

async fn platform_keys(runtime: &Runtime, tx: &mut impl Handle) -> Result<Keys, Error> {
    let (newest, key) = runtime.secrets.platform_current(tx).await?;
    let mut all = runtime.secrets.ring.learnt();
    all.insert(newest, key);
    Ok(Keys { newest, all })
}
