//! People whom a thing does not concern, and what they are told.

use crate::e2e::by_hand;
use atalaya_tests::{
    harness::{Answer, Api, ApiError},
    isp::{Isp, PASSWORD, TENANT, id_of},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Another ISP of the same installation.
const OTHER: &str = "otra-red";

/// Operations that are there for people who are not logged in: they have no foreign thing to be about.
const FOR_EVERYBODY: [&str; 17] = [
    "GET /brand/logo",
    "GET /login-options",
    "GET /session/identity-providers",
    "POST /password-links/ask",
    "POST /password-links/look",
    "POST /password-links/use",
    "POST /platform/session",
    "POST /session",
    "POST /session/identity-provider",
    "POST /session/identity-provider/return",
    "POST /session/passkey",
    "POST /session/passkey/options",
    "POST /session/second-factor",
    "POST /session/second-factor/options",
    "POST /tokens",
    "POST /tokens/refresh",
    "POST /tokens/revoke",
];

/// What everybody of an ISP sees, wherever they are: what is sold.
const OF_EVERY_SITE: [&str; 2] = ["GET /plans", "GET /plans/{id}"];

/// What everybody of an ISP does about themselves with what is the whole ISP's: an account at its identity provider.
const OWN_OF_EVERYBODY: [&str; 1] = ["POST /me/identities"];

/// What names nothing that exists and somebody of another site may do all the same, and why; it is not tried, for it would show
/// only that they may.
const RIGHTLY_AT_ANOTHER_SITE: [(&str, &str); 1] = [(
    "POST /customers",
    "who is at no site yet stands at those of whoever enters them, and is seen there alone",
)];

/// Kinds of ids that tell nothing of another site: the ISP's own, its logo's, and what it sells.
const OF_THE_ISP: [&str; 3] = ["ten_", "blb_", PLAN];
/// Beginning of the ids of what is sold: partners sell at prices of their own, and see it neither.
const PLAN: &str = "pln_";

/// What asks for no right, and so is answered to every key of the ISP: its own name, looks, settings and words; and figures and
/// things found of which each asks for its own, all left out.
const TO_EVERY_PROGRAM: [&str; 7] = [
    "GET /notice-templates",
    "GET /tenant",
    "GET /tenant/domain",
    "GET /tenant/logo",
    "GET /tenant/use",
    "GET /home",
    "GET /search",
];

/// How what names nothing is refused: without the right, over the whole ISP or at all; by a program, that is no person; and as the
/// root of a tree of which the asking person sees a branch. A passkey is refused to whoever asks by an address, whoever it is.
const WORDS_OF_REFUSAL: [(u16, &str); 4] =
    [(403, "permission_missing"), (409, "not_a_person"), (409, "passkey_host"), (422, "invalid")];

/// Somebody whom a thing does not concern.
struct Outsider {
    who: &'static str,
    api: Api,
    /// Ids that are theirs to see.
    own: BTreeSet<String>,
    /// Whether they are of the same ISP.
    of_the_isp: bool,
    /// Whether they are of it at a site, and not a partner's.
    at_a_site: bool,
}

/// The owner of another tenant, an administrator of another site, one of a partner, a program without the right, and nobody.
pub(super) struct Outsiders {
    known: [Outsider; 3],
    program: Api,
    nobody: Api,
}

impl Outsiders {
    /// Makes the other tenant and the other site, and logs all of them in.
    pub(super) fn settle(isp: &Isp) -> Self {
        let known = [stranger(isp), neighbour(isp), partner(isp)];
        Self { known, program: program(isp), nobody: Api::anonymous(isp.control_plane.http()) }
    }

    /// Tries what the owner is about to do.
    pub(super) fn try_call(
        &self,
        operation: &str,
        method: &str,
        path: &str,
        version: Option<i64>,
        body: Option<&Value>,
    ) {
        if FOR_EVERYBODY.contains(&operation) {
            return;
        }
        // Logging out is answered alike whoever asks; the others still need their sessions.
        if operation != "DELETE /session" {
            refuse_nobody(operation, self.nobody.call(method, path, version, body));
        }
        let text = body.map(Value::to_string).unwrap_or_default();
        let ids = ids_in(&format!("{path} {text}"));
        if ids.is_empty() {
            return self.try_nameless(operation, method, path, version, body);
        }
        let twin = twin_of(body.map_or("null", |_| text.as_str()), &ids);
        let twin: Option<Value> = body.map(|_| serde_json::from_str(&twin).expect("ids are plain text"));
        let is_own = OWN_OF_EVERYBODY.contains(&operation);
        let known = self.known.iter().filter(|outsider| !(is_own && outsider.of_the_isp));
        let known = known.map(|outsider| (outsider.who, &outsider.api));
        for (who, api) in known.chain([("a program", &self.program)]) {
            let real = api.call(method, path, version, body);
            let unreal = api.call(method, &twin_of(path, &ids), version, twin.as_ref());
            same_refusal(who, operation, real, unreal);
        }
    }

    /// Tries what names nothing that exists: to make something of ours, or to change what there is one of. The stranger is not
    /// among those who try what is an ISP's: it would be their own.
    fn try_nameless(
        &self,
        operation: &str,
        method: &str,
        path: &str,
        version: Option<i64>,
        body: Option<&Value>,
    ) {
        let call = |api: &Api| api.call(method, path, version, body);
        if path.starts_with("/platform/") {
            let known = self.known.iter().map(|outsider| &outsider.api);
            return known.chain([&self.program]).for_each(|api| refuse_nobody(operation, call(api)));
        }
        if operation == "DELETE /session" {
            return;
        }
        let is_rightly = RIGHTLY_AT_ANOTHER_SITE.iter().any(|(rightly, _)| *rightly == operation);
        let neighbours = self.known.iter().filter(|outsider| outsider.of_the_isp && !is_about_oneself(path));
        let neighbours = neighbours.filter(|outsider| !(is_rightly && outsider.at_a_site));
        let neighbours = neighbours.map(|outsider| (outsider.who, &outsider.api));
        for (who, api) in neighbours.chain([("a program", &self.program)]) {
            let refused = call(api).err().unwrap_or_else(|| panic!("{operation}: {who} may"));
            assert!(
                WORDS_OF_REFUSAL.contains(&(refused.status, refused.code())),
                "{operation}: {who} is told {refused}"
            );
            assert!(ids_in(&refused.problem.to_string()).is_empty(), "{operation}: {who} learns an id");
        }
    }

    /// Tries to read what an operator of the installation reads: to everybody of an ISP it is as if they were nobody.
    pub(super) fn try_operators_read(&self, operation: &str, path: &str) {
        let known = self.known.iter().map(|outsider| &outsider.api);
        for api in known.chain([&self.program, &self.nobody]) {
            refuse_nobody(operation, api.call("GET", path, None, None));
        }
    }

    /// Tries to read what the owner reads.
    pub(super) fn try_read(&self, operation: &str, path: &str, ours: &Value) {
        if FOR_EVERYBODY.contains(&operation) {
            return;
        }
        refuse_nobody(operation, self.nobody.call("GET", path, None, None));
        self.known.iter().for_each(|outsider| outsider.try_read(operation, path, ours));
        if !TO_EVERY_PROGRAM.contains(&operation) {
            let ids = ids_in(path);
            let real = self.program.call("GET", path, None, None);
            let unreal = self.program.call("GET", &twin_of(path, &ids), None, None);
            same_refusal("a program", operation, real, unreal);
        }
    }
}

impl Outsider {
    fn try_read(&self, operation: &str, path: &str, ours: &Value) {
        let ids = ids_in(path);
        let real = self.api.call("GET", path, None, None);
        if self.at_a_site && OF_EVERY_SITE.contains(&operation) {
            let answer = real.unwrap_or_else(|error| panic!("{operation}: {} reads it: {error}", self.who));
            assert_eq!(&answer.body, ours, "{operation}: {}", self.who);
            return;
        }
        let in_the_path = operation.contains('{');
        let unreal = || self.api.call("GET", &twin_of(path, &ids), None, None);
        if in_the_path {
            return same_refusal(self.who, operation, real, unreal());
        }
        // A list of their own things, or of none; a foreign id in a filter finds nothing.
        let Ok(Answer { body, .. }) = real else {
            return same_refusal(self.who, operation, real, unreal());
        };
        let theirs = ids_in(&body.to_string());
        let shared = |id: &String| {
            let is_the_isps = self.of_the_isp && OF_THE_ISP.iter().any(|prefix| id.starts_with(prefix));
            is_the_isps && (self.at_a_site || !id.starts_with(PLAN))
        };
        let foreign: Vec<String> = ids_in(&ours.to_string())
            .intersection(&theirs)
            .filter(|id| !ids.contains(*id) && !self.own.contains(*id) && !shared(id))
            .cloned()
            .collect();
        assert!(foreign.is_empty(), "{operation}: {} reads {foreign:?}", self.who);
    }
}

/// The owner of another tenant.
fn stranger(isp: &Isp) -> Outsider {
    let control_plane = &isp.control_plane;
    let tenant = ["--slug", OTHER, "--name", "Otra Red", "--country", "PE", "--currency", "PEN"];
    let zone = ["--time-zone", "America/Lima"];
    let make = [&["admin", "tenant", "create"][..], &tenant[..], &zone[..]].concat();
    control_plane.command(&make, "").expect("another tenant can be made");
    let email = "ana@otrared.example";
    let user = ["admin", "user", "create", "--tenant", OTHER, "--email", email, "--name", "Ana Otra"];
    control_plane.command(&user, PASSWORD).expect("it gets an owner");
    let api = control_plane.log_in(OTHER, email, PASSWORD).expect("who can log in");
    Outsider { who: "a stranger", api, own: BTreeSet::new(), of_the_isp: false, at_a_site: false }
}

/// A program of ours with a key whose only right no operation of the test asks for.
fn program(isp: &Isp) -> Api {
    let new = json!({"name": "Sin derechos", "permissions": ["customer.see_contact"]});
    let made = isp.owner.post("/api-keys", &new).expect("a key can be made");
    let program = Api::with_key(isp.control_plane.http(), made["token"].as_str().expect("it is shown once"));
    assert!(program.get("/tenant").is_ok(), "the key is good");
    program
}

/// Somebody of ours with every right of an administrator, at another site.
fn neighbour(isp: &Isp) -> Outsider {
    let site = isp.owner.post("/sites", &json!({"name": "Isla Lejana"})).expect("another site can be made");
    let site = id_of(&site).expect("it has an id");
    let email = "eva@netandina.example";
    let new = json!({
        "name": "Eva Lejana", "email": email, "role": "admin", "password": PASSWORD,
        "scope": {"kind": "sites", "site_ids": [site]},
    });
    let user = id_of(&isp.owner.post("/users", &new).expect("it gets somebody")).expect("with an id");
    let api = isp.control_plane.log_in(TENANT, email, PASSWORD).expect("who can log in");
    let sites = api.get("/sites").expect("who sees sites");
    let seen: Vec<_> =
        sites["items"].as_array().expect("a list").iter().map(|site| site["id"].clone()).collect();
    assert_eq!(seen, [json!(site)], "their own, and no other");
    Outsider { who: "a neighbour", api, own: BTreeSet::from([site, user]), of_the_isp: true, at_a_site: true }
}

/// Somebody of ours with every right of an administrator within what is a partner's. Nobody can be given that yet, so it is written
/// by hand; and no table says what it holds, so it is nothing.
fn partner(isp: &Isp) -> Outsider {
    let email = "paz@netandina.example";
    let new = json!({"name": "Paz Socia", "email": email, "role": "admin", "password": PASSWORD});
    let user = id_of(&isp.owner.post("/users", &new).expect("a user can be made")).expect("with an id");
    let scope = r#"{"kind":"partner","partner_id":"ptn_01jd3k5m7nf8v9q0r1s2t3w4x5"}"#;
    let statement = format!("UPDATE people_user SET scope = '{scope}' WHERE id = '{user}'");
    by_hand(&isp.control_plane.options, &statement);
    let api = Api::forwarding(isp.control_plane.http(), "198.51.100.33");
    let api = api.logged_in(TENANT, email, PASSWORD).expect("who can log in");
    for list in ["/sites", "/customers", "/devices", "/agents", "/invoices", "/payments", "/plans"] {
        let page = api.get(list).unwrap_or_else(|error| panic!("{list}: {error}"));
        assert_eq!(page["items"], json!([]), "{list}: a partner sees {page}");
    }
    Outsider { who: "a partner", api, own: BTreeSet::from([user]), of_the_isp: true, at_a_site: false }
}

/// Whether a path is about the log-in of whoever asks: what they change there is theirs.
fn is_about_oneself(path: &str) -> bool {
    ["/me/", "/session/"].iter().any(|own| path.starts_with(own)) || path == "/session"
}

fn refuse_nobody(operation: &str, answer: Result<Answer, ApiError>) {
    let error = answer.err().unwrap_or_else(|| panic!("{operation}: nobody is let in"));
    assert_eq!((error.status, error.code()), (401, "unauthenticated"), "{operation}: {error}");
    assert!(ids_in(&error.problem.to_string()).is_empty(), "{operation}: nobody learns an id: {error}");
}

/// Both are refused, with the same words.
fn same_refusal(
    who: &str,
    operation: &str,
    real: Result<Answer, ApiError>,
    unreal: Result<Answer, ApiError>,
) {
    let refusal = |what: &str, answer: Result<Answer, ApiError>| {
        let error = match answer {
            Err(error) => error,
            Ok(answer) => panic!("{operation}: the call of {who} about {what} succeeds: {}", answer.body),
        };
        let mut problem = error.problem;
        problem["request_id"] = Value::Null;
        let text = problem.to_string();
        let nameless = ids_in(&text).iter().fold(text.clone(), |text, id| text.replace(id.as_str(), "ID"));
        (error.status, nameless)
    };
    let (real, unreal) = (refusal("our thing", real), refusal("nothing", unreal));
    assert!((400..500).contains(&real.0), "{operation}: {real:?}");
    assert_eq!(real, unreal, "{operation}: {who} can tell that our thing exists");
}

/// Ids of things (`dev_01j…`) in a text.
pub(super) fn ids_in(text: &str) -> BTreeSet<String> {
    let is_id = |word: &&str| {
        let Some((prefix, rest)) = word.split_once('_') else { return false };
        prefix.len() == 3
            && prefix.bytes().all(|byte| byte.is_ascii_lowercase())
            && rest.len() == 26
            && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(is_id).map(str::to_owned).collect()
}

/// The text with each id replaced by one of the same kind that never existed.
pub(super) fn twin_of(text: &str, ids: &BTreeSet<String>) -> String {
    ids.iter().fold(text.to_owned(), |text, id| {
        // The last letters are random: reversed they are another's of the same moment.
        let (head, tail) = id.split_at(id.len() - 8);
        let other: String = tail.chars().rev().collect();
        let other = if other == tail { "00000000".to_owned() } else { other };
        text.replace(id.as_str(), &format!("{head}{other}"))
    })
}
