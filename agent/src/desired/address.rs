//! Addresses as numbers, so that prefixes and the hosts in them can be compared.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// First and last address of a host or a prefix, of either family; those of IPv4 as IPv4-mapped ones. `None` for
/// anything else.
pub fn span(text: &str) -> Option<(u128, u128)> {
    let (address, length) =
        text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let (address, whole) = match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => (u128::from(address.to_ipv6_mapped()), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let length =
        length.map_or(Some(whole), |length| length.parse::<u32>().ok().filter(|length| *length <= whole))?;
    let hosts = hosts(128 - (whole - length));
    Some((address & !hosts, address | hosts))
}

/// The bits behind a prefix of `length`.
fn hosts(length: u32) -> u128 {
    u128::MAX.checked_shr(length).unwrap_or(0)
}

/// Hosts and prefixes, to be asked whether one of them meets another.
#[derive(Debug, Default)]
pub struct Addresses(BTreeSet<(u128, u128)>);

impl Addresses {
    /// Takes one in; what is no address is none of them.
    pub fn insert(&mut self, text: &str) {
        self.0.extend(span(text));
    }

    /// Whether one of them is in `text`, or `text` in one of them.
    pub fn meets(&self, text: &str) -> bool {
        let Some((first, last)) = span(text) else { return false };
        let inside = || self.0.range((first, 0)..=(last, u128::MAX)).next().is_some();
        // Prefixes do not half overlap: what begins before it and meets it, holds it whole.
        let around = || (0..=128).map(hosts).any(|hosts| self.0.contains(&(first & !hosts, first | hosts)));
        inside() || around()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_holds_its_hosts() {
        let holds = |prefix: &str, host: &str| {
            let (Some((first, last)), Some((host, _))) = (span(prefix), span(host)) else { return false };
            (first..=last).contains(&host)
        };
        for (prefix, host) in [
            ("10.30.0.16/30", "10.30.0.19"),
            ("10.30.0.17", "10.30.0.17"),
            ("2001:db8:5::/56", "2001:db8:5:ff::1"),
            ("2001:db8::1", "2001:db8:0::1"),
            ("0.0.0.0/0", "203.0.113.9"),
        ] {
            assert!(holds(prefix, host), "{prefix} {host}");
        }
        for (prefix, host) in
            [("10.30.0.16/30", "10.30.0.20"), ("2001:db8:5::/56", "2001:db8:6::1"), ("::/0", "host")]
        {
            assert!(!holds(prefix, host), "{prefix} {host}");
        }
        assert_eq!((span("10.0.0.1/33"), span("2001:db8::/129"), span("")), (None, None, None));
    }

    #[test]
    fn prefixes_and_hosts_meet_either_way() {
        let mut addresses = Addresses::default();
        for one in ["10.70.0.8/29", "10.80.0.1", "2001:db8:5::/56", "pool1", ""] {
            addresses.insert(one);
        }
        for met in ["10.70.0.9", "10.70.0.0/24", "10.80.0.1", "10.80.0.0/30", "2001:db8:5:1::/64"] {
            assert!(addresses.meets(met), "{met}");
        }
        for other in ["10.70.0.7", "10.70.0.16/29", "10.80.0.2", "2001:db8:6::/56", "pool1", ""] {
            assert!(!addresses.meets(other), "{other}");
        }
    }
}
