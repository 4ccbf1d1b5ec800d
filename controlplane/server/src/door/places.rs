//! How many connections there may be, and how many of one address.

use crate::limits::prefix;
use parking_lot::Mutex;
use std::{collections::HashMap, net::IpAddr, sync::Arc};

/// Connections at a time.
const MAX: usize = 4_096;
/// Connections of one address at a time; an office of fifty people with a page each behind one address fits.
const MAX_OF_ADDRESS: usize = 256;

/// Connections that there are.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    /// None for a proxy, which is not counted by address.
    address: Option<IpAddr>,
}

impl Places {
    /// A place, if there is one. A trusted proxy stands for many clients and is bound by the total alone.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr, trusted: bool) -> Option<Place> {
        let mut taken = self.0.lock();
        let address = (!trusted).then(|| prefix(address));
        if taken.total >= MAX {
            return None;
        }
        if let Some(address) = address {
            let of_address = taken.by_address.entry(address).or_default();
            if *of_address >= MAX_OF_ADDRESS {
                return None;
            }
            *of_address += 1;
        }
        taken.total += 1;
        Some(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock();
        taken.total = taken.total.saturating_sub(1);
        let Some(address) = self.address else { return };
        if let Some(of_address) = taken.by_address.get_mut(&address) {
            *of_address -= 1;
            if *of_address == 0 {
                taken.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_takes_its_part_and_a_proxy_all_there_are() {
        let places = Arc::<Places>::default();
        let (one, other, proxy) = ("192.0.2.1", "192.0.2.2", "10.0.0.1");
        let take = |address: &str, trusted| places.take(address.parse().unwrap(), trusted);
        let mut held: Vec<_> = (0..MAX_OF_ADDRESS).map(|_| take(one, false).unwrap()).collect();
        assert!(take(one, false).is_none());
        assert!(take("::ffff:192.0.2.1", false).is_none(), "the same address in its other form");
        assert!(take(other, false).is_some());
        held.extend((MAX_OF_ADDRESS..MAX).map(|_| take(proxy, true).unwrap()));
        assert!(take(proxy, true).is_none());
        drop(held);
        assert!(take(one, false).is_some());
        assert!(places.0.lock().by_address.is_empty(), "nothing is remembered of whom has gone");
    }
}
