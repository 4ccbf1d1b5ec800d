//! Keys in memory.

use super::cipher::{Key, Owner};
use crate::ids::TenantId;
use parking_lot::RwLock;
use std::collections::{BTreeMap, HashMap};

/// The keys that this process has opened.
pub(super) struct Ring(RwLock<Keys>);

struct Keys {
    /// As the database has them; until it was asked, the installation key itself.
    platform: BTreeMap<u32, Key>,
    newest: u32,
    is_learnt: bool,
    tenants: HashMap<(TenantId, u32), Key>,
}

impl Ring {
    pub(super) fn starting(installation: Option<Key>) -> Self {
        let first = Owner::Platform.first();
        let platform = installation.map(|key| (first, key)).into_iter().collect();
        Self(RwLock::new(Keys { platform, newest: first, is_learnt: false, tenants: HashMap::new() }))
    }

    pub(super) fn platform(&self, number: u32) -> Option<Key> {
        self.0.read().platform.get(&number).cloned()
    }

    /// The platform's keys that the database told of before.
    pub(super) fn learnt(&self) -> BTreeMap<u32, Key> {
        let keys = self.0.read();
        if keys.is_learnt { keys.platform.clone() } else { BTreeMap::new() }
    }

    pub(super) fn platform_newest(&self) -> Option<(u32, Key)> {
        let keys = self.0.read();
        keys.platform.get(&keys.newest).map(|key| (keys.newest, key.clone()))
    }

    /// Takes over what the database has. A tenant's keys are opened again when they are needed: one that was destroyed
    /// does not stay.
    pub(super) fn learn(&self, platform: BTreeMap<u32, Key>, newest: u32) {
        let mut keys = self.0.write();
        let changed = !keys.is_learnt || !keys.platform.keys().eq(platform.keys());
        if changed {
            keys.tenants.clear();
        }
        (keys.platform, keys.newest, keys.is_learnt) = (platform, newest, true);
    }

    pub(super) fn tenant(&self, tenant: &TenantId, number: u32) -> Option<Key> {
        self.0.read().tenants.get(&(tenant.clone(), number)).cloned()
    }

    pub(super) fn remember(&self, tenant: &TenantId, number: u32, key: Key) {
        self.0.write().tenants.insert((tenant.clone(), number), key);
    }

    /// Forgets the tenants' keys: those still there are opened again when they are needed.
    pub(super) fn forget_tenants(&self) {
        self.0.write().tenants.clear();
    }
}
