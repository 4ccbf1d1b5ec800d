//! How often somebody may do what is open to everybody: log in, ask for a certificate. Pure: takes `now`.

use std::{collections::HashMap, hash::Hash, net::IpAddr};

/// Askers remembered; beyond it the ones that may ask freely again are forgotten, then everyone waits.
const MAX_REMEMBERED: usize = 10_000;
const SWEEP_EVERY_MS: i64 = 1_000;

/// A leaky bucket for each asker.
#[derive(Debug)]
pub struct Limit<K> {
    burst: i64,
    every_ms: i64,
    /// When the requests made so far are worked off, ms.
    free_at_ms: HashMap<K, i64>,
    /// Before this nothing is forgotten again: under a flood the sweep must not cost more than the flood.
    next_sweep_ms: i64,
}

impl<K: Eq + Hash> Limit<K> {
    /// So many requests at once, then one more every so many milliseconds.
    pub fn new(burst: i64, every_ms: i64) -> Self {
        Self { burst, every_ms, free_at_ms: HashMap::new(), next_sweep_ms: 0 }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// Milliseconds to wait.
    pub fn ask(&mut self, asker: K, now_ms: i64) -> Result<(), u32> {
        if self.free_at_ms.len() >= MAX_REMEMBERED && now_ms >= self.next_sweep_ms {
            self.free_at_ms.retain(|_, free_at_ms| *free_at_ms > now_ms);
            self.next_sweep_ms = now_ms.saturating_add(SWEEP_EVERY_MS);
        }
        if self.free_at_ms.len() >= MAX_REMEMBERED && !self.free_at_ms.contains_key(&asker) {
            return Err(u32::try_from(self.every_ms).unwrap_or(u32::MAX));
        }
        let free_at_ms = self.free_at_ms.entry(asker).or_insert(now_ms);
        let busy_ms = free_at_ms.saturating_sub(now_ms).max(0);
        let allowed_ms = (self.burst - 1) * self.every_ms;
        if busy_ms > allowed_ms {
            return Err(u32::try_from(busy_ms - allowed_ms).unwrap_or(u32::MAX));
        }
        *free_at_ms = now_ms.saturating_add(busy_ms).saturating_add(self.every_ms);
        Ok(())
    }

    /// Whether somebody asked before and is still remembered.
    pub fn remembers(&self, asker: &K) -> bool {
        self.free_at_ms.contains_key(asker)
    }
}

/// The same by address. IPv6 counts by /64, which is what one subscriber has.
#[derive(Debug)]
pub struct AddressLimit(Limit<IpAddr>);

impl AddressLimit {
    /// So many requests at once, then one more every so many milliseconds.
    pub fn new(burst: i64, every_ms: i64) -> Self {
        Self(Limit::new(burst, every_ms))
    }

    /// Counts a request.
    ///
    /// # Errors
    /// Milliseconds to wait.
    pub fn ask(&mut self, address: IpAddr, now_ms: i64) -> Result<(), u32> {
        self.0.ask(prefix(address), now_ms)
    }
}

/// What one subscriber has: an IPv4 address, or a /64.
pub(crate) fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BURST: i64 = 10;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut limit = AddressLimit::new(BURST, 6_000);
        let address: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..BURST {
            assert_eq!(limit.ask(address, 0), Ok(()));
        }
        assert_eq!(limit.ask(address, 0), Err(6_000));
        assert_eq!(limit.ask(address, 5_999), Err(1));
        assert_eq!(limit.ask(address, 6_000), Ok(()));
        assert_eq!(limit.ask(address, 6_000), Err(6_000));
        assert_eq!(limit.ask("192.0.2.2".parse().unwrap(), 0), Ok(()), "another address is another's matter");
    }

    #[test]
    fn whoever_asked_is_remembered() {
        let mut limit = Limit::new(1, 6_000);
        assert!(!limit.remembers(&"one"));
        assert_eq!((limit.ask("one", 0), limit.ask("one", 0)), (Ok(()), Err(6_000)));
        assert!(limit.remembers(&"one") && !limit.remembers(&"another"));
    }

    #[test]
    fn one_subscribers_v6_addresses_are_one() {
        let mut limit = AddressLimit::new(BURST, 6_000);
        for host in 0..BURST {
            assert_eq!(limit.ask(format!("2001:db8::{host:x}").parse().unwrap(), 0), Ok(()));
        }
        assert!(limit.ask("2001:db8::ffff".parse().unwrap(), 0).is_err());
        assert_eq!(limit.ask("2001:db8:0:1::1".parse().unwrap(), 0), Ok(()));
    }

    #[test]
    fn memory_is_bounded_under_a_flood_of_addresses() {
        let mut limit = AddressLimit::new(BURST, 6_000);
        for number in 0..30_000u32 {
            let _ = limit.ask(IpAddr::V4(number.into()), 0);
        }
        assert_eq!(limit.0.free_at_ms.len(), MAX_REMEMBERED);
        assert_eq!(limit.ask("192.0.2.1".parse().unwrap(), 60_001), Ok(()), "the flood is forgotten");
    }
}
