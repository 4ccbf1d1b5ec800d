//! PPPoE: a dial, what a session makes on the router, and its end.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::cpe::Session;
use super::router::Router;
use super::store::{Row, RowId};
use super::value;

/// What a session needs to know of the secret (or of RADIUS) and the profile.
struct Grant {
    profile: String,
    remote_address: String,
    ipv6: Option<Ipv6Addr>,
    radius: bool,
    secret: Option<RowId>,
}

/// One dial of CPE `index`.
///
/// # Errors
/// Why the router refuses, in words.
pub(super) fn dial(
    router: &mut Router,
    index: usize,
    username: &str,
    password: &str,
    mac: &str,
    now: Duration,
) -> Result<(), String> {
    let grant = authorise(router, username, password, mac)?;
    let profile = router
        .store
        .table("/ppp/profile")
        .named(&grant.profile)
        .ok_or_else(|| format!("profile {} is gone", grant.profile))?
        .clone();
    let already = router.store.table("/ppp/active").with_key(username).count();
    if already > 0 && profile.text("only-one") == "yes" {
        return Err("only one session allowed".to_owned());
    }
    let wanted = if grant.remote_address.is_empty() {
        profile.text("remote-address").to_owned()
    } else {
        grant.remote_address
    };
    let address = take_address(router, &wanted).ok_or_else(|| "no address to give".to_owned())?;

    let suffix = if already == 0 { String::new() } else { format!("-{already}") };
    let interface_name = format!("<pppoe-{username}{suffix}>");
    let address_text = address.to_string();
    router.sessions_made += 1;
    let session_id = format!("0x{:08x}", 0x8100_0000_u64.saturating_add(router.sessions_made));
    let radius = if grant.radius { "true" } else { "false" };
    let active = router.store.table_mut("/ppp/active").insert(
        &[
            ("name", username),
            ("service", "pppoe"),
            ("caller-id", mac),
            ("address", &address_text),
            ("session-id", &session_id),
            ("radius", radius),
        ],
        true,
    );
    let interface = router.store.table_mut("/interface").insert(
        &[
            ("name", &interface_name),
            ("type", "pppoe-in"),
            ("mtu", "1480"),
            ("actual-mtu", "1480"),
            ("running", "true"),
        ],
        true,
    );
    let queue = queue(router, &profile, &interface_name);
    let list_entries = list_entries(router, profile.text("address-list"), &address_text);
    if let Some(secret) = grant.secret {
        router.store.table_mut("/ppp/secret").update(secret, |row| row.set("last-caller-id", mac));
    }
    let session = Session {
        active: Some(active),
        active_menu: "/ppp/active",
        interface: Some(interface),
        interface_name,
        queue,
        list_entries,
        address,
        ipv6: grant.ipv6,
        since: now,
    };
    router.begin_session(index, session, now);
    Ok(())
}

/// A local secret first, then RADIUS where `/ppp/aaa` says so.
fn authorise(router: &Router, username: &str, password: &str, mac: &str) -> Result<Grant, String> {
    let secret = router.store.table("/ppp/secret").named(username);
    let refusal = match secret {
        None => "no such secret",
        Some(row) if row.is("disabled") => "secret is disabled",
        Some(row) if row.text("password") != password => "wrong password",
        Some(row) if !matches!(row.text("service"), "any" | "pppoe") => "secret is for another service",
        Some(row)
            if !row.text("caller-id").is_empty() && !row.text("caller-id").eq_ignore_ascii_case(mac) =>
        {
            "wrong caller-id"
        }
        Some(row) => {
            return Ok(Grant {
                profile: row.text("profile").to_owned(),
                remote_address: row.text("remote-address").to_owned(),
                ipv6: value::host_of(row.text("remote-ipv6-prefix")),
                radius: false,
                secret: Some(row.id),
            });
        }
    };
    let aaa = router.store.table("/ppp/aaa").rows().next().is_some_and(|row| row.is("use-radius"));
    let server = router
        .store
        .table("/radius")
        .rows()
        .any(|row| !row.is("disabled") && row.text("service").split(',').any(|service| service == "ppp"));
    if aaa && server && router.config.radius_users.iter().any(|user| user == username) {
        return Ok(Grant {
            profile: "default".to_owned(),
            remote_address: String::new(),
            ipv6: None,
            radius: true,
            secret: None,
        });
    }
    Err(refusal.to_owned())
}

/// An address, or the next free one of a pool of that name.
fn take_address(router: &mut Router, wanted: &str) -> Option<Ipv4Addr> {
    if let Ok(address) = wanted.parse() {
        return Some(address);
    }
    let ranges = router.store.table("/ip/pool").named(wanted)?.text("ranges").to_owned();
    let free: Vec<(u32, u32)> = ranges.split(',').filter_map(value::address_range).collect();
    let size: u64 = free.iter().map(|(first, last)| u64::from(last - first) + 1).sum();
    let cursor = router.pool_cursor.entry(wanted.to_owned()).or_default();
    for _ in 0..size {
        let mut offset = *cursor % size;
        *cursor = cursor.wrapping_add(1);
        for (first, last) in &free {
            let length = u64::from(last - first) + 1;
            if offset < length {
                let address = first.saturating_add(u32::try_from(offset).ok()?);
                if !router.taken.contains(&address) {
                    return Some(address.into());
                }
                break;
            }
            offset -= length;
        }
    }
    None
}

/// The dynamic queue that a profile's `rate-limit` makes.
fn queue(router: &mut Router, profile: &Row, interface: &str) -> Option<RowId> {
    let (up, down) = value::rate_pair(profile.get("rate-limit")?)?;
    let limit = format!("{up}/{down}");
    let properties = [("name", interface), ("target", interface), ("max-limit", limit.as_str())];
    Some(router.store.table_mut("/queue/simple").insert(&properties, true))
}

/// The dynamic address-list entries that `lists` (comma-separated) ask for.
pub(super) fn list_entries(router: &mut Router, lists: &str, address: &str) -> Vec<RowId> {
    let created = router.local_time_text();
    lists
        .split(',')
        .filter(|list| !list.is_empty())
        .map(|list| {
            let properties = [("list", list), ("address", address), ("creation-time", created.as_str())];
            router.store.table_mut("/ip/firewall/address-list").insert(&properties, true)
        })
        .collect()
}

/// A client removed a row of `/ppp/active` or `/ip/hotspot/active`: the session goes, and the CPE dials again after its
/// interval.
pub(super) fn drop_active(router: &mut Router, menu: &'static str, active: RowId, now: Duration) -> bool {
    let Some(index) = router.owner(menu, active) else { return false };
    let table = router.store.table(menu);
    let Some(name) = table.get(active).map(|row| row.text(table.menu.key).to_owned()) else {
        return false;
    };
    router.end_session(index);
    let time = router.local_time_text();
    let secrets = router.store.table_mut("/ppp/secret");
    if let Some(secret) = secrets.named(&name).map(|row| row.id).filter(|_| menu == "/ppp/active") {
        secrets.update(secret, |row| row.set("last-logged-out", &time));
    }
    router.counters.session_drops += 1;
    *router.counters.session_drops_by_name.entry(name).or_default() += 1;
    let redial = Duration::from_millis(router.config.redial_ms.max(1));
    router.schedule(index, now.saturating_add(redial));
    true
}
