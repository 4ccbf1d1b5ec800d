//! What a person typed, and the things that they mean.

use super::{
    Kind,
    rows::{self, Found, Readable, Span},
    words::{self, Wanted},
};
use crate::{Ctx, Error, db::TenantTx, ids::CustomerId};
use std::collections::{BTreeMap, BTreeSet};

/// Most letters of what is typed.
pub const LONGEST_QUERY: usize = 100;
/// Most things that are compared; the nearest of them are shown.
pub const CANDIDATES: usize = 100;
/// Most words of what is typed.
const MOST_WORDS: usize = 6;
/// A word is not counted further: it is common.
const COMMON: i64 = 2_000;
/// Fewer things than this, and mistyped words are looked for too.
const FEW: usize = 5;
/// Most words that a mistyped one is compared with.
const ALIKE: i64 = 60;
/// Most of them that it may mean.
const MEANT: usize = 8;

/// How near a word of a thing is to a word that was typed; the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closeness {
    /// The same.
    Exact,
    /// What was typed begins it, or ends a number.
    Beginning,
    /// It may be mistyped.
    Typo,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Name of its [`Kind`].
    pub kind: String,
    /// Its id.
    pub subject: String,
    /// Customer whom it is about.
    pub customer: Option<CustomerId>,
    /// The field that the first word that was typed is in.
    pub field: String,
    /// The least near of the words.
    pub closeness: Closeness,
    /// How far it is from what was typed, over all words: less is nearer.
    pub rank: u32,
}

/// A word that was typed, and where the words lie that would do.
struct Term {
    wanted: Wanted,
    spans: Vec<Span>,
    meant: Vec<String>,
}

impl Term {
    fn new(wanted: Wanted) -> Self {
        // Behind the last letter there is: everything that begins so lies between.
        let behind = |beginning: &String| (beginning.clone(), format!("{beginning}{}", char::MAX));
        Self { spans: wanted.beginnings.iter().map(behind).collect(), wanted, meant: Vec::new() }
    }

    fn closeness(&self, word: &str) -> Option<Closeness> {
        if self.wanted.beginnings.iter().any(|beginning| beginning == word) {
            Some(Closeness::Exact)
        } else if self.wanted.beginnings.iter().any(|beginning| word.starts_with(beginning.as_str())) {
            Some(Closeness::Beginning)
        } else {
            self.meant.iter().any(|meant| meant == word).then_some(Closeness::Typo)
        }
    }

    /// Adds words that may have been meant; whether there are any.
    async fn forgive(&mut self, tx: &mut TenantTx) -> Result<bool, Error> {
        if !words::is_mistaken(&self.wanted.word) {
            return Ok(false);
        }
        let grams = words::grams(&self.wanted.word);
        // A mistake touches three pieces; a word that shares fewer than a third is none of them.
        let least = i64::try_from(grams.len() / 3).map_err(Error::internal)?.max(1);
        let alike = rows::alike(tx, &grams, least, ALIKE).await?;
        let meant = alike
            .into_iter()
            .filter(|word| self.closeness(word).is_none() && words::is_like(&self.wanted.word, word));
        self.meant = meant.take(MEANT).collect();
        // No word goes on with a control character: only the word itself lies between.
        self.spans.extend(self.meant.iter().map(|word| (word.clone(), format!("{word}\u{1}"))));
        Ok(!self.meant.is_empty())
    }
}

/// Things of these kinds that the context may see, nearest first, at most [`CANDIDATES`]. Each word that was typed is in one of
/// their fields, or begins one, or may be mistyped for one.
///
/// # Errors
/// The database's.
pub async fn find(ctx: &Ctx, tx: &mut TenantTx, kinds: &[Kind], typed: &str) -> Result<Vec<Hit>, Error> {
    let may = |kind: &&Kind| ctx.permissions().allow(kind.permission);
    let guarded = kinds.iter().flat_map(|kind| kind.guarded);
    let readable = Readable {
        kinds: kinds.iter().filter(may).map(|kind| kind.name).collect(),
        hidden: guarded
            .filter(|(_, right)| !ctx.permissions().allow(*right))
            .map(|(field, _)| *field)
            .collect(),
    };
    let typed: String = typed.chars().take(LONGEST_QUERY).collect();
    let mut terms: Vec<_> = words::wanted(&typed, MOST_WORDS).into_iter().map(Term::new).collect();
    if terms.is_empty() || readable.kinds.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = candidates(tx, &terms, &readable).await?;
    if found.len() < FEW {
        let mut is_forgiven = false;
        for term in &mut terms {
            is_forgiven |= term.forgive(tx).await?;
        }
        if is_forgiven {
            found.extend(candidates(tx, &terms, &readable).await?);
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|found| seen.insert(found.subject.clone()));
    found.truncate(CANDIDATES);
    ranked(tx, found, &terms, &readable).await
}

/// Things that have a word for each term; looked for from the rarest term on.
async fn candidates(tx: &mut TenantTx, terms: &[Term], readable: &Readable) -> Result<Vec<Found>, Error> {
    let mut rarest = (0, i64::MAX);
    for (number, term) in terms.iter().enumerate() {
        let mut count = 0;
        for span in &term.spans {
            if terms.len() > 1 && count < COMMON {
                count += rows::count(tx, span, COMMON).await?;
            }
        }
        if count < rarest.1 {
            rarest = (number, count);
        }
    }
    let others: Vec<&[Span]> = terms
        .iter()
        .enumerate()
        .filter(|(number, _)| *number != rarest.0)
        .map(|(_, term)| &*term.spans)
        .collect();
    let mut found = Vec::new();
    for span in terms.get(rarest.0).into_iter().flat_map(|term| &term.spans) {
        let left = CANDIDATES.saturating_sub(found.len());
        if left == 0 {
            break;
        }
        let limit = i64::try_from(left).map_err(Error::internal)?;
        found.extend(rows::found(tx, span, &others, readable, limit).await?);
    }
    Ok(found)
}

/// The nearest first; those equally near in the order in which they were made.
async fn ranked(
    tx: &mut TenantTx,
    found: Vec<Found>,
    terms: &[Term],
    readable: &Readable,
) -> Result<Vec<Hit>, Error> {
    let subjects: Vec<&str> = found.iter().map(|found| found.subject.as_str()).collect();
    let mut words: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (subject, word, field) in rows::words_of_all(tx, &subjects, readable).await? {
        words.entry(subject).or_default().push((word, field));
    }
    let mut hits = Vec::new();
    for found in found {
        let words = words.remove(&found.subject).unwrap_or_default();
        let mut hit = Hit {
            kind: found.kind,
            subject: found.subject,
            customer: found.customer_id,
            field: String::new(),
            closeness: Closeness::Exact,
            rank: 0,
        };
        for term in terms {
            let near = words.iter().filter_map(|(word, field)| Some((term.closeness(word)?, field)));
            let Some((closeness, field)) = near.min() else { continue };
            hit.closeness = hit.closeness.max(closeness);
            hit.rank += match closeness {
                Closeness::Exact => 0,
                Closeness::Beginning => 1,
                // One mistake is farther than any number of beginnings.
                Closeness::Typo => 100,
            };
            if hit.field.is_empty() {
                hit.field.clone_from(field);
            }
        }
        hits.push(hit);
    }
    hits.sort_by(|one, other| (one.rank, &one.subject).cmp(&(other.rank, &other.subject)));
    Ok(hits)
}
