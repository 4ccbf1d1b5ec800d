//! What a list says of itself.

use crate::{
    db::{self, Value},
    ids,
    time::{Date, Timestamp},
};

/// A list that is asked for with a [`super::ListQuery`].
pub trait List: Send + Sync + 'static {
    /// What it is sorted and filtered by.
    const SHAPE: &'static Shape;
}

/// What a list may be sorted and filtered by.
#[derive(Debug)]
pub struct Shape {
    /// Name in cursors: one list's are no other's.
    pub name: &'static str,
    /// Its fields, in groups, so that a list which shows more of the same rows takes over the fields of another.
    pub fields: &'static [&'static [Field]],
    /// The order when none is asked for, in the words of `sort`.
    pub order: &'static str,
    /// The column that no two rows of a tenant have in common: TEXT, never NULL.
    pub id: &'static str,
}

impl Shape {
    /// All fields.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        self.fields.iter().flat_map(|group| group.iter())
    }
    /// One of them.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields().find(|field| field.name == name)
    }
    /// The words that `sort` takes, `-name` among them.
    pub fn sort_words(&self) -> Vec<String> {
        let words = |field: &'static Field| {
            let turned = format!("-{}", field.name);
            match field.order {
                Order::None => Vec::new(),
                Order::By(..) => vec![field.name.to_owned(), turned],
                Order::ByHand => vec![turned],
            }
        };
        self.fields().flat_map(words).collect()
    }
    /// The parameters that it takes beside `cursor`, `limit` and `sort`.
    pub fn filter_names(&self) -> Vec<String> {
        let names =
            |field: &'static Field| field.tests().map(move |test| format!("{}{}", field.name, test.suffix()));
        self.fields().flat_map(names).collect()
    }
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, compared byte by byte.
    Text,
    /// What somebody typed to search, taken whole; only for fields whose condition the list writes itself.
    Search,
    /// One of these words.
    Words(&'static [&'static str]),
    /// An id with this prefix.
    Id(&'static str),
    /// A whole number; money in minor units.
    Int,
    /// An instant, RFC 3339; Unix ms in the database.
    Instant,
    /// A calendar date.
    Date,
    /// True or false.
    Bool,
}

impl Kind {
    /// Which kind of column holds it.
    pub(super) fn column(self) -> db::Kind {
        match self {
            Self::Text | Self::Search | Self::Words(_) | Self::Id(_) | Self::Date => db::Kind::Text,
            Self::Int | Self::Instant => db::Kind::Int,
            Self::Bool => db::Kind::Bool,
        }
    }
    /// The value of a text of the query.
    ///
    /// # Errors
    /// What was expected, with the word for it.
    pub(super) fn value(self, text: &str) -> Result<Value, (&'static str, String)> {
        let malformed = |what: String| ("malformed", what);
        Ok(match self {
            Self::Text | Self::Search => text.into(),
            Self::Words(words) if words.contains(&text) => text.into(),
            Self::Words(words) => {
                return Err(("unknown", format!("expected {}, got {text:?}", words.join(", "))));
            }
            Self::Id(prefix) => {
                ids::parse(prefix, text).map_err(|error| malformed(error.to_string()))?.into()
            }
            Self::Int => {
                let wrong = |_| malformed(format!("expected a whole number, got {text:?}"));
                text.parse::<i64>().map_err(wrong)?.into()
            }
            Self::Instant => text.parse::<Timestamp>().map_err(malformed)?.into(),
            Self::Date => text.parse::<Date>().map_err(malformed)?.into(),
            Self::Bool => {
                let wrong = |_| malformed(format!("expected true or false, got {text:?}"));
                text.parse::<bool>().map_err(wrong)?.into()
            }
        })
    }
}

/// How a field orders the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// It does not.
    None,
    /// Both ways, by this column.
    By(&'static str, Kind),
    /// From the most to the least, by the list itself.
    ByHand,
}

/// Which questions a field answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answers {
    is_one_of: bool,
    is_within: bool,
    by_hand: bool,
}

/// One question to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    OneOf,
    NoneOf,
    AtLeast,
    Above,
    AtMost,
    Below,
    Set,
    /// The list answers it itself.
    ByHand,
}

