//! Which profile a device is.
//!
//! All that a profile asks for must hold. Of several that fit, the one that knows more of the device wins: the longest
//! beginning of sysObjectID, then who saw an object of the vendor, then the longest part of sysDescr; the id decides
//! between equals, so that two agents say the same. A folder's profile replaces a built-in one by id before this.

use std::sync::Arc;

use super::{Profile, Profiles};
use crate::driver::snmp::ber;
use crate::driver::snmp::parse::System;

/// What a profile asks of a device. Identifiers are encoded.
#[derive(Debug, Clone, Default)]
pub(super) struct Matching {
    /// Beginnings of sysObjectID, of which one must fit; none = any.
    pub(super) object_ids: Vec<Vec<u8>>,
    /// Parts of sysDescr in lower case, of which one must be there; none = any.
    pub(super) descriptions: Vec<String>,
    /// A subtree in which the device must have something.
    pub(super) exists: Option<Vec<u8>>,
}

/// How well a profile fits: compared in this order.
type Fit = (usize, bool, usize);

impl Matching {
    /// How well it fits as far as the system group tells; `None` when it does not.
    fn fit(&self, object_id: &[u8], description: &str) -> Option<Fit> {
        let begins = |oid: &&Vec<u8>| object_id.starts_with(oid);
        let length = match self.object_ids.iter().filter(begins).map(Vec::len).max() {
            Some(length) => length,
            None if self.object_ids.is_empty() => 0,
            None => return None,
        };
        let there = |part: &&String| description.contains(part.as_str());
        let part = match self.descriptions.iter().filter(there).map(String::len).max() {
            Some(length) => length,
            None if self.descriptions.is_empty() => 0,
            None => return None,
        };
        Some((length, self.exists.is_some(), part))
    }
}

/// Profiles that fit by what the device says of itself, the best first. Those that also want to see an object are
/// settled by asking for it.
pub(in crate::driver::snmp) struct Candidates {
    fitting: Vec<Arc<Profile>>,
}

impl Candidates {
    /// Looks through all profiles.
    pub(in crate::driver::snmp) fn of(profiles: &Profiles, system: &System) -> Self {
        let object_id = ber::encoded(&system.object_id).unwrap_or_default();
        let description = system.description.to_lowercase();
        let mut fitting: Vec<(Fit, &Arc<Profile>)> = profiles
            .all()
            .filter_map(|profile| Some((profile.matching.fit(&object_id, &description)?, profile)))
            .collect();
        fitting.sort_by(|(one, a), (other, b)| other.cmp(one).then_with(|| a.id.cmp(&b.id)));
        let mut fitting: Vec<Arc<Profile>> =
            fitting.into_iter().map(|(_, profile)| Arc::clone(profile)).collect();
        // Behind one that wants to see nothing more nobody has a chance.
        if let Some(sure) = fitting.iter().position(|profile| profile.matching.exists.is_none()) {
            fitting.truncate(sure + 1);
        }
        Self { fitting }
    }

    /// Subtrees to look into, in the order of the candidates.
    pub(in crate::driver::snmp) fn subtrees(&self) -> Vec<Vec<u8>> {
        self.fitting.iter().filter_map(|profile| profile.matching.exists.clone()).collect()
    }

    /// The profile, when `has` says for each of [`Candidates::subtrees`] whether the device has something there.
    pub(in crate::driver::snmp) fn settle(self, has: &[bool]) -> Option<Arc<Profile>> {
        let mut has = has.iter();
        self.fitting
            .into_iter()
            .find(|profile| profile.matching.exists.is_none() || has.next().copied().unwrap_or_default())
    }
}
