//! What is another's does not exist: every operation of the OpenAPI document is tried by people whom it does not concern,
//! on the very things of its valid call, before the owner's own call shows that it works.
//!
//! - The owner of **another tenant** gets exactly the answer that an id which never existed gets, and reads nothing of
//!   ours in a list.
//! - Somebody of **another site**, with every right but for that site alone, gets it too; what is of the whole ISP is
//!   refused, whatever its id, and where there is none.
//! - Somebody of a **partner**, as nobody can be yet, sees nothing anywhere, not even what is sold.
//! - A **key without the right** is refused with the same words, whatever the id.
//! - **Nobody** gets 401, and learns no more.
//! - No table of ours is another one afterwards, and none of the installation.
//!
//! Nothing is excused: an operation without a valid call, or without a line among the reads, fails the test.

#![allow(clippy::panic, reason = "a failed test")]

mod agents;
mod csrf;
mod digests;
mod outsiders;
pub(crate) mod reads;

use crate::audit::{calls, walk::Walk};
use crate::e2e::{Database, on_each_database};
use atalaya_tests::isp::{Founded, Isp, Size};
use digests::Digests;
use outsiders::Outsiders;

on_each_database!(what_is_anothers_does_not_exist);

fn what_is_anothers_does_not_exist(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = database.isp_behind_proxy(folder.path(), Size { subscribers: 4, sites: 1 });
    let orders = reads::orders(&isp);
    let outsiders = Outsiders::settle(&isp);
    let digests = Digests::open(&isp.control_plane.options, &isp.owner);
    let mut walk = watched(&isp, &outsiders, &digests);
    calls::all(&isp, &mut walk);
    walk.demand_every_operation();
    drop(walk);

    let reads = reads::all(&isp, &orders);
    reads::demand_every_operation(&reads);
    let operator = reads::operator(&isp);
    for (operation, path) in &reads {
        if operation.starts_with("GET /platform/") {
            operator.get(path).unwrap_or_else(|error| panic!("an operator reads {operation}: {error}"));
            refuse_owner(operation, &isp, path);
            digests.same_around(operation, || outsiders.try_operators_read(operation, path));
            continue;
        }
        let ours = isp.owner.get(path).unwrap_or_else(|error| panic!("the owner reads {operation}: {error}"));
        digests.same_around(operation, || outsiders.try_read(operation, path, &ours));
    }
}

/// The calls of the owner, each tried by all of the outsiders before.
fn watched<'w>(isp: &'w Isp, outsiders: &'w Outsiders, digests: &'w Digests) -> Walk<'w> {
    Walk::with_before(&isp.owner, move |call| {
        let method = call.operation.split(' ').next().expect("an operation begins with its method");
        digests.same_around(call.operation, || {
            outsiders.try_call(call.operation, method, call.path, call.version, call.body.as_ref());
        });
    })
}

/// Where no agent changes tables meanwhile, nearly all of them are looked at. Which do is the same on both databases.
#[test]
fn what_is_anothers_stays_as_it_is_where_no_agent_speaks() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Database::Sqlite.options_behind_proxy(folder.path());
    let Founded { control_plane, owner, .. } = Founded::start(options).expect("it starts");
    let isp = Isp { control_plane, owner, sites: Vec::new() };
    let outsiders = Outsiders::settle(&isp);
    let digests = Digests::open(&isp.control_plane.options, &isp.owner).without_agents();
    let mut walk = watched(&isp, &outsiders, &digests);
    calls::without_agents(&isp, &mut walk);
}

/// The owner of an ISP is no operator of the installation.
fn refuse_owner(operation: &str, isp: &Isp, path: &str) {
    let refused = isp.owner.get(path).err().unwrap_or_else(|| panic!("{operation}: an owner is let in"));
    assert_eq!(refused.status, 401, "{operation}: {refused}");
}