impl Test {
    const ALL: [Self; 8] = [
        Self::OneOf,
        Self::NoneOf,
        Self::AtLeast,
        Self::Above,
        Self::AtMost,
        Self::Below,
        Self::Set,
        Self::ByHand,
    ];
    /// What follows the field's name in the query.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::OneOf | Self::ByHand => "",
            Self::NoneOf => "_not",
            Self::AtLeast => "_gte",
            Self::Above => "_gt",
            Self::AtMost => "_lte",
            Self::Below => "_lt",
            Self::Set => "_set",
        }
    }
    /// Whether several values may be given, separated by commas.
    pub(super) fn takes_several(self, kind: Kind) -> bool {
        matches!(self, Self::OneOf | Self::NoneOf | Self::ByHand)
            && !matches!(kind, Kind::Search | Kind::Int | Kind::Bool)
    }
    /// What its values are.
    pub(super) fn kind(self, of_field: Kind) -> Kind {
        if self == Self::Set { Kind::Bool } else { of_field }
    }
}

/// Something that a list may be sorted or filtered by.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Expression of the column; one that is more than a name stands in brackets.
    pub(super) column: &'static str,
    pub(super) order: Order,
    answers: Answers,
    pub(super) may_be_missing: bool,
    /// No two rows have it in common.
    pub(super) is_unique: bool,
    pub(super) doc: &'static str,
    pub(super) example: Option<&'static str>,
}

impl Field {
    /// A field of a column, or of an expression in brackets. By itself it neither sorts nor filters.
    pub const fn of(name: &'static str, kind: Kind, column: &'static str) -> Self {
        let answers = Answers { is_one_of: false, is_within: false, by_hand: false };
        let order = Order::None;
        let (may_be_missing, is_unique) = (false, false);
        Self { name, kind, column, order, answers, may_be_missing, is_unique, doc: "", example: None }
    }
    /// A filter whose condition the list writes itself, from [`super::Asked::given`].
    pub const fn by_hand(name: &'static str, kind: Kind) -> Self {
        let field = Self::of(name, kind, "");
        Self { answers: Answers { by_hand: true, ..field.answers }, ..field }
    }
    /// An order that the list makes itself, from the most to the least; it stands alone.
    pub const fn order_by_hand(name: &'static str) -> Self {
        Self { order: Order::ByHand, ..Self::of(name, Kind::Int, "") }
    }
    /// The list may be sorted by it.
    #[must_use]
    pub const fn sorts(self) -> Self {
        Self { order: Order::By(self.column, self.kind), ..self }
    }
    /// The list may be sorted by it, which another column has the order of: an id has that of the time when it was made.
    #[must_use]
    pub const fn sorts_as(self, column: &'static str, kind: Kind) -> Self {
        Self { order: Order::By(column, kind), ..self }
    }
    /// `name=a,b` and `name_not=a,b`.
    #[must_use]
    pub const fn matches(self) -> Self {
        Self { answers: Answers { is_one_of: true, ..self.answers }, ..self }
    }
    /// `name_gte=`, `name_gt=`, `name_lte=`, `name_lt=`.
    #[must_use]
    pub const fn ranges(self) -> Self {
        Self { answers: Answers { is_within: true, ..self.answers }, ..self }
    }
    /// The column may be NULL: rows without it come last; a filter has `name_set=true` and `name_set=false` too.
    #[must_use]
    pub const fn or_missing(self) -> Self {
        Self { may_be_missing: true, ..self }
    }
    /// No two rows of a tenant have it in common, and none is without: no id is needed to tell them apart.
    #[must_use]
    pub const fn unique(self) -> Self {
        Self { is_unique: true, ..self }
    }
    /// What it is, for the OpenAPI document.
    #[must_use]
    pub const fn says(self, doc: &'static str) -> Self {
        Self { doc, ..self }
    }
    /// A value that it may have, for the OpenAPI document.
    #[must_use]
    pub const fn such_as(self, example: &'static str) -> Self {
        Self { example: Some(example), ..self }
    }
    /// The questions that it answers.
    pub(super) fn tests(&'static self) -> impl Iterator<Item = Test> {
        let Answers { is_one_of, is_within, by_hand } = self.answers;
        Test::ALL.into_iter().filter(move |test| match test {
            Test::OneOf | Test::NoneOf => is_one_of,
            Test::AtLeast | Test::Above | Test::AtMost | Test::Below => is_within,
            Test::Set => self.may_be_missing && (is_one_of || is_within),
            Test::ByHand => by_hand,
        })
    }
}
