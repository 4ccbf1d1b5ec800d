//! Figures of a site and of everything below it: pure.

use atalaya_kernel::ids::SiteId;
use std::collections::{BTreeMap, BTreeSet};

/// The tree of the sites that may be seen.
pub(super) struct Tree {
    children: BTreeMap<SiteId, Vec<SiteId>>,
}

impl Tree {
    /// From each site and the one above it; a parent that is not among them makes its children roots.
    pub(super) fn new(parents: Vec<(SiteId, Option<SiteId>)>) -> Self {
        let mut children: BTreeMap<SiteId, Vec<SiteId>> = BTreeMap::new();
        for (site, parent) in parents {
            if let Some(parent) = parent {
                children.entry(parent).or_default().push(site);
            }
        }
        Self { children }
    }

    /// A site and all below it, each once even if the stored tree had a cycle.
    pub(super) fn subtree(&self, root: &SiteId) -> BTreeSet<SiteId> {
        let mut found = BTreeSet::new();
        let mut left = vec![root];
        while let Some(site) = left.pop() {
            if found.insert(site.clone()) {
                left.extend(self.children.get(site).into_iter().flatten());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::time::Timestamp;

    #[test]
    fn a_subtree_is_the_site_and_all_below() {
        let ids: Vec<SiteId> = (0..5).map(|n| SiteId::new(Timestamp::from_millis(n))).collect();
        let [a, b, c, d, e] = &ids[..] else { unreachable!("five were made") };
        let tree = Tree::new(vec![
            (a.clone(), None),
            (b.clone(), Some(a.clone())),
            (c.clone(), Some(b.clone())),
            (d.clone(), Some(e.clone())),
            (e.clone(), Some(d.clone())),
        ]);
        assert_eq!(tree.subtree(a), BTreeSet::from([a.clone(), b.clone(), c.clone()]));
        assert_eq!(tree.subtree(c), BTreeSet::from([c.clone()]));
        assert_eq!(tree.subtree(d), BTreeSet::from([d.clone(), e.clone()]), "a cycle ends");
    }
}
