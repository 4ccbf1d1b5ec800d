//! The SQL of a list: filters, the place where the page starts, the order.

use super::{
    Asked, cursor,
    field::{Order, Test},
};
use crate::{
    Error,
    db::{Kind, Query, Row, TenantTx, Value, sql},
    page::Page,
};
use serde_json::Value as Json;

/// Where the rows of a list are.
#[derive(Debug, Clone, Copy)]
pub struct Select {
    /// What is read of each, separated by commas.
    pub columns: &'static str,
    /// What follows `FROM`, up to and with `WHERE x.tenant_id = `.
    pub from: &'static str,
}

impl Select {
    /// All of the transaction's tenant, whatever its scope: what a list narrows, and other statements go on from.
    pub fn query(self, tx: &TenantTx) -> Query {
        sql("SELECT ").push(self.columns).push(" FROM ").push(self.from).push_bind(tx.tenant())
    }
    /// The name under which a row has this column, where it is read anyway.
    fn shown(self, column: &'static str) -> Option<&'static str> {
        let is_there = self.columns.split(',').any(|shown| shown.trim() == column);
        is_there.then(|| column.rsplit('.').next().unwrap_or(column))
    }
}

/// Names of what is read for the order alone: as many as an order has names, and the id.
const EXTRA: [&str; super::MAX_KEYS + 1] = ["sort_0", "sort_1", "sort_2", "sort_3"];
const EXTRA_AS: [&str; super::MAX_KEYS + 1] = [" AS sort_0", " AS sort_1", " AS sort_2", " AS sort_3"];

/// A column of the order.
#[derive(Debug, Clone, Copy)]
struct Part {
    column: &'static str,
    kind: Kind,
    may_be_missing: bool,
    is_descending: bool,
}

impl Part {
    fn beyond(self) -> &'static str {
        if self.is_descending { " < " } else { " > " }
    }
}

impl Asked {
    /// The rows of one page. `narrow` adds the scope and what the list answers itself, each with ` AND …`.
    ///
    /// # Errors
    /// A cursor of another list or order, or the database's.
    pub async fn fetch<R: Row>(
        &self,
        tx: &mut TenantTx,
        select: Select,
        narrow: impl FnOnce(Query, &TenantTx) -> Query,
    ) -> Result<Page<R>, Error> {
        let parts = self.parts()?;
        let mut query = sql("SELECT ").push(select.columns);
        let mut read = Vec::with_capacity(parts.len());
        for (part, (name, name_as)) in parts.iter().zip(EXTRA.into_iter().zip(EXTRA_AS)) {
            let shown = select.shown(part.column);
            if shown.is_none() {
                query = query.push(", ").push(part.column).push(name_as);
            }
            read.push((shown.unwrap_or(name), part.kind));
        }
        query = query.push(" FROM ").push(select.from).push_bind(tx.tenant());
        query = self.conditions(narrow(query, tx));
        if let Some(values) = self.place(&parts)? {
            query = after(query, &parts, &values);
        }
        for (at, part) in parts.iter().enumerate() {
            query = query.push(if at == 0 { " ORDER BY " } else { ", " }).push(part.column);
            query = query.push(if part.is_descending { " DESC" } else { "" });
            // The databases do not agree on where NULL stands.
            query = query.push(if part.may_be_missing { " NULLS LAST" } else { "" });
        }
        query = query.push(" LIMIT ").push_bind(self.limit() + 1);
        let (items, last) = query.fetch_page(tx, self.rows_shown(), &read).await?;
        let key = last.map(|values| values.into_iter().map(cursor::to_json).collect::<Vec<_>>());
        let next_cursor = key.map(|key| cursor::encode(self.shape, &self.order(), &key)).transpose()?;
        Ok(Page { items, next_cursor })
    }

