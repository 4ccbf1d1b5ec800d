//! Valid calls about the staff: users, roles, sessions, settings, and what a second person decides.

use super::{
    calls::{call, version_of},
    walk::{
        Call,
        Leaves::{Asked, Changed, Removed},
        Walk,
    },
};
use atalaya_tests::{
    harness::Api,
    isp::{Isp, PASSWORD, TENANT, id_of},
};
use serde_json::{Value, json};

/// Log-in and password of the second owner.
const LUIS: (&str, &str) = ("luis@netandina.example", "another-password-2026");

pub(super) fn all(isp: &Isp, walk: &mut Walk<'_>) {
    users(isp, walk);
    roles(isp, walk);
    settings(isp, walk);
}

fn users(isp: &Isp, walk: &mut Walk<'_>) {
    let new = json!({"name": "Luis Vega", "email": "luis@netandina.example", "role": "owner", "password": PASSWORD});
    let user = id_of(&walk.call(call("POST /users", "/users", new, "user"))).expect("an id");
    let path = format!("/users/{user}");
    let version = Some(version_of(&isp.owner, &path, "version"));
    let change = call("PATCH /users/{id}", &path, json!({"name": "Luis A. Vega"}), "user");
    walk.call(Call { version, leaves: Changed, ..change });
    let other = LUIS.1;
    let path = format!("{path}/password");
    let password = call("POST /users/{id}/password", &path, json!({"password": other}), "user");
    walk.call(Call { leaves: Asked, id: Some(&user), ..password });

    let address = isp.control_plane.http();
    let log_in = json!({"tenant": TENANT, "email": "luis@netandina.example", "password": other});
    let session = call("POST /session", "/session", log_in, "user");
    walk.call_as(&Api::anonymous(address), &user, Call { id: Some(&user), ..session });
    let luis =
        Api::log_in(address, TENANT, "luis@netandina.example", other).expect("the new password is right");
    let out = Call { operation: "DELETE /session", body: None, ..call("", "/session", Value::Null, "user") };
    walk.call_as(&luis, &user, Call { leaves: Asked, id: Some(&user), ..out });

    for (email, kind) in [("luis@netandina.example", "user"), ("nobody@netandina.example", "tenant")] {
        let refused = Api::log_in(address, TENANT, email, "not-the-password").err().expect("it is wrong");
        assert_eq!(refused.code(), "wrong_login");
        let rows = walk.rows(refused.problem["request_id"].as_str().unwrap_or_default());
        assert_eq!(rows.len(), 1, "a log-in that was refused leaves a row");
        assert_eq!((&rows[0]["action"], &rows[0]["entity_kind"]), (&json!("session.refuse"), &json!(kind)));
        assert!(!rows[0].to_string().contains("not-the-password"));
    }
    sessions(isp, walk, &user);
}

/// A client of the second owner.
fn luis(isp: &Isp) -> Api {
    Api::log_in(isp.control_plane.http(), TENANT, LUIS.0, LUIS.1).expect("the second owner can log in")
}

fn sessions(isp: &Isp, walk: &mut Walk<'_>, user: &str) {
    let asked = |operation, path, body: Option<Value>| Call {
        body,
        leaves: Asked,
        id: Some(user),
        ..call(operation, path, Value::Null, "user")
    };
    let first = luis(isp);
    let sessions = first.get("/me/sessions").expect("sessions can be listed");
    let items = sessions["items"].as_array().expect("a list");
    let id = items.iter().find(|item| item["current"] == true).expect("the one that asks")["id"].clone();
    let path = format!("/me/sessions/{}", id.as_str().unwrap_or_default());
    walk.call_as(&luis(isp), user, asked("DELETE /me/sessions/{id}", &path, None));
    assert_eq!(first.get("/session").expect_err("it was ended").status, 401);
    walk.call_as(&luis(isp), user, asked("DELETE /me/sessions", "/me/sessions", None));
    let again = json!({"password": LUIS.1});
    walk.call_as(&luis(isp), user, asked("POST /session/step-up", "/session/step-up", Some(again)));
}

fn roles(isp: &Isp, walk: &mut Walk<'_>) {
    let new = json!({"name": "Turno de noche", "allow": ["customer.read"], "deny": []});
    let role = id_of(&walk.call(call("POST /roles", "/roles", new, "role"))).expect("an id");
    let path = format!("/roles/{role}");
    let version = Some(version_of(&isp.owner, &path, "version"));
    let change = call("PATCH /roles/{id}", &path, json!({"allow": ["customer.read", "site.read"]}), "role");
    walk.call(Call { version, leaves: Changed, ..change });
    let gone = call("DELETE /roles/{id}", &path, Value::Null, "role");
    walk.call(Call { body: None, leaves: Removed, id: Some(&role), ..gone });
}

fn settings(isp: &Isp, walk: &mut Walk<'_>) {
    let tenant = isp.owner.get("/tenant").expect("the settings can be read");
    // The brakes let no cut pass: the cut run below is held, and released by a person.
    let change = json!({"grace_days": 3, "cut_brake_floor": 0, "cut_brake_basis_points": 0});
    let settings = call("PATCH /tenant", "/tenant", change, "tenant");
    walk.call(Call { version: tenant["version"].as_i64(), leaves: Changed, ..settings });
}

/// A run that waits for a second person: rejected once, approved the next time.
pub(super) fn second_person(isp: &Isp, walk: &mut Walk<'_>) {
    let version = version_of(&isp.owner, "/tenant", "version");
    isp.owner.patch("/tenant", version, &json!({"two_person_cuts_from": 1})).expect("it can be switched on");
    let luis = luis(isp);
    let run = luis.post("/collections/runs", &json!({})).expect("a run can be previewed");
    let services = run["totals"]["services"].as_i64().expect("a run has totals");
    assert!(services >= 1, "{run}");
    let ask = || {
        let path = format!("/collections/runs/{}/execute", run["id"].as_str().unwrap_or_default());
        let asked = luis.post(&path, &json!({"expected_services": services})).expect("it can be asked for");
        assert_eq!(asked["state"], "preview", "nothing is done: {asked}");
        asked["approval_id"].as_str().expect("it waits for somebody else").to_owned()
    };
    let (first, reason) = (ask(), json!({"reason": "they promised to pay"}));
    let own = luis.post(&format!("/approvals/{first}/approve"), &Value::Null).expect_err("one's own");
    assert_eq!(own.code(), "own_request");
    let path = format!("/approvals/{first}/reject");
    walk.call(Call { leaves: Changed, ..call("POST /approvals/{id}/reject", &path, reason, "approval") });
    let path = format!("/approvals/{}/approve", ask());
    walk.call(Call {
        leaves: Changed,
        body: None,
        ..call("POST /approvals/{id}/approve", &path, Value::Null, "approval")
    });
    let path = format!("/collections/runs/{}", run["id"].as_str().unwrap_or_default());
    let run = isp.owner.get(&path).expect("a run can be read");
    assert_ne!(run["state"], "preview", "it runs: {run}");
}
