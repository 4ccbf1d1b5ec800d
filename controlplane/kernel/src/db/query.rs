//! One SQL text, `$1` parameters, run by whichever native driver is behind the transaction.

use super::{DbError, Kind, Value, tx::Tx};
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, FromRow, Type, postgres::PgRow, sqlite::SqliteRow};

/// A row type that both databases can fill; `#[derive(sqlx::FromRow)]` is enough.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

mod sealed {
    /// Transactions that statements may run in; only this crate makes them, and only it sees what is inside.
    #[allow(private_interfaces, reason = "sealed: nobody outside can call it")]
    pub trait Handle: Send {
        /// The transaction itself.
        fn tx(&mut self) -> &mut super::Tx;
        /// A job was asked for in this transaction.
        fn job_asked(&mut self);
    }
}
pub(crate) use sealed::Handle as SealedHandle;

/// A transaction of a tenant or of the platform.
pub trait Handle: SealedHandle {}
impl<T: SealedHandle> Handle for T {}

/// A statement and its values.
#[derive(Debug, Clone)]
#[must_use = "a statement does nothing until it is run"]
pub struct Query {
    text: String,
    values: Vec<Value>,
}

/// Starts a statement from a text written in the program.
pub fn sql(text: &'static str) -> Query {
    Query { text: text.to_owned(), values: Vec::new() }
}

/// Binds each value with its own kind; the two drivers' statements are of different types.
macro_rules! bind_all {
    ($statement:expr, $values:ident) => {{
        let mut statement = $statement;
        for value in $values {
            statement = match value {
                Value::Text(v) => statement.bind(v),
                Value::Int(v) => statement.bind(v),
                Value::Real(v) => statement.bind(v),
                Value::Bool(v) => statement.bind(v),
                Value::Bytes(v) => statement.bind(v),
            };
        }
        statement
    }};
}
pub(crate) use bind_all;

/// Runs a statement on whichever driver is behind the handle, by the method named.
macro_rules! run {
    ($query:ident, $handle:ident, $make:path, $method:ident) => {{
        let Query { text, values } = $query;
        let tx = $handle.tx();
        let outcome = match tx {
            Tx::Sqlite(tx) => bind_all!($make(AssertSqlSafe(text)), values).$method(&mut **tx).await,
            Tx::Postgres(tx) => bind_all!($make(AssertSqlSafe(text)), values).$method(&mut **tx).await,
        };
        tx.ended(outcome)
    }};
}

impl Query {
    /// Adds a piece of text, for lists whose filters vary. Pieces are written in the program, never by a user.
    pub fn push(mut self, text: &'static str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Binds the next value.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds `$n` and binds a value to it.
    pub fn push_bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Adds `AND (…)` for names such as `invoice.created`: those listed, `invoice.*` for a noun's all; an empty list is no
    /// condition.
    pub fn and_any_name(mut self, column: &'static str, names: &[String]) -> Self {
        for (number, name) in names.iter().enumerate() {
            self = self.push(if number == 0 { " AND (" } else { " OR " }).push(column);
            self = match name.strip_suffix(".*") {
                Some(noun) => self.push(" LIKE ").push_bind(format!("{}.%", noun.replace(['%', '_'], ""))),
                None => self.push(" = ").push_bind(name),
            };
        }
        if names.is_empty() { self } else { self.push(")") }
    }

    /// Adds `($n, $m, …)` with one value each; an empty list becomes `(NULL)`, which matches nothing.
    pub fn push_list<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.text.push('(');
        let before = self.values.len();
        for value in values {
            if self.values.len() > before {
                self.text.push_str(", ");
            }
            self = self.push_bind(value);
        }
        if self.values.len() == before {
            self.text.push_str("NULL");
        }
        self.text.push(')');
        self
    }

    /// The text and the values, for statements whose rows have no type.
    pub(super) fn into_parts(self) -> (String, Vec<Value>) {
        (self.text, self.values)
    }

