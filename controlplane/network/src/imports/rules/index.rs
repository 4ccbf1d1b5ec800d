//! Known services by everything that a row may share with them, so that no row is compared with all of them.

use super::{
    Known,
    names::Names,
    normalise::{address_key, compact, document_key, mac_key, phone_key},
};
use std::collections::HashMap;

/// Positions of known services by a key.
#[derive(Default)]
pub(super) struct By(HashMap<String, Vec<usize>>);

impl By {
    fn add(&mut self, key: impl Into<String>, known: usize) {
        let of_key = self.0.entry(key.into()).or_default();
        if of_key.last() != Some(&known) {
            of_key.push(known);
        }
    }
    /// All that have the key.
    pub(super) fn get(&self, key: &str) -> &[usize] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }
    /// The one that has the key; none where several do.
    pub(super) fn only(&self, key: &str) -> Option<usize> {
        match self.get(key) {
            [one] => Some(*one),
            _ => None,
        }
    }
}

/// The index.
pub(super) struct Index<'k> {
    pub(super) known: &'k [Known],
    pub(super) users: By,
    pub(super) users_folded: By,
    pub(super) users_compact: By,
    pub(super) addresses: By,
    pub(super) macs: By,
    pub(super) documents: By,
    pub(super) phones: By,
    pub(super) points: By,
    pub(super) users_here: By,
    pub(super) addresses_here: By,
    pub(super) names: Names,
}

/// A user without the difference between upper and lower case.
pub(super) fn folded(user: &str) -> String {
    user.trim().to_lowercase()
}

impl<'k> Index<'k> {
    pub(super) fn of(known: &'k [Known]) -> Self {
        let mut index = Self {
            known,
            users: By::default(),
            users_folded: By::default(),
            users_compact: By::default(),
            addresses: By::default(),
            macs: By::default(),
            documents: By::default(),
            phones: By::default(),
            points: By::default(),
            users_here: By::default(),
            addresses_here: By::default(),
            names: Names::of(known.iter().map(|known| known.name.as_str())),
        };
        for (at, known) in known.iter().enumerate() {
            for user in known.users.iter().filter(|user| !user.trim().is_empty()) {
                index.users.add(user.trim(), at);
                index.users_folded.add(folded(user), at);
                index.users_compact.add(compact(user), at);
            }
            known
                .addresses
                .iter()
                .filter_map(|text| address_key(text))
                .for_each(|key| index.addresses.add(key, at));
            known.macs.iter().filter_map(|text| mac_key(text)).for_each(|key| index.macs.add(key, at));
            known
                .document
                .as_deref()
                .and_then(document_key)
                .into_iter()
                .for_each(|key| index.documents.add(key, at));
            known.phone.as_deref().and_then(phone_key).into_iter().for_each(|key| index.phones.add(key, at));
            known.points.iter().for_each(|point| index.points.add(point.as_str(), at));
            let here = known.users_here.iter().map(|user| user.trim()).filter(|user| !user.is_empty());
            here.for_each(|user| index.users_here.add(user, at));
            let here = known.addresses_here.iter().filter_map(|text| address_key(text));
            here.for_each(|key| index.addresses_here.add(key, at));
        }
        index
    }
}
