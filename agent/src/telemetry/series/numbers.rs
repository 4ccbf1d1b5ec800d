//! Series by number and numbers by series: what there is hundreds of thousands of, so every byte counts.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::{FIRST_WITHOUT_DATABASE, MOST_SERIES};

/// Shape of a place in the lists that no series has.
const VACANT: u32 = u32::MAX;

/// What tells one series from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Series {
    /// Number of its device's text.
    pub(super) device: u32,
    /// Number of metric, labels and kind: shared by all devices that are measured alike.
    pub(super) shape: u32,
}

/// A series and what usually comes after it.
#[derive(Debug, Clone, Copy)]
struct Known {
    series: Series,
    /// Number of the series that was asked for after this one; 0 = none yet.
    next: u32,
}

impl Known {
    const VACANT: Self = Self { series: Series { device: 0, shape: VACANT }, next: 0 };
}

/// Numbers are given one after the other from two beginnings, so two lists hold them. The index back from a series
/// knows numbers alone and looks the rest up in the lists.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    with_database: Vec<Known>,
    without_database: Vec<Known>,
    by_series: HashTable<u32>,
    hasher: RandomState,
    len: usize,
}

impl Numbers {
    /// Series known.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// What a number stands for.
    pub(super) fn series(&self, number: u32) -> Option<Series> {
        self.known(number).map(|known| known.series)
    }

    /// The number that usually comes after `number`; 0 when that is not known.
    pub(super) fn next(&self, number: u32) -> u32 {
        self.known(number).map_or(0, |known| known.next)
    }

    /// Remembers what came after a number.
    pub(super) fn follow(&mut self, number: u32, next: u32) {
        let (list, at) = self.place_mut(number);
        if let Some(known) = list.get_mut(at) {
            known.next = next;
        }
    }

    /// The number of a series.
    pub(super) fn number(&self, series: Series) -> Option<u32> {
        let hash = self.hasher.hash_one(series);
        self.by_series.find(hash, |number| self.series(*number) == Some(series)).copied()
    }

    /// Gives a series a number. A series that has one already keeps that one for [`Numbers::number`]. False when the
    /// number is too far from the others to have been given by a registry.
    pub(super) fn insert(&mut self, number: u32, series: Series) -> bool {
        let numbered = self.number(series).is_some();
        let (list, at) = self.place_mut(number);
        if at > 2 * MOST_SERIES {
            return false;
        }
        if list.len() <= at {
            list.resize(at + 1, Known::VACANT);
        }
        let new = list[at].series.shape == VACANT;
        list[at] = Known { series, next: 0 };
        self.len += usize::from(new);
        if !numbered {
            let hash = self.hasher.hash_one(series);
            let Self { with_database, without_database, by_series, hasher, .. } = self;
            let rehash = |number: &u32| {
                let (low, at) = place(*number);
                let list = if low { &*with_database } else { &*without_database };
                list.get(at).map_or(0, |known| hasher.hash_one(known.series))
            };
            by_series.insert_unique(hash, number, rehash);
        }
        true
    }

    /// Every number, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let numbers = |first: u32, list: &'_ [Known]| {
            let taken: Vec<u32> = (first..)
                .zip(list)
                .filter(|(_, known)| known.series.shape != VACANT)
                .map(|(number, _)| number)
                .collect();
            taken
        };
        numbers(0, &self.with_database)
            .into_iter()
            .chain(numbers(FIRST_WITHOUT_DATABASE, &self.without_database))
    }

    fn known(&self, number: u32) -> Option<&Known> {
        let (low, at) = place(number);
        let list = if low { &self.with_database } else { &self.without_database };
        list.get(at).filter(|known| known.series.shape != VACANT)
    }

    fn place_mut(&mut self, number: u32) -> (&mut Vec<Known>, usize) {
        let (low, at) = place(number);
        (if low { &mut self.with_database } else { &mut self.without_database }, at)
    }
}

/// Which list a number lies in (true: that of the database), and where.
fn place(number: u32) -> (bool, usize) {
    let low = number < FIRST_WITHOUT_DATABASE;
    let first = if low { 0 } else { FIRST_WITHOUT_DATABASE };
    (low, usize::try_from(number - first).unwrap_or(usize::MAX))
}
