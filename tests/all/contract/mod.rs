//! The OpenAPI document is true: schemathesis, which others wrote, reads it and calls a running installation with what the
//! document allows, with what it does not, and along the links between operations.
//!
//! - No answer is a 5xx, and none is another than the document says.
//! - At least four of five operations are reached with success; those that are not are printed.
//! - Examples are real calls on real things ([`examples`]), because no program guesses an id.
//!
//! It takes about three minutes on one database; `soak` does it on both and longer.

#![allow(clippy::panic, clippy::print_stderr, reason = "a failed test, and what one that passed has to say")]

mod examples;
mod schemathesis;
mod stage;

use crate::audit::{calls, walk::Walk};
use crate::e2e::{Database, soak};
use crate::isolation::reads;
use atalaya_tests::{
    harness::Api,
    isp::{PASSWORD, Size, TENANT},
};
use examples::Examples;
use schemathesis::{Run, Schemathesis};
use serde_json::json;

/// Logs somebody in, from an address.
type LogIn<'l> = &'l dyn Fn(&str) -> Api;

/// The share of operations that must be reached with success, in percent.
const REACHED: usize = 80;

#[test]
fn the_document_is_true() {
    let Some(schemathesis) = Schemathesis::find() else { return };
    let databases: &[Database] =
        if soak() { &[Database::Sqlite, Database::Postgres] } else { &[Database::Sqlite] };
    databases.iter().for_each(|database| on(*database, &schemathesis));
}

fn on(database: Database, schemathesis: &Schemathesis) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = database.isp_behind_proxy(folder.path(), Size { subscribers: 8, sites: 2 });
    let test = reads::connection_test(&isp);
    let mut examples = Examples::default();
    let mut walk = Walk::with_before(&isp.owner, |call| {
        examples.add(call.operation, call.path, call.version, call.body.clone());
    });
    calls::all(&isp, &mut walk);
    drop(walk);
    for (operation, path) in reads::all(&isp, &test) {
        examples.add(operation, &path, None, None);
    }
    let operator = reads::operator(&isp);
    stage::set(&isp, &operator, &mut examples);
    let document = examples.into_document();

    let http = isp.control_plane.http();
    // Everybody is another owner, who logs in right before: a run may end sessions and change passwords, as it should.
    let email = |client: &str| format!("{client}@netandina.example");
    let person = |client: &str| {
        Api::forwarding(http, client).logged_in(TENANT, &email(client), PASSWORD).expect("who can log in")
    };
    let operator = |_: &str| Api::operator(http, reads::OPERATOR, PASSWORD).expect("the operator logs in");
    // Where nothing that is made can be asked for there are no links.
    let (links, no_links) = (true, false);
    let runs: [(_, _, LogIn<'_>, u32, bool); 7] = [
        ("the ISP", "^/(?!platform|stream|session|me/|users|tokens|password-links)", &person, 100, links),
        ("one's own", "^/me/(?!password)", &person, 20, links),
        ("entering", "^/(session(?!/step-up)|tokens|password-links)", &person, 20, no_links),
        // After these a session has another cookie, which nothing here keeps.
        ("another cookie", "^/(me/password|session/step-up)", &person, 8, no_links),
        ("people", "^/users", &person, 15, links),
        ("the installation", "^/platform/(?!session)", &operator, 20, links),
        ("operators entering", "^/platform/session", &operator, 10, no_links),
    ];
    let clients: Vec<String> = (0..runs.len()).map(|number| format!("198.51.100.{}", 41 + number)).collect();
    // All at once: long runs outlast the time for which who made them has shown who they are.
    for client in &clients {
        let new = json!({"name": client, "email": email(client), "role": "owner", "password": PASSWORD});
        isp.owner.post("/users", &new).expect("an owner can be made");
    }
    let mut reached = schemathesis::Reached::of(&document);
    let mut faults = Vec::new();
    for ((name, paths, log_in, seconds, follows_links), client) in runs.into_iter().zip(clients) {
        let seconds = if soak() { 5 * seconds } else { seconds };
        let run = Run { name, paths, as_whom: log_in(&client), client, seconds, follows_links };
        faults.extend(schemathesis.run(&run, &document, http, folder.path(), &mut reached));
    }
    eprintln!("{database:?}: {reached}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(reached.percent() >= REACHED, "{database:?}: {reached}");
}
