//! What somebody asks of a list, read from a query and checked against what the list declares.

use super::{
    Field, List, Shape, cursor,
    field::{Order, Test},
};
use crate::{
    Error,
    db::Value,
    error::FieldError,
    page::{DEFAULT_LIMIT, MAX_LIMIT, Page},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    marker::PhantomData,
    ops::Deref,
    str::FromStr,
};

/// Names that `sort` takes at most.
pub const MAX_KEYS: usize = 3;
/// Values that one filter takes at most.
const MAX_VALUES: usize = 100;
/// So many mistakes are told at once; the rest of such a query is not looked at.
const MAX_TOLD: usize = 20;

/// A name of `sort`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) field: &'static Field,
    pub(super) is_descending: bool,
}

/// A filter that the list's SQL can answer.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) field: &'static Field,
    pub(super) test: Test,
    pub(super) values: Vec<Value>,
}

/// What is asked of a list, checked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub(super) shape: &'static Shape,
    pub(super) keys: Vec<Key>,
    pub(super) conditions: Vec<Condition>,
    given: BTreeMap<&'static str, Vec<String>>,
    pub(super) cursor: Option<String>,
    limit: i64,
}

impl Asked {
    /// The first page in the list's own order. A declaration with an order that it does not offer has [`Shape::flaws`]; it is
    /// sorted by id.
    fn nothing(shape: &'static Shape) -> Self {
        let keys = Reading::default().keys(shape, shape.order);
        let (conditions, given) = (Vec::new(), BTreeMap::new());
        Self { shape, keys, conditions, given, cursor: None, limit: DEFAULT_LIMIT }
    }

    /// Reads names and values of a query.
    ///
    /// # Errors
    /// [`Error::Invalid`] with each parameter that cannot be taken, and what could be.
    fn read<N: AsRef<str>, V: AsRef<str>>(
        shape: &'static Shape,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, Error> {
        let (mut reading, mut seen) = (Reading::default(), BTreeSet::new());
        let mut asked = Self::nothing(shape);
        for (name, text) in pairs {
            let (name, text) = (name.as_ref(), text.as_ref());
            if reading.wrong.len() >= MAX_TOLD {
                break;
            }
            if !seen.insert(name.to_owned()) {
                reading.note(
                    name,
                    "malformed",
                    "given twice; several values are separated by commas".to_owned(),
                );
                continue;
            }
            match name {
                "cursor" => asked.cursor = Some(text.to_owned()),
                "limit" => asked.limit = reading.limit(text),
                "sort" => asked.keys = reading.keys(shape, text),
                _ => reading.filter(&mut asked, name, text),
            }
        }
        if reading.wrong.is_empty() { Ok(asked) } else { Err(Error::Invalid(reading.wrong)) }
    }

    /// Rows to show, 1 to [`MAX_LIMIT`].
    pub fn limit(&self) -> i64 {
        self.limit
    }
    /// The order, in the words of `sort`.
    pub fn order(&self) -> String {
        let word = |key: &Key| format!("{}{}", if key.is_descending { "-" } else { "" }, key.field.name);
        self.keys.iter().map(word).collect::<Vec<_>>().join(",")
    }
    /// Whether the list is sorted by this field first.
    pub fn is_sorted_by(&self, name: &str) -> bool {
        self.keys.first().is_some_and(|key| key.field.name == name)
    }
    /// The values of a filter that the list answers itself; none when it was not asked.
    pub fn given(&self, name: &str) -> &[String] {
        self.given.get(name).map(Vec::as_slice).unwrap_or_default()
    }
    /// These values, as what they are.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that is not.
    pub fn given_all<T: FromStr<Err: fmt::Display>>(&self, name: &str) -> Result<Vec<T>, Error> {
        let wrong = |error: T::Err| Error::invalid(format!("?{name}"), "malformed", error.to_string());
        self.given(name).iter().map(|text| text.parse::<T>().map_err(wrong)).collect()
    }
    /// The only one of these values, as what it is.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that is not, and for several.
    pub fn given_one<T: FromStr<Err: fmt::Display>>(&self, name: &str) -> Result<Option<T>, Error> {
        let mut values: Vec<T> = self.given_all(name)?;
        if values.len() > 1 {
            return Err(Error::invalid(format!("?{name}"), "malformed", "expected one value"));
        }
        Ok(values.pop())
    }
    /// Where the page starts, for a list that makes its order itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list or order.
    pub fn after<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let decode = |text: &String| cursor::decode(self.shape, &self.order(), text);
        self.cursor.as_ref().map(decode).transpose()
    }
    /// The page of up to `limit + 1` rows, for a list that makes its order itself.
    ///
    /// # Errors
    /// A key without a JSON form.
    pub fn page_of<T, K: Serialize>(
        &self,
        mut rows: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> Result<Page<T>, Error> {
        let limit = self.rows_shown();
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = match rows.last() {
            Some(last) if has_more => Some(cursor::encode(self.shape, &self.order(), &key(last))?),
            _ => None,
        };
        Ok(Page { items: rows, next_cursor })
    }
    pub(super) fn rows_shown(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(0)
    }
}

