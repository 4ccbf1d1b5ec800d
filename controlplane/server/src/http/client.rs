//! Where a request really comes from: the peer, or what a proxy that is trusted says of its own peer.
//!
//! A header is a claim that anybody can send. It counts only from a peer that the configuration names, and of the chain
//! only what trusted machines wrote: it is read from the right, past trusted ones, up to the first that is not. A request
//! with both headers is ambiguous, because the proxy wrote one and passed the other through: then the peer counts.

use crate::config::Network;
use axum::http::{HeaderMap, HeaderName, header};
use std::net::{IpAddr, SocketAddr};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let mut last = peer.to_canonical();
    if !is_trusted(last, trusted) {
        return last;
    }
    for hop in hops(headers).into_iter().rev() {
        // Whoever hides, or writes what cannot be read: the last that is known counts.
        let Some(hop) = hop else { break };
        last = hop;
        if !is_trusted(last, trusted) {
            break;
        }
    }
    last
}

/// Whether a peer is a proxy that the configuration names.
pub(super) fn is_trusted(peer: IpAddr, trusted: &[Network]) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|network| network.contains(peer))
}

/// The chain as the headers say, first the claimed client; `None` for a hop that names no address.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let items = |name: HeaderName| -> Vec<String> {
        headers
            .get_all(name)
            .iter()
            .flat_map(|value| value.to_str().unwrap_or("?").split(','))
            .map(|item| item.trim().to_owned())
            .collect()
    };
    let (old, standard) = (items(FORWARDED_FOR), items(header::FORWARDED));
    match (old.is_empty(), standard.is_empty()) {
        (false, true) => old.iter().map(|item| host(item)).collect(),
        (true, false) => standard.iter().map(|item| forwarded(item)).collect(),
        (true, true) | (false, false) => Vec::new(),
    }
}

/// `for=` of one element of `Forwarded` (RFC 7239).
fn forwarded(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    host(node.trim().trim_matches('"'))
}

/// An address, with or without a port or brackets.
fn host(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|both| both.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, headers: &[(&'static str, &str)]) -> String {
        let trusted = ["127.0.0.1", "10.0.0.0/8"].map(|text| text.parse().unwrap());
        let pairs =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name, value);
        }
        address(peer.parse().unwrap(), &map, &trusted).to_string()
    }

    #[test]
    fn a_stranger_may_claim_what_it_likes() {
        assert_eq!(seen("203.0.113.9", &[("x-forwarded-for", "192.0.2.1")]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", &[("forwarded", "for=192.0.2.1")]), "203.0.113.9");
        assert_eq!(seen("::ffff:203.0.113.9", &[]), "203.0.113.9");
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_what_it_was_told_is_not() {
        for (headers, client) in [
            (vec![], "127.0.0.1"),
            (vec![("x-forwarded-for", "192.0.2.1")], "192.0.2.1"),
            // The client sent one itself; the proxy appended whom it saw.
            (vec![("x-forwarded-for", "198.51.100.66, 192.0.2.1")], "192.0.2.1"),
            (vec![("x-forwarded-for", "198.51.100.66"), ("x-forwarded-for", "192.0.2.1")], "192.0.2.1"),
            (vec![("x-forwarded-for", "198.51.100.66, 192.0.2.1, 10.0.0.7")], "192.0.2.1"),
            (vec![("x-forwarded-for", "10.0.0.9, 10.0.0.7")], "10.0.0.9"),
            (vec![("x-forwarded-for", "192.0.2.1:4711")], "192.0.2.1"),
            (vec![("x-forwarded-for", "[2001:db8::1]:4711")], "2001:db8::1"),
            (vec![("x-forwarded-for", "192.0.2.1, garbage")], "127.0.0.1"),
            (vec![("x-forwarded-for", "192.0.2.1, garbage, 10.0.0.7")], "10.0.0.7"),
            (vec![("forwarded", "for=192.0.2.1;proto=https")], "192.0.2.1"),
            (vec![("forwarded", "for=198.51.100.66, For=\"[2001:db8::1]:80\";by=10.0.0.7")], "2001:db8::1"),
            (vec![("forwarded", "for=192.0.2.1, for=_hidden")], "127.0.0.1"),
            // One of them was passed through as the client sent it, and nobody can tell which.
            (vec![("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=198.51.100.66")], "127.0.0.1"),
        ] {
            assert_eq!(seen("127.0.0.1", &headers), client, "{headers:?}");
        }
    }
}
