//! What speaks for whom, and how much.
//!
//! Each reason is worth a share of certainty; several add up as chances do: what one leaves open, the next one closes by its share.
//! Nothing that adds up reaches what is exact.

use super::{
    Candidate, Doubt, FoundRow, Read, Reason, index::Index, index::folded, names::Memory, normalise,
};
use std::{cmp::Reverse, collections::BTreeMap};

/// From here on a candidate is proposed.
const PROPOSED_FROM: i64 = 35;
/// Candidates proposed at most.
const MOST: usize = 3;
/// Two candidates that are no further apart fit alike.
const ALIKE: i64 = 5;

/// Share of certainty that a reason gives, per cent; a name's is its likeness.
fn share(reason: Reason) -> i64 {
    match reason {
        Reason::Marker | Reason::Attached => 90,
        Reason::Document => 85,
        Reason::User => 80,
        Reason::Mac => 75,
        Reason::UserCase => 70,
        Reason::Address => 65,
        Reason::Phone => 60,
        Reason::UserSpelling => 55,
        Reason::UserLikeName => 40,
        Reason::Name => 0,
    }
}

/// What speaks for each known, by its position.
#[derive(Default)]
pub(super) struct Evidence(BTreeMap<usize, Vec<(Reason, i64)>>);

impl Evidence {
    fn add(&mut self, known: &[usize], reason: Reason) {
        for at in known {
            self.add_one(*at, reason, share(reason));
        }
    }
    fn add_one(&mut self, known: usize, reason: Reason, share: i64) {
        self.0.entry(known).or_default().push((reason, share));
    }

    /// All that a row says.
    pub(super) fn of(row: &FoundRow, read: Option<&Read>, index: &Index<'_>, memory: &mut Memory) -> Self {
        let mut all = Self::default();
        if let Some(point) = normalise::marker(&row.comment) {
            all.add(index.points.get(point), Reason::Marker);
        }
        let user = row.user.trim();
        if !user.is_empty() {
            all.add(index.users_here.get(user), Reason::Attached);
            let same = index.users.get(user);
            let but_for_case: Vec<_> = not_in(index.users_folded.get(&folded(user)), same);
            let key = normalise::compact(user);
            // What is left of a user without letters and digits is nothing.
            let spelled: &[usize] = if key.is_empty() { &[] } else { index.users_compact.get(&key) };
            let but_for_signs: Vec<_> = not_in(&not_in(spelled, same), &but_for_case);
            all.add(same, Reason::User);
            all.add(&but_for_case, Reason::UserCase);
            all.add(&but_for_signs, Reason::UserSpelling);
            all.add(&index.names.made_of(user), Reason::UserLikeName);
        }
        if let Some(key) = normalise::mac_key(&row.mac) {
            all.add(index.macs.get(&key), Reason::Mac);
        }
        if let Some(key) = normalise::address_key(&row.address) {
            all.add(index.addresses_here.get(&key), Reason::Attached);
            all.add(index.addresses.get(&key), Reason::Address);
        }
        let comment = normalise::without_marker(&row.comment);
        for number in normalise::numbers(&comment) {
            all.add(index.documents.get(&number), Reason::Document);
            if let Some(key) = normalise::phone_key(&number) {
                all.add(index.phones.get(&key), Reason::Phone);
            }
        }
        let name = read.and_then(|read| read.name.as_deref()).unwrap_or(&comment);
        let mut words = normalise::words(name);
        words.extend(normalise::words(user));
        for (known, likeness) in index.names.alike(&words, memory) {
            all.add_one(known, Reason::Name, i64::from(likeness));
        }
        all
    }

    /// The best candidates, and whether the first two fit alike; those that are not `open` are left out.
    pub(super) fn best(
        self,
        index: &Index<'_>,
        open: impl Fn(usize) -> bool,
    ) -> (Vec<Candidate>, Option<Doubt>) {
        let open = self.0.into_iter().filter(|(known, _)| open(*known));
        let mut found: Vec<Candidate> = open
            .map(|(known, mut said)| {
                said.sort_by_key(|(reason, share)| (Reverse(*share), *reason));
                said.dedup_by_key(|(reason, _)| *reason);
                let known = &index.known[known];
                let reasons = said.iter().map(|(reason, _)| *reason).collect();
                let score = together(said.iter().map(|(_, share)| *share));
                Candidate {
                    customer_id: known.customer_id.clone(),
                    service_id: known.service_id.clone(),
                    score,
                    reasons,
                }
            })
            .filter(|candidate| candidate.score >= PROPOSED_FROM)
            .collect();
        found.sort_by(|one, other| {
            (Reverse(one.score), &one.service_id, &one.customer_id).cmp(&(
                Reverse(other.score),
                &other.service_id,
                &other.customer_id,
            ))
        });
        let ambiguous = match found.as_slice() {
            [first, second, ..] => first.score - second.score <= ALIKE,
            _ => false,
        };
        found.truncate(MOST);
        (found, ambiguous.then_some(Doubt::Ambiguous))
    }
}

fn not_in(all: &[usize], without: &[usize]) -> Vec<usize> {
    all.iter().copied().filter(|one| !without.contains(one)).collect()
}

/// Shares of certainty together, 0 to 99.
fn together(shares: impl Iterator<Item = i64>) -> i64 {
    let open = shares.fold(10_000, |open, share| open * (100 - share.clamp(0, 99)) / 100);
    ((10_000 - open) / 100).clamp(0, 99)
}

#[cfg(test)]
mod tests {
    use super::together;

    #[test]
    fn shares_add_up_as_chances_do() {
        assert_eq!(together([].into_iter()), 0);
        assert_eq!(together([80].into_iter()), 80);
        assert_eq!(together([80, 50].into_iter()), 90);
        assert_eq!(together([99, 99, 99].into_iter()), 99, "and never reach what is exact");
    }
}
