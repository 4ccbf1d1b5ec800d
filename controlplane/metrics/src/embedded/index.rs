//! Which series a tenant has, found by label.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use super::num::index;
use crate::model::{Labels, Selector, SeriesSpec, Test};

/// Series of one tenant by number, by labels and by each label.
#[derive(Default)]
pub(crate) struct SeriesIndex {
    specs: Vec<SeriesSpec>,
    by_labels: HashMap<Labels, u32>,
    /// Name → value → numbers, ascending.
    postings: HashMap<Box<str>, BTreeMap<Box<str>, Vec<u32>>>,
}

impl SeriesIndex {
    /// Number of series; also the number that the next one gets.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.specs.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn find(&self, labels: &Labels) -> Option<u32> {
        self.by_labels.get(labels).copied()
    }

    pub(crate) fn spec(&self, local: u32) -> Option<&SeriesSpec> {
        self.specs.get(index(local))
    }

    /// Series numbered `from` and up.
    pub(crate) fn since(&self, from: u32) -> &[SeriesSpec] {
        self.specs.get(index(from)..).unwrap_or_default()
    }

    /// Adds a series that is not in it yet.
    pub(crate) fn insert(&mut self, spec: SeriesSpec) -> u32 {
        let local = self.len();
        for (name, value) in spec.labels.iter() {
            let values = self.postings.entry(name.into()).or_default();
            values.entry(value.into()).or_default().push(local);
        }
        self.by_labels.insert(spec.labels.clone(), local);
        self.specs.push(spec);
        local
    }

    /// Numbers of the selected series, ascending.
    pub(crate) fn select(&self, selector: &Selector) -> Vec<u32> {
        let narrowest = selector
            .matchers()
            .iter()
            .filter_map(|m| self.lists(&m.name, &m.test))
            .min_by_key(|lists| lists.iter().map(|l| l.len()).sum::<usize>());
        let accepted = |local: &u32| self.spec(*local).is_some_and(|s| selector.accepts(&s.labels));
        match narrowest {
            Some(lists) => {
                let mut found: Vec<u32> = lists.into_iter().flatten().copied().filter(accepted).collect();
                found.sort_unstable();
                found.dedup();
                found
            }
            None => (0..self.len()).filter(accepted).collect(),
        }
    }

    /// Posting lists that hold every series that passes; `None` where series without the label pass too.
    fn lists(&self, name: &str, test: &Test) -> Option<Vec<&Vec<u32>>> {
        if test.accepts("") || matches!(test, Test::NotEquals(_)) {
            return None;
        }
        let Some(values) = self.postings.get(name) else { return Some(Vec::new()) };
        Some(match test {
            Test::Equals(value) => values.get(value.as_str()).into_iter().collect(),
            Test::In(wanted) => wanted.iter().filter_map(|v| values.get(v.as_str())).collect(),
            Test::Prefix(start) => values
                .range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded))
                .take_while(|(value, _)| value.starts_with(start.as_str()))
                .map(|(_, list)| list)
                .collect(),
            Test::NotEquals(_) => return None,
        })
    }
}
