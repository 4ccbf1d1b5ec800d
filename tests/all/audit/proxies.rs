//! Who a log-in came from, directly and through a proxy.

use super::{Database, on_each_database};
use atalaya_tests::{
    harness::{Api, Options},
    isp::{Founded, OWNER, TENANT},
};
use serde_json::{Value, json};
use std::path::Path;

on_each_database!(a_header_counts_from_a_trusted_proxy_alone);

fn started(database: Database, folder: &Path, config: Option<&str>) -> Founded {
    let config = config.map(str::to_owned);
    Founded::start(Options { config, ..database.options(folder) }).expect("it starts")
}

/// A wrong log-in on behalf of somebody; its status, and the address in its audit row.
fn refused(isp: &Founded, forwarded_for: &str) -> (u16, Value) {
    let body = json!({"tenant": TENANT, "email": OWNER, "password": "not-the-password"});
    let api = Api::forwarding(isp.control_plane.http(), forwarded_for);
    let error = api.call("POST", "/session", None, Some(&body)).err().expect("it is wrong");
    let page = isp.owner.get("/audit?limit=50").expect("the audit trail can be read");
    let rows = page["items"].as_array().expect("a page has items");
    let row = rows.iter().find(|row| row["request_id"] == error.problem["request_id"]);
    let state = row.and_then(|row| row["after_state"].as_str()).unwrap_or("null");
    let state: Value = serde_json::from_str(state).expect("a state is JSON");
    (error.status, state["address"].clone())
}

fn a_header_counts_from_a_trusted_proxy_alone(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = started(database, &folder.path().join("open"), None);
    // Nobody is trusted: whoever changes the header with each try is one and the same address.
    let mut statuses = Vec::new();
    for number in 0..30 {
        let (status, address) = refused(&isp, &format!("192.0.2.{number}"));
        statuses.push(status);
        assert!(address == "127.0.0.1" || status == 429, "{address}");
    }
    assert!(statuses.contains(&429), "the limit holds: {statuses:?}");
    drop(isp);

    let config = "[http]\ntrusted_proxies = [\"127.0.0.0/8\"]\n";
    let isp = started(database, &folder.path().join("behind"), Some(config));
    let mut statuses = Vec::new();
    for number in 0..30 {
        // What the client itself sent stands on the left; the proxy appended whom it saw.
        let chain = format!("192.0.2.{number}, 198.51.100.7");
        let (status, address) = refused(&isp, &chain);
        statuses.push(status);
        assert!(address == "198.51.100.7" || status == 429, "{address}");
    }
    assert!(statuses.contains(&429), "the guesser is slowed down: {statuses:?}");
    let (status, address) = refused(&isp, "203.0.113.5");
    assert_eq!((status, address), (401, json!("203.0.113.5")), "another client is another's matter");
}
