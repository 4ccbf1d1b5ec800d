//! RouterOS values, which are all text: durations, rates, addresses. Pure; never fails louder than `None`.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::desired::Speed;

/// A duration: `1w2d3h4m5s`, `15ms200us`, `00:00:30`, `1d02:03:04`. `never` and the unreadable are `None`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut micros = 0_u64;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        if rest.split(':').count() == 3 && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
            return Some(Duration::from_micros(micros.checked_add(clock(rest)?)?));
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().ok()?;
        let unit_length = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match &rest[digits..digits + unit_length] {
            "w" => 604_800_000_000,
            "d" => 86_400_000_000,
            "h" => 3_600_000_000,
            "m" => 60_000_000,
            "s" => 1_000_000,
            "ms" => 1_000,
            "us" => 1,
            _ => return None,
        };
        micros = micros.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + unit_length..];
    }
    Some(Duration::from_micros(micros))
}

/// `hh:mm:ss` in microseconds.
fn clock(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    for part in text.split(':') {
        total = total.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    total.checked_mul(1_000_000)
}

/// The sustained pair of a rate (`10M/20M`, `10M`, `10000000/20000000`, with or without burst behind). The router
/// writes rx/tx as it sees them: the subscriber's upload comes first. `0/0` (no limit) is `None`.
pub(super) fn speed(text: &str) -> Option<Speed> {
    let pair = text.split_whitespace().next()?;
    let (upload, download) = pair.split_once('/').unwrap_or((pair, pair));
    let speed = Speed { upload_bps: bits(upload)?, download_bps: bits(download)? };
    (speed.upload_bps > 0 || speed.download_bps > 0).then_some(speed)
}

fn bits(text: &str) -> Option<u64> {
    let (number, unit) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1_000),
        b'M' | b'm' => (&text[..text.len() - 1], 1_000_000),
        b'G' | b'g' => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// A speed as the router takes it: upload first.
pub(super) fn rate(speed: Speed) -> String {
    format!("{}/{}", short_bits(speed.upload_bps), short_bits(speed.download_bps))
}

fn short_bits(bps: u64) -> String {
    match bps {
        0 => "0".into(),
        _ if bps.is_multiple_of(1_000_000) => format!("{}M", bps / 1_000_000),
        _ if bps.is_multiple_of(1_000) => format!("{}k", bps / 1_000),
        _ => bps.to_string(),
    }
}

/// The host of a connection's end: `10.0.0.5:443` → `10.0.0.5`, `[2001:db8::1]:443` → `2001:db8::1`.
pub(super) fn host(end: &str) -> &str {
    if let Some(bracketed) = end.strip_prefix('[') {
        return bracketed.split(']').next().unwrap_or(bracketed);
    }
    match end.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => end,
    }
}

/// Whether an IPv4 address is in a pool's ranges: `10.0.0.2-10.0.0.9,10.1.0.0/24,10.2.0.1`.
pub(super) fn in_ranges(address: &str, ranges: &str) -> bool {
    let number = |text: &str| text.trim().parse::<Ipv4Addr>().ok().map(u32::from);
    let Some(address) = number(address) else { return false };
    ranges.split(',').any(|range| {
        let bounds = if let Some((first, last)) = range.split_once('-') {
            number(first).zip(number(last))
        } else if let Some((network, length)) = range.split_once('/') {
            let length = length.trim().parse::<u32>().ok().filter(|length| *length <= 32);
            let hosts = length.map(|length| u32::MAX.checked_shr(length).unwrap_or(0));
            number(network).zip(hosts).map(|(network, hosts)| (network & !hosts, network | hosts))
        } else {
            number(range).map(|one| (one, one))
        };
        bounds.is_some_and(|(first, last)| (first..=last).contains(&address))
    })
}

/// The version number of `7.16.2 (stable)`.
pub(super) fn version(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_of_every_version() {
        let seconds = |text| duration(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("1w2d3h4m5s"), Some(604_800 + 2 * 86_400 + 3 * 3_600 + 4 * 60 + 5));
        assert_eq!(duration("15ms200us"), Some(Duration::from_micros(15_200)));
        assert_eq!(seconds("00:00:30"), Some(30));
        assert_eq!(seconds("1d02:03:04"), Some(86_400 + 2 * 3_600 + 3 * 60 + 4));
        for odd in ["never", "", "5", "s", "1x", "99999999999999999999s", "1:2"] {
            assert_eq!(duration(odd), None, "{odd}");
        }
    }

    #[test]
    fn rates_are_upload_first() {
        let wanted = Some(Speed { upload_bps: 10_000_000, download_bps: 20_000_000 });
        assert_eq!(speed("10M/20M"), wanted);
        assert_eq!(speed("10000k/20000000 30M/40M 5M/5M 8/8 8"), wanted);
        assert_eq!(speed("10M").map(|speed| speed.download_bps), Some(10_000_000));
        assert_eq!(speed("0/0"), None);
        assert_eq!(speed(""), None);
        assert_eq!(rate(Speed { upload_bps: 1_500_000, download_bps: 20_000_000 }), "1500k/20M");
    }

    #[test]
    fn hosts_of_connections() {
        assert_eq!(host("10.0.0.5:443"), "10.0.0.5");
        assert_eq!(host("10.0.0.5"), "10.0.0.5");
        assert_eq!(host("[2001:db8::1]:443"), "2001:db8::1");
        assert_eq!(host("2001:db8::1"), "2001:db8::1");
    }

    #[test]
    fn ranges_of_pools() {
        let ranges = "10.0.0.2-10.0.0.9,10.1.0.0/24,10.2.0.1";
        for inside in ["10.0.0.2", "10.0.0.9", "10.1.0.77", "10.2.0.1"] {
            assert!(in_ranges(inside, ranges), "{inside}");
        }
        for outside in ["10.0.0.10", "10.1.1.0", "10.2.0.2", "2001:db8::1"] {
            assert!(!in_ranges(outside, ranges), "{outside}");
        }
        assert!(in_ranges("9.9.9.9", "0.0.0.0/0") && !in_ranges("10.0.0.1", "x-y,/,10.0.0.1/99"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (duration(&text), speed(&text), host(&text).len(), version(&text).len(), in_ranges("10.0.0.1", &text));
        }

        #[test]
        fn what_is_written_reads_the_same(upload_bps in 1u64..1_000_000_000_000, download_bps in 1u64..1_000_000_000_000) {
            let wanted = Speed { upload_bps, download_bps };
            prop_assert_eq!(speed(&rate(wanted)), Some(wanted));
        }
    }
}
