//! What the agent last learnt of each device: for the heartbeat, `status` and the technician.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use atalaya_protocol::wire::{DeviceState, Reachability};
use parking_lot::Mutex;

use crate::config::ActiveConfig;
use crate::driver::{DeviceError, Found, Identity};

#[derive(Debug, Default)]
struct Entry {
    state: DeviceState,
    identified: Option<Duration>,
}

/// The state of every configured device.
#[derive(Debug, Default)]
pub struct DeviceBoard {
    entries: Mutex<BTreeMap<String, Entry>>,
    skipped: AtomicU64,
}

impl DeviceBoard {
    /// Keeps exactly the devices of `config`; those without a working driver are shown with the reason.
    pub fn configure(&self, config: &ActiveConfig, now_ms: i64) {
        let mut entries = self.entries.lock();
        let wanted: Vec<&str> = config.device_ids().collect();
        entries.retain(|id, _| wanted.contains(&id.as_str()));
        for id in wanted {
            let entry = entries.entry(id.to_owned()).or_default();
            entry.state.device_id = id.to_owned();
            if entry.state.since_ms == 0 {
                entry.state.since_ms = now_ms;
            }
        }
        for (id, error) in &config.refused {
            if let Some(entry) = entries.get_mut(id) {
                entry.state.set_reachability(Reachability::Unspecified);
                tell(&mut entry.state, Some(error));
            }
        }
    }

    /// A measurement ended at `now_ms`, well or with an error.
    pub fn measured(&self, device_id: &str, error: Option<&DeviceError>, now_ms: i64) {
        let mut entries = self.entries.lock();
        let Some(Entry { state, identified }) = entries.get_mut(device_id) else { return };
        let reachability = match error {
            None => Reachability::Answers,
            Some(error) if error.device_answered() => Reachability::Refuses,
            Some(_) => Reachability::Silent,
        };
        if state.reachability() != reachability {
            state.set_reachability(reachability);
            state.since_ms = now_ms;
            if reachability == Reachability::Answers {
                // It may be another device by now, or have a new version.
                *identified = None;
            }
        }
        tell(state, error);
        if reachability != Reachability::Silent {
            state.last_answer_ms = now_ms;
        }
    }

    /// So many measurements fell out because the one before them was still under way.
    pub fn skipped(&self, measurements: u64) {
        self.skipped.fetch_add(measurements, Ordering::Relaxed);
    }

    /// Measurements that fell out since the start.
    pub fn all_skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Whether a device should be asked who it is.
    pub fn identify_due(&self, device_id: &str, now: Duration, every: Duration) -> bool {
        let entries = self.entries.lock();
        entries
            .get(device_id)
            .is_some_and(|entry| entry.identified.is_none_or(|last| now.saturating_sub(last) >= every))
    }

    /// A device said who it is.
    pub fn identified(&self, device_id: &str, identity: Identity, now: Duration) {
        let mut entries = self.entries.lock();
        let Some(entry) = entries.get_mut(device_id) else { return };
        entry.identified = Some(now);
        entry.state.model = identity.model;
        entry.state.version = identity.version;
        entry.state.serial = identity.serial;
        entry.state.identity = identity.name;
        entry.state.uptime_ms =
            identity.uptime.and_then(|uptime| u64::try_from(uptime.as_millis()).ok()).unwrap_or_default();
    }

    /// Every device, by id.
    pub fn states(&self) -> Vec<DeviceState> {
        self.entries.lock().values().map(|entry| entry.state.clone()).collect()
    }
}

/// What is wrong with a device, or nothing.
fn tell(state: &mut DeviceState, error: Option<&DeviceError>) {
    let found = error.map(Found::from);
    state.detail = found.as_ref().map(|found| found.sentence.clone()).unwrap_or_default();
    state.finding = found.map(|found| found.finding);
}
