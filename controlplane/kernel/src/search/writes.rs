//! SQL that keeps the index, for many things at once: a statement for each [`ROWS`] rows, not for each row.

use super::{Entry, Placed};
use crate::{
    db::{DbError, Dialect, TenantTx, Value, sql},
    ids::SiteId,
    time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of one statement. Not more: SQLite and its driver look for each `$n` among all those before it.
const ROWS: usize = 64;

/// Has PostgreSQL plan each statement of this transaction for the tables as they are. A plan that it keeps may be from when the index was
/// empty, and goes through all of it until the next ANALYZE: an index is made anew while it grows.
pub(super) async fn plan_anew(tx: &mut TenantTx) -> Result<(), DbError> {
    if tx.runtime().db().dialect() == Dialect::Postgres {
        sql("SET LOCAL plan_cache_mode = force_custom_plan").execute(tx).await?;
    }
    Ok(())
}

/// Writes the entries of things, each of them once, in the order given; whoever writes one of them now waits for us.
pub(super) async fn entries_write(
    tx: &mut TenantTx,
    entries: &[&Entry],
    now: Timestamp,
) -> Result<(), DbError> {
    for chunk in entries.chunks(ROWS) {
        let mut query = sql(
            "INSERT INTO kernel_search_entry (tenant_id, subject, kind, seen_with, customer_id, updated_at) VALUES ",
        );
        for (number, entry) in chunk.iter().enumerate() {
            let row: [Value; 6] = [
                tx.tenant().into(),
                (&entry.subject).into(),
                entry.kind.into(),
                (&entry.seen_with).into(),
                (&entry.customer).into(),
                now.into(),
            ];
            query = query.push(if number == 0 { "" } else { ", " }).push_list(row);
        }
        query
            .push(
                " ON CONFLICT (tenant_id, subject) DO UPDATE SET kind = excluded.kind, \
                 seen_with = excluded.seen_with, customer_id = excluded.customer_id, updated_at = excluded.updated_at",
            )
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Deletes the entries of things and where they are seen; whoever writes one of them now waits for us.
pub(super) async fn entries_delete(tx: &mut TenantTx, subjects: &[&str]) -> Result<(), DbError> {
    for text in [
        "DELETE FROM kernel_search_entry WHERE tenant_id = ",
        "DELETE FROM kernel_search_place WHERE tenant_id = ",
    ] {
        for chunk in subjects.chunks(ROWS) {
            sql(text)
                .push_bind(tx.tenant())
                .push(" AND subject IN ")
                .push_list(chunk.iter().copied())
                .execute(tx)
                .await?;
        }
    }
    Ok(())
}

/// Subjects of a kind behind one, up to another (to the last without one).
pub(super) async fn subjects_between(
    tx: &mut TenantTx,
    kind: &'static str,
    after: &str,
    up_to: Option<&str>,
) -> Result<BTreeSet<String>, DbError> {
    let mut query = sql("SELECT subject FROM kernel_search_entry WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND kind = ")
        .push_bind(kind)
        .push(" AND subject > ")
        .push_bind(after);
    if let Some(up_to) = up_to {
        query = query.push(" AND subject <= ").push_bind(up_to);
    }
    Ok(query.fetch_column(tx).await?.into_iter().collect())
}

/// Words of things, by thing.
pub(super) async fn words_of(
    tx: &mut TenantTx,
    subjects: &[&str],
) -> Result<BTreeMap<String, BTreeSet<Placed>>, DbError> {
    let mut words: BTreeMap<String, BTreeSet<Placed>> = BTreeMap::new();
    for chunk in subjects.chunks(ROWS) {
        let rows: Vec<(String, String, String)> =
            sql("SELECT subject, word, field FROM kernel_search_word WHERE tenant_id = ")
                .push_bind(tx.tenant())
                .push(" AND subject IN ")
                .push_list(chunk.iter().copied())
                .fetch_all(tx)
                .await?;
        for (subject, word, field) in rows {
            words.entry(subject).or_default().insert((word, field));
        }
    }
    Ok(words)
}

/// Sites of things, by thing.
pub(super) async fn sites_of(
    tx: &mut TenantTx,
    subjects: &[&str],
) -> Result<BTreeMap<String, BTreeSet<SiteId>>, DbError> {
    let mut sites: BTreeMap<String, BTreeSet<SiteId>> = BTreeMap::new();
    for chunk in subjects.chunks(ROWS) {
        let rows: Vec<(String, SiteId)> =
            sql("SELECT subject, site_id FROM kernel_search_place WHERE tenant_id = ")
                .push_bind(tx.tenant())
                .push(" AND subject IN ")
                .push_list(chunk.iter().copied())
                .fetch_all(tx)
                .await?;
        for (subject, site) in rows {
            sites.entry(subject).or_default().insert(site);
        }
    }
    Ok(sites)
}

/// Word, thing and field.
pub(super) type WordRow<'a> = [&'a str; 3];

pub(super) async fn words_insert(tx: &mut TenantTx, rows: &[WordRow<'_>]) -> Result<(), DbError> {
    insert(tx, "INSERT INTO kernel_search_word (tenant_id, word, subject, field) VALUES ", rows).await
}

pub(super) async fn words_delete(tx: &mut TenantTx, rows: &[WordRow<'_>]) -> Result<(), DbError> {
    let columns = ["word = ", "subject = ", "field = "];
    delete(tx, "DELETE FROM kernel_search_word WHERE tenant_id = ", columns, rows).await
}

/// Thing and site.
pub(super) type SiteRow<'a> = [&'a str; 2];

pub(super) async fn sites_insert(tx: &mut TenantTx, rows: &[SiteRow<'_>]) -> Result<(), DbError> {
    insert(tx, "INSERT INTO kernel_search_place (tenant_id, subject, site_id) VALUES ", rows).await
}

pub(super) async fn sites_delete(tx: &mut TenantTx, rows: &[SiteRow<'_>]) -> Result<(), DbError> {
    let columns = ["subject = ", "site_id = "];
    delete(tx, "DELETE FROM kernel_search_place WHERE tenant_id = ", columns, rows).await
}

/// Piece and its word.
pub(super) type GramRow<'a> = [&'a str; 2];

pub(super) async fn grams_insert(tx: &mut TenantTx, rows: &[GramRow<'_>]) -> Result<(), DbError> {
    insert(tx, "INSERT INTO kernel_search_gram (tenant_id, gram, word) VALUES ", rows).await
}

pub(super) async fn grams_delete(tx: &mut TenantTx, rows: &[GramRow<'_>]) -> Result<(), DbError> {
    let columns = ["gram = ", "word = "];
    delete(tx, "DELETE FROM kernel_search_gram WHERE tenant_id = ", columns, rows).await
}

/// Those of some words whose pieces are there.
pub(super) async fn known_words(tx: &mut TenantTx, words: &[&str]) -> Result<BTreeSet<String>, DbError> {
    let mut known = BTreeSet::new();
    for chunk in words.chunks(ROWS) {
        let rows = sql("SELECT word FROM kernel_search_gram WHERE gram = '' AND tenant_id = ")
            .push_bind(tx.tenant())
            .push(" AND word IN ")
            .push_list(chunk.iter().copied())
            .fetch_column(tx)
            .await?;
        known.extend(rows);
    }
    Ok(known)
}

/// Those of some words whose pieces are there and that are in no field of anything.
pub(super) async fn unused_words(tx: &mut TenantTx, words: &[&str]) -> Result<Vec<String>, DbError> {
    let mut unused = Vec::new();
    for chunk in words.chunks(ROWS) {
        let rows = sql("SELECT g.word FROM kernel_search_gram g WHERE g.gram = '' AND g.tenant_id = ")
            .push_bind(tx.tenant())
            .push(" AND g.word IN ")
            .push_list(chunk.iter().copied())
            .push(
                " AND NOT EXISTS (SELECT 1 FROM kernel_search_word w WHERE w.tenant_id = g.tenant_id AND w.word = g.word)",
            )
            .fetch_column(tx)
            .await?;
        unused.extend(rows);
    }
    Ok(unused)
}

/// Adds rows of the tenant that are not there yet.
async fn insert<const COLUMNS: usize>(
    tx: &mut TenantTx,
    into: &'static str,
    rows: &[[&str; COLUMNS]],
) -> Result<(), DbError> {
    for chunk in rows.chunks(ROWS) {
        let mut query = sql(into);
        for (number, row) in chunk.iter().enumerate() {
            // The tenant is bound once.
            query = if number == 0 { query.push("(").push_bind(tx.tenant()) } else { query.push(", ($1") };
            for value in row {
                query = query.push(", ").push_bind(*value);
            }
            query = query.push(")");
        }
        query.push(" ON CONFLICT DO NOTHING").execute(tx).await?;
    }
    Ok(())
}

/// Deletes rows of the tenant, each by all of its columns; written so that both databases look each of them up.
async fn delete<const COLUMNS: usize>(
    tx: &mut TenantTx,
    from: &'static str,
    columns: [&'static str; COLUMNS],
    rows: &[[&str; COLUMNS]],
) -> Result<(), DbError> {
    for chunk in rows.chunks(ROWS) {
        let mut query = sql(from).push_bind(tx.tenant());
        for (number, row) in chunk.iter().enumerate() {
            query = query.push(if number == 0 { " AND ((" } else { ") OR (" });
            for (at, (column, value)) in columns.into_iter().zip(row).enumerate() {
                query = query.push(if at == 0 { "" } else { " AND " }).push(column).push_bind(*value);
            }
        }
        query.push("))").execute(tx).await?;
    }
    Ok(())
}
