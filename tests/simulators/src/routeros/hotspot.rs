//! Hotspot: a customer's equipment logs in with a user, and what a log-in makes on the router.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::cpe::Session;
use super::router::Router;
use super::store::Row;
use super::{ppp, value};

/// Addresses of users who have none of their own: 10.98.0.0/16, by position of the CPE.
const POOL_BASE: u32 = 0x0A62_0000;

/// One log-in of CPE `index`.
///
/// # Errors
/// Why the router refuses, in words.
pub(super) fn log_in(
    router: &mut Router,
    index: usize,
    username: &str,
    password: &str,
    mac: &str,
    now: Duration,
) -> Result<(), String> {
    let user = user(router, username, password, mac)?;
    let profiles = router.store.table("/ip/hotspot/user/profile");
    let profile = profiles.named(user.text("profile")).cloned();
    let profile = profile.ok_or_else(|| format!("profile {} is gone", user.text("profile")))?;
    let own = user.text("address").split('/').next().unwrap_or_default().parse().ok();
    let address = own.unwrap_or_else(|| {
        let offset = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(10);
        Ipv4Addr::from(POOL_BASE.saturating_add(offset))
    });
    let text = address.to_string();
    let active = router
        .store
        .table_mut("/ip/hotspot/active")
        .insert(&[("user", username), ("address", text.as_str()), ("mac-address", mac)], true);
    let queue = profile.get("rate-limit").and_then(value::rate_pair).map(|(up, down)| {
        let (name, limit) = (format!("<hotspot-{username}>"), format!("{up}/{down}"));
        let target = format!("{address}/32");
        let properties =
            [("name", name.as_str()), ("target", target.as_str()), ("max-limit", limit.as_str())];
        router.store.table_mut("/queue/simple").insert(&properties, true)
    });
    let list_entries = ppp::list_entries(router, profile.text("address-list"), &text);
    let session = Session {
        active: Some(active),
        active_menu: "/ip/hotspot/active",
        queue,
        list_entries,
        ..Session::bare(address, now)
    };
    router.begin_session(index, session, now);
    Ok(())
}

fn user(router: &Router, username: &str, password: &str, mac: &str) -> Result<Row, String> {
    let row = router.store.table("/ip/hotspot/user").named(username).ok_or("no such user")?;
    let bound = row.text("mac-address");
    if row.is("disabled") {
        Err("user is disabled".to_owned())
    } else if row.text("password") != password {
        Err("wrong password".to_owned())
    } else if !bound.is_empty() && !bound.eq_ignore_ascii_case(mac) {
        Err("wrong mac-address".to_owned())
    } else {
        Ok(row.clone())
    }
}
