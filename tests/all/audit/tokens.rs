//! Valid calls about tokens of programs that act for a person.

use super::{
    calls::call,
    walk::{
        Call,
        Leaves::{Asked, Removed},
        Walk,
    },
};
use atalaya_tests::{
    harness::Api,
    isp::{Isp, OWNER, PASSWORD, TENANT},
};
use serde_json::{Value, json};

fn family(pair: &Value) -> String {
    pair["family_id"].as_str().expect("a family has an id").to_owned()
}

pub(super) fn all(isp: &Isp, walk: &mut Walk<'_>) {
    let session = isp.owner.get("/session").expect("the owner is logged in");
    let owner = session["user"]["id"].as_str().expect("a user has an id");
    // From an address of their own: log-ins of one address are limited, and others of this test are many.
    let anybody = Api::forwarding(isp.control_plane.http(), "198.51.100.21");
    let wanted = json!({"tenant": TENANT, "email": OWNER, "password": PASSWORD, "name": "Contabilidad"});
    let grant =
        Call { id_at: "/family_id", ..call("POST /tokens", "/tokens", wanted.clone(), "token_family") };
    let first = walk.call_as(&anybody, owner, grant);
    let token = json!({"refresh_token": first["refresh_token"]});
    let refresh = call("POST /tokens/refresh", "/tokens/refresh", token, "token_family");
    let refresh = Call { id_at: "/family_id", leaves: Asked, ..refresh };
    let next = walk.call_as(&anybody, owner, refresh);
    assert_ne!(first["refresh_token"], next["refresh_token"]);
    let program =
        Api::with_key(isp.control_plane.http(), next["access_token"].as_str().expect("it is shown once"));
    let site = program.post("/sites", &json!({"name": "Por programa"})).expect("it may what its person may");
    let rows = walk.about(site["id"].as_str().expect("a site has an id"));
    assert_eq!(
        (&rows[0]["actor_kind"], &rows[0]["actor_id"], &rows[0]["actor_name"]),
        (&json!("token"), &json!(owner), &json!("Rosa Campos (Contabilidad)")),
        "a row names the person and the program"
    );
    let id = family(&next);
    let token = json!({"refresh_token": next["refresh_token"]});
    let revoke = call("POST /tokens/revoke", "/tokens/revoke", token, "token_family");
    walk.call_as(&anybody, owner, Call { leaves: Removed, id: Some(&id), ..revoke });
    assert_eq!(program.get("/sites").expect_err("it is over").status, 401);

    let id = family(&anybody.post("/tokens", &wanted).expect("a program can begin anew"));
    let path = format!("/me/tokens/{id}");
    let end = call("DELETE /me/tokens/{id}", &path, Value::Null, "token_family");
    walk.call(Call { body: None, leaves: Removed, id: Some(&id), ..end });

    // One that comes twice leaves a row of its own, by nobody: who of the two it was is not known.
    let pair = anybody.post("/tokens", &wanted).expect("a program can begin anew");
    let token = json!({"refresh_token": pair["refresh_token"]});
    let next = anybody.post("/tokens/refresh", &token).expect("it is good");
    anybody.post("/tokens/refresh", &json!({"refresh_token": next["refresh_token"]})).expect("it is good");
    let refused = anybody.post("/tokens/refresh", &token).expect_err("it was used");
    assert_eq!((refused.status, refused.code()), (401, "unauthenticated"));
    let rows = walk.rows(refused.problem["request_id"].as_str().unwrap_or_default());
    assert_eq!((rows.len(), &rows[0]["action"]), (1, &json!("token.reuse")));
    assert_eq!((&rows[0]["actor_kind"], &rows[0]["entity_id"]), (&json!("system"), &json!(family(&pair))));
}
