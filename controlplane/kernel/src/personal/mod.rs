//! What is held of a person, and where.
//!
//! A *person* is a customer or a user. Their *things* are what belongs to them and has an id: services, invoices, notes left with
//! these. Each domain lists in its `personal.rs` the tables with rows about persons ([`Held`]), and column by column what a person is
//! shown of it and why not the rest. One walk over these lists ([`gather`]) is the whole of an export; a test reads the schema
//! and fails for a table or a column that nobody has decided about.
//!
//! - Nothing secret is ever shown: no sealed column, no hash, no token.
//! - A row about two persons is shown to each without what it says of the other.
//! - What was gathered lies in sealed blobs for a limited time ([`exports`]).
//!
//! A second list of each domain (`erased.rs`) says of each of these tables what becomes of its rows when the person's data is taken
//! out ([`Erased`]): the same test demands that both lists name the same tables. [`erase`] walks it, and [`erasures`] keeps who
//! asked for it and whether it is done.

pub mod erase;
mod erased;
pub mod erasures;
pub mod exports;
pub mod gather;
mod tables;

pub use erased::ERASED;
pub use tables::HELD;

use crate::{
    db::Kind,
    events::EntityRef,
    ids::{CustomerId, UserId},
    text_enum,
};

text_enum! {
    /// Which sort of person.
    pub enum PersonKind {
        /// Who pays.
        Customer = "customer",
        /// Who works for the ISP.
        User = "user",
    }
}

/// Somebody about whom things are held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person {
    /// Who pays.
    Customer(CustomerId),
    /// Who works for the ISP.
    User(UserId),
}

impl Person {
    /// Which sort.
    pub const fn kind(&self) -> PersonKind {
        match self {
            Self::Customer(_) => PersonKind::Customer,
            Self::User(_) => PersonKind::User,
        }
    }
    /// Their id.
    pub fn id(&self) -> &str {
        match self {
            Self::Customer(id) => id.as_str(),
            Self::User(id) => id.as_str(),
        }
    }
    /// As events and audit rows name them.
    pub fn entity(&self) -> EntityRef {
        EntityRef::new(self.kind().as_str(), self.id())
    }
    /// The person of an id.
    pub fn of(id: &str) -> Option<Self> {
        let customer = id.parse().ok().map(Self::Customer);
        customer.or_else(|| id.parse().ok().map(Self::User))
    }
}

/// How a column is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Words, ids, dates.
    Text,
    /// A whole number; money in minor units.
    Number,
    /// An instant.
    Time,
    /// Yes or no.
    Flag,
    /// JSON that is kept as text.
    Json,
}

impl Shown {
    /// Type of its column in the schema.
    pub const fn column_type(self) -> &'static str {
        match self {
            Self::Text | Self::Json => "TEXT",
            Self::Number | Self::Time => "BIGINT",
            Self::Flag => "BOOLEAN",
        }
    }
    const fn kind(self) -> Kind {
        match self {
            Self::Text | Self::Json => Kind::Text,
            Self::Number | Self::Time => Kind::Int,
            Self::Flag => Kind::Bool,
        }
    }
}

/// A table with rows about persons of one sort.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// Which.
    pub table: &'static str,
    /// Whose rows.
    pub of: PersonKind,
    /// Column that holds the id of the person or of one of their things.
    pub by: &'static str,
    /// What the rows are called in an export.
    pub document: &'static str,
    /// Column that no two of a person's rows share, by which they are put in order; none for a table that holds a few of each.
    pub key: Option<&'static str>,
    /// What is shown, in this order.
    pub shown: &'static [(&'static str, Shown)],
    /// What is not, and why; `*` stands for every other column.
    pub left_out: &'static [(&'static str, &'static str)],
    /// Columns whose ids are further things of the person, and how these ids begin.
    pub things: &'static [(&'static str, &'static str)],
}

impl Held {
    /// Whether anything of it is shown.
    pub const fn is_shown(&self) -> bool {
        !self.shown.is_empty()
    }
}

/// What becomes of rows about a person whose data is taken out.
#[derive(Debug, Clone, Copy)]
pub enum Erasure {
    /// They stay as they are; why.
    Kept(&'static str),
    /// They go.
    Removed,
    /// They stay, without what these columns hold.
    Emptied(&'static [(&'static str, Empty)]),
    /// More than one statement: the function that does it.
    ByCode(&'static str),
}

/// What a column holds that was emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// Nothing.
    Null,
    /// This text, where the column demands one.
    Text(&'static str),
}

/// A table with rows about persons of one sort, and what becomes of them.
#[derive(Debug, Clone, Copy)]
pub struct Erased {
    /// Which.
    pub table: &'static str,
    /// Whose rows.
    pub of: PersonKind,
    /// Column that holds the id of the person or of one of their things, as in [`Held::by`].
    pub by: &'static str,
    /// What becomes of them.
    pub how: Erasure,
    /// Columns whose ids are further things of the person, and how these ids begin.
    pub things: &'static [(&'static str, &'static str)],
}
