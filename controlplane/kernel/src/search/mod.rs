//! Search: one box that finds any thing of a tenant by the words of its fields.
//!
//! An *entry* is a thing (its *subject*, an id), what sort it is ([`Kind`]), at which sites it is seen, and the *words* of its
//! fields. Whoever owns the thing writes its entry in the transaction that changes the thing ([`put`], [`place`],
//! [`remove`]), so the index is what the tables are; [`rebuild`] makes it anew from what its owners list.
//!
//! - **One SQL text, plain tables.** A word is found by its beginning, a number by its end too, and a mistyped word through the
//!   pieces of three letters of each *different* word (`words.rs`). Decision 0028 says why neither FTS5 nor pg_trgm.
//! - **Exact before beginning before mistake** ([`Closeness`]). Digits are never guessed.
//! - **What a reader may see.** Every statement names the tenant and applies the scope; kinds and fields that the reader has
//!   no right to are not looked at, so nobody learns by searching that a phone belongs to somebody. The scope here may let through
//!   more than the owner does (an invoice is seen where its customer is): who shows what was found reads it from its owner.

mod batch;
mod find;
mod rebuild;
mod rows;
mod words;
mod writes;

pub use find::{CANDIDATES, Closeness, Hit, LONGEST_QUERY, find};
pub use rebuild::{Rebuilt, Source, rebuild};
pub use words::Text;

use crate::{
    Error, Permission,
    db::TenantTx,
    ids::{CustomerId, SiteId},
    time::Timestamp,
};
use std::collections::BTreeSet;

/// A sort of thing that can be found, as its domain declares it.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// `customer`.
    pub name: &'static str,
    /// Without this right nothing of the kind is found.
    pub permission: Permission,
    /// Fields by which only those find who have a further right.
    pub guarded: &'static [(&'static str, Permission)],
}

/// A field of a thing, to be found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// `phone`.
    pub name: &'static str,
    /// How its text becomes words.
    pub how: Text,
    /// What it says.
    pub text: String,
}

impl Field {
    /// A field that says something.
    pub fn new(name: &'static str, how: Text, text: impl Into<String>) -> Self {
        Self { name, how, text: text.into() }
    }
}

/// A thing that can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name of its [`Kind`].
    pub kind: &'static str,
    /// Its id.
    pub subject: String,
    /// Subject at whose sites it is seen: its own id, or that of the customer it is about.
    pub seen_with: String,
    /// Customer whom it is about: seen by them too.
    pub customer: Option<CustomerId>,
    /// Sites at which it, and what is seen with it, is seen.
    pub sites: BTreeSet<SiteId>,
    /// What it is found by.
    pub fields: Vec<Field>,
}

/// A word in a field.
type Placed = (String, String);

impl Entry {
    fn words(&self) -> BTreeSet<Placed> {
        let words = |field: &Field| -> Vec<Placed> {
            words::kept(field.how, &field.text)
                .into_iter()
                .map(|word| (word, field.name.to_owned()))
                .collect()
        };
        self.fields.iter().flat_map(words).collect()
    }
}

/// Makes a thing findable by what it says now, in the transaction that changes it. One that says nothing is not in the index.
///
/// # Errors
/// The database's.
pub async fn put(tx: &mut TenantTx, entry: &Entry, now: Timestamp) -> Result<(), Error> {
    batch::put(tx, &[entry], now).await
}

/// The same for a thing that was just made and that numbers alone find: nothing is there to be compared with, and no mistyped
/// word is meant. For invoices, which are made by the thousand.
///
/// # Errors
/// The database's.
pub async fn put_new(tx: &mut TenantTx, entry: &Entry, now: Timestamp) -> Result<(), Error> {
    writes::entries_write(tx, &[entry], now).await?;
    let words = entry.words();
    batch::learn(tx, words.iter().map(|(word, field)| [word, &*entry.subject, field]).collect()).await
}

/// Notes a further site at which a subject is seen.
///
/// # Errors
/// The database's.
pub async fn place(tx: &mut TenantTx, subject: &str, site: &SiteId) -> Result<(), Error> {
    Ok(writes::sites_insert(tx, &[[subject, site.as_str()]]).await?)
}

/// Makes a thing that is gone unfindable.
///
/// # Errors
/// The database's.
pub async fn remove(tx: &mut TenantTx, subject: &str) -> Result<(), Error> {
    batch::remove(tx, &[subject]).await
}
