//! Would a packet of this customer pass?
//!
//! The judge compiles filter, NAT, address lists and simple queues into a [`View`] and sends two probes
//! through it: a new connection of the customer to a host on the Internet (203.0.113.80, TCP port 443) with
//! its reply, and, when the customer has a live connection, a packet of that. What gets through in both
//! directions passes. A connection that a `fasttrack-connection` rule marked bypasses filter and queues
//! until it is removed: the leak that a careful cut must close.
//!
//! Judged: IPv4; chain `forward` with jumps; `src-` and `dst-address(-list)`, `in-interface`, `protocol`,
//! `dst-port`, `connection-state`, each with `!`; disabled rules; destination NAT. A rule with a matcher
//! that is not judged matches nothing.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::store::{Row, Store};
use super::value;

/// The host that every customer talks to.
pub const INTERNET_HOST: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 80);
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
    pub(super) address: u32,
    pub(super) interface: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Established,
}

#[derive(Debug, Clone, Copy)]
struct Packet<'a> {
    source: u32,
    destination: u32,
    port: u16,
    state: State,
    in_interface: &'a str,
}

enum Decision<'v> {
    Accept,
    Stop(&'v Rule),
}

/// Rules, lists and queues of one moment, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct View {
    chains: HashMap<String, Vec<Rule>>,
    nat: Vec<Rule>,
    lists: HashMap<String, AddressSet>,
    queues_by_target: HashMap<String, Queue>,
    network_queues: Vec<(u32, u32, Queue)>,
}

#[derive(Debug, Clone, Copy)]
struct Queue {
    position: usize,
    upload_bps: u64,
    download_bps: u64,
}

#[derive(Debug, Default)]
struct AddressSet {
    single: std::collections::HashSet<u32>,
    ranges: Vec<(u32, u32)>,
}

impl AddressSet {
    fn contains(&self, address: u32) -> bool {
        self.single.contains(&address)
            || self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&address))
    }
}

