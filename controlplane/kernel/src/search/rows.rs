//! SQL of the index.

use super::{Entry, Placed};
use crate::{
    context::Scope,
    db::{DbError, Query, TenantTx, sql},
    ids::SiteId,
    time::Timestamp,
};
use std::collections::BTreeSet;

/// Rows of one statement: SQLite binds at most 32,766 values.
const ROWS: usize = 500;

pub(super) async fn entry_write(tx: &mut TenantTx, entry: &Entry, now: Timestamp) -> Result<(), DbError> {
    sql("INSERT INTO kernel_search_entry (tenant_id, subject, kind, seen_with, customer_id, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, subject) \
         DO UPDATE SET kind = $3, seen_with = $4, customer_id = $5, updated_at = $6")
    .bind(tx.tenant())
    .bind(&entry.subject)
    .bind(entry.kind)
    .bind(&entry.seen_with)
    .bind(&entry.customer)
    .bind(now)
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn entry_delete(tx: &mut TenantTx, subject: &str) -> Result<(), DbError> {
    for text in [
        "DELETE FROM kernel_search_place WHERE tenant_id = $1 AND subject = $2",
        "DELETE FROM kernel_search_entry WHERE tenant_id = $1 AND subject = $2",
    ] {
        sql(text).bind(tx.tenant()).bind(subject).execute(tx).await?;
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

pub(super) async fn words_of(tx: &mut TenantTx, subject: &str) -> Result<BTreeSet<Placed>, DbError> {
    let rows: Vec<Placed> =
        sql("SELECT word, field FROM kernel_search_word WHERE tenant_id = $1 AND subject = $2")
            .bind(tx.tenant())
            .bind(subject)
            .fetch_all(tx)
            .await?;
    Ok(rows.into_iter().collect())
}

pub(super) async fn words_insert(tx: &mut TenantTx, subject: &str, words: &[Placed]) -> Result<(), DbError> {
    for chunk in words.chunks(ROWS) {
        let mut query = sql("INSERT INTO kernel_search_word (tenant_id, word, subject, field) VALUES ");
        for (number, (word, field)) in chunk.iter().enumerate() {
            query = query.push(if number == 0 { "" } else { ", " }).push_list([
                tx.tenant().as_str(),
                word,
                subject,
                field,
            ]);
        }
        query.push(" ON CONFLICT (tenant_id, word, subject, field) DO NOTHING").execute(tx).await?;
    }
    Ok(())
}

pub(super) async fn word_delete(
    tx: &mut TenantTx,
    subject: &str,
    word: &str,
    field: &str,
) -> Result<(), DbError> {
    sql("DELETE FROM kernel_search_word WHERE tenant_id = $1 AND word = $2 AND subject = $3 AND field = $4")
        .bind(tx.tenant())
        .bind(word)
        .bind(subject)
        .bind(field)
        .execute(tx)
        .await
        .map(drop)
}

/// Whether a word is in some field of something.
pub(super) async fn is_used(tx: &mut TenantTx, word: &str) -> Result<bool, DbError> {
    let row: Option<(String,)> =
        sql("SELECT subject FROM kernel_search_word WHERE tenant_id = $1 AND word = $2 LIMIT 1")
            .bind(tx.tenant())
            .bind(word)
            .fetch_optional(tx)
            .await?;
    Ok(row.is_some())
}

pub(super) async fn sites_of(tx: &mut TenantTx, subject: &str) -> Result<BTreeSet<SiteId>, DbError> {
    let rows = sql("SELECT site_id FROM kernel_search_place WHERE tenant_id = $1 AND subject = $2")
        .bind(tx.tenant())
        .bind(subject)
        .fetch_column(tx)
        .await?;
    Ok(rows.into_iter().collect())
}

pub(super) async fn site_insert(tx: &mut TenantTx, subject: &str, site: &SiteId) -> Result<(), DbError> {
    sql("INSERT INTO kernel_search_place (tenant_id, subject, site_id) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant_id, subject, site_id) DO NOTHING")
    .bind(tx.tenant())
    .bind(subject)
    .bind(site)
    .execute(tx)
    .await
    .map(drop)
}

pub(super) async fn site_delete(tx: &mut TenantTx, subject: &str, site: &SiteId) -> Result<(), DbError> {
    sql("DELETE FROM kernel_search_place WHERE tenant_id = $1 AND subject = $2 AND site_id = $3")
        .bind(tx.tenant())
        .bind(subject)
        .bind(site)
        .execute(tx)
        .await
        .map(drop)
}

/// Those of some words whose pieces are there.
pub(super) async fn known_words(
    tx: &mut TenantTx,
    words: &BTreeSet<&str>,
) -> Result<BTreeSet<String>, DbError> {
    let rows = sql("SELECT word FROM kernel_search_gram WHERE gram = '' AND tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND word IN ")
        .push_list(words.iter().copied())
        .fetch_column(tx)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Pieces and their words.
pub(super) async fn grams_insert(tx: &mut TenantTx, pieces: &[(String, String)]) -> Result<(), DbError> {
    for chunk in pieces.chunks(ROWS) {
        let mut query = sql("INSERT INTO kernel_search_gram (tenant_id, gram, word) VALUES ");
        for (number, (gram, word)) in chunk.iter().enumerate() {
            query =
                query.push(if number == 0 { "" } else { ", " }).push_list([tx.tenant().as_str(), gram, word]);
        }
        query.push(" ON CONFLICT (tenant_id, gram, word) DO NOTHING").execute(tx).await?;
    }
    Ok(())
}

pub(super) async fn grams_delete(
    tx: &mut TenantTx,
    word: &str,
    grams: impl Iterator<Item = String>,
) -> Result<(), DbError> {
    sql("DELETE FROM kernel_search_gram WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND word = ")
        .push_bind(word)
        .push(" AND gram IN ")
        .push_list(grams)
        .execute(tx)
        .await
        .map(drop)
}

/// Known words that have the most of some pieces, most first.
pub(super) async fn alike(
    tx: &mut TenantTx,
    grams: &BTreeSet<String>,
    least: i64,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String, i64)> =
        sql("SELECT word, CAST(COUNT(*) AS BIGINT) AS common FROM kernel_search_gram WHERE tenant_id = ")
            .push_bind(tx.tenant())
            .push(" AND gram IN ")
            .push_list(grams)
            .push(" GROUP BY word HAVING COUNT(*) >= ")
            .push_bind(least)
            .push(" ORDER BY common DESC, word LIMIT ")
            .push_bind(limit)
            .fetch_all(tx)
            .await?;
    Ok(rows.into_iter().map(|(word, _)| word).collect())
}

/// Words from one up to, without, another.
pub(super) type Span = (String, String);

/// What a reader may find.
pub(super) struct Readable {
    /// Kinds that they may see.
    pub(super) kinds: Vec<&'static str>,
    /// Fields that they may not find by.
    pub(super) hidden: BTreeSet<&'static str>,
}

fn in_spans(mut query: Query, word: &'static str, spans: &[Span]) -> Query {
    for (number, (from, to)) in spans.iter().enumerate() {
        query = query.push(if number == 0 { "((" } else { " OR (" }).push(word).push(" >= ").push_bind(from);
        query = query.push(" AND ").push(word).push(" < ").push_bind(to).push(")");
    }
    query.push(")")
}

fn not_hidden(query: Query, field: &'static str, readable: &Readable) -> Query {
    if readable.hidden.is_empty() {
        return query;
    }
    query.push(" AND ").push(field).push(" NOT IN ").push_list(readable.hidden.iter().copied())
}

/// How many words there are within a span; `most` and no more are counted.
pub(super) async fn count(tx: &mut TenantTx, (from, to): &Span, most: i64) -> Result<i64, DbError> {
    let (count,): (i64,) =
        sql("SELECT CAST(COUNT(*) AS BIGINT) FROM (SELECT subject FROM kernel_search_word \
                                WHERE tenant_id = $1 AND word >= $2 AND word < $3 LIMIT $4) AS counted")
        .bind(tx.tenant())
        .bind(from)
        .bind(to)
        .bind(most)
        .fetch_one(tx)
        .await?;
    Ok(count)
}

/// A thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Found {
    pub(super) subject: String,
    pub(super) kind: String,
    pub(super) customer_id: Option<crate::ids::CustomerId>,
}

/// Things that the scope lets see, with a word in a span, and one in some span of each of the others; in the order of words.
pub(super) async fn found(
    tx: &mut TenantTx,
    span: &Span,
    others: &[&[Span]],
    readable: &Readable,
    limit: i64,
) -> Result<Vec<Found>, DbError> {
    let tenant = tx.tenant().clone();
    let query =
        sql("SELECT w.subject, e.kind, e.customer_id FROM kernel_search_word w JOIN kernel_search_entry e \
                     ON e.tenant_id = w.tenant_id AND e.subject = w.subject WHERE w.tenant_id = ")
        .push_bind(&tenant)
        .push(" AND w.word >= ")
        .push_bind(&span.0)
        .push(" AND w.word < ")
        .push_bind(&span.1);
    let mut query = not_hidden(query, "w.field", readable)
        .push(" AND e.kind IN ")
        .push_list(readable.kinds.iter().copied());
    for spans in others {
        query = query.push(" AND EXISTS (SELECT 1 FROM kernel_search_word o WHERE o.tenant_id = w.tenant_id AND o.subject = w.subject AND ");
        query = not_hidden(in_spans(query, "o.word", spans), "o.field", readable).push(")");
    }
    query = match tx.scope() {
        Scope::All => query,
        Scope::Partner(_) => query.push(" AND 1 = 0"),
        Scope::Customer(id) => query.push(" AND e.customer_id = ").push_bind(id),
        Scope::Sites(sites) => query
            .push(" AND EXISTS (SELECT 1 FROM kernel_search_place p WHERE p.tenant_id = e.tenant_id AND p.subject = e.seen_with AND p.site_id IN ")
            .push_list(sites)
            .push(")"),
    };
    query.push(" ORDER BY w.word, w.subject LIMIT ").push_bind(limit).fetch_all(tx).await
}

/// Subject, word and field of what some things are found by.
pub(super) async fn words_of_all(
    tx: &mut TenantTx,
    subjects: &[&str],
    readable: &Readable,
) -> Result<Vec<(String, String, String)>, DbError> {
    let query = sql("SELECT subject, word, field FROM kernel_search_word w WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND subject IN ")
        .push_list(subjects.iter().copied());
    not_hidden(query, "field", readable).fetch_all(tx).await
}
