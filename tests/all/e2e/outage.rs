//! Headquarters is away: the tower measures on, what was cut stays cut, and afterwards everything arrives, the newest
//! first.

use super::{
    Database, cut_by_run,
    main_job::verdict,
    now_ms, on_each_database, samples, soak,
    witness::{self, Sample},
};
use atalaya_simulators::routeros::SimConfig;
use atalaya_tests::{
    harness::{wait_for, wait_until},
    isp::{Isp, Site, Size},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, time::Duration};

const SOON: Duration = Duration::from_secs(60);
/// The agent compares everything at least this often.
const SWEEP: Duration = Duration::from_secs(300);
/// Bytes that pile up before headquarters returns: more than [`slow_backlog`] lets through before something new is
/// measured, which happens each ten seconds.
const BACKLOG: u64 = 14 << 10;

on_each_database!(a_tower_without_headquarters_works_on_and_tells_it_all_later);

fn a_tower_without_headquarters_works_on_and_tells_it_all_later(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let size = Size { subscribers: 6, sites: 1 };
    let busy = |config: &mut SimConfig| config.ethernet_ports = 24;
    let mut isp = Isp::start_with(folder.path(), database.options(folder.path()), size, busy)
        .expect("the fictional ISP starts");
    slow_backlog(&mut isp.sites[0]);
    let devices = samples::more_names_of_the_router(&isp, 6);
    let debtor = isp.sites[0].subscribers[2].clone();
    isp.sites[0].enforce(&isp.owner).expect("the router can be enforced");
    cut_by_run(&isp, &debtor);
    wait_until("the debtor to be walled", SOON, || verdict(&isp.sites[0], &debtor.user) == "walled");
    wait_until("the cut to be told", SOON, || cut_in_the_api(&isp, &debtor.customer));

    isp.control_plane.process.kill().expect("headquarters can be killed");
    let site = &isp.sites[0];
    wait_until("the agent to know that headquarters is away", SOON, || link(site) != "connected");

    // Somebody reconnects the debtor by hand on the router; the agent knows better, all alone.
    by_hand(site, &debtor.user, "10M");
    if !soak() {
        // It compares whenever a device comes back; otherwise it does so by itself every five minutes.
        site.router.ask(&json!({"op": "drop_connections"}));
    }
    wait_until("the agent to put the cut back", SWEEP * 2, || profile(site, &debtor.user) == "cut");
    wait_until("the debtor to be walled again", SOON, || verdict(site, &debtor.user) == "walled");
    wait_until("samples to pile up", SOON, || buffered(site) >= BACKLOG);
    let away_until = quiet_moment(&isp, &devices);

    isp.control_plane.restart(None).expect("headquarters comes back");
    // Sessions survive it: they are rows.
    let live = |isp: &Isp| newest_ms(isp, &devices) > away_until;
    wait_until("a sample measured after the return", SOON, || live(&isp));
    let told_when_live = stored_until(&isp, &devices, away_until);

    let of_the_outage: Vec<_> =
        confirmed(&isp, &devices).into_iter().filter(|sample| sample.at_ms <= away_until).collect();
    let told = wait_for("the backlog to be drained", SOON * 2, || {
        let told = samples::stored(&isp, &of_the_outage, &devices);
        let told: Vec<_> = told.into_iter().filter(|sample| sample.at_ms <= away_until).collect();
        (told.len() >= of_the_outage.len()).then_some(told)
    });
    samples::assert_same(&of_the_outage, &told);
    assert!(
        told_when_live < told.len(),
        "live samples did not wait for the backlog: {told_when_live} of {} were there",
        told.len()
    );
    let agent = isp.owner.get(&format!("/agents/{}", isp.sites[0].agent_id)).expect("the agent can be read");
    assert_eq!(agent["evicted_samples"], 0, "nothing was given up: {agent}");
    assert_eq!(agent["duplicate_identity_at"], Value::Null, "one machine: {agent}");
    assert!(cut_in_the_api(&isp, &debtor.customer), "still cut");
    assert_eq!(verdict(&isp.sites[0], &debtor.user), "walled");
}

