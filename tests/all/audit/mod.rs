//! No change without its row: every operation of the OpenAPI document that may change something is called once by a
//! person who may, and must leave an audit row with who, what, on which thing, before and after, and the request's id.
//!
//! Nothing is excused: an operation without a call here fails the test.

#![allow(clippy::panic, reason = "a failed test")]

#[path = "../../../controlplane/people/tests/people/authenticator.rs"]
mod authenticator;
pub(crate) mod calls;
mod chain;
mod commands;
pub(crate) mod dead;
mod imports;
mod operators;
mod passkeys;
mod proxies;
mod sign_in;
pub(crate) mod staff;
mod standing;
mod tokens;
pub(crate) mod walk;

use crate::e2e::{Database, on_each_database};
use atalaya_tests::isp::Size;

on_each_database!(every_operation_that_changes_something_leaves_its_row);

fn every_operation_that_changes_something_leaves_its_row(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = database.isp_behind_proxy(folder.path(), Size { subscribers: 4, sites: 1 });
    let mut walk = walk::Walk::new(&isp.owner);
    calls::all(&isp, &mut walk);
    walk.demand_every_operation();
}
