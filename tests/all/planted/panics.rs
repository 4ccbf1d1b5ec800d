//! A defect that prints what it holds: the message goes to the log, and the secret does not.

use super::{Needle, places::Place, search};
use atalaya_tests::{
    harness::{Api, Options, wait_until},
    isp::{Founded, OWNER, PASSWORD, TENANT, id_of},
};
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);
const DEVICE_PASSWORD: &str = "plantada-9b41d7e3-antena";

/// Starts the control plane so that it panics at a point, has it pass there, and looks for a secret in all that it said.
fn panics(isp: &mut Founded, point: &str, secret: &str, pass: impl FnOnce(&Founded)) {
    isp.control_plane.restart(Some(point)).expect("it starts again");
    pass(isp);
    let message = format!("panicking at the fault point {point} with ");
    wait_until("the panic to be told", SOON, || isp.control_plane.process.log().contains(&message));
    let log = isp.control_plane.process.log();
    assert!(log.contains("(…)"), "what was at hand is printed, but for the secret: {log}");
    let needles = [Needle::new("the secret", secret.as_bytes(), &[])];
    let found = search(&needles, &[Place::new("log", log)]);
    assert!(found["the secret"].is_empty(), "{point}: the secret lies in the log");
    // One request was lost, and no other.
    let next = Api::log_in(isp.control_plane.http(), TENANT, OWNER, PASSWORD).expect("the process lives");
    assert!(next.get("/sites").is_ok());
}

#[test]
fn a_panic_with_a_secret_in_hand_does_not_tell_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Everything that there is to tell, lines of panics among it.
    let options = Options { log: Some("debug".to_owned()), ..Options::in_folder(folder.path()) };
    let mut isp = Founded::start(options).expect("it starts");
    let site = id_of(&isp.owner.post("/sites", &json!({"name": "Cerro Alto"})).expect("a site can be made"));
    let site = site.expect("it has an id");

    panics(&mut isp, "session.password_at_hand", PASSWORD, |isp| {
        let http = isp.control_plane.http();
        let lost = Api::log_in(http, TENANT, OWNER, PASSWORD).err().expect("the request is lost");
        assert!(lost.status == 0 || lost.status == 500, "{lost}");
    });
    panics(&mut isp, "devices.password_at_hand", DEVICE_PASSWORD, |isp| {
        let owner =
            Api::log_in(isp.control_plane.http(), TENANT, OWNER, PASSWORD).expect("the owner logs in");
        let device = json!({
            "site_id": site, "agent_id": "agt_01jd3k5m7nf8v9q0r1s2t3w4x5", "name": "RB-1", "kind": "routeros",
            "host": "192.0.2.1", "credentials": {"user": "admin", "password": DEVICE_PASSWORD},
        });
        let lost = owner.post("/devices", &device).expect_err("the request is lost");
        assert!(lost.status == 0 || lost.status == 500, "{lost}");
    });
}
