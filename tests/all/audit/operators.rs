//! Valid calls of an operator of the installation, whose rows stand in the installation's own trail.

use super::{
    calls::call,
    staff::app_code,
    walk::{
        Call,
        Leaves::{Asked, Changed, Made},
        Walk,
    },
};
use atalaya_tests::{
    harness::Api,
    isp::{Isp, PASSWORD, id_of},
};
use serde_json::{Value, json};

const EMAIL: &str = "olga@hosting.example";

pub(super) fn all(isp: &Isp, walk: &mut Walk<'_>) {
    let make = ["platform", "operator", "create", "--email", EMAIL, "--name", "Olga Norte"];
    let operator = isp.control_plane.command(&make, PASSWORD).expect("an operator can be made");
    let operator = operator.trim();
    let log_in = call(
        "POST /platform/session",
        "/platform/session",
        json!({"email": EMAIL, "password": PASSWORD}),
        "operator",
    );
    let olga = Api::operator(isp.control_plane.http(), EMAIL, PASSWORD).expect("who can log in");
    walk.call_as_operator(&olga, operator, Call { leaves: Asked, id: Some(operator), ..log_in });
    let plan = plans(walk, &olga, operator);
    tenants(walk, &olga, operator, &plan);
    visits(isp, walk, &olga, operator);
    app(walk, &olga, operator);
    let copy = Call {
        body: None,
        leaves: Asked,
        id: Some("now"),
        ..call("POST /platform/backups", "/platform/backups", Value::Null, "backup")
    };
    walk.call_as_operator(&olga, operator, copy);
    let out = Call {
        body: None,
        leaves: Asked,
        id: Some(operator),
        ..call("DELETE /platform/session", "/platform/session", Value::Null, "operator")
    };
    let other = Api::operator(isp.control_plane.http(), EMAIL, PASSWORD).expect("who can log in again");
    walk.call_reading_with(&other, &olga, operator, out);
    assert_eq!(other.get("/platform/session").expect_err("it ended").status, 401);
}

fn plans(walk: &mut Walk<'_>, olga: &Api, operator: &str) -> String {
    let limits = json!({"name": "Inicio", "customers": 500, "requests_per_minute": 6_000, "contact": "ventas@hosting.example"});
    let new = call("POST /platform/plans", "/platform/plans", limits, "tenant_plan");
    let plan = id_of(&walk.call_as_operator(olga, operator, new)).expect("an id");
    let path = format!("/platform/plans/{plan}");
    let more = json!({"name": "Inicio", "customers": 1_000, "contact": "ventas@hosting.example"});
    let change = call("PUT /platform/plans/{id}", &path, more, "tenant_plan");
    walk.call_as_operator(olga, operator, Call { version: Some(1), leaves: Changed, ..change });
    plan
}

fn tenants(walk: &mut Walk<'_>, olga: &Api, operator: &str, plan: &str) {
    let tenant = json!({
        "slug": "valle-net", "name": "Valle Net", "country": "PE", "currency": "PEN", "time_zone": "America/Lima",
        "locale": "es-419",
    });
    let new = json!({"tenant": tenant, "owner_name": "Inés Valle", "owner_email": "ines@vallenet.example"});
    let mut sent = new.clone();
    sent["send"] = json!(true);
    let refused = olga.post("/platform/tenants", &sent).expect_err("no message leaves");
    assert_eq!(refused.code(), "mail_off", "and nothing was made, or its name were taken");
    let made = call("POST /platform/tenants", "/platform/tenants", new, "tenant");
    let made = walk.call_as_operator(olga, operator, Call { id_at: "/tenant/id", ..made });
    let tenant = made["tenant"]["id"].as_str().expect("an id").to_owned();
    let at = |what: &str| format!("/platform/tenants/{tenant}/{what}");
    for (operation, path, body) in [
        ("PUT /platform/tenants/{id}/plan", at("plan"), json!({"plan_id": plan})),
        (
            "PUT /platform/tenants/{id}/state",
            at("state"),
            json!({"state": "read_only", "reason": "not paid"}),
        ),
        ("PUT /platform/tenants/{id}/domain", at("domain"), json!({"domain": "red.vallenet.example"})),
    ] {
        let given = Call { leaves: Changed, id: Some(&tenant), ..call(operation, &path, body, "tenant") };
        walk.call_as_operator(olga, operator, given);
    }
    let row = olga.get(&format!("/platform/tenants/{tenant}")).expect("it can be looked at");
    assert_eq!(row["domain"], "red.vallenet.example", "the operator sees what was given");
}

/// Two visits: one that the operator ends, and one that the ISP ends.
fn visits(isp: &Isp, walk: &mut Walk<'_>, olga: &Api, operator: &str) {
    let session = isp.owner.get("/session").expect("the owner is logged in");
    let path = format!("/platform/tenants/{}/visits", session["tenant"]["id"].as_str().expect("of a tenant"));
    let begin =
        call("POST /platform/tenants/{id}/visits", &path, json!({"reason": "ticket 4711"}), "operator_visit");
    let first = id_of(&walk.call_as_operator(olga, operator, Call { leaves: Made, ..begin })).expect("an id");
    let second = olga.post(&path, &json!({"reason": "ticket 4712"})).expect("it can enter again");
    let second = id_of(&second).expect("an id");
    let path = format!("{path}/{first}");
    let end = call("DELETE /platform/tenants/{id}/visits/{visit}", &path, Value::Null, "operator_visit");
    walk.call_as_operator(olga, operator, Call { body: None, leaves: Changed, id: Some(&first), ..end });
    let path = format!("/operator-visits/{second}");
    let end = call("DELETE /operator-visits/{id}", &path, Value::Null, "operator_visit");
    walk.call(Call { body: None, leaves: Changed, id: Some(&second), ..end });
}

fn app(walk: &mut Walk<'_>, olga: &Api, operator: &str) {
    let about = |operation, path, body: Option<Value>| Call {
        body,
        leaves: Asked,
        id: Some(operator),
        ..call(operation, path, Value::Null, "operator")
    };
    let enrolment =
        walk.call_as_operator(olga, operator, about("POST /platform/me/app", "/platform/me/app", None));
    let secret = enrolment["secret"].as_str().expect("a secret").to_owned();
    let code = Some(json!({"code": app_code(&secret, 0)}));
    walk.call_as_operator(
        olga,
        operator,
        about("POST /platform/me/app/confirm", "/platform/me/app/confirm", code),
    );
    walk.call_as_operator(olga, operator, about("DELETE /platform/me/app", "/platform/me/app", None));
}