    /// Runs it; rows affected.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn execute(self, handle: &mut impl Handle) -> Result<u64, DbError> {
        let Query { text, values } = self;
        Ok(match handle.tx() {
            Tx::Sqlite(tx) => {
                bind_all!(sqlx::query(AssertSqlSafe(text)), values).execute(&mut **tx).await?.rows_affected()
            }
            Tx::Postgres(tx) => {
                bind_all!(sqlx::query(AssertSqlSafe(text)), values).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    /// All rows.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn fetch_all<R: Row>(self, handle: &mut impl Handle) -> Result<Vec<R>, DbError> {
        run!(self, handle, sqlx::query_as, fetch_all)
    }

    /// At most `limit` rows and, where there are more, what stands in these columns of the last of them.
    ///
    /// # Errors
    /// Whatever the database says.
    pub(crate) async fn fetch_page<R: Row>(
        self,
        handle: &mut impl Handle,
        limit: usize,
        columns: &[(&'static str, Kind)],
    ) -> Result<(Vec<R>, Option<Vec<Value>>), DbError> {
        let Self { text, values } = self;
        let tx = handle.tx();
        let outcome = match tx {
            Tx::Sqlite(tx) => bind_all!(sqlx::query(AssertSqlSafe(text)), values)
                .fetch_all(&mut **tx)
                .await
                .and_then(|rows| page_of::<R, SqliteRow>(&rows, limit, columns)),
            Tx::Postgres(tx) => bind_all!(sqlx::query(AssertSqlSafe(text)), values)
                .fetch_all(&mut **tx)
                .await
                .and_then(|rows| page_of::<R, PgRow>(&rows, limit, columns)),
        };
        tx.ended(outcome)
    }

    /// The one column of all rows.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn fetch_column<T>(self, handle: &mut impl Handle) -> Result<Vec<T>, DbError>
    where
        (T,): Row,
    {
        let rows: Vec<(T,)> = self.fetch_all(handle).await?;
        Ok(rows.into_iter().map(|(value,)| value).collect())
    }

    /// The one row, or none.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn fetch_optional<R: Row>(self, handle: &mut impl Handle) -> Result<Option<R>, DbError> {
        run!(self, handle, sqlx::query_as, fetch_optional)
    }

    /// The one row, or none, which nobody changes before the transaction ends: on PostgreSQL its lock is shared and whoever
    /// changes the row waits for it; SQLite has one writer at a time anyway. A row that was changed while its lock was
    /// waited for and no longer fits is none: the caller looks again.
    ///
    /// # Errors
    /// Whatever the database says.
    pub(crate) async fn fetch_held<R: Row>(mut self, handle: &mut impl Handle) -> Result<Option<R>, DbError> {
        if let Tx::Postgres(_) = handle.tx() {
            self.text.push_str(" FOR SHARE");
        }
        self.fetch_optional(handle).await
    }

    /// The one row.
    ///
    /// # Errors
    /// [`DbError::NoRow`] when there is none.
    pub async fn fetch_one<R: Row>(self, handle: &mut impl Handle) -> Result<R, DbError> {
        self.fetch_optional(handle).await?.ok_or(DbError::NoRow)
    }
}

/// The rows to show, and the values of the last of them where there are more.
fn page_of<R, D>(
    rows: &[D],
    limit: usize,
    columns: &[(&'static str, Kind)],
) -> Result<(Vec<R>, Option<Vec<Value>>), sqlx::Error>
where
    D: sqlx::Row,
    R: for<'r> FromRow<'r, D>,
    for<'c> &'c str: ColumnIndex<D>,
    Option<String>: for<'v> Decode<'v, D::Database> + Type<D::Database>,
    Option<i64>: for<'v> Decode<'v, D::Database> + Type<D::Database>,
    Option<f64>: for<'v> Decode<'v, D::Database> + Type<D::Database>,
    Option<bool>: for<'v> Decode<'v, D::Database> + Type<D::Database>,
    Option<Vec<u8>>: for<'v> Decode<'v, D::Database> + Type<D::Database>,
{
    let value = |row: &D, name: &'static str, kind: Kind| {
        Ok::<_, sqlx::Error>(match kind {
            Kind::Text => Value::Text(row.try_get(name)?),
            Kind::Int => Value::Int(row.try_get(name)?),
            Kind::Real => Value::Real(row.try_get(name)?),
            Kind::Bool => Value::Bool(row.try_get(name)?),
            Kind::Bytes => Value::Bytes(row.try_get(name)?),
        })
    };
    let shown = rows.get(..limit).unwrap_or(rows);
    let last = shown.last().filter(|_| rows.len() > limit);
    let values = match last {
        Some(row) => {
            Some(columns.iter().map(|&(name, kind)| value(row, name, kind)).collect::<Result<Vec<_>, _>>()?)
        }
        None => None,
    };
    let found = shown.iter().map(R::from_row).collect::<Result<Vec<R>, _>>()?;
    Ok((found, values))
}
