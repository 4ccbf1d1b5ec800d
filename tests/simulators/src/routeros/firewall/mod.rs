//! Would a packet of this customer pass?
//!
//! The judge compiles filter, NAT, address lists and simple queues of one family into a [`View`] and sends two probes
//! through it: a new connection of the customer to a host on the Internet (203.0.113.80 or 2001:db8:ffff::80, TCP port
//! 443) with its reply, and, when the customer has a live connection, a packet of that. What gets through in both
//! directions passes. A connection that a `fasttrack-connection` rule marked bypasses filter and queues
//! until it is removed: the leak that a careful cut must close.
//!
//! Both families are judged by themselves, for a wall of one is none of the other; addresses of IPv4 are kept as
//! IPv4-mapped ones. Judged: chain `forward` with jumps; `src-` and `dst-address(-list)`, `in-interface`, `protocol`,
//! `dst-port`, `connection-state`, each with `!`; disabled rules; destination NAT of IPv4. A rule with a matcher
//! that is not judged matches nothing.

mod rule;

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::store::{Row, Store};
use super::value;
use rule::{AddressSet, Packet, Rule, State};

/// The host that every customer talks to.
pub const INTERNET_HOST: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 80);
/// The same, over IPv6.
pub const INTERNET_HOST_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 0x80);
const PROBE_PORT: u16 = 443;
const JUMP_DEPTH: u8 = 8;

/// Whether, and how, a customer's traffic passes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum TrafficVerdict {
    /// There is no session, so there is nothing to pass.
    NoSession {
        /// Why, in words.
        reason: String,
    },
    /// A rule stops the traffic.
    Walled {
        /// `.id` of the rule.
        rule: String,
        /// Its comment.
        comment: String,
        /// The address list by which it matched.
        list: Option<String>,
        /// Web traffic of the customer is sent to another host (the notice page).
        captive: bool,
    },
    /// Traffic passes.
    Passes {
        /// Limit of the queue that holds it, bits per second; `None` is unlimited.
        upload_bps: Option<u64>,
        /// Limit of the queue that holds it, bits per second; `None` is unlimited.
        download_bps: Option<u64>,
        /// Only or also by a connection on the fast path, which no rule and no queue sees.
        fasttracked: bool,
    },
}

impl TrafficVerdict {
    /// Anything passes.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Passes { .. })
    }

    /// A rule stops everything.
    pub fn walled(&self) -> bool {
        matches!(self, Self::Walled { .. })
    }
}

/// A customer as the firewall sees them.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    pub(super) address: u128,
    pub(super) interface: String,
}

/// Which Internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    /// Menus of its rules and of its lists.
    fn menus(self) -> (&'static str, &'static str) {
        match self {
            Self::V4 => ("/ip/firewall/filter", "/ip/firewall/address-list"),
            Self::V6 => ("/ipv6/firewall/filter", "/ipv6/firewall/address-list"),
        }
    }

    /// The host that every customer talks to.
    fn host(self) -> u128 {
        match self {
            Self::V4 => value::mapped(INTERNET_HOST.into()),
            Self::V6 => INTERNET_HOST_V6.into(),
        }
    }
}

enum Decision<'v> {
    Accept,
    Stop(&'v Rule),
}

/// What both families say at one moment.
#[derive(Debug)]
pub(super) struct Views {
    pub(super) v4: View,
    pub(super) v6: View,
}

impl Views {
    pub(super) fn compile(store: &Store) -> Self {
        Self { v4: View::compile(store, Family::V4), v6: View::compile(store, Family::V6) }
    }
}

/// Rules, lists and queues of one moment, ready to be asked.
#[derive(Debug)]
pub(super) struct View {
    host: u128,
    chains: HashMap<String, Vec<Rule>>,
    nat: Vec<Rule>,
    lists: HashMap<String, AddressSet>,
    queues_by_interface: HashMap<String, Queue>,
    queues_by_address: HashMap<u128, Queue>,
    network_queues: Vec<(u128, u128, Queue)>,
}

#[derive(Debug, Clone, Copy)]
struct Queue {
    position: usize,
    upload_bps: u64,
    download_bps: u64,
}

impl View {
    fn compile(store: &Store, family: Family) -> Self {
        let mut view = Self {
            host: family.host(),
            chains: HashMap::new(),
            nat: Vec::new(),
            lists: HashMap::new(),
            queues_by_interface: HashMap::new(),
            queues_by_address: HashMap::new(),
            network_queues: Vec::new(),
        };
        let (filter, lists) = family.menus();
        for row in store.table(filter).rows().filter(|row| !row.is("disabled")) {
            view.chains.entry(row.text("chain").to_owned()).or_default().push(Rule::compile(row));
        }
        if family == Family::V4 {
            let nat = store.table("/ip/firewall/nat");
            let rules = nat.rows().filter(|row| !row.is("disabled") && row.text("chain") == "dstnat");
            view.nat.extend(rules.map(Rule::compile));
        }
        for row in store.table(lists).rows().filter(|row| !row.is("disabled")) {
            let Some((first, last)) = value::span(row.text("address")) else { continue };
            let list = view.lists.entry(row.text("list").to_owned()).or_default();
            if first == last {
                list.single.insert(first);
            } else {
                list.ranges.push((first, last));
            }
        }
        for (position, row) in store.table("/queue/simple").rows().enumerate() {
            if !row.is("disabled") {
                view.add_queue(position, row);
            }
        }
        view
    }

