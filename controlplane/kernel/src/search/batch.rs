//! Entries of many things at once: what there is of all of them is read, compared in memory, and the differences are written.

use super::{Entry, Placed, words, writes};
use crate::{Error, db::TenantTx, time::Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Of which words it is seen to that their pieces are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pieces {
    /// Of those that a thing did not have before.
    OfNew,
    /// Of all: those of words that were there may have been lost.
    OfAll,
}

/// Makes things findable by what they say now. Each of them is there once, in the order of ids, so that of two writers one
/// waits for the other and neither waits for the first again.
pub(super) async fn put(tx: &mut TenantTx, entries: &[&Entry], now: Timestamp) -> Result<(), Error> {
    // First, because it locks the entries: of two writers the second reads what the first has left.
    writes::entries_write(tx, entries, now).await?;
    update(tx, entries, Pieces::OfNew).await
}

/// Makes words and sites of things what they are now; their entries are written, and so locked.
pub(super) async fn update(tx: &mut TenantTx, entries: &[&Entry], pieces: Pieces) -> Result<(), Error> {
    let said: Vec<_> = entries.iter().map(|entry| (*entry, entry.words())).collect();
    let (silent, said): (Vec<_>, Vec<_>) = said.into_iter().partition(|(_, words)| words.is_empty());
    let silent: Vec<&str> = silent.iter().map(|(entry, _)| entry.subject.as_str()).collect();
    remove(tx, &silent).await?;
    let subjects: Vec<&str> = said.iter().map(|(entry, _)| entry.subject.as_str()).collect();
    words_update(tx, &subjects, &said, pieces).await?;
    sites_update(tx, &subjects, &said).await
}

type Said<'a> = (&'a Entry, BTreeSet<Placed>);

async fn words_update(
    tx: &mut TenantTx,
    subjects: &[&str],
    said: &[Said<'_>],
    pieces: Pieces,
) -> Result<(), Error> {
    let kept = writes::words_of(tx, subjects).await?;
    let none = BTreeSet::new();
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    for (entry, wanted) in said {
        let kept = kept.get(&entry.subject).unwrap_or(&none);
        gone.extend(kept.difference(wanted).map(|placed| row(&entry.subject, placed)));
        new.extend(wanted.difference(kept).map(|placed| row(&entry.subject, placed)));
    }
    forget(tx, gone).await?;
    match pieces {
        Pieces::OfNew => learn(tx, new).await,
        Pieces::OfAll => {
            words_insert(tx, new).await?;
            let all = said.iter().flat_map(|(_, words)| words).map(|(word, _)| word.as_str());
            learn_pieces(tx, all).await
        }
    }
}

async fn sites_update(tx: &mut TenantTx, subjects: &[&str], said: &[Said<'_>]) -> Result<(), Error> {
    let kept = writes::sites_of(tx, subjects).await?;
    let none = BTreeSet::new();
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    for (entry, _) in said {
        let kept = kept.get(&entry.subject).unwrap_or(&none);
        gone.extend(kept.difference(&entry.sites).map(|site| [entry.subject.as_str(), site.as_str()]));
        new.extend(entry.sites.difference(kept).map(|site| [entry.subject.as_str(), site.as_str()]));
    }
    writes::sites_delete(tx, &gone).await?;
    Ok(writes::sites_insert(tx, &new).await?)
}

/// Makes things that are gone unfindable.
pub(super) async fn remove(tx: &mut TenantTx, subjects: &[&str]) -> Result<(), Error> {
    // First, because it locks the entries: what another writer has left of words is read behind it.
    writes::entries_delete(tx, subjects).await?;
    let gone: BTreeMap<String, BTreeSet<Placed>> = writes::words_of(tx, subjects).await?;
    let rows = gone.iter().flat_map(|(subject, words)| words.iter().map(|placed| row(subject, placed)));
    forget(tx, rows.collect()).await
}

fn row<'a>(subject: &'a str, (word, field): &'a Placed) -> writes::WordRow<'a> {
    [word, subject, field]
}

fn mistaken<'a>(words: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let words: BTreeSet<&str> = words.filter(|word| words::is_mistaken(word)).collect();
    words.into_iter().collect()
}

/// Notes new words of things.
pub(super) async fn learn(tx: &mut TenantTx, new: Vec<writes::WordRow<'_>>) -> Result<(), Error> {
    let words: Vec<&str> = new.iter().map(|[word, ..]| *word).collect();
    words_insert(tx, new).await?;
    learn_pieces(tx, words.into_iter()).await
}

/// In the order of the key, whose pages are then gone through once.
async fn words_insert(tx: &mut TenantTx, mut new: Vec<writes::WordRow<'_>>) -> Result<(), Error> {
    new.sort_unstable();
    Ok(writes::words_insert(tx, &new).await?)
}

/// Which of them are known is asked each time, and not remembered over the transactions of a rebuild: when a word's last thing
/// loses it meanwhile its pieces are taken away, and a later thing that brings it again would be without.
async fn learn_pieces(tx: &mut TenantTx, words: impl Iterator<Item = &str>) -> Result<(), Error> {
    let mistaken = mistaken(words);
    let known = writes::known_words(tx, &mistaken).await?;
    let unknown = mistaken.into_iter().filter(|word| !known.contains(*word));
    let pieces = pieces(unknown);
    Ok(writes::grams_insert(tx, &pieces.iter().map(gram_row).collect::<Vec<_>>()).await?)
}

/// Two transactions at once, one of which takes a word's last thing and the other brings its first, may leave the word without its
/// pieces on PostgreSQL: it is still found as it is written, and a mistyped one not until the index is made anew.
async fn forget(tx: &mut TenantTx, mut gone: Vec<writes::WordRow<'_>>) -> Result<(), Error> {
    gone.sort_unstable();
    writes::words_delete(tx, &gone).await?;
    let unused = writes::unused_words(tx, &mistaken(gone.iter().map(|[word, ..]| *word))).await?;
    let pieces = pieces(unused.iter().map(String::as_str));
    Ok(writes::grams_delete(tx, &pieces.iter().map(gram_row).collect::<Vec<_>>()).await?)
}

/// Pieces of words, and for each an empty one that says that they are there.
fn pieces<'a>(words: impl Iterator<Item = &'a str>) -> Vec<(String, &'a str)> {
    let of = |word| words::grams(word).into_iter().chain([String::new()]).map(move |gram| (gram, word));
    words.flat_map(of).collect()
}

fn gram_row<'a>((gram, word): &'a (String, &'a str)) -> writes::GramRow<'a> {
    [gram, word]
}
