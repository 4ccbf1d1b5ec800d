//! What is another agent's does not exist for an agent either: over its own, genuine connection it names the devices,
//! points and jobs of another ISP, and of another site of its own ISP.
//!
//! - It gets the very answers that ids which never existed get, and is told no id of ours.
//! - Nothing of ours is another afterwards; at its own ISP nothing changes but what bears its own name.
//! - The same words of the agent whose they are change all of it: the device, the point, the job, the measurements.

mod by_hand;
mod claims;

use super::{digests::Digests, outsiders::ids_in};
use crate::e2e::{Database, on_each_database};
use atalaya_tests::{
    harness::{Api, wait_until},
    isp::{Founded, PASSWORD, id_of},
};
use by_hand::ByHand;
use claims::{ADDRESS, Claims, METRIC};
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

/// Another ISP of the same installation.
const OTHER: &str = "otra-red";
const SOON: Duration = Duration::from_secs(30);

on_each_database!(what_is_another_agents_does_not_exist);

fn what_is_another_agents_does_not_exist(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = Founded::start(database.options(folder.path())).expect("a control plane with a tenant");
    let ours = Ours::settle(folder.path(), &isp.owner);
    let (_, neighbour) = site_with_agent(folder.path(), &isp.owner, "Loma Verde");
    let (_, stranger) = site_with_agent(folder.path(), &other_owner(&isp), "Isla Lejana");
    let digests = Digests::open(&isp.control_plane.options, &isp.owner);

    let claims = ours.claims(&isp.owner);
    let before = ours.seen(&isp.owner);
    for (who, intruder) in [("a stranger", &stranger), ("a neighbour", &neighbour)] {
        let changed = digests.changed_by_an_agent(|| {
            let real = claims.made_by(intruder, 2);
            let unreal = claims.about_nothing().made_by(intruder, 3);
            assert_eq!(real.answers, unreal.answers, "{who} can tell that our things exist");
            for id in ids_in(&claims.text()) {
                assert!(!real.told.contains(&id), "{who} is told of {id}");
            }
            wait_until("the intruder to be gone", SOON, || !is_connected(&isp.owner, &intruder.id));
        });
        let of_others: Vec<_> = changed.iter().filter(|(_, row)| !row.contains(&intruder.id)).collect();
        assert!(of_others.is_empty(), "{who} changed what is not its own: {of_others:?}");
    }
    assert_eq!(ours.seen(&isp.owner), before, "nothing is to be seen of what they said");

    let answers = claims.made_by(&ours.agent, 4).answers;
    assert!(
        answers.iter().any(|answer| answer.contains("quarantined: 2")),
        "but for the forged labels: {answers:?}"
    );
    let after = ours.seen(&isp.owner);
    for (what, shown) in
        [("the device", "refuses"), ("the point", ADDRESS), ("the job", "ready"), ("the samples", "4242")]
    {
        assert!(!before.contains(shown), "{what} already: {before}");
        assert!(after.contains(shown), "{what} of the agent's own: {after}");
    }
}

/// Another tenant's owner is asked of an agent of ours or theirs alike: to one of them it does not exist.
fn is_connected(owner: &Api, agent: &str) -> bool {
    owner.get(&format!("/agents/{agent}")).is_ok_and(|agent| agent["state"] == "connected")
}

/// A site with an agent, a router and a subscriber.
struct Ours {
    agent: ByHand,
    device: String,
    customer: String,
}

impl Ours {
    fn settle(folder: &Path, owner: &Api) -> Self {
        let (site, agent) = site_with_agent(folder, owner, "Cerro Alto");
        let router = json!({
            "site_id": site, "agent_id": agent.id, "name": "RB-1", "kind": "routeros", "host": "192.0.2.1", "port": 8728,
            "tls": false, "credentials": {"user": "admin", "password": "admin"},
        });
        let device = made(owner, "/devices", &router);
        let price = json!({"amount": 5_900, "currency": "PEN"});
        let plan =
            json!({"name": "Hogar 10", "download_bps": 10_000_000, "upload_bps": 10_000_000, "price": price});
        let plan = made(owner, "/plans", &plan);
        let customer = made(owner, "/customers", &json!({"name": "Quispe, Rosa"}));
        let service =
            json!({"customer_id": customer, "plan_id": plan, "site_id": site, "starts_on": "2026-01-01"});
        let service = made(owner, "/services", &service);
        let attachment =
            json!({"kind": "pppoe", "user": "sub0001", "profile": "10M", "points": [{"device_id": device}]});
        let attached = owner.post(&format!("/services/{service}/attachments"), &attachment);
        attached.expect("a subscriber can be attached");
        Self { agent, device, customer }
    }

    /// What their own agent is told of, and could say of it.
    fn claims(&self, owner: &Api) -> Claims {
        owner.post(&format!("/devices/{}/plan", self.device), &json!({})).expect("a plan can be asked for");
        let claims = Claims::told_to(&self.agent, &self.device);
        wait_until("their own agent to be gone", SOON, || !is_connected(owner, &self.agent.id));
        claims
    }

    /// What people see of it.
    fn seen(&self, owner: &Api) -> String {
        let device = &self.device;
        let paths = [
            format!("/devices/{device}"),
            format!("/devices/{device}/plan"),
            format!("/customers/{}/overview", self.customer),
            format!("/metrics/last?metric={METRIC}&device={device}"),
        ];
        let read = |path: &String| owner.get(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        Value::from(paths.iter().map(read).collect::<Vec<_>>()).to_string()
    }
}

fn made(owner: &Api, path: &str, body: &Value) -> String {
    let answer = owner.post(path, body).unwrap_or_else(|error| panic!("{path}: {error}"));
    id_of(&answer).expect("it has an id")
}

fn site_with_agent(folder: &Path, owner: &Api, name: &str) -> (String, ByHand) {
    let site = made(owner, "/sites", &json!({"name": name}));
    let token = owner.post("/agent-tokens", &json!({"site_id": site, "name": name})).expect("a token");
    let join = token["join_string"].as_str().expect("it is shown once");
    let agent = ByHand::enroll(&folder.join(name), join);
    (site, agent)
}

/// The owner of another tenant.
fn other_owner(isp: &Founded) -> Api {
    let make = ["admin", "tenant", "create", "--slug", OTHER, "--name", "Otra Red", "--country", "PE"];
    let money = ["--currency", "PEN", "--time-zone", "America/Lima"];
    let control_plane = &isp.control_plane;
    control_plane.command(&[&make[..], &money[..]].concat(), "").expect("another tenant can be made");
    let email = "ana@otrared.example";
    let user = ["admin", "user", "create", "--tenant", OTHER, "--email", email, "--name", "Ana Otra"];
    control_plane.command(&user, PASSWORD).expect("it gets an owner");
    control_plane.log_in(OTHER, email, PASSWORD).expect("who can log in")
}