    fn add_queue(&mut self, position: usize, row: &Row) {
        let Some((upload_bps, download_bps)) = value::rate_pair(row.text("max-limit")) else { return };
        let queue = Queue { position, upload_bps, download_bps };
        for target in row.text("target").split(',') {
            match value::span(target) {
                Some((first, last)) if first != last => self.network_queues.push((first, last, queue)),
                Some((address, _)) => {
                    self.queues_by_address.entry(address).or_insert(queue);
                }
                None => {
                    self.queues_by_interface.entry(target.to_owned()).or_insert(queue);
                }
            }
        }
    }

    /// Judges a customer; `live` says whether they have a live connection and whether it is fasttracked.
    pub(super) fn judge(&self, probe: &Probe, live: Option<bool>) -> TrafficVerdict {
        if live == Some(true) {
            return TrafficVerdict::Passes { upload_bps: None, download_bps: None, fasttracked: true };
        }
        let by_live = live.and_then(|_| self.both_ways(probe, State::Established).ok());
        match by_live.map_or_else(|| self.both_ways(probe, State::New), Ok) {
            Ok(()) => {
                let (upload_bps, download_bps) = self.rate(probe);
                TrafficVerdict::Passes { upload_bps, download_bps, fasttracked: false }
            }
            Err(rule) => TrafficVerdict::Walled {
                rule: rule.id.clone(),
                comment: rule.comment.clone(),
                list: rule.list(),
                captive: self.redirect(probe, 80).is_some(),
            },
        }
    }

    /// Whether an established connection of this customer would be put on the fast path.
    pub(super) fn fasttracks(&self, probe: &Probe) -> bool {
        let packet = self.outbound(probe, State::Established);
        self.chains.get("forward").is_some_and(|rules| {
            rules
                .iter()
                .any(|rule| rule.action == "fasttrack-connection" && rule.matches(&packet, &self.lists))
        })
    }

    fn both_ways(&self, probe: &Probe, state: State) -> Result<(), &Rule> {
        if state == State::New
            && let Some(rule) = self.redirect(probe, PROBE_PORT)
        {
            // Sent to the portal instead of where the customer wanted to go.
            return Err(rule);
        }
        let back = Packet {
            source: self.host,
            destination: probe.address,
            port: 40_000,
            state: State::Established,
            in_interface: "ether1",
        };
        for packet in [self.outbound(probe, state), back] {
            if let Decision::Stop(rule) =
                self.walk("forward", &packet, JUMP_DEPTH).unwrap_or(Decision::Accept)
            {
                return Err(rule);
            }
        }
        Ok(())
    }

    /// The destination NAT rule that sends a new connection elsewhere.
    fn redirect(&self, probe: &Probe, port: u16) -> Option<&Rule> {
        let packet = Packet { port, ..self.outbound(probe, State::New) };
        let rule = self.nat.iter().find(|rule| rule.matches(&packet, &self.lists))?;
        let elsewhere = rule.to_addresses.is_none_or(|address| address != packet.destination);
        (matches!(rule.action.as_str(), "dst-nat" | "redirect" | "netmap") && elsewhere).then_some(rule)
    }

    fn walk(&self, chain: &str, packet: &Packet<'_>, depth: u8) -> Option<Decision<'_>> {
        for rule in self.chains.get(chain)? {
            if !rule.matches(packet, &self.lists) {
                continue;
            }
            match rule.action.as_str() {
                "accept" => return Some(Decision::Accept),
                "drop" | "reject" | "tarpit" => return Some(Decision::Stop(rule)),
                "return" => return None,
                "jump" if depth > 0 => {
                    if let Some(decision) = self.walk(&rule.jump_target, packet, depth - 1) {
                        return Some(decision);
                    }
                }
                // fasttrack-connection, passthrough, log, add-src-to-address-list: the packet goes on.
                _ => {}
            }
        }
        None
    }

    fn rate(&self, probe: &Probe) -> (Option<u64>, Option<u64>) {
        let exact =
            [self.queues_by_address.get(&probe.address), self.queues_by_interface.get(&probe.interface)];
        let networks = self
            .network_queues
            .iter()
            .filter(|(first, last, _)| (*first..=*last).contains(&probe.address))
            .map(|(_, _, queue)| queue);
        let queue = exact.into_iter().flatten().chain(networks).min_by_key(|queue| queue.position);
        let limit = |bps: u64| (bps > 0).then_some(bps);
        queue.map_or((None, None), |queue| (limit(queue.upload_bps), limit(queue.download_bps)))
    }

    fn outbound<'p>(&self, probe: &'p Probe, state: State) -> Packet<'p> {
        Packet {
            source: probe.address,
            destination: self.host,
            port: PROBE_PORT,
            state,
            in_interface: &probe.interface,
        }
    }
}
