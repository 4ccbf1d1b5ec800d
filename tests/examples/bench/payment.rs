//! From a payment to a subscriber who is online: a router 20 ms away, subscribers cut for their debt, one payment after
//! the other.

use std::time::{Duration, Instant};

use anyhow::Context;
use atalaya_simulators::relay::{Link, Relay, Transport};
use atalaya_tests::harness::{Api, Options as Start, wait_until};
use atalaya_tests::isp::{Isp, Size, Subscriber};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::Options;
use crate::table::{line, spread};

/// One way to the router, ms.
const ONE_WAY_MS: u64 = 10;
/// What a month costs, in minor units.
const PRICE: u32 = 5_900;
const WITHIN: Duration = Duration::from_secs(60);
/// Between two looks at the API: how exact the figures are.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Prints median and 99th percentile of both latencies.
pub(crate) fn measure(options: &Options, runtime: &Runtime) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let start = Start::in_folder(&folder.path().join("control-plane"));
    let isp = Isp::start(folder.path(), start, Size { subscribers: options.payments, sites: 1 })?;
    let site = &isp.sites[0];
    let relay = runtime.block_on(Relay::start(Transport::Tcp, "127.0.0.1:0".parse()?, site.router.api, 1))?;
    relay.set_link(Link { delay_ms: ONE_WAY_MS, ..Link::default() });
    behind(&isp.owner, &site.router_id, relay.address().port())?;
    site.enforce(&isp.owner)?;
    cut_all(&isp.owner, &site.subscribers)?;

    let (mut unblocked, mut online) = (Vec::new(), Vec::new());
    for subscriber in &site.subscribers {
        let payment = json!({
            "customer_id": subscriber.customer, "method": "cash",
            "amount": {"amount": PRICE, "currency": "PEN"},
        });
        let begin = Instant::now();
        isp.owner.post("/payments", &payment)?;
        unblocked.push(seconds_until(begin, &isp.owner, subscriber, &["unblocked_waiting", "online"])?);
        online.push(seconds_until(begin, &isp.owner, subscriber, &["online"])?);
    }
    line("payment sent -> unblocked on the router and read back, s", &spread(&unblocked, 3), "", "");
    line("  99th percentile, router 20 ms away", &percentile(&mut unblocked, 99), "< 1", "");
    line("payment sent -> online, CPE dials each 5 s, s", &spread(&online, 1), "", "");
    runtime.block_on(relay.shutdown());
    Ok(())
}

/// Puts the router behind the slow link.
fn behind(owner: &Api, router: &str, port: u16) -> anyhow::Result<()> {
    let path = format!("/devices/{router}");
    let revision = owner.get(&path)?["revision"].as_i64().context("a device has a revision")?;
    owner.patch(&path, revision, &json!({"port": port}))?;
    Ok(())
}

/// Bills everybody in the past and cuts them by a run.
fn cut_all(owner: &Api, subscribers: &[Subscriber]) -> anyhow::Result<()> {
    // The brake is for mistakes; here everybody is meant.
    let version = owner.get("/tenant")?["version"].as_i64().context("a tenant has a version")?;
    owner.patch("/tenant", version, &json!({"cut_brake_floor": 10_000}))?;
    for subscriber in subscribers {
        let bill = json!({
            "customer_id": subscriber.customer, "service_id": subscriber.service, "description": "octubre",
            "amount": {"amount": PRICE, "currency": "PEN"}, "due_on": "2026-01-10",
        });
        owner.post("/invoices", &bill)?;
    }
    let run = owner.post("/collections/runs", &json!({}))?;
    let execute = format!("/collections/runs/{}/execute", run["id"].as_str().context("a run has an id")?);
    owner.post(&execute, &json!({"expected_services": subscribers.len()}))?;
    for subscriber in subscribers {
        wait_until("everybody to be cut", WITHIN, || state(owner, subscriber) == "cut");
    }
    Ok(())
}

fn state(owner: &Api, subscriber: &Subscriber) -> String {
    let overview = owner.get(&format!("/customers/{}/overview", subscriber.customer)).unwrap_or(Value::Null);
    overview["services"][0]["network"]["state"].as_str().unwrap_or_default().to_owned()
}

fn seconds_until(
    begin: Instant,
    owner: &Api,
    subscriber: &Subscriber,
    states: &[&str],
) -> anyhow::Result<f64> {
    while !states.contains(&state(owner, subscriber).as_str()) {
        anyhow::ensure!(begin.elapsed() < WITHIN, "{} is {}", subscriber.user, state(owner, subscriber));
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// The figure below which so many of a hundred lie.
fn percentile(figures: &mut [f64], percent: usize) -> String {
    figures.sort_by(f64::total_cmp);
    let at = (figures.len() * percent).div_ceil(100).saturating_sub(1);
    figures.get(at).map_or_else(|| "not measured".to_owned(), |figure| format!("{figure:.3}"))
}
