//! A copy that is started somewhere else looks like the original and acts like none: no message leaves, no agent is let in, and
//! it says so, until a person arms it.

use super::{Database, by_hand, cut_by_run, main_job::verdict, on_each_database};
use atalaya_tests::{
    harness::{MailServer, Options, wait_until},
    isp::{Isp, OWNER, PASSWORD, Size, TENANT, id_of},
};
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
const EVA: &str = "eva.salas@netandina.example";

on_each_database!(a_copy_that_is_started_elsewhere_does_nothing_until_it_is_armed);

fn a_copy_that_is_started_elsewhere_does_nothing_until_it_is_armed(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(mail) = MailServer::start(&folder.path().join("mail")).expect("it starts") else { return };
    let options = Options { config: Some(mail.settings()), ..database.options(folder.path()) };
    let size = Size { subscribers: 4, sites: 1 };
    let mut isp = Isp::start(folder.path(), options, size).expect("the ISP starts");
    isp.sites[0].enforce(&isp.owner).expect("the router can be enforced");
    let debtor = isp.sites[0].subscribers[1].clone();
    wait_until("the debtor to be online", SOON, || verdict(&isp.sites[0], &debtor.user) == "passes");
    let new = json!({"name": "Eva Salas", "email": EVA, "role": "cashier"});
    let eva = id_of(&isp.owner.post("/users", &new).expect("a user can be made")).expect("it has an id");
    wait_until("the log-in of the owner to be told by mail", SOON, || told(&mail) > 0);

    // The same host, and somebody's rehearsal.
    started_as(&mut isp, "staging");
    let before = (told(&mail), attempts(&isp));
    let session = isp.owner.get("/session").expect("people log in and look");
    assert_eq!((&session["safe_mode"], &session["environment"]), (&json!(true), &json!("staging")));
    let log = isp.control_plane.process.log();
    assert!(log.contains("safe mode: this database was armed elsewhere"), "{log}");
    cut_by_run(&isp, &debtor);
    let send = json!({"send": true});
    let refused = isp.owner.post(&format!("/users/{eva}/link"), &send).expect_err("no message leaves");
    assert_eq!(refused.code(), "mail_off");
    isp.control_plane.command(&["mail", "test", "--to", EVA], "").expect_err("nor one of the command line");
    wait_until("the agent to be kept out again and again", SOON, || attempts(&isp) >= before.1 + 3);
    assert_eq!(verdict(&isp.sites[0], &debtor.user), "passes", "nobody is cut by a copy");
    assert_eq!(told(&mail), before.0, "nobody is written to by a copy");

    // It stays so when it is started again, and ends when a person says so.
    started_as(&mut isp, "staging");
    assert_eq!(isp.owner.get("/session").expect("it answers")["safe_mode"], true);
    let said = isp.control_plane.command(&["admin", "arm"], "").expect("it can be armed");
    assert!(said.contains("restart the control plane"), "{said}");
    started_as(&mut isp, "staging");
    assert_eq!(isp.owner.get("/session").expect("it answers")["safe_mode"], false);
    wait_until("the cut to bite", SOON, || verdict(&isp.sites[0], &debtor.user) == "walled");
    isp.owner.post(&format!("/users/{eva}/link"), &send).expect("a message leaves");

    // Now the original's environment is the strange one; and so is a machine that is another.
    started_as(&mut isp, "development");
    assert_eq!(isp.owner.get("/session").expect("it answers")["safe_mode"], true);
    by_hand(&isp.control_plane.options, "UPDATE kernel_installation SET host = 'another machine'");
    started_as(&mut isp, "staging");
    assert_eq!(isp.owner.get("/session").expect("it answers")["safe_mode"], true);
}

/// Starts the control plane again, told to be of an environment.
fn started_as(isp: &mut Isp, environment: &'static str) {
    isp.control_plane.process.stop(SOON).expect("it stops when asked");
    isp.control_plane.options.environment = environment;
    isp.control_plane.restart(None).expect("it starts");
    isp.owner = isp.control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in");
}

/// Messages that left.
fn told(mail: &MailServer) -> usize {
    mail.messages().expect("it writes messages").len()
}

/// How often the agent did not reach headquarters.
fn attempts(isp: &Isp) -> usize {
    isp.sites[0].agent.process.log().matches("not connected to headquarters").count()
}
