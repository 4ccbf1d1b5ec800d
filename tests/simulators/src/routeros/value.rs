//! Values as RouterOS writes them: durations, rates, addresses.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// `1w2d3h4m5s`; zero is `0s`.
pub(super) fn duration(value: Duration) -> String {
    let mut seconds = value.as_secs();
    if seconds == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    for (unit, size) in [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        let count = seconds / size;
        seconds %= size;
        if count > 0 {
            out.push_str(&format!("{count}{unit}"));
        }
    }
    out
}

/// A rate in bits per second: `10M`, `512k`, `1G`, `64000`.
pub(super) fn rate(text: &str) -> Option<u64> {
    let (digits, factor) = match text.chars().last()? {
        'k' | 'K' => (&text[..text.len() - 1], 1_000),
        'm' | 'M' => (&text[..text.len() - 1], 1_000_000),
        'g' | 'G' => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1),
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// Upload and download of a subscriber in bits per second, 0 = unlimited; what follows a space (burst,
/// priority) is not read. One rate counts for both ways.
pub(super) fn rate_pair(text: &str) -> Option<(u64, u64)> {
    let first = text.split_whitespace().next()?;
    let (up, down) = first.split_once('/').unwrap_or((first, first));
    Some((rate(up)?, rate(down)?))
}

/// The first and last address of `A`, `A/len` or `A-B`.
pub(super) fn address_range(text: &str) -> Option<(u32, u32)> {
    if let Some((first, last)) = text.split_once('-') {
        let (first, last) = (first.parse::<Ipv4Addr>().ok()?, last.parse::<Ipv4Addr>().ok()?);
        return (first <= last).then(|| (first.into(), last.into()));
    }
    let Some((address, length)) = text.split_once('/') else {
        let address = u32::from(text.parse::<Ipv4Addr>().ok()?);
        return Some((address, address));
    };
    let address = u32::from(address.parse::<Ipv4Addr>().ok()?);
    let length: u32 = length.parse().ok().filter(|length| *length <= 32)?;
    let host = u32::MAX.checked_shr(length).unwrap_or(0);
    Some((address & !host, address | host))
}

/// An IPv4 address among those of IPv6.
pub(super) fn mapped(address: u32) -> u128 {
    Ipv4Addr::from(address).to_ipv6_mapped().into()
}

/// The first and last address of `A`, `A/len` or `A-B`, of either family; those of IPv4 are [`mapped`].
pub(super) fn span(text: &str) -> Option<(u128, u128)> {
    if let Some((first, last)) = address_range(text) {
        return Some((mapped(first), mapped(last)));
    }
    let (address, length) = text.split_once('/').unwrap_or((text, "128"));
    let address = u128::from(address.parse::<Ipv6Addr>().ok()?);
    let length: u32 = length.parse().ok().filter(|length| *length <= 128)?;
    let host = u128::MAX.checked_shr(length).unwrap_or(0);
    Some((address & !host, address | host))
}

/// The address that a customer uses of a prefix: its second, or the only one.
pub(super) fn host_of(prefix: &str) -> Option<Ipv6Addr> {
    let (first, last) = span(prefix)?;
    Some(Ipv6Addr::from(first.saturating_add(1).min(last)))
}

/// Whether an address list takes this: address, network, range, or a DNS name.
pub(super) fn is_address_spec(text: &str) -> bool {
    let dns = || {
        text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
            && text.chars().any(|c| c.is_ascii_alphabetic())
    };
    let v6 = || {
        let (address, length) = text.split_once('/').unwrap_or((text, "128"));
        address.parse::<std::net::Ipv6Addr>().is_ok()
            && length.parse::<u8>().is_ok_and(|length| length <= 128)
    };
    address_range(text).is_some() || v6() || dns()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        assert_eq!(duration(Duration::from_secs(788_645)), "1w2d3h4m5s");
        assert_eq!(duration(Duration::from_millis(900)), "0s");
        assert_eq!(rate_pair("10M/20M 1k/1k"), Some((10_000_000, 20_000_000)));
        assert_eq!(rate_pair("512k"), Some((512_000, 512_000)));
        assert_eq!(rate_pair("fast"), None);
        assert_eq!(address_range("10.0.0.0/30"), Some((0x0A00_0000, 0x0A00_0003)));
        assert_eq!(address_range("0.0.0.0/0"), Some((0, u32::MAX)));
        assert_eq!(address_range("10.0.0.9-10.0.0.3"), None);
        let delegated = span("2001:db8:5::/56").expect("a prefix");
        assert!(
            (delegated.0..=delegated.1)
                .contains(&u128::from("2001:db8:5:aa::1".parse::<Ipv6Addr>().expect("v6")))
        );
        assert_eq!(span("10.0.0.1"), Some((mapped(0x0A00_0001), mapped(0x0A00_0001))));
        assert_eq!((span("2001:db8::/129"), span("example.com")), (None, None));
        assert!(is_address_spec("example.com") && is_address_spec("2001:db8::/32"));
        assert!(!is_address_spec("10.0.0.256/8") && !is_address_spec("not an address"));
    }
}
