//! Work that was given up, for the calls about it: no valid call of a person makes any.

use super::{
    calls::call,
    walk::{Call, Leaves::Changed, Walk},
};
use crate::e2e::by_hand;
use atalaya_tests::isp::Isp;
use serde_json::{Value, json};

/// Kind of job that nobody does: once it is tried again it waits for ever.
const KIND: &str = "test.nobody";

/// A job of the tenant that was given up; its id. `letter` tells it from others.
pub(crate) fn dead_job(isp: &Isp, letter: char) -> String {
    let tenant = isp.owner.get("/tenant").expect("the tenant can be read");
    let tenant = tenant["id"].as_str().expect("it has an id");
    let id = format!("job_01jd3k5m7nf8v9q0r1s2t3w4x{letter}");
    let statement = format!(
        "INSERT INTO kernel_job (id, tenant_id, kind, payload, dedupe_key, state, attempts, run_at, fence, error, created_at, dead_at) \
         VALUES ('{id}', '{tenant}', '{KIND}', 'null', '{id}', 'dead', 10, 1, 10, 'the router answered 503', 1, 2)"
    );
    by_hand(&isp.control_plane.options, &statement);
    id
}

pub(super) fn all(isp: &Isp, walk: &mut Walk<'_>) {
    let (again, given_up) = (dead_job(isp, 'a'), dead_job(isp, 'b'));
    let page = isp.owner.get("/dead-letters").expect("they can be read");
    let seen: Vec<_> = page["items"].as_array().expect("a page").iter().map(|letter| &letter["id"]).collect();
    assert_eq!(seen, [&json!(given_up), &json!(again)]);
    assert_eq!(page["items"][0]["last_error"], "the router answered 503");
    let path = format!("/dead-letters/{again}/replay");
    let replay = call("POST /dead-letters/{id}/replay", &path, Value::Null, "dead_letter");
    walk.call(Call { body: None, leaves: Changed, id: Some(&again), ..replay });
    let path = format!("/dead-letters/{given_up}/discard");
    let reason = json!({"reason": "The router was replaced"});
    let discard = call("POST /dead-letters/{id}/discard", &path, reason, "dead_letter");
    walk.call(Call { leaves: Changed, id: Some(&given_up), ..discard });
    let left = isp.owner.get("/dead-letters").expect("they can be read");
    assert_eq!(left["items"], json!([]), "both are settled");
    let unsaid = isp.owner.post(&path, &json!({"reason": " "})).expect_err("a reason is demanded");
    assert_eq!(unsaid.status, 422, "{unsaid}");
}
