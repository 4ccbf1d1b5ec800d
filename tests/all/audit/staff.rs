//! Valid calls about the staff: users, roles, sessions, settings, and what a second person decides.

use super::{
    calls::{call, version_of},
    passkeys, sign_in, tokens,
    walk::{
        Call,
        Leaves::{Asked, Changed, Removed},
        Walk,
    },
};
use atalaya_kernel::time::{Clock, SystemClock};
use atalaya_tests::{
    harness::{Api, bytes},
    isp::{Isp, LOGO, PASSWORD, TENANT, id_of},
};
use ring::hmac;
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
    notices(isp, walk, &user);
    links(isp, walk);
    factors(isp, walk);
    keys(isp, walk);
    tokens::all(isp, walk);
    passkeys::all(isp, walk);
    sign_in::all(isp, walk);
}

/// Somebody who is invited, and sets a password with the link.
fn links(isp: &Isp, walk: &mut Walk<'_>) {
    let new = json!({"name": "Eva Salas", "email": "eva.salas@netandina.example", "role": "cashier"});
    let user = id_of(&isp.owner.post("/users", &new).expect("somebody can be invited")).expect("an id");
    let path = format!("/users/{user}/link");
    let link = call("POST /users/{id}/link", &path, Value::Null, "user");
    let link = walk.call(Call { leaves: Asked, body: None, id: Some(&user), ..link });
    let token = json!({"token": link["token"]});
    let anybody = Api::anonymous(isp.control_plane.http());
    let look = anybody.post("/password-links/look", &token).expect("a link says whose it is");
    assert_eq!(look["email"], "eva.salas@netandina.example");
    walk.changes_nothing("POST /password-links/look");
    let used = json!({"token": link["token"], "password": PASSWORD});
    let used = call("POST /password-links/use", "/password-links/use", used, "user");
    walk.call_as(&anybody, &user, Call { leaves: Asked, id: Some(&user), ..used });
    // Where no mail leaves, nothing is done, for nobody's e-mail as for anybody's.
    let asked = json!({"tenant": TENANT, "email": "eva.salas@netandina.example"});
    anybody.post("/password-links/ask", &asked).expect("everybody may ask");
    walk.changes_nothing("POST /password-links/ask");
}

/// What somebody wants of notices.
fn notices(isp: &Isp, walk: &mut Walk<'_>, user: &str) {
    let luis = luis(isp);
    let refused = json!({"choices": [{"kind": "approval", "channel": "mail", "wanted": false}]});
    let version = Some(version_of(&luis, "/me/notices", "version"));
    let change = call("PATCH /me/notices", "/me/notices", refused, "user");
    walk.call_as(&luis, user, Call { version, leaves: Changed, id: Some(user), ..change });
    // A public address that is no one's; the point and the secret of RFC 8291.
    let browser = json!({
        "name": "Firefox · Windows", "endpoint": "https://push.example/send/b-6f1c20d9", "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    });
    let on = call("POST /me/push-subscriptions", "/me/push-subscriptions", browser, "push_subscription");
    let on = id_of(&walk.call_as(&luis, user, on)).expect("an id");
    let path = format!("/me/push-subscriptions/{on}");
    let off = call("DELETE /me/push-subscriptions/{id}", &path, Value::Null, "push_subscription");
    walk.call_as(&luis, user, Call { body: None, leaves: Removed, id: Some(&on), ..off });
}

/// The code that an app shows at an instant of the past, now or to come, of a secret in base 32.
pub(crate) fn app_code(secret: &str, steps: i64) -> String {
    let value = |letter| "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).expect("base 32");
    let bits: String = secret.chars().map(|letter| format!("{:05b}", value(letter))).collect();
    let byte = |at: usize| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).expect("bits");
    let bytes: Vec<u8> = (0..bits.len() / 8).map(byte).collect();
    let now_s = SystemClock.now().as_millis() / 1_000;
    let counter = u64::try_from(now_s / 30 + steps).expect("after 1970");
    let tag =
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes), &counter.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let word = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]);
    format!("{:06}", word % 1_000_000)
}

