//! DHCP leases, as far as a cut needs them: a static lease with `block-access`, `address-lists`,
//! `rate-limit`; a dynamic lease for an unknown CPE.

use std::time::Duration;

use super::cpe::Session;
use super::router::Router;
use super::store::Row;
use super::{ppp, value};

/// Addresses for CPEs without a lease: 10.99.0.0/16, by position of the CPE.
const POOL_BASE: u32 = 0x0A63_0000;

/// A CPE asks for its lease, or renews it. What the lease says takes effect here and not before.
pub(super) fn renew(router: &mut Router, index: usize, mac: &str, now: Duration) {
    router.accrue(index, now);
    let lease = lease_of(router, index, mac);
    let refusal = if lease.is("block-access") {
        Some("lease blocks access")
    } else if lease.is("disabled") {
        Some("lease is disabled")
    } else {
        None
    };
    let address = lease.text("address").split('/').next().unwrap_or_default().parse().ok();
    let leases = router.store.table_mut("/ip/dhcp-server/lease");
    let (Some(address), None) = (address, refusal) else {
        leases.update(lease.id, |row| row.set("status", "waiting"));
        router.end_session(index);
        if let Some(cpe) = router.cpes.get_mut(index) {
            cpe.refused = Some(refusal.unwrap_or("lease without address").to_owned());
        }
        return;
    };
    let text = lease.text("address").to_owned();
    leases.update(lease.id, |row| {
        let mut changed = row.set("status", "bound");
        changed |= row.set("active-address", &text);
        changed | row.set("active-mac-address", mac)
    });
    if holds(router, index, &lease, address) {
        return;
    }
    router.end_session(index);
    let mut session = Session::bare(address, now);
    session.list_entries = ppp::list_entries(router, lease.text("address-lists"), &text);
    session.queue = lease.get("rate-limit").and_then(value::rate_pair).map(|(up, down)| {
        let (name, limit, target) =
            (format!("dhcp-ds<{mac}>"), format!("{up}/{down}"), format!("{address}/32"));
        let properties =
            [("name", name.as_str()), ("target", target.as_str()), ("max-limit", limit.as_str())];
        router.store.table_mut("/queue/simple").insert(&properties, true)
    });
    router.begin_session(index, session, now);
}

/// The lease of a MAC address; an unknown one gets a dynamic lease.
fn lease_of(router: &mut Router, index: usize, mac: &str) -> Row {
    let leases = router.store.table_mut("/ip/dhcp-server/lease");
    let known = leases.named(mac).map(|row| row.id);
    let id = known.unwrap_or_else(|| {
        let offset = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(10);
        let address = std::net::Ipv4Addr::from(POOL_BASE.saturating_add(offset)).to_string();
        leases.insert(&[("address", address.as_str()), ("mac-address", mac)], true)
    });
    leases.get(id).expect("the row was found or made above").clone()
}

/// Whether the session in place is already what the lease asks for.
fn holds(router: &Router, index: usize, lease: &Row, address: std::net::Ipv4Addr) -> bool {
    let Some(session) = router.cpes.get(index).and_then(|cpe| cpe.session.as_ref()) else { return false };
    let entries = router.store.table("/ip/firewall/address-list");
    let lists: Vec<&str> =
        session.list_entries.iter().filter_map(|id| entries.get(*id)).map(|row| row.text("list")).collect();
    let wanted: Vec<&str> = lease.text("address-lists").split(',').filter(|list| !list.is_empty()).collect();
    let queue = session.queue.and_then(|id| router.store.table("/queue/simple").get(id));
    let limit = queue.and_then(|row| value::rate_pair(row.text("max-limit")));
    session.address == address
        && lists == wanted
        && limit == lease.get("rate-limit").and_then(value::rate_pair)
}
