//! A ping from a router: what it says arrives as it is said, each word once, and the router is asked once, whoever is
//! killed meanwhile and wherever.

use super::{Database, on_each_database};
use atalaya_simulators::routeros::SimConfig;
use atalaya_tests::{
    harness::{wait_for, wait_until},
    isp::{Isp, Size, id_of},
};
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
/// Nobody has this address; the one that somebody has is read from the router.
const NOBODY: &str = "192.0.2.7";

on_each_database!(a_ping_is_done_once_and_told_as_it_goes);

fn a_ping_is_done_once_and_told_as_it_goes(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let quick = |config: &mut SimConfig| config.echo_interval_ms = 200;
    let size = Size { subscribers: 2, sites: 1 };
    let mut isp = Isp::start_with(folder.path(), database.options(folder.path()), size, quick)
        .expect("the fictional ISP starts");
    let path = format!("/devices/{}", isp.sites[0].router_id);
    wait_until("the agent to have the router", SOON, || {
        isp.owner.get(&path).is_ok_and(|device| device["state"] == "answers")
    });
    let online = wait_for("a subscriber to be online", SOON, || {
        let rows = isp.sites[0].router.ask(&json!({"op": "rows", "menu": "/ppp/active"}));
        rows[0]["address"].as_str().map(str::to_owned)
    });

    let id = ask(&isp, &online, 2);
    let done = ended(&isp, &id);
    assert_eq!((done["status"].as_str(), &done["address"]), (Some("done"), &json!(online)), "{done}");
    let echoes = echoes(&isp, &id);
    assert_eq!(echoes.len(), 2);
    assert!(echoes.iter().all(|echo| echo["round_trip_us"].is_i64() && echo["host"] == online), "{echoes:?}");

    somebody_stops_it(&isp);
    headquarters_is_killed(&mut isp);
    the_agent_is_killed(&mut isp);
}

fn somebody_stops_it(isp: &Isp) {
    let id = ask(isp, NOBODY, 100);
    wait_until("the first word", SOON, || !parts(isp, &id).is_empty());
    let stopped =
        isp.owner.post(&format!("/devices/diagnoses/{id}/cancel"), &json!({})).expect("it is heard");
    assert_eq!((stopped["stopping"].as_bool(), stopped["status"].as_str()), (Some(true), Some("waiting")));
    let stopped = ended(isp, &id);
    assert_eq!(stopped["status"], "cancelled", "{stopped}");
    assert!(echoes(isp, &id).iter().all(|echo| echo["words"] == "timeout"));
}

/// It dies before a part is kept, before its agent may forget it, and before the agent may forget the result.
fn headquarters_is_killed(isp: &mut Isp) {
    for point in ["gateway.before_part_write:2", "gateway.before_part_ack:2", "gateway.before_result_ack"] {
        isp.control_plane.restart(Some(point)).expect("it starts with a fault");
        until_heard_of(isp);
        let before = pings(isp);
        let id = ask(isp, NOBODY, 4);
        isp.control_plane.process.wait_for_abort(SOON);
        isp.control_plane.restart(None).expect("it comes back");
        let done = ended(isp, &id);
        assert_eq!(done["status"], "done", "{point}: {done}");
        assert_eq!(sequences(isp, &id), [1, 2, 3, 4], "{point}: each part once");
        assert_eq!(pings(isp), before + 1, "{point}: the router was asked once");
    }
}

/// It dies before it writes that it begins, after, while the router answers, and before and after it keeps the result.
fn the_agent_is_killed(isp: &mut Isp) {
    for (point, status, asked) in [
        ("jobs.before_started", "done", 1),
        ("jobs.after_started", "unknown", 0),
        ("jobs.after_part:2", "unknown", 1),
        ("jobs.before_result", "unknown", 1),
        ("jobs.after_result", "done", 1),
    ] {
        isp.sites[0].agent.restart(Some(point)).expect("it starts with a fault");
        until_heard_of(isp);
        let before = pings(isp);
        let id = ask(isp, NOBODY, 3);
        isp.sites[0].agent.process.wait_for_abort(SOON);
        isp.sites[0].agent.restart(None).expect("it comes back");
        let told = ended(isp, &id);
        assert_eq!(told["status"], status, "{point}: {told}");
        let heard = sequences(isp, &id);
        assert_eq!(heard, (1..=heard.len()).collect::<Vec<_>>(), "{point}: no gap and nothing twice");
        assert_eq!(pings(isp), before + asked, "{point}");
    }
}

/// Waits until the agent has said something since now: that it is connected may be a word of before.
fn until_heard_of(isp: &Isp) {
    let heard = || {
        let agent = isp.owner.get(&format!("/agents/{}", isp.sites[0].agent_id)).ok()?;
        (agent["state"] == "connected").then(|| agent["last_seen_at"].clone())
    };
    let before = heard();
    wait_until("the agent to be heard of", SOON, || heard().is_some_and(|now| Some(now) != before));
}

/// A ping of so many echoes from the router; its id.
fn ask(isp: &Isp, address: &str, count: u32) -> String {
    let path = format!("/devices/{}/diagnoses", isp.sites[0].router_id);
    let asked = isp.owner.post(&path, &json!({"kind": "ping", "address": address, "count": count}));
    id_of(&asked.expect("it can be asked for")).expect("it has an id")
}

/// How it ended.
fn ended(isp: &Isp, id: &str) -> Value {
    wait_for("it to end", SOON, || {
        let told = isp.owner.get(&format!("/devices/diagnoses/{id}")).ok()?;
        (told["status"] != "waiting").then_some(told)
    })
}

fn parts(isp: &Isp, id: &str) -> Vec<Value> {
    let output = isp.owner.get(&format!("/devices/diagnoses/{id}/output")).expect("it can be read");
    output["items"].as_array().expect("a list").clone()
}

fn sequences(isp: &Isp, id: &str) -> Vec<usize> {
    let sequence = |part: &Value| part["sequence"].as_u64().and_then(|number| usize::try_from(number).ok());
    parts(isp, id).iter().filter_map(sequence).collect()
}

fn echoes(isp: &Isp, id: &str) -> Vec<Value> {
    parts(isp, id).iter().flat_map(|part| part["echoes"].as_array().cloned().unwrap_or_default()).collect()
}

/// How often the router was asked to ping.
fn pings(isp: &Isp) -> u64 {
    isp.sites[0].router.counters()["tools"]["ping"].as_u64().unwrap_or(0)
}
