//! The walk that takes out what is held of a person.
//!
//! A list goes from the person to what hangs on them, one table leading to the next. It is read forwards to learn the person's things,
//! and carried out backwards: a row by which others are found is the last to go. So a walk that was broken off finds all the rest
//! when it is begun again, and doing a table twice changes nothing.

use super::{
    Empty, Erased, Erasure, Person,
    gather::{THINGS, of_things},
};
use crate::{
    Error,
    db::{Kind, TenantTx, Value, fetch_cells, sql},
};
use std::collections::BTreeSet;

/// The person and everything with an id that belongs to them, as the lists lead to it.
///
/// # Errors
/// The database's.
pub async fn things(
    tx: &mut TenantTx,
    person: &Person,
    lists: &[&[Erased]],
) -> Result<BTreeSet<String>, Error> {
    let mut things = BTreeSet::from([person.id().to_owned()]);
    for erased in of_kind(person, lists).filter(|erased| !erased.things.is_empty()) {
        let known: Vec<String> = things.iter().cloned().collect();
        for chunk in known.chunks(THINGS) {
            things.extend(further(tx, erased, chunk).await?);
        }
    }
    Ok(things)
}

/// Entries of a person's sort, in the order of the lists.
pub fn of_kind<'l>(person: &Person, lists: &[&'l [Erased]]) -> impl DoubleEndedIterator<Item = &'l Erased> {
    let kind = person.kind();
    let entries: Vec<_> =
        lists.iter().flat_map(|list| list.iter()).filter(|erased| erased.of == kind).collect();
    entries.into_iter()
}

/// Carries one entry out for all the things; rows changed.
///
/// # Errors
/// The database's.
pub async fn carry_out(tx: &mut TenantTx, erased: &Erased, things: &BTreeSet<String>) -> Result<u64, Error> {
    let things: Vec<String> = things.iter().cloned().collect();
    let mut rows = 0;
    for chunk in things.chunks(THINGS) {
        let query = match erased.how {
            Erasure::Kept(_) | Erasure::ByCode(_) => return Ok(0),
            Erasure::Removed => sql("DELETE FROM ").push(erased.table),
            Erasure::Emptied(columns) => {
                let mut query = sql("UPDATE ").push(erased.table).push(" SET ");
                for (number, (column, empty)) in columns.iter().enumerate() {
                    query = query.push(if number == 0 { "" } else { ", " }).push(column).push(" = ");
                    query = match empty {
                        Empty::Null => query.push("NULL"),
                        Empty::Text(text) => query.push_bind(*text),
                    };
                }
                query
            }
        };
        rows += of_things(tx, query, erased.by, chunk).execute(tx).await?;
    }
    Ok(rows)
}

async fn further(tx: &mut TenantTx, erased: &Erased, things: &[String]) -> Result<Vec<String>, Error> {
    let mut query = sql("SELECT ");
    for (number, (column, _)) in erased.things.iter().enumerate() {
        query = query.push(if number == 0 { "" } else { ", " }).push(column);
    }
    let query = of_things(tx, query.push(" FROM ").push(erased.table), erased.by, things);
    let rows = fetch_cells(tx, query, &vec![Kind::Text; erased.things.len()]).await?;
    let mut found = Vec::new();
    for (cell, (_, prefix)) in rows.into_iter().flat_map(|cells| cells.into_iter().zip(erased.things)) {
        if let Value::Text(Some(id)) = cell
            && id.starts_with(prefix)
        {
            found.push(id);
        }
    }
    Ok(found)
}