/// An app is enrolled, asked for, and removed; another is reset by the owner.
fn factors(isp: &Isp, walk: &mut Walk<'_>) {
    let email = "eva.salas@netandina.example";
    let eva = isp.control_plane.log_in(TENANT, email, PASSWORD).expect("the password was set");
    let session = eva.get("/session").expect("she is logged in");
    let user = session["user"]["id"].as_str().expect("with an id").to_owned();
    let about = |operation, path, body: Option<Value>| Call {
        body,
        leaves: Asked,
        id: Some(&user),
        ..call(operation, path, Value::Null, "user")
    };
    let enrolment = walk.call_as(&eva, &user, about("POST /me/app", "/me/app", None));
    let secret = enrolment["secret"].as_str().expect("a secret").to_owned();
    // A step before, now, and a step after are three codes; each is taken once.
    let code = Some(json!({"code": app_code(&secret, -1)}));
    walk.call_as(&eva, &user, about("POST /me/app/confirm", "/me/app/confirm", code));
    let again = walk.call_as(&eva, &user, about("POST /me/recovery-codes", "/me/recovery-codes", None));
    let recovery = again["codes"][0].as_str().expect("ten codes").to_owned();

    let anybody = Api::anonymous(isp.control_plane.http());
    let credentials = json!({"tenant": TENANT, "email": email, "password": PASSWORD});
    let wanted = anybody.post("/session", &credentials).expect("the password is right");
    let answer = json!({"challenge": wanted["challenge"], "code": recovery});
    let second = about("POST /session/second-factor", "/session/second-factor", Some(answer));
    walk.call_as(&anybody, &user, second);
    walk.call_as(&eva, &user, about("DELETE /me/app", "/me/app", None));
    let path = format!("/users/{user}/app");
    walk.call(about("DELETE /users/{id}/app", &path, None));
    let other = json!({"current": PASSWORD, "password": "un-caballo-correcto"});
    walk.call_as(&eva, &user, about("POST /me/password", "/me/password", Some(other)));
}

fn keys(isp: &Isp, walk: &mut Walk<'_>) {
    let new = json!({"name": "Contabilidad", "permissions": ["customer.read"]});
    let made = walk.call(call("POST /api-keys", "/api-keys", new, "api_key"));
    let key = id_of(&made).expect("an id");
    let token = made["token"].as_str().expect("a key is shown once");
    let program = Api::with_key(isp.control_plane.http(), token);
    assert!(program.get("/customers").is_ok(), "a program asks with it");
    let refused = program.post("/sites", &json!({"name": "X"})).expect_err("it may read customers");
    assert_eq!((refused.status, refused.code()), (403, "permission_missing"));
    let path = format!("/api-keys/{key}");
    let revoke = call("DELETE /api-keys/{id}", &path, Value::Null, "api_key");
    walk.call(Call { body: None, leaves: Removed, id: Some(&key), ..revoke });
    assert_eq!(program.get("/customers").expect_err("it was revoked").status, 401);
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
    let set = call("PUT /tenant/logo", "/tenant/logo", bytes(LOGO), "tenant");
    walk.call(Call { leaves: Changed, ..set });
    notice_words(walk);
    let gone = call("DELETE /tenant/logo", "/tenant/logo", Value::Null, "tenant");
    walk.call(Call { body: None, leaves: Changed, ..gone });
}

/// Words of the ISP's own for an invitation.
fn notice_words(walk: &mut Walk<'_>) {
    let path = "/notice-templates/invitation/es-419";
    let about = |operation, body| Call {
        id: Some("invitation/es-419"),
        ..call(operation, path, body, "notice_text")
    };
    let words = json!({"subject": "Bienvenido a {isp}", "text": "El enlace sirve hasta el {until}.", "version": null});
    walk.call(about("PUT /notice-templates/{template}/{language}", words));
    walk.changes_nothing("POST /notice-templates/{template}/{language}/preview");
    let gone = about("DELETE /notice-templates/{template}/{language}", Value::Null);
    walk.call(Call { body: None, leaves: Removed, ..gone });
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
