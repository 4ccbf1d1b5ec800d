//! What the router counted, so that a test asserts on counters and never on a clock.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// Serve log entries kept; older ones are dropped and counted.
const SERVE_LOG: usize = 1_000_000;

/// Counters since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// TCP connections accepted, also those closed by a fault.
    pub connections: u64,
    /// Log-ins that succeeded.
    pub logins: u64,
    /// Log-ins that were refused.
    pub login_failures: u64,
    /// Commands executed after log-in, over all connections.
    pub commands: u64,
    /// Commands that ended in a trap.
    pub traps: u64,
    /// Reads (`print`, `getall`) per menu.
    pub reads: BTreeMap<String, u64>,
    /// Writes that were applied and changed something, per menu and verb.
    pub writes: BTreeMap<String, BTreeMap<String, u64>>,
    /// Writes that were applied and changed nothing (they cost a real router flash all the same).
    pub writes_without_change: u64,
    /// Sessions that a client dropped by removing the row of `/ppp/active`.
    pub session_drops: u64,
    /// Session drops per subscriber name.
    pub session_drops_by_name: BTreeMap<String, u64>,
    /// Dials of CPEs that got a session.
    pub dials_accepted: u64,
    /// Dials of CPEs that were refused.
    pub dials_refused: u64,
    /// Most commands ever in flight on one connection: received, last reply not yet sent.
    pub max_in_flight: u64,
    /// Round-trip equivalents; see [`RoundTrips`](super::round_trips::RoundTrips).
    pub round_trips: u64,
    /// Tools started (`ping`, `traceroute`), by name.
    pub tools: BTreeMap<String, u64>,
    /// Reboots.
    pub reboots: u64,
}

impl Counters {
    /// Applied writes to one menu, any verb.
    pub fn writes_to(&self, menu: &str) -> u64 {
        self.writes.get(menu).map(|verbs| verbs.values().sum()).unwrap_or_default()
    }

    /// Applied writes to any menu.
    pub fn writes_total(&self) -> u64 {
        self.writes.values().flat_map(BTreeMap::values).sum()
    }

    pub(super) fn wrote(&mut self, menu: &str, verb: &str, changed: bool) {
        if changed {
            *self.writes.entry(menu.to_owned()).or_default().entry(verb.to_owned()).or_default() += 1;
        } else {
            self.writes_without_change += 1;
        }
    }
}

/// One counter value that the router served to a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Position in the log, from 0, without gaps.
    pub sequence: u64,
    /// Interface name.
    pub interface: String,
    /// Property: `rx-byte` or `tx-byte`.
    pub property: String,
    /// The value, in bytes (or the serve count; see
    /// [`CounterMode`](super::config::CounterMode)).
    pub value: u64,
    /// Wall-clock time in milliseconds since 1970.
    pub unix_ms: u64,
}

/// Every interface counter value served, oldest first.
#[derive(Debug, Default)]
pub(super) struct ServeLog {
    entries: VecDeque<Served>,
    next: u64,
}

impl ServeLog {
    pub(super) fn record(&mut self, interface: &str, property: &str, value: u64, unix_ms: u64) {
        if self.entries.len() == SERVE_LOG {
            self.entries.pop_front();
        }
        self.entries.push_back(Served {
            sequence: self.next,
            interface: interface.to_owned(),
            property: property.to_owned(),
            value,
            unix_ms,
        });
        self.next += 1;
    }

    /// Entries from `sequence` on, at most `limit`. A gap before the first one returned means that the log
    /// was full and dropped them.
    pub(super) fn since(&self, sequence: u64, limit: usize) -> Vec<Served> {
        self.entries.iter().filter(|entry| entry.sequence >= sequence).take(limit).cloned().collect()
    }
}
