//! A client whose answer was lost sends its request again: over HTTP, with the key that it chose.

use super::{Database, on_each_database};
use atalaya_tests::{harness::Api, isp::Founded};
use serde_json::json;

on_each_database!(a_request_that_comes_twice_has_one_effect);

fn a_request_that_comes_twice_has_one_effect(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut isp = Founded::start(database.options(folder.path())).expect("it starts");
    let site = json!({"name": "Cerro Azul"});
    let first = isp.owner.post_with_key("/sites", &site, "once").expect("a site can be made");
    let again = isp.owner.post_with_key("/sites", &site, "once").expect("it is answered again");
    assert_eq!(first, again);
    let sites =
        |owner: &Api| owner.get("/sites").expect("sites can be read")["items"].as_array().map_or(0, Vec::len);
    assert_eq!(sites(&isp.owner), 1);

    let other =
        isp.owner.post_with_key("/sites", &json!({"name": "Cerro Verde"}), "once").expect_err("another");
    assert_eq!((other.status, other.code()), (422, "idempotency_mismatch"));
    let refused = isp.owner.post_with_key("/sites", &site, "twice").expect_err("the name is taken");
    assert_eq!(refused.status, 422, "{refused}");
    let mended = isp.owner.post_with_key("/sites", &json!({"name": "Cerro Verde"}), "twice");
    mended.expect("what was refused had no effect: its key is free");
    assert_eq!(sites(&isp.owner), 2);

    // The process that answered is gone; the answer is not.
    isp.control_plane.restart(None).expect("it starts again");
    let after = isp.owner.post_with_key("/sites", &site, "once").expect("it is answered again");
    assert_eq!(first, after);
}
