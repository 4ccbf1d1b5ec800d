//! How often an address may do what is open to everybody. Pure: takes `now`.

use std::{collections::HashMap, net::IpAddr};

/// Addresses remembered; beyond it the ones that may ask freely again are forgotten, then everyone waits.
const MAX_ADDRESSES: usize = 10_000;

/// A leaky bucket per address. IPv6 counts by /64, which is what one subscriber has.
#[derive(Debug)]
pub struct AddressLimit {
    burst: i64,
    every_ms: i64,
    /// When the requests made so far are worked off, ms.
    free_at_ms: HashMap<IpAddr, i64>,
}

impl AddressLimit {
    /// So many at once, then one more every so many milliseconds.
    pub fn new(burst: i64, every_ms: i64) -> Self {
        Self { burst, every_ms, free_at_ms: HashMap::new() }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// Milliseconds to wait.
    pub fn ask(&mut self, address: IpAddr, now_ms: i64) -> Result<(), u32> {
        if self.free_at_ms.len() >= MAX_ADDRESSES {
            self.free_at_ms.retain(|_, free_at_ms| *free_at_ms > now_ms);
        }
        let address = prefix(address);
        if self.free_at_ms.len() >= MAX_ADDRESSES && !self.free_at_ms.contains_key(&address) {
            return Err(u32::try_from(self.every_ms).unwrap_or(u32::MAX));
        }
        let free_at_ms = self.free_at_ms.entry(address).or_insert(now_ms);
        let busy_ms = free_at_ms.saturating_sub(now_ms).max(0);
        let allowed_ms = (self.burst - 1) * self.every_ms;
        if busy_ms > allowed_ms {
            return Err(u32::try_from(busy_ms - allowed_ms).unwrap_or(u32::MAX));
        }
        *free_at_ms = now_ms.saturating_add(busy_ms).saturating_add(self.every_ms);
        Ok(())
    }
}

fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}
