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
    isp::{OWNER, PASSWORD, Size, TENANT},
};
use examples::Examples;
use schemathesis::{Run, Schemathesis};

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
    stage::set(&isp, &mut examples);
    let document = examples.into_document();

    let http = isp.control_plane.http();
    let person = |client: &str| {
        Api::forwarding(http, client).logged_in(TENANT, OWNER, PASSWORD).expect("the owner logs in")
    };
    let operator = reads::operator(&isp);
    let long = if soak() { 5 } else { 1 };
    let runs = [
        Run {
            name: "the ISP",
            paths: "^/(?!platform|stream|session|me/|users|tokens|password-links)",
            as_whom: person("198.51.100.41"),
            seconds: 110 * long,
        },
        Run { name: "people", paths: "^/users", as_whom: person("198.51.100.42"), seconds: 20 * long },
        Run { name: "one's own", paths: "^/me/", as_whom: person("198.51.100.43"), seconds: 20 * long },
        Run {
            name: "entering",
            paths: "^/(session|tokens|password-links)",
            as_whom: person("198.51.100.44"),
            seconds: 15 * long,
        },
        Run {
            name: "the installation",
            paths: "^/platform/(?!session)",
            as_whom: operator,
            seconds: 20 * long,
        },
        Run {
            name: "operators entering",
            paths: "^/platform/session",
            as_whom: Api::operator(http, reads::OPERATOR, PASSWORD).expect("the operator logs in"),
            seconds: 5 * long,
        },
    ];
    let mut reached = schemathesis::Reached::of(&document);
    let mut faults = Vec::new();
    for run in runs {
        faults.extend(schemathesis.run(&run, &document, http, folder.path(), &mut reached));
    }
    assert!(faults.is_empty(), "{database:?}\n{}", faults.join("\n"));
    eprintln!("{database:?}: {reached}");
    assert!(reached.percent() >= REACHED, "{database:?}: {reached}");
}
