//! Overdue → cut → payment → online.

use super::{Database, cut_by_run, on_each_database};
use atalaya_tests::{
    harness::{wait_for, wait_until},
    isp::{Site, Size},
};
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

on_each_database!(who_does_not_pay_is_walled_and_who_pays_is_online);

/// What a subscriber's traffic meets.
pub(super) fn verdict(site: &Site, user: &str) -> String {
    site.router.verdict(user)["verdict"].as_str().unwrap_or_default().to_owned()
}

/// Every row of every menu of a router, sessions, queues and other dynamic ones included, but for those that name the
/// subscriber or its address.
fn rows_of_others(site: &Site, user: &str, address: &str) -> Value {
    let menus = site.router.digests();
    let menus = menus.as_object().expect("digests by menu").keys();
    let rows = |menu: &String| {
        let rows = site.router.ask(&json!({"op": "rows", "menu": menu}));
        let foreign = |row: &&Value| {
            let values = row.as_object().into_iter().flat_map(|row| row.values()).filter_map(Value::as_str);
            !values.into_iter().any(|value| value.contains(user) || is_of(value, address))
        };
        (menu.clone(), rows.as_array().into_iter().flatten().filter(foreign).cloned().collect::<Value>())
    };
    menus.map(rows).collect()
}

/// Whether a value is an address, with a port or mask or without.
fn is_of(value: &str, address: &str) -> bool {
    value.split(['/', ':']).next() == Some(address)
}

fn sessions(site: &Site) -> usize {
    site.router.ask(&json!({"op": "rows", "menu": "/ppp/active"})).as_array().map_or(0, Vec::len)
}

fn who_does_not_pay_is_walled_and_who_pays_is_online(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = database.isp(folder.path(), Size { subscribers: 300, sites: 1 });
    let site = &isp.sites[0];
    let debtor = &site.subscribers[4];
    wait_until("the debtor to be online", SOON, || verdict(site, &debtor.user) == "passes");
    site.enforce(&isp.owner).expect("the router can be enforced");
    let overview = format!("/customers/{}/overview", debtor.customer);
    let network_state = || {
        isp.owner.get(&overview).map_or(Value::Null, |overview| overview["services"][0]["network"].clone())
    };
    wait_until("the router to be as desired", SOON, || network_state()["state"] == "online");
    wait_until("everybody to be online", SOON, || sessions(site) == 300);
    let address = site.router.ask(&json!({"op": "cpe", "cpe": debtor.user}))["address"].clone();
    let address = address.as_str().expect("the debtor has an address");
    let others_before = rows_of_others(site, &debtor.user, address);
    assert_eq!(
        others_before["/ppp/active"].as_array().map(Vec::len),
        Some(299),
        "sessions are compared, too"
    );

    let run = cut_by_run(&isp, debtor);
    assert_eq!(run["totals"]["services"], 1, "{run}");

    wait_until("the debtor to be walled after redialling", SOON, || verdict(site, &debtor.user) == "walled");
    wait_until("the cut to be read back", SOON, || network_state()["state"] == "cut");
    let drops = site.router.counters()["session_drops"].clone();

    let payment = json!({"customer_id": debtor.customer, "amount": {"amount": 5_900, "currency": "PEN"}, "method": "cash"});
    let paid = isp
        .owner
        .post_with_key("/payments", &payment, "the-one-payment")
        .expect("a payment can be registered");
    assert_eq!(paid["reconnecting"][0], debtor.service.as_str(), "{paid}");
    let again =
        isp.owner.post_with_key("/payments", &payment, "the-one-payment").expect("it can be sent again");
    assert_eq!(again["payment"]["id"], paid["payment"]["id"], "one payment");

    wait_until("the payer to pass again", SOON, || verdict(site, &debtor.user) == "passes");
    let passes = site.router.verdict(&debtor.user);
    assert_eq!(passes["download_bps"], 10_000_000, "at the plan's speed: {passes}");
    let state = wait_for("the payer to be seen online", SOON, || {
        Some(network_state()).filter(|state| state["state"] == "online")
    });
    assert!(state["unblocked_at"].is_string() && state["session_seen_at"].is_string(), "two truths: {state}");
    wait_until("everybody to be online", SOON, || sessions(site) == 300);
    assert_eq!(rows_of_others(site, &debtor.user, address), others_before, "the other 299 are untouched");
    let dropped = site.router.counters()["session_drops"].as_u64().unwrap_or(0);
    assert!(dropped <= drops.as_u64().unwrap_or(0) + 1, "one drop for the cut, one for the reconnection");
}
