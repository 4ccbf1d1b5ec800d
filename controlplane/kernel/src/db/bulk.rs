//! Whole tables, whatever they are: read from the catalogue and written row by row, for copies of a database.
//!
//! Statements here are made of names that the catalogue gave, quoted; values are bound. Rows are streamed, so that a
//! table may be larger than memory.

use super::{Db, DbError, Handle, Query, Reach, Value, query::bind_all, reach, tx::Tx};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::BTreeMap;

/// Which of the five kinds a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Int,
    Real,
    Bool,
    Bytes,
}

impl Kind {
    fn of(declared: &str) -> Option<Self> {
        Some(match declared.to_ascii_uppercase().as_str() {
            "TEXT" => Self::Text,
            "BIGINT" | "INTEGER" => Self::Int,
            "DOUBLE PRECISION" => Self::Real,
            "BOOLEAN" => Self::Bool,
            "BYTEA" | "BLOB" => Self::Bytes,
            _ => return None,
        })
    }
}

/// A table as the catalogue describes it.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// By name, so that both databases give one order.
    pub(crate) columns: BTreeMap<String, Kind>,
}

impl Table {
    /// Whether its rows belong to tenants.
    pub(crate) fn is_tenants(&self) -> bool {
        self.columns.contains_key("tenant_id")
    }
    fn column_list(&self) -> String {
        self.columns.keys().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
    }
}

/// A name from the catalogue as part of a statement.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Which rows of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows<'a> {
    /// Of a table without tenants: all; of one with: those of no tenant.
    Platform,
    /// One tenant's.
    Tenant(&'a str),
}

