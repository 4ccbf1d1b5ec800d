//! Files over HTTP: larger than any other body, stored once however often they are sent, and handed out to be saved only.

use super::{Database, on_each_database};
use atalaya_tests::{
    harness::Exchange,
    isp::{Founded, OWNER, PASSWORD, TENANT, id_of},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;

on_each_database!(a_file_is_stored_once_and_handed_out_to_be_saved);

fn a_file_is_stored_once_and_handed_out_to_be_saved(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut isp = Founded::start(database.options(folder.path())).expect("it starts");
    let customer =
        isp.owner.post("/customers", &json!({"name": "Ñahui, Elena"})).expect("a customer can be made");
    let customer = id_of(&customer).expect("it has an id");
    let path = |name: &str| format!("/files?subject={customer}&name={name}");
    let count = |isp: &Founded| {
        let page = isp.owner.get(&format!("/files?subject={customer}")).expect("files can be listed");
        page["items"].as_array().map_or(0, Vec::len)
    };

    // A JSON text is a text; this one is larger than any JSON body may be.
    let large = Value::String("ñ".repeat(1_500_000));
    let first = isp.owner.post_with_key(&path("informe.json"), &large, "once").expect("it is taken");
    let again = isp.owner.post_with_key(&path("informe.json"), &large, "once").expect("it is answered again");
    assert_eq!(first, again);
    assert_eq!((first["name"].as_str(), first["size"].as_i64()), (Some("informe.json"), Some(3_000_002)));
    assert_eq!(count(&isp), 1);
    let other = isp.owner.post_with_key(&path("otro.json"), &large, "once").expect_err("another file");
    assert_eq!((other.status, other.code()), (422, "idempotency_mismatch"));

    let too_large = Value::String("a".repeat(10 << 20));
    let refused = isp.owner.post(&path("grande.json"), &too_large).expect_err("it is too large");
    assert_eq!((refused.status, refused.code()), (413, "body_too_large"));
    assert_eq!(refused.problem["params"]["limit"], 10_000_000);
    let elsewhere =
        isp.owner.post("/notes", &json!({"subject": customer, "text": large})).expect_err("nor a note");
    assert_eq!(elsewhere.status, 413, "what is no file stays small");
    assert_eq!(count(&isp), 1);

    // What was acknowledged is there after the process died.
    isp.control_plane.restart(None).expect("it starts again");
    let said = Arc::new(Mutex::new(Vec::<Exchange>::new()));
    let owner =
        isp.control_plane.log_in(TENANT, OWNER, PASSWORD).expect("who can log in").written_down(&said);
    let content = format!("/files/{}/content", first["id"].as_str().expect("it has an id"));
    assert_eq!(owner.get(&content).expect("it can be read"), large);
    let headers = said.lock().remove(0).answer.lines().next().expect("a line of headers").to_lowercase();
    for header in [
        "\"content-type\": \"application/octet-stream\"",
        "attachment; filename=\\\"informe.json\\\"; filename*=utf-8''informe.json",
        "\"x-content-type-options\": \"nosniff\"",
        "\"content-security-policy\": \"sandbox; default-src 'none'\"",
        "\"cache-control\": \"private, no-store\"",
    ] {
        assert!(headers.contains(header), "{header} is missing in {headers}");
    }
}
