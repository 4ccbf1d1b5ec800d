//! The walk over what is held of a person.

use super::{Held, Person, Shown};
use crate::{
    Error,
    db::{Kind, Query, TenantTx, Value, fetch_cells, sql},
    time::Timestamp,
};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// Rows of one read, and of one document.
pub const PAGE: usize = 1_000;
/// Things of one statement: SQLite binds at most 32,766 values.
pub(super) const THINGS: usize = 5_000;

/// Some rows of a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What they are, as [`Held::document`] says.
    pub name: &'static str,
    /// From 1: a table with more than [`PAGE`] rows of the person fills several.
    pub number: usize,
    /// The rows, each with the columns that are shown.
    pub rows: Vec<Map<String, Json>>,
}

/// A walk under way. Tables come in the order of the lists: one whose ids lead to others stands before these.
#[derive(Debug)]
pub struct Walk<'h> {
    person: Person,
    tables: Vec<&'h Held>,
    /// The person and what belongs to them, as far as it was met.
    things: BTreeSet<String>,
    at: Option<Place>,
    next_table: usize,
}

/// Where in a table.
#[derive(Debug)]
struct Place {
    /// The things as they were when the table was begun.
    things: Vec<String>,
    chunk: usize,
    after: Option<String>,
    number: usize,
}

impl<'h> Walk<'h> {
    /// Begins it, through the lists of the domains.
    pub fn new(person: Person, lists: &[&'h [Held]]) -> Self {
        let tables = lists.iter().flat_map(|list| list.iter()).filter(|held| held.of == person.kind());
        Self {
            tables: tables.collect(),
            things: BTreeSet::from([person.id().to_owned()]),
            person,
            at: None,
            next_table: 0,
        }
    }

    /// Whose it is.
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// The next rows that there are; none at the end.
    ///
    /// # Errors
    /// The database's, or a column that holds what it should not.
    pub async fn next(&mut self, tx: &mut TenantTx) -> Result<Option<Document>, Error> {
        while let Some(held) = self.tables.get(self.next_table).copied() {
            let things = &self.things;
            let place = self.at.get_or_insert_with(|| Place {
                things: things.iter().cloned().collect(),
                chunk: 0,
                after: None,
                number: 0,
            });
            let Some(chunk) = place.things.chunks(THINGS).nth(place.chunk) else {
                self.at = None;
                self.next_table += 1;
                continue;
            };
            let rows = page(tx, held, chunk, place.after.as_deref()).await?;
            match rows.last().and_then(|row| row.key.clone()).filter(|_| rows.len() == PAGE) {
                Some(key) => place.after = Some(key),
                None => {
                    place.after = None;
                    place.chunk += 1;
                }
            }
            self.things.extend(rows.iter().flat_map(|row| row.things.iter().cloned()));
            if rows.is_empty() || !held.is_shown() {
                continue;
            }
            place.number += 1;
            let rows = rows.into_iter().map(|row| row.shown).collect();
            return Ok(Some(Document { name: held.document, number: place.number, rows }));
        }
        Ok(None)
    }
}

/// A row as it was read.
struct Row {
    shown: Map<String, Json>,
    key: Option<String>,
    things: Vec<String>,
}

async fn page(
    tx: &mut TenantTx,
    held: &Held,
    things: &[String],
    after: Option<&str>,
) -> Result<Vec<Row>, Error> {
    let columns = held.things.iter().map(|(column, _)| *column).chain(held.key);
    let columns: Vec<(&'static str, Shown)> =
        held.shown.iter().copied().chain(columns.map(|column| (column, Shown::Text))).collect();
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = sql("SELECT ");
    for (number, (column, _)) in columns.iter().enumerate() {
        query = query.push(if number == 0 { "" } else { ", " }).push(column);
    }
    query = of_things(tx, query.push(" FROM ").push(held.table), held.by, things);
    if let (Some(key), Some(after)) = (held.key, after) {
        query = query.push(" AND ").push(key).push(" > ").push_bind(after);
    }
    if let Some(key) = held.key {
        let limit = i64::try_from(PAGE).map_err(Error::internal)?;
        query = query.push(" ORDER BY ").push(key).push(" LIMIT ").push_bind(limit);
    }
    let kinds: Vec<Kind> = columns.iter().map(|(_, shown)| shown.kind()).collect();
    let rows = fetch_cells(tx, query, &kinds).await?;
    rows.into_iter().map(|cells| row(held, cells)).collect()
}

/// Adds `WHERE …` for the rows of the tenant with some of the things in a column.
pub(super) fn of_things(tx: &TenantTx, query: Query, by: &'static str, things: &[String]) -> Query {
    query
        .push(" WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND ")
        .push(by)
        .push(" IN ")
        .push_list(things)
}

fn row(held: &Held, cells: Vec<Value>) -> Result<Row, Error> {
    let mut cells = cells.into_iter();
    let mut shown = Map::new();
    for ((column, how), cell) in held.shown.iter().zip(cells.by_ref()) {
        shown.insert((*column).to_owned(), json(*how, cell)?);
    }
    let mut things = Vec::new();
    for ((_, prefix), cell) in held.things.iter().zip(cells.by_ref()) {
        if let Value::Text(Some(id)) = cell
            && id.starts_with(prefix)
        {
            things.push(id);
        }
    }
    let key = cells.next().and_then(|cell| if let Value::Text(key) = cell { key } else { None });
    Ok(Row { shown, key, things })
}

fn json(how: Shown, cell: Value) -> Result<Json, Error> {
    Ok(match (how, cell) {
        (Shown::Time, Value::Int(Some(ms))) => Json::from(Timestamp::from_millis(ms).to_string()),
        (Shown::Json, Value::Text(Some(text))) => serde_json::from_str(&text).map_err(Error::internal)?,
        (_, Value::Text(Some(text))) => Json::from(text),
        (_, Value::Int(Some(number))) => Json::from(number),
        (_, Value::Bool(Some(flag))) => Json::from(flag),
        (_, Value::Real(Some(number))) => Json::from(number),
        (_, Value::Text(None) | Value::Int(None) | Value::Bool(None) | Value::Real(None)) => Json::Null,
        (_, Value::Bytes(_)) => return Err(Error::internal("bytes are never shown")),
    })
}
