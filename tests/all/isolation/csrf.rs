//! A cookie alone changes nothing: browsers send it by themselves, whosever page made them. A change needs the token beside it that
//! our own pages alone can read.

use super::digests::Digests;
use crate::e2e::Database;
use atalaya_people::{identity::SESSION_COOKIE, platform::operators::OPERATOR_COOKIE};
use atalaya_tests::{
    harness::{Answer, Api, ApiError, Exchange, bytes},
    isp::{Founded, LOGO, OWNER, PASSWORD, TENANT},
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

const OPERATOR: &str = "olga@hosting.example";

/// A change: method, path, the version that it is for, and body.
type Change = (&'static str, String, Option<i64>, Value);

#[test]
fn a_cookie_alone_changes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = Founded::start(Database::Sqlite.options(folder.path())).expect("it starts");
    let make = ["platform", "operator", "create", "--email", OPERATOR, "--name", "Olga Norte"];
    isp.control_plane.command(&make, PASSWORD).expect("an operator can be made");
    let written = Arc::new(Mutex::new(Vec::new()));
    let browser = || Api::anonymous(isp.control_plane.http()).written_down(&written);
    let owner = browser().logged_in(TENANT, OWNER, PASSWORD).expect("the owner logs in");
    let entry = json!({"email": OPERATOR, "password": PASSWORD});
    let (operator, _) = browser().keeping("/platform/session", &entry).expect("the operator logs in");
    let reason = json!({"reason": "ticket 4711", "permissions": ["site.write"]});
    let visit = operator.visit(&isp.tenant_id, &reason).expect("and enters the ISP");
    cookies_stay_at_home(&written.lock());

    let digests = Digests::open(&isp.control_plane.options, &owner).without_agents();
    let version = owner.get("/tenant").expect("the settings can be read")["version"].as_i64();
    let people: [(&str, &Api, Vec<Change>); 3] = [
        ("the owner", &owner, of_the_owner(version)),
        ("the operator", &operator, of_the_operator(&isp.tenant_id)),
        ("the visit", &visit, vec![site("Cerro Alto"), log_out("/session")]),
    ];
    for (who, api, changes) in &people {
        // None, a wrong one, one of the right length, and those that are right for somebody else.
        let mut tokens = vec![String::new(), "x".to_owned(), "0".repeat(api.csrf().len())];
        tokens.extend(people.iter().map(|(_, other, _)| other.csrf().to_owned()));
        tokens.retain(|token| token != api.csrf());
        assert_eq!(tokens.len(), 5, "{who}: sessions have tokens of their own");
        for token in &tokens {
            let forged = api.forged(token);
            for (method, path, version, body) in changes {
                let body = Some(body).filter(|body| !body.is_null());
                digests.same_around(path, || {
                    refused(who, method, path, forged.call(method, path, *version, body));
                });
            }
        }
        let (method, path, version, body) = &changes[0];
        let own = api.call(method, path, *version, Some(body));
        own.unwrap_or_else(|error| panic!("{who}: {method} {path} with the token: {error}"));
    }
    // A look needs none.
    assert!(owner.forged("").get("/sites").is_ok() && operator.forged("").get("/platform/tenants").is_ok());
}

fn refused(who: &str, method: &str, path: &str, answer: Result<Answer, ApiError>) {
    let refused = answer.err().unwrap_or_else(|| panic!("{who}: {method} {path} without the token"));
    let why = (refused.status, &refused.problem["params"]["permission"]);
    assert_eq!(why, (403, &json!("csrf")), "{who}: {method} {path}: {refused}");
}

fn site(name: &str) -> Change {
    ("POST", "/sites".to_owned(), None, json!({"name": name}))
}

fn log_out(path: &str) -> Change {
    ("DELETE", path.to_owned(), None, Value::Null)
}

fn of_the_owner(version: Option<i64>) -> Vec<Change> {
    vec![
        site("Loma Verde"),
        ("PATCH", "/tenant".to_owned(), version, json!({"grace_days": 9})),
        ("PUT", "/tenant/logo".to_owned(), None, bytes(LOGO)),
        (
            "POST",
            "/me/password".to_owned(),
            None,
            json!({"current": PASSWORD, "password": "un-caballo-correcto"}),
        ),
        log_out("/me/sessions"),
        log_out("/session"),
    ]
}

fn of_the_operator(tenant: &str) -> Vec<Change> {
    let plan = json!({"name": "Inicio", "customers": 500, "contact": "ventas@hosting.example"});
    let state = json!({"state": "read_only", "reason": "not paid"});
    vec![
        ("POST", "/platform/plans".to_owned(), None, plan),
        ("PUT", format!("/platform/tenants/{tenant}/state"), None, state),
        ("POST", format!("/platform/tenants/{tenant}/visits"), None, json!({"reason": "ticket 4712"})),
        log_out("/platform/session"),
    ]
}

/// No cookie goes with what another site's page sends: the session's alone with a link that is followed, so that somebody who
/// comes from a mail is logged in.
fn cookies_stay_at_home(written: &[Exchange]) {
    let mut seen = BTreeSet::new();
    for exchange in written {
        for set in exchange.answer.split("\"set-cookie\": \"").skip(1) {
            let set = set.split('"').next().unwrap_or_default();
            let name = set.split('=').next().unwrap_or_default();
            let wanted = if name == SESSION_COOKIE { "SameSite=Lax" } else { "SameSite=Strict" };
            assert!(set.contains(wanted) && set.contains("HttpOnly"), "{}: {name}: {set}", exchange.request);
            seen.insert(name.to_owned());
        }
    }
    for name in [SESSION_COOKIE, OPERATOR_COOKIE] {
        assert!(seen.contains(name), "{name} is set: {seen:?}");
    }
}