    /// The columns of the order; the id, where it is not one of them already, goes the way of the last.
    fn parts(&self) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::with_capacity(self.keys.len() + 1);
        for key in &self.keys {
            let Order::By(column, kind) = key.field.order else {
                return Err(Error::internal(format!("the list makes the order -{} itself", key.field.name)));
            };
            let (kind, is_one) = (kind.column(), column == self.shape.id || key.field.is_unique);
            let may_be_missing = key.field.may_be_missing && !is_one;
            parts.push(Part { column, kind, may_be_missing, is_descending: key.is_descending });
            if is_one {
                // No two rows have it in common: what follows orders nothing.
                return Ok(parts);
            }
        }
        let is_descending = parts.last().is_some_and(|part| part.is_descending);
        parts.push(Part { column: self.shape.id, kind: Kind::Text, may_be_missing: false, is_descending });
        Ok(parts)
    }

    /// The values after which the page starts, as the cursor has them.
    fn place(&self, parts: &[Part]) -> Result<Option<Vec<Value>>, Error> {
        let Some(key) = self.after::<Vec<Json>>()? else { return Ok(None) };
        let is_whole = key.len() == parts.len();
        let fitting = |(part, value): (&Part, Json)| {
            cursor::from_json(part.kind, value).filter(|value| part.may_be_missing || !is_null(value))
        };
        let values: Option<Vec<Value>> = parts.iter().zip(key).map(fitting).collect();
        let wrong = || Error::invalid("?cursor", "unknown", "not a cursor of this list; start without one");
        values.filter(|_| is_whole).map(Some).ok_or_else(wrong)
    }

    fn conditions(&self, mut query: Query) -> Query {
        for condition in &self.conditions {
            let (column, values) = (condition.field.column, condition.values.iter().cloned());
            query = query.push(" AND ");
            query = match condition.test {
                Test::OneOf => query.push(column).push(" IN ").push_list(values),
                // What is missing is none of them.
                Test::NoneOf if condition.field.may_be_missing => query
                    .push("(")
                    .push(column)
                    .push(" IS NULL OR ")
                    .push(column)
                    .push(" NOT IN ")
                    .push_list(values)
                    .push(")"),
                Test::NoneOf => query.push(column).push(" NOT IN ").push_list(values),
                Test::AtLeast => compared(query, column, " >= ", values),
                Test::Above => compared(query, column, " > ", values),
                Test::AtMost => compared(query, column, " <= ", values),
                Test::Below => compared(query, column, " < ", values),
                Test::Set if condition.values.contains(&Value::Bool(Some(true))) => {
                    query.push(column).push(" IS NOT NULL")
                }
                Test::Set => query.push(column).push(" IS NULL"),
                // The list has added it.
                Test::ByHand => query.push("1 = 1"),
            };
        }
        query
    }
}

fn compared(
    query: Query,
    column: &'static str,
    sign: &'static str,
    values: impl Iterator<Item = Value>,
) -> Query {
    values.take(1).fold(query, |query, value| query.push(column).push(sign).push_bind(value))
}

fn is_null(value: &Value) -> bool {
    matches!(
        value,
        Value::Text(None) | Value::Int(None) | Value::Bool(None) | Value::Real(None) | Value::Bytes(None)
    )
}

/// Only what comes after these values of the order's columns.
fn after(query: Query, parts: &[Part], values: &[Value]) -> Query {
    let Some((first, rest)) = parts.split_first() else { return query };
    let is_plain = |part: &Part| !part.may_be_missing && part.is_descending == first.is_descending;
    if is_plain(first) && rest.iter().all(is_plain) {
        // As rows they are compared by the index itself.
        return tuple(query.push(" AND "), parts, values);
    }
    let mut query = query;
    if let (Some(value), false) = (values.first(), first.may_be_missing) {
        // It follows from the rest, and is what an index can start from.
        let sign = if first.is_descending { " <= " } else { " >= " };
        query = query.push(" AND ").push(first.column).push(sign).push_bind(value.clone());
    }
    query = query.push(" AND (");
    let mut is_first = true;
    for (at, (part, value)) in parts.iter().zip(values).enumerate() {
        // Nothing comes after what is missing but by the columns that follow.
        if is_null(value) {
            continue;
        }
        query = query.push(if is_first { "(" } else { " OR (" });
        is_first = false;
        for (part, value) in parts.iter().zip(values).take(at) {
            query = query.push(part.column);
            query = if is_null(value) {
                query.push(" IS NULL AND ")
            } else {
                query.push(" = ").push_bind(value.clone()).push(" AND ")
            };
        }
        let open = if part.may_be_missing { "(" } else { "" };
        query = query.push(open).push(part.column).push(part.beyond()).push_bind(value.clone());
        if part.may_be_missing {
            query = query.push(" OR ").push(part.column).push(" IS NULL)");
        }
        query = query.push(")");
    }
    query.push(")")
}

/// `(a, b) > ($1, $2)`, or `a > $1`.
fn tuple(query: Query, parts: &[Part], values: &[Value]) -> Query {
    let (Some(first), is_one) = (parts.first(), parts.len() == 1) else { return query };
    let mut query = query.push(if is_one { "" } else { "(" });
    for (at, part) in parts.iter().enumerate() {
        query = query.push(if at == 0 { "" } else { ", " }).push(part.column);
    }
    query = query.push(if is_one { "" } else { ")" }).push(first.beyond());
    if is_one {
        return values.iter().cloned().fold(query, |query, value| query.push_bind(value));
    }
    query.push_list(values.iter().cloned())
}