/// Takes rows as they come.
pub(crate) trait Sink: Send {
    /// Why a row could not be taken, or read.
    type Error: From<DbError>;
    /// One row, its values in the order of [`Table::columns`].
    fn take(&mut self, row: Vec<Value>) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

const SQLITE_CATALOGUE: &str = "SELECT m.name AS table_name, p.name AS column_name, p.type AS kind \
     FROM sqlite_schema m, pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite@_%' ESCAPE '@'";
const POSTGRES_CATALOGUE: &str = "SELECT CAST(c.relname AS TEXT) AS table_name, CAST(a.attname AS TEXT) AS column_name, \
     format_type(a.atttypid, NULL) AS kind FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
     WHERE c.relkind = 'r' AND c.relnamespace = CAST(current_schema() AS regnamespace) AND a.attnum > 0 AND NOT a.attisdropped";

/// The tables of the schema but the migrations' own, by name.
pub(crate) async fn tables(tx: &mut Tx) -> Result<Vec<Table>, DbError> {
    let cells: Vec<(String, String, String)> = match tx {
        Tx::Sqlite(tx) => sqlx::query_as(SQLITE_CATALOGUE).fetch_all(&mut **tx).await?,
        Tx::Postgres(tx) => sqlx::query_as(POSTGRES_CATALOGUE).fetch_all(&mut **tx).await?,
    };
    let mut tables: BTreeMap<String, BTreeMap<String, Kind>> = BTreeMap::new();
    for (table, column, declared) in cells {
        let kind = Kind::of(&declared).ok_or_else(|| {
            DbError::Other(sqlx::Error::Protocol(format!(
                "{table}.{column} is {declared}, which no copy knows"
            )))
        })?;
        tables.entry(table).or_default().insert(column, kind);
    }
    tables.remove("kernel_migration");
    Ok(tables.into_iter().map(|(name, columns)| Table { name, columns }).collect())
}

/// Makes what follows in the transaction see one tenant's rows.
pub(crate) async fn enter_tenant(tx: &mut Tx, tenant: &str) -> Result<(), DbError> {
    if let Tx::Postgres(tx) = tx {
        sqlx::query("SELECT set_config($1, $2, true)")
            .bind(reach::TENANT)
            .bind(tenant)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

macro_rules! cell {
    ($row:ident, $at:ident, $kind:ident) => {
        match $kind {
            Kind::Text => Value::Text($row.try_get($at).map_err(DbError::from)?),
            Kind::Int => Value::Int($row.try_get($at).map_err(DbError::from)?),
            Kind::Real => Value::Real($row.try_get($at).map_err(DbError::from)?),
            Kind::Bool => Value::Bool($row.try_get($at).map_err(DbError::from)?),
            Kind::Bytes => Value::Bytes($row.try_get($at).map_err(DbError::from)?),
        }
    };
}

/// The cells of a row, of these kinds.
macro_rules! cells {
    ($row:ident, $kinds:ident) => {{
        let mut cells = Vec::with_capacity($kinds.len());
        for (at, kind) in $kinds.iter().copied().enumerate() {
            cells.push(cell!($row, at, kind));
        }
        cells
    }};
}

/// All rows of a statement whose columns are known by their kinds alone.
pub(crate) async fn fetch_cells(
    handle: &mut impl Handle,
    query: Query,
    kinds: &[Kind],
) -> Result<Vec<Vec<Value>>, DbError> {
    let (text, values) = query.into_parts();
    let mut found = Vec::new();
    macro_rules! fetch {
        ($connection:expr) => {
            for row in bind_all!(sqlx::query(AssertSqlSafe(text)), values).fetch_all($connection).await? {
                found.push(cells!(row, kinds));
            }
        };
    }
    match handle.tx() {
        Tx::Sqlite(tx) => fetch!(&mut **tx),
        Tx::Postgres(tx) => fetch!(&mut **tx),
    }
    Ok(found)
}

/// Streams rows of a table into a sink.
pub(crate) async fn read<S: Sink>(
    tx: &mut Tx,
    table: &Table,
    rows: Rows<'_>,
    sink: &mut S,
) -> Result<(), S::Error> {
    let mut text = format!("SELECT {} FROM {}", table.column_list(), quoted(&table.name));
    let mut values: Vec<Value> = Vec::new();
    match rows {
        Rows::Tenant(tenant) => {
            text.push_str(" WHERE tenant_id = $1");
            values.push(tenant.into());
        }
        Rows::Platform if table.is_tenants() => text.push_str(" WHERE tenant_id IS NULL"),
        Rows::Platform => {}
    }
    let kinds: Vec<Kind> = table.columns.values().copied().collect();
    macro_rules! stream {
        ($connection:expr) => {{
            let mut rows = bind_all!(sqlx::query(AssertSqlSafe(text)), values).fetch($connection);
            while let Some(row) = rows.try_next().await.map_err(DbError::from)? {
                sink.take(cells!(row, kinds)).await?;
            }
        }};
    }
    match tx {
        Tx::Sqlite(tx) => stream!(&mut **tx),
        Tx::Postgres(tx) => stream!(&mut **tx),
    }
    Ok(())
}

/// How many values one statement may carry on either database.
const MAX_VALUES: usize = 8_000;

/// Writes rows, their values in the order of [`Table::columns`].
pub(crate) async fn insert(tx: &mut Tx, table: &Table, rows: Vec<Vec<Value>>) -> Result<(), DbError> {
    let width = table.columns.len().max(1);
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<Vec<Value>> = rows.by_ref().take((MAX_VALUES / width).max(1)).collect();
        let mut text = format!("INSERT INTO {} ({}) VALUES ", quoted(&table.name), table.column_list());
        let mut number = 0_usize;
        for (at, row) in chunk.iter().enumerate() {
            text.push_str(if at == 0 { "(" } else { ", (" });
            for column in 0..row.len() {
                number += 1;
                text.push_str(if column == 0 { "$" } else { ", $" });
                text.push_str(&number.to_string());
            }
            text.push(')');
        }
        let values = chunk.into_iter().flatten();
        match tx {
            Tx::Sqlite(tx) => {
                bind_all!(sqlx::query(AssertSqlSafe(text)), values).execute(&mut **tx).await?;
            }
            Tx::Postgres(tx) => {
                bind_all!(sqlx::query(AssertSqlSafe(text)), values).execute(&mut **tx).await?;
            }
        }
    }
    Ok(())
}

/// Whether a table has a row.
pub(crate) async fn is_empty(tx: &mut Tx, table: &Table) -> Result<bool, DbError> {
    let text = format!("SELECT CAST(1 AS BIGINT) FROM {} LIMIT 1", quoted(&table.name));
    let found: Option<(i64,)> = match tx {
        Tx::Sqlite(tx) => sqlx::query_as(AssertSqlSafe(text)).fetch_optional(&mut **tx).await?,
        Tx::Postgres(tx) => sqlx::query_as(AssertSqlSafe(text)).fetch_optional(&mut **tx).await?,
    };
    Ok(found.is_none())
}

/// Foreign keys of the schema that PostgreSQL checks at once: (table, constraint).
const POSTGRES_FOREIGN_KEYS: &str = "SELECT CAST(c.relname AS TEXT), CAST(k.conname AS TEXT) FROM pg_constraint k \
     JOIN pg_class c ON c.oid = k.conrelid WHERE k.contype = 'f' AND NOT k.condeferrable \
     AND c.relnamespace = CAST(current_schema() AS regnamespace) ORDER BY 1, 2";

/// Rows that are written before those they refer to; [`ForeignKeys::check`] looks at all of them at the end.
#[derive(Debug)]
pub(crate) struct ForeignKeys(Vec<(String, String)>);

impl ForeignKeys {
    /// Puts the checks off, within the transaction.
    pub(crate) async fn put_off(tx: &mut Tx) -> Result<Self, DbError> {
        match tx {
            Tx::Sqlite(tx) => {
                sqlx::query("PRAGMA defer_foreign_keys = ON").execute(&mut **tx).await?;
                Ok(Self(Vec::new()))
            }
            Tx::Postgres(inner) => {
                let keys: Vec<(String, String)> =
                    sqlx::query_as(POSTGRES_FOREIGN_KEYS).fetch_all(&mut **inner).await?;
                let this = Self(keys);
                this.alter(tx, "DEFERRABLE INITIALLY DEFERRED").await?;
                Ok(this)
            }
        }
    }

    /// Checks what was put off and puts the constraints back. SQLite checks at the commit.
    pub(crate) async fn check(self, tx: &mut Tx) -> Result<(), DbError> {
        if let Tx::Postgres(inner) = tx {
            sqlx::query("SET CONSTRAINTS ALL IMMEDIATE").execute(&mut **inner).await?;
        }
        self.alter(tx, "NOT DEFERRABLE").await
    }

    async fn alter(&self, tx: &mut Tx, how: &str) -> Result<(), DbError> {
        for (table, key) in &self.0 {
            let text = format!("ALTER TABLE {} ALTER CONSTRAINT {} {how}", quoted(table), quoted(key));
            Db::run_script(tx, text).await?;
        }
        Ok(())
    }
}

impl Db {
    /// A read transaction of the platform in which all statements see the database as it is now.
    pub(crate) async fn begin_snapshot(&self) -> Result<Tx, DbError> {
        self.begin_read(Reach::Snapshot).await
    }
}
