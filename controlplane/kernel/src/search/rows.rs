//! SQL that finds.

use crate::{
    context::Scope,
    db::{DbError, Query, TenantTx, sql},
};
use std::collections::BTreeSet;

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
