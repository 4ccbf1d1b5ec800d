//! One rule, its matchers, and the packets that it is asked about.

use std::collections::HashMap;

use super::super::store::Row;
use super::super::value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    New,
    Established,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) source: u128,
    pub(super) destination: u128,
    pub(super) port: u16,
    pub(super) state: State,
    pub(super) in_interface: &'a str,
}

#[derive(Debug, Default)]
pub(super) struct AddressSet {
    pub(super) single: std::collections::HashSet<u128>,
    pub(super) ranges: Vec<(u128, u128)>,
}

impl AddressSet {
    pub(super) fn contains(&self, address: u128) -> bool {
        self.single.contains(&address)
            || self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&address))
    }
}

/// One rule; matchers keep their text, it is short.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) action: String,
    pub(super) comment: String,
    pub(super) jump_target: String,
    pub(super) to_addresses: Option<u128>,
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
    pub(super) fn compile(row: &Row) -> Self {
        let matchers = MATCHERS
            .iter()
            .filter_map(|(name, matcher)| {
                let value = row.get(name).filter(|value| !value.is_empty())?;
                let (negated, value) = value.strip_prefix('!').map_or((false, value), |value| (true, value));
                Some((*matcher, negated, value.to_owned()))
            })
            .collect();
        let to_addresses = value::span(row.text("to-addresses")).map(|(first, _)| first);
        Self {
            id: row.id.to_string(),
            action: row.text("action").to_owned(),
            comment: row.text("comment").to_owned(),
            jump_target: row.text("jump-target").to_owned(),
            to_addresses,
            matchers,
        }
    }

    /// The address list by which it matches.
    pub(super) fn list(&self) -> Option<String> {
        self.matchers.iter().find_map(|(matcher, _, value)| {
            matches!(matcher, Matcher::SourceList | Matcher::DestinationList).then(|| value.clone())
        })
    }

    /// Whether a packet is one that this rule is about.
    pub(super) fn matches(&self, packet: &Packet<'_>, lists: &HashMap<String, AddressSet>) -> bool {
        self.matchers.iter().all(|(matcher, negated, value)| {
            let in_range = |address: u128| {
                value::span(value).is_some_and(|(first, last)| (first..=last).contains(&address))
            };
            let on_list = |address: u128| lists.get(value).is_some_and(|list| list.contains(address));
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
}

fn port_matches(spec: &str, port: u16) -> bool {
    let (first, last) = spec.split_once('-').unwrap_or((spec, spec));
    matches!((first.parse::<u16>(), last.parse::<u16>()), (Ok(first), Ok(last)) if (first..=last).contains(&port))
}
