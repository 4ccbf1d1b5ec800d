//! Values that are held once and known by their number from then on.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, RandomState};

use hashbrown::HashTable;

/// Numbers values in the order of their first appearance. A value is held once: the index knows places, not values.
#[derive(Debug)]
pub(super) struct Interner<T> {
    values: Vec<T>,
    index: HashTable<u32>,
    hasher: RandomState,
}

// Derived, it would ask for a default value.
impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { values: Vec::new(), index: HashTable::new(), hasher: RandomState::new() }
    }
}

impl<T> Interner<T> {
    /// The number of a value, given now if it is new.
    pub(super) fn number<Q>(&mut self, value: &Q) -> u32
    where
        Q: ?Sized + Eq + Hash,
        T: Borrow<Q> + for<'a> From<&'a Q>,
    {
        let Self { values, index, hasher } = self;
        let hash = hasher.hash_one(value);
        if let Some(number) =
            index.find(hash, |number| at(values, *number).is_some_and(|v| v.borrow() == value))
        {
            return *number;
        }
        let number = u32::try_from(values.len()).expect("fewer values than series, which are bounded");
        values.push(T::from(value));
        let rehash = |number: &u32| at(values, *number).map_or(0, |value| hasher.hash_one(value.borrow()));
        index.insert_unique(hash, number, rehash);
        number
    }

    /// The value of a number; `None` for a number that was not given.
    pub(super) fn value(&self, number: u32) -> Option<&T> {
        at(&self.values, number)
    }
}

fn at<T>(values: &[T], number: u32) -> Option<&T> {
    values.get(usize::try_from(number).ok()?)
}