impl Shape {
    /// What is wrong with a declaration, for the test of a list.
    pub fn flaws(&'static self) -> Vec<String> {
        let mut reading = Reading::default();
        reading.keys(self, self.order);
        let mut flaws: Vec<String> = reading.wrong.into_iter().map(|wrong| wrong.detail).collect();
        let mut names = self.filter_names();
        names.extend(["cursor", "limit", "sort"].map(str::to_owned));
        names.sort_unstable();
        let twice = names.windows(2).filter_map(|pair| match pair {
            [one, other] if one == other => Some(format!("{one} is two parameters")),
            _ => None,
        });
        flaws.extend(twice);
        flaws
    }
}

/// What is read so far is wrong in these places.
#[derive(Default)]
struct Reading {
    wrong: Vec<FieldError>,
}

impl Reading {
    fn note(&mut self, name: &str, code: &'static str, detail: String) {
        let shown: String = name.chars().take(60).collect();
        self.wrong.push(FieldError { pointer: format!("?{shown}"), code, detail });
    }

    fn limit(&mut self, text: &str) -> i64 {
        match text.parse() {
            Ok(limit @ 1..=MAX_LIMIT) => limit,
            _ => {
                self.note("limit", "out_of_range", format!("expected 1 to {MAX_LIMIT}, got {text:?}"));
                DEFAULT_LIMIT
            }
        }
    }

    fn keys(&mut self, shape: &'static Shape, text: &str) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        for word in text.split(',') {
            let (name, is_descending) = word.strip_prefix('-').map_or((word, false), |name| (name, true));
            let field = shape.field(name).filter(|field| match field.order {
                Order::None => false,
                Order::By(..) => true,
                Order::ByHand => is_descending,
            });
            let Some(field) = field else {
                let words = shape.sort_words().join(", ");
                self.note("sort", "unknown", format!("expected some of {words}, got {word:?}"));
                return keys;
            };
            if keys.iter().any(|key| key.field.name == name) {
                self.note("sort", "malformed", format!("{name} stands in it twice"));
                return keys;
            }
            if keys.len() == MAX_KEYS {
                self.note("sort", "too_long", format!("expected at most {MAX_KEYS} names"));
                return keys;
            }
            keys.push(Key { field, is_descending });
        }
        if let [_, _, ..] = keys.as_slice()
            && let Some(alone) = keys.iter().find(|key| key.field.order == Order::ByHand)
        {
            self.note("sort", "malformed", format!("-{} stands alone", alone.field.name));
        }
        keys
    }

    fn filter(&mut self, asked: &mut Asked, name: &str, text: &str) {
        let fits = |field: &'static Field| {
            let suffix = name.strip_prefix(field.name)?;
            field.tests().find(|test| test.suffix() == suffix).map(|test| (field, test))
        };
        let Some((field, test)) = asked.shape.fields().find_map(fits) else {
            let names = asked.shape.filter_names().join(", ");
            let also = if names.is_empty() { names } else { format!(", {names}") };
            self.note(name, "unknown", format!("this list takes cursor, limit, sort{also}"));
            return;
        };
        let kind = test.kind(field.kind);
        let texts: Vec<&str> =
            if test.takes_several(kind) { text.split(',').map(str::trim).collect() } else { vec![text] };
        if texts.len() > MAX_VALUES {
            self.note(name, "too_long", format!("expected at most {MAX_VALUES} values"));
            return;
        }
        let mut values = Vec::with_capacity(texts.len());
        for text in &texts {
            match kind.value(text) {
                Ok(value) => values.push(value),
                Err((code, detail)) => self.note(name, code, detail),
            }
        }
        if test == Test::ByHand {
            asked.given.insert(field.name, texts.into_iter().map(str::to_owned).collect());
        } else {
            asked.conditions.push(Condition { field, test, values });
        }
    }
}

/// The query of a list, as an argument of its handler and of its use case: `ListQuery<Invoices>`.
pub struct ListQuery<L>(Asked, PhantomData<fn() -> L>);

impl<L> fmt::Debug for ListQuery<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<L> Clone for ListQuery<L> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<L: List> ListQuery<L> {
    /// From names and values as they stand in a query; the default asks for the first page.
    ///
    /// # Errors
    /// [`Error::Invalid`] with each parameter that cannot be taken, and what could be.
    pub fn of<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, Error> {
        Asked::read(L::SHAPE, pairs).map(|asked| Self(asked, PhantomData))
    }
}

impl<L> ListQuery<L> {
    /// The same filters in the list's own order, from its start, as many rows as a page may have: for a list that makes its order
    /// itself and reads its rows piece by piece.
    #[must_use]
    pub fn from_start(&self) -> Self {
        let Asked { shape, conditions, given, .. } = self.0.clone();
        let own = Asked::nothing(shape);
        Self(Asked { conditions, given, limit: MAX_LIMIT, ..own }, PhantomData)
    }
}

impl<L: List> Default for ListQuery<L> {
    fn default() -> Self {
        Self(Asked::nothing(L::SHAPE), PhantomData)
    }
}

impl<L> Deref for ListQuery<L> {
    type Target = Asked;
    fn deref(&self) -> &Asked {
        &self.0
    }
}