/// A narrow link for old samples, so that there is time to look while they come.
fn slow_backlog(site: &mut Site) {
    let file = site.agent.folder().join("agent.toml");
    fs::write(file, "[uplink]\nbacklog_kib_per_second = 1\n").expect("the agent's folder can be written");
    site.agent.restart(None).expect("the agent starts again");
}

fn cut_in_the_api(isp: &Isp, customer: &str) -> bool {
    let overview = isp.owner.get(&format!("/customers/{customer}/overview"));
    overview.is_ok_and(|overview| overview["services"][0]["network"]["state"] == "cut")
}

fn link(site: &Site) -> String {
    let status = site.agent.status();
    status["link"]["state"].as_str().unwrap_or_default().to_owned()
}

fn buffered(site: &Site) -> u64 {
    site.agent.status()["buffer"]["bytes"].as_u64().unwrap_or(0)
}

fn secret(site: &Site, user: &str) -> Value {
    let rows = site.router.ask(&json!({"op": "rows", "menu": "/ppp/secret"}));
    let rows = rows.as_array().expect("a list of rows");
    rows.iter().find(|row| row["name"] == user).expect("the subscriber has a secret").clone()
}

fn profile(site: &Site, user: &str) -> String {
    secret(site, user)["profile"].as_str().unwrap_or_default().to_owned()
}

fn by_hand(site: &Site, user: &str, profile: &str) {
    let secret = secret(site, user);
    let id = secret[".id"].as_str().expect("a row has an id");
    site.router.operate(&["/ppp/secret/set", &format!("=.id={id}"), &format!("=profile={profile}")]);
    let active = site.router.ask(&json!({"op": "rows", "menu": "/ppp/active"}));
    for session in active.as_array().expect("a list of rows").iter().filter(|row| row["name"] == user) {
        let id = session[".id"].as_str().expect("a row has an id");
        site.router.operate(&["/ppp/active/remove", &format!("=.id={id}")]);
    }
}

/// Time of the newest counter of any of the devices.
fn newest_ms(isp: &Isp, devices: &BTreeSet<String>) -> i64 {
    let newest = |device: &String| {
        let path = format!("/metrics/last?metric=interface_receive_bytes_total&device={device}");
        let answer = isp.owner.get(&path).expect("measurements can be read");
        let series = answer["series"].as_array().expect("a list of series").clone();
        series.iter().filter_map(|series| series["t"].as_i64()).max()
    };
    devices.iter().filter_map(newest).max().unwrap_or(0)
}

fn confirmed(isp: &Isp, devices: &BTreeSet<String>) -> Vec<Sample> {
    let witness = isp.sites[0].agent.witness().expect("the buffer told");
    samples::of_devices(witness::confirmed(&witness), devices)
}

/// A moment of the outage in the middle of the longest pause of its last seconds: headquarters corrects the agent's
/// times, and no sample may be before it in one count and after it in the other.
fn quiet_moment(isp: &Isp, devices: &BTreeSet<String>) -> i64 {
    let lately = now_ms() - 15_000;
    let mut times: Vec<i64> =
        confirmed(isp, devices).iter().map(|sample| sample.at_ms).filter(|at_ms| *at_ms > lately).collect();
    times.sort_unstable();
    let pauses = times.windows(2).map(|pair| (pair[1] - pair[0], pair[0].midpoint(pair[1])));
    pauses.max().expect("something was measured lately").1
}

/// How many samples up to a time are stored.
fn stored_until(isp: &Isp, devices: &BTreeSet<String>, until_ms: i64) -> usize {
    let confirmed = confirmed(isp, devices);
    let stored = samples::stored(isp, &confirmed, devices);
    stored.iter().filter(|sample| sample.at_ms <= until_ms).count()
}