/// One rule; matchers keep their text, it is short.
#[derive(Debug)]
struct Rule {
    id: String,
    action: String,
    comment: String,
    jump_target: String,
    to_addresses: Option<u32>,
    matchers: Vec<(Matcher, bool, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matcher {
    SourceAddress,
    DestinationAddress,
    SourceList,
    DestinationList,
    InInterface,
    Protocol,
    DestinationPort,
    ConnectionState,
    NotJudged,
}

const MATCHERS: &[(&str, Matcher)] = &[
    ("src-address", Matcher::SourceAddress),
    ("dst-address", Matcher::DestinationAddress),
    ("src-address-list", Matcher::SourceList),
    ("dst-address-list", Matcher::DestinationList),
    ("in-interface", Matcher::InInterface),
    ("protocol", Matcher::Protocol),
    ("dst-port", Matcher::DestinationPort),
    ("connection-state", Matcher::ConnectionState),
    ("src-port", Matcher::NotJudged),
    ("out-interface", Matcher::NotJudged),
    ("connection-mark", Matcher::NotJudged),
];

impl Rule {
    fn compile(row: &Row) -> Self {
        let matchers = MATCHERS
            .iter()
            .filter_map(|(name, matcher)| {
                let value = row.get(name).filter(|value| !value.is_empty())?;
                let (negated, value) = value.strip_prefix('!').map_or((false, value), |value| (true, value));
                Some((*matcher, negated, value.to_owned()))
            })
            .collect();
        let to_addresses = value::address_range(row.text("to-addresses")).map(|(first, _)| first);
        Self {
            id: row.id.to_string(),
            action: row.text("action").to_owned(),
            comment: row.text("comment").to_owned(),
            jump_target: row.text("jump-target").to_owned(),
            to_addresses,
            matchers,
        }
    }

    fn list(&self) -> Option<String> {
        self.matchers.iter().find_map(|(matcher, _, value)| {
            matches!(matcher, Matcher::SourceList | Matcher::DestinationList).then(|| value.clone())
        })
    }
}

impl View {
    pub(super) fn compile(store: &Store) -> Self {
        let mut view = Self::default();
        for row in store.table("/ip/firewall/filter").rows().filter(|row| !row.is("disabled")) {
            view.chains.entry(row.text("chain").to_owned()).or_default().push(Rule::compile(row));
        }
        for row in store.table("/ip/firewall/nat").rows() {
            if !row.is("disabled") && row.text("chain") == "dstnat" {
                view.nat.push(Rule::compile(row));
            }
        }
        for row in store.table("/ip/firewall/address-list").rows().filter(|row| !row.is("disabled")) {
            let Some((first, last)) = value::address_range(row.text("address")) else { continue };
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
            match value::address_range(target) {
                Some((first, last)) if first != last => self.network_queues.push((first, last, queue)),
                Some((address, _)) => {
                    self.queues_by_target.entry(Ipv4Addr::from(address).to_string()).or_insert(queue);
                }
                None => {
                    self.queues_by_target.entry(target.to_owned()).or_insert(queue);
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
        let packet = outbound(probe, State::Established);
        self.chains.get("forward").is_some_and(|rules| {
            rules.iter().any(|rule| rule.action == "fasttrack-connection" && self.rule_matches(rule, &packet))
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
            source: INTERNET_HOST.into(),
            destination: probe.address,
            port: 40_000,
            state: State::Established,
            in_interface: "ether1",
        };
        for packet in [outbound(probe, state), back] {
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
        let packet = Packet { port, ..outbound(probe, State::New) };
        let rule = self.nat.iter().find(|rule| self.rule_matches(rule, &packet))?;
        let elsewhere = rule.to_addresses.is_none_or(|address| address != packet.destination);
        (matches!(rule.action.as_str(), "dst-nat" | "redirect" | "netmap") && elsewhere).then_some(rule)
    }

    fn walk(&self, chain: &str, packet: &Packet<'_>, depth: u8) -> Option<Decision<'_>> {
        for rule in self.chains.get(chain)? {
            if !self.rule_matches(rule, packet) {
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

    fn rule_matches(&self, rule: &Rule, packet: &Packet<'_>) -> bool {
        rule.matchers.iter().all(|(matcher, negated, value)| {
            let in_range = |address: u32| {
                value::address_range(value).is_some_and(|(first, last)| (first..=last).contains(&address))
            };
            let on_list = |address: u32| self.lists.get(value).is_some_and(|list| list.contains(address));
            let matched = match matcher {
                Matcher::SourceAddress => in_range(packet.source),
                Matcher::DestinationAddress => in_range(packet.destination),
                Matcher::SourceList => on_list(packet.source),
                Matcher::DestinationList => on_list(packet.destination),
                Matcher::InInterface => {
                    value == packet.in_interface
                        || (value == "all-ppp" && packet.in_interface.starts_with('<'))
                }
                Matcher::Protocol => matches!(value.as_str(), "tcp" | "6"),
                Matcher::DestinationPort => value.split(',').any(|port| port_matches(port, packet.port)),
                Matcher::ConnectionState => value
                    .split(',')
                    .any(|state| state == if packet.state == State::New { "new" } else { "established" }),
                Matcher::NotJudged => return false,
            };
            matched != *negated
        })
    }

    fn rate(&self, probe: &Probe) -> (Option<u64>, Option<u64>) {
        let address = Ipv4Addr::from(probe.address).to_string();
        let exact = [self.queues_by_target.get(&address), self.queues_by_target.get(&probe.interface)];
        let networks = self
            .network_queues
            .iter()
            .filter(|(first, last, _)| (*first..=*last).contains(&probe.address))
            .map(|(_, _, queue)| queue);
        let queue = exact.into_iter().flatten().chain(networks).min_by_key(|queue| queue.position);
        let limit = |bps: u64| (bps > 0).then_some(bps);
        queue.map_or((None, None), |queue| (limit(queue.upload_bps), limit(queue.download_bps)))
    }
}

fn outbound(probe: &Probe, state: State) -> Packet<'_> {
    Packet {
        source: probe.address,
        destination: INTERNET_HOST.into(),
        port: PROBE_PORT,
        state,
        in_interface: &probe.interface,
    }
}

fn port_matches(spec: &str, port: u16) -> bool {
    let (first, last) = spec.split_once('-').unwrap_or((spec, spec));
    matches!((first.parse::<u16>(), last.parse::<u16>()), (Ok(first), Ok(last)) if (first..=last).contains(&port))
}
